package approval

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"countersign/approval/reading"
	"countersign/approval/redact"
)

// The kinds of findings. Whatever is computed from findings (the tier of a
// request, what a run did beyond what was said) goes by these and by About, never
// by the sentences, which are for people.
const (
	KindImport      = "import"         // About: the module, or several
	KindMissing     = "missing module" // imported, not installed, and done without
	KindRead        = "read"           // About: the file; empty when its name is computed
	KindWrite       = "write"          // the same
	KindDelete      = "delete"
	KindList        = "list"    // names of files
	KindNetwork     = "network" // About: the host, or the function that connects
	KindProcess     = "process"
	KindMachineCode = "machine code"
	KindDynamic     = "dynamic code" // text that is run
	KindReflection  = "reflection"   // reaches Python's own machinery, or what cannot be followed
	KindPickle      = "pickle"
	KindThread      = "thread"
	KindSignal      = "signal"
	KindExit        = "exit"        // runs after the end, or ends without one
	KindEnvironment = "environment" // variables
	KindSystem      = "system"
	KindChange      = "change" // puts something else in the place of a library's function
	KindMisleading  = "misleading"
	KindPacked      = "packed" // text that cannot be read
	KindLoop        = "loop"
	KindMemory      = "memory"
	KindWait        = "wait"
	KindLongLine    = "long line"
	KindUnusedFile  = "unused file"
	KindColumn      = "column"
	KindNotListed   = "not listed" // About: the name, which is not on the list of harmless ones
	KindOutput      = "output"     // what its files could do to people
	KindWritten     = "written"    // About: a number that people read and nobody has computed; 1.07|7 where people may say it as a per cent
	KindLeftOut     = "left out"   // rows that the program drops without counting them
	KindToday       = "today"      // what day the program takes for today. About: the function that it asks
	KindName        = "name"       // of a column, sheet or file, that is more than a name
	KindPersonal    = "personal"   // About: what sort of value stands in the code
	KindMore        = "more"       // how many are not listed
)

// FindingKinds lists all of them.
func FindingKinds() []string {
	return []string{KindImport, KindMissing, KindRead, KindWrite, KindDelete, KindList, KindNetwork, KindProcess, KindMachineCode,
		KindDynamic, KindReflection, KindPickle, KindThread, KindSignal, KindExit, KindEnvironment, KindSystem, KindChange,
		KindMisleading, KindPacked, KindLoop, KindMemory, KindWait, KindLongLine, KindUnusedFile, KindColumn, KindNotListed, KindOutput, KindWritten, KindLeftOut, KindToday, KindName, KindPersonal, KindMore}
}

// Level grades a finding.
type Level string

// The levels of a finding.
const (
	// A caution makes at least a medium risk and a danger a high one. The schema computes the same from the
	// findings that are stored (revisions_sealed), so no seal names a lower tier than they give.
	Note    Level = "note"
	Caution Level = "caution"
	Danger  Level = "danger"
)

// Finding is one thing that the inspection of the code saw.
type Finding struct {
	Level Level  `json:"level"`
	Line  int    `json:"line,omitempty"`
	Text  string `json:"text"`
	Kind  string `json:"kind,omitempty"`  // one of FindingKinds; empty in findings of old
	About string `json:"about,omitempty"` // what it names: a file, a host, a module; ordinary imports in one, separated by ", "
}

// mostNames is how many names are told one by one.
const mostNames = 5

// OfNames are the findings about names in the files: words that somebody has written where a
// model and the reviewers read names.
func OfNames(files []File) (found []Finding) {
	// A file has up to 50 tables of 1,000 columns each, all named by whoever made it: a list of them all would
	// push the rest of the card out of sight.
	more := 0
	for _, n := range reading.Alike(FileNames(files)) {
		found = append(found, Finding{Level: Caution, Kind: KindName, Text: fmt.Sprintf("The name of a file looks like that of another one, and is not: %s.", strconv.QuoteToASCII(Plain(n))), About: n})
	}
	for _, f := range files {
		var strange []reading.Strange
		if f.Reading != nil {
			strange = f.Reading.Strange()
		}
		for _, s := range strange {
			if len(found) >= mostNames {
				more++
				continue
			}
			found = append(found, Finding{Level: Caution, Kind: KindName, Text: Plain(s.Words(f.Name)), About: f.Name})
		}
	}
	if more > 0 {
		found = append(found, Finding{Level: Caution, Kind: KindName, Text: fmt.Sprintf("%d more names are more than names.", more)})
	}
	return found
}

// Personal are the findings about values in the code that say something of a person: whoever approves
// it should know that the record keeps them.
func Personal(code string, rules *redact.Rules) (found []Finding) {
	for _, v := range rules.InCode(code) {
		if len(found) == mostNames || !v.Kind.Personal() {
			continue
		}
		found = append(found, Finding{Level: Note, Line: v.Line, Kind: KindPersonal, About: string(v.Kind), Text: fmt.Sprintf("Holds personal data (%s), which the record keeps with the code.", v.Rule)})
	}
	return found
}

// Leaked says to a model where its program holds a secret; empty: nowhere.
func Leaked(code string, rules *redact.Rules) string {
	for _, v := range rules.InCode(code) {
		if !v.Kind.Personal() {
			return fmt.Sprintf("Line %d holds what looks like a secret (%s). A program is read by people and kept on record, so no secret stands in it. Write it without.", v.Line, v.Rule)
		}
	}
	return ""
}

// NamedAnew are the findings of the same code with other files: those about names are of the
// names that are there now.
func NamedAnew(findings []Finding, files []File) []Finding {
	ofCode := slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.Kind == KindName })
	return append(ofCode, OfNames(files)...)
}

var (
	number = regexp.MustCompile(`\d+(?:[.,'’]\d+)*`)
	word   = regexp.MustCompile(`\pL+`)
)

// spoken are the numbers that people write as words.
var spoken = map[string]string{"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
	"nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "fifteen": "15", "twenty": "20", "thirty": "30", "fifty": "50", "hundred": "100"}

// NotAsked are the findings without the numbers that stand in what people have asked for:
// those were written by people, and the program may repeat them.
func NotAsked(findings []Finding, asked ...string) []Finding {
	known := map[string]bool{}
	for _, text := range asked {
		for _, n := range number.FindAllString(text, -1) {
			known[digits(n)] = true
			// The whole and its parts are both known: in "2023,2024" the comma separates, in "1,200" it does not, and
			// the text does not say which is meant.
			for _, part := range strings.FieldsFunc(n, func(r rune) bool { return strings.ContainsRune(".,'’", r) }) {
				known[digits(part)] = true // "in 2023,2024", "on 24.12.2024"
			}
		}
		for _, w := range word.FindAllString(strings.ToLower(text), -1) {
			if n, ok := spoken[w]; ok {
				known[n] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool {
		// A finding has several spellings where a number may be said in several ways: 1.07 is asked for as 7 per cent.
		return f.Kind == KindWritten && slices.ContainsFunc(strings.Split(f.About, "|"), func(n string) bool { return known[n] })
	})
}

// digits is a number as the inspection spells it: 1,234.50 is 1234.5.
func digits(n string) string {
	whole, part, _ := strings.Cut(strings.NewReplacer(",", "", "'", "", "’", "").Replace(n), ".")
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if part = strings.TrimRight(part, "0"); part != "" {
		return whole + "." + part
	}
	return whole
}
