package reading

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A name is the one thing of a file that a model and the reviewers read as it stands. What
// somebody may have written there for them is told apart from names of columns.

// Strange is a name that is more than a name.
type Strange struct {
	Code string // sentence, address, words, or twin
	Of   string // column, sheet or file
	Name string
}

var (
	address = regexp.MustCompile(`(?i)https?://|www\.\S|[^\s@]+@[^\s@]+\.\w|\b\d{1,3}(\.\d{1,3}){3}\b|[^\s/]+\.(com|org|net|io|de|ru|cn|dev|app)/`)
	lexeme  = regexp.MustCompile(`[\pL\pN'’]+`)
	// What begins an order to a model or a person, or speaks of either; in a name of three words or more.
	orders = regexp.MustCompile(`(?i)\b(ignore|disregard|forget|override|bypass) (all|any|the|this|these|that|your|my|every|previous|prior|earlier|above)\b|^\W*(system|assistant|user|human|model|reviewer|note|attention|important|instructions?)\s*[:>\]]|` +
		`\b(reviewers?|approvers?|model|assistant|ai|llm|claude|gpt|mistral|you)\b.{0,30}\b(must|should|shall|may|can|please|need not|do not|don't|approve|approved|trust|reject|skip|ignore|run|execute)\b|` +
		`\b(please|must|should|just|simply|do not|don't|always|never)\b.{0,30}\b(approve|reject|run|execute|review|report|print|send|import|use|read|open|write|trust|mention|tell|check|answer)\b|` +
		`\b(pre-?approved|already (approved|reviewed|checked|audited)|approved by|safe to (run|approve)|no review|(new|your|following|previous) instructions|system prompt|jailbreak|act as|pretend)\b`)
)

// mostWords is how many words a name of a column has at most; a survey's questions have more.
const mostWords = 7

// strange tells what a name holds beside a name.
func strange(name string) string {
	words := lexeme.FindAllString(strings.ReplaceAll(name, "_", " "), -1)
	spoken := strings.ReplaceAll(name, "_", " ")
	letters := strings.TrimRight(name, " ")
	// The order matters: an address is told as one even in a long sentence, and orders even in a short one.
	switch {
	case address.MatchString(name):
		return "address"
	case len(words) >= 3 && orders.MatchString(spoken):
		return "words"
	case len(words) > mostWords, len(words) >= 4 && strings.ContainsAny(letters[max(0, len(letters)-1):], ".!?"):
		return "sentence"
	}
	return ""
}

// Strange are the names of a reading that are more than names, each once.
func (r *Reading) Strange() (found []Strange) {
	see := func(of, name string) {
		if code := strange(name); code != "" && !slices.Contains(found, Strange{code, of, name}) {
			found = append(found, Strange{code, of, name})
		}
	}
	// In the order in which people see them: file, sheets, columns.
	see("file", r.Inside)
	for _, t := range r.Tables {
		see("sheet", t.Name)
		var columns []string
		for _, c := range t.Columns {
			see("column", c.Name)
			columns = append(columns, c.Name)
		}
		for _, n := range Alike(columns) {
			found = append(found, Strange{"twin", "column", n})
		}
	}
	return found
}

// Words say it, of a file.
func (s Strange) Words(file string) string {
	what := map[string]string{"sentence": "is a sentence", "address": "holds an address", "words": "speaks to a model or a reviewer", "twin": "looks like that of another one, and is not"}[s.Code]
	where := map[string]string{"column": "a column of ", "sheet": "a sheet of ", "file": "the file in "}[s.Of]
	shown := quoted(clipped(name(s.Name)))
	if s.Code == "twin" { // as what it is made of, or it would look the same here
		shown = clipped(strconv.QuoteToASCII(name(s.Name)))
	}
	return "The name of " + where + file + " " + what + ": " + shown + "."
}
