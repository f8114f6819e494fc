package pack

import (
	"cmp"
	"slices"
	"strings"

	"countersign/approval/redact"
)

// Masked is a value that is in no file of a pack: where it stands, and by which rule. The value itself is never told.
type Masked struct {
	Request, What string
	Position      int64 // of the entry that names it first
	Known         bool  // the entry is
	Linked        bool  // it belongs to a request
	Why           string
}

// unlooked is why a file that is no text and no picture is left out.
const unlooked = "left out: it is neither text nor a picture, so no rule can look for secrets in it"

// masking says why a value is not shown.
// Rules of ours are named, since they say nothing about the value but its kind.
func masking(value []byte, hides *redact.Rules) string {
	if !redact.Readable(value) {
		return unlooked
	}
	var rules []string
	for _, f := range hides.Find(string(value)) {
		// What administrators added may itself be a secret's beginning, so it is not named.
		name := f.Rule
		if f.Kind == redact.Added {
			name = "a rule that administrators have added"
		}
		if !slices.Contains(rules, name) {
			rules = append(rules, name)
		}
	}
	return "masked by the rule for: " + strings.Join(rules, ", ")
}

// place is where an event names a value.
type place struct {
	position int64
	what     string
}

// whats are what people call the words of an event; a key that this program does not know stands as it is, so an event
// of a later version still says where a value is missing.
var whats = map[string]string{"question": "the question", "code": "the program", "manifest": "the text of the seal", "summary": "the summary of the program", "findings_list": "what the inspection found", "reason": "a reason",
	"result": "the result", "error": "the error", "said": "what the next question's model reads of the result", "name": "the name of a file", "content": "the content of a file", "files": "the name of a file", "answer": "an answer to a question back",
	"opened": "what the witness saw opened", "connected": "what the witness saw connected", "started": "what the witness saw started", "named": "the name of a file that it tried to open", "column": "the name of a column", "next": "what the model proposes to ask next"}

// places are where the events of a case name its values first, by their hashes.
// What is named twice counts where it stands first: that is where a reader comes upon the gap.
func (c *Case) places(words teller) map[string]place {
	found := map[string]place{}
	for _, entry := range c.Entries {
		e, err := read(entry.Event)
		if err != nil {
			continue // it is said where the case is told
		}
		var look func(what string, v any)
		look = func(what string, v any) {
			switch v := v.(type) {
			case map[string]any:
				if hash, is := v[salted].(string); is && len(v) == 1 {
					if _, before := found[hash]; !before {
						found[hash] = place{entry.Position, what}
					}
					return
				}
				for key, below := range v {
					one := key
					if said := whats[key]; said != "" {
						one = said
					}
					// Of a file the name says more than "content".
					if name := words.word(v["name"]); key == "content" && name != "" {
						one = "the file " + name
					}
					look(one, below)
				}
			case []any:
				for _, below := range v {
					look(what, below)
				}
			}
		}
		look("", e.Data)
	}
	return found
}

// hid remembers what of a case is not shown: where it stands and why, in the order of the log. A map gives none, and two
// packs of the same must be the same.
func (p *page) hid(c *Case, s *Story, hidden map[string]string, readings []string) {
	if len(hidden)+len(readings) == 0 {
		return
	}
	words := teller{}
	for _, v := range c.Values {
		words[v.Hash] = v.Bytes
	}
	places := c.places(words)
	whose := s.ID
	if whose == "" {
		whose = c.Stream
	}
	first := len(p.masked)
	for hash, why := range hidden {
		p.masked = append(p.masked, Masked{whose, places[hash].what, places[hash].position, places[hash].what != "", s.ID != "", why})
	}
	slices.SortFunc(p.masked[first:], func(a, b Masked) int { return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.What, b.What)) })
	for _, why := range readings {
		p.masked = append(p.masked, Masked{Request: whose, What: "how a file was read", Linked: s.ID != "", Why: why})
	}
}
