package approval

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/budget"
)

// Outcome is how a run ended.
type Outcome string

// The outcomes.
const (
	OK       Outcome = "ok"
	Raised   Outcome = "raised"    // the code ended with an exception
	TimedOut Outcome = "timed out" // stopped at the time limit
	OutOfRAM Outcome = "out of memory"
	Broken   Outcome = "broken" // it ended without a proper end: killed, or tampered with
	// Cancelled is no word of a box: whoever asked had the run ended.
	Cancelled Outcome = "cancelled"
)

// Result is what came out of a box, of which the host believes nothing: all of
// it is capped and checked for form, and none of it is ever run or parsed as code.
type Result struct {
	Outcome   Outcome       `json:"outcome"`
	Error     string        `json:"error,omitempty"`     // "KeyError: 'price'"
	Traceback string        `json:"traceback,omitempty"` // frames of the reviewed code only
	Stdout    string        `json:"stdout,omitempty"`
	Stderr    string        `json:"stderr,omitempty"`
	Answer    string        `json:"answer,omitempty"`   // the sentence that the program computed
	Said      []string      `json:"said,omitempty"`     // what the program says that it assumed
	LeftOut   []Rows        `json:"left_out,omitempty"` // what the program says that it did not use
	Value     string        `json:"value,omitempty"`    // the last expression, when it is no table
	Tables    []Grid        `json:"tables,omitempty"`
	Notes     []string      `json:"notes,omitempty"` // what was cut, dropped or refused, in words
	Observed  Observed      `json:"observed"`
	Box       time.Duration `json:"box"`  // how long the box was allocated: what is billed
	Code      time.Duration `json:"code"` // how long the code itself ran
	Artifacts []Artifact    `json:"-"`

	Compared *Compared `json:"compared,omitempty"` // with the run that this one repeats: no word of the box
}

// Compared is what a repeated run says of the first one: the same came out, or what differs.
type Compared struct {
	With    string       `json:"with"` // the request that was repeated
	Differs []Difference `json:"differs,omitempty"`
	More    int          `json:"more,omitempty"` // differences beside these
	Gone    bool         `json:"gone,omitempty"` // the first result, or a file of it, has been forgotten or taken back meanwhile, so nobody knows
}

// Difference is a part of an answer that came out otherwise.
type Difference struct {
	What   DifferenceCode `json:"what"`
	Name   string         `json:"name,omitempty"`   // of a table or a file
	Row    int            `json:"row,omitempty"`    // of a table, the first is 1
	Column string         `json:"column,omitempty"` // of a table
	Before string         `json:"before,omitempty"`
	Now    string         `json:"now,omitempty"`
}

// DifferenceCode says which part it is.
type DifferenceCode string

// The parts, as they are looked at. Of a figure Before and Now are numbers that stand at the same
// place of an answer; of rows they are how many there are; of a file they are hashes, and an
// empty one is a file that is not there.
const (
	DifferentEnd     DifferenceCode = "end"     // Before and Now: outcome and error
	DifferentFigure  DifferenceCode = "figure"  // of the answer
	DifferentAnswer  DifferenceCode = "answer"  // its words
	DifferentNotes   DifferenceCode = "notes"   // what the program says that it assumed or left out
	DifferentValue   DifferenceCode = "value"   // of the last expression
	DifferentTables  DifferenceCode = "tables"  // how many
	DifferentColumns DifferenceCode = "columns" // of table Name
	DifferentRows    DifferenceCode = "rows"    // of table Name, how many
	DifferentCell    DifferenceCode = "cell"    // of table Name, in Row and Column
	DifferentPrint   DifferenceCode = "print"   // what it printed
	DifferentFile    DifferenceCode = "file"    // Name
)

// Verdict is the comparison in a word, for the audit trail.
func (c *Compared) Verdict() string {
	switch {
	case c.Gone:
		return "unknown"
	case len(c.Differs) == 0:
		return "same"
	}
	return "other"
}

// Rows are rows that a program did not use.
type Rows struct {
	Count int    `json:"rows"`
	Why   string `json:"why"`
}

// Grid is the visible part of a table that came out.
type Grid struct {
	Title     string     `json:"title,omitempty"`
	Columns   []string   `json:"columns"`
	Numbers   []bool     `json:"numbers,omitempty"` // which columns are numbers by their type; none: nobody knows
	Rows      [][]string `json:"rows"`
	TotalRows int        `json:"total_rows"`
}

// Artifact is a file that came out.
type Artifact struct {
	Name string
	Kind string // chart, table, file
	Alt  string // for those who cannot see it
	Data []byte
}

// Picture tells of a file that people look at where they read the answer.
func (a Artifact) Picture() bool {
	return a.Kind == "chart" || slices.Contains([]string{".png", ".jpg", ".jpeg", ".gif", ".webp"}, strings.ToLower(path.Ext(a.Name)))
}

// Observed is what was seen of a run: by a witness, and by the hook in the program's own process.
type Observed struct {
	Witness   *Witness `json:"witness,omitempty"` // nil: nobody outside of the program watched. The rest is a hint: the program can silence and forge it
	Opened    []string `json:"opened,omitempty"`
	Imported  []string `json:"imported,omitempty"`
	Connected []string `json:"connected,omitempty"`
	Spawned   []string `json:"spawned,omitempty"`
	More      []string `json:"more,omitempty"` // of which of these there was more than is kept; "elsewhere" is what was opened outside of the working folder
}

// Text is a result as the model gets to see it in a follow-up: how it ended and
// what shape it has, and of what the data said only so many rows as an
// administrator lets a model see. With none, nothing that was computed from the
// data is told: not the rows, not the value, not what was printed, and no name that
// the code gave to a table or a file. Where the code stopped with an error, it is told
// in which of its lines: that is code, which the model has written, and no data.
// It is bounded to 4,000 characters in all, because it stands in the prompt of each later question of the thread.
func (r Result) Text(code string, rows int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "outcome: %s\n", r.Outcome)
	// "KeyError: 'price'": what stands behind the colon may be a value of the data.
	if name, _, _ := strings.Cut(r.Error, ":"); name != "" {
		if rows > 0 {
			name = r.Error
		} else {
			name = r.Kind()
		}
		fmt.Fprintf(&b, "error: %s\n", Cut(name, 500))
		if n, line := r.StoppedAt(code); n > 0 {
			fmt.Fprintf(&b, "in line %d: %s\n", n, Cut(line, 300))
		}
	}
	if rows > 0 && r.Answer != "" {
		fmt.Fprintf(&b, "answer: %s\n", Cut(r.Answer, 1000))
	}
	for _, t := range r.Tables {
		if rows == 0 { // its title and its columns may be values of the data
			fmt.Fprintf(&b, "table (%d rows, %d columns)\n", t.TotalRows, len(t.Columns))
			continue
		}
		fmt.Fprintf(&b, "table %s (%d rows, %d columns)\n", t.Title, t.TotalRows, len(t.Columns))
		fmt.Fprintln(&b, Cut(strings.Join(t.Columns, " | "), 300))
		for _, row := range t.Rows[:min(rows, len(t.Rows))] {
			fmt.Fprintln(&b, Cut(strings.Join(row, " | "), 300))
		}
	}
	if rows > 0 && r.Value != "" {
		fmt.Fprintf(&b, "value: %s\n", Cut(r.Value, 1000))
	}
	if rows > 0 && r.Stdout != "" {
		fmt.Fprintf(&b, "printed:\n%s\n", Cut(r.Stdout, 1000))
	}
	if rows == 0 {
		r.countArtifacts(&b)
		return Cut(b.String(), 4000)
	}
	for _, a := range r.Artifacts {
		fmt.Fprintf(&b, "%s: %s\n", a.Kind, a.Name)
	}
	return Cut(b.String(), 4000)
}

// Summary is what a model has made of the earliest questions of a thread, for which a prompt had
// no room any more. One without a text tells that the model was asked and has made nothing of
// them, so that nobody pays for the same again.
type Summary struct {
	ID       string
	Of       []string // the requests, oldest first
	From     string   // the sha256 of what was said about them, as the model saw it
	Saw      Sight    // whether that were results, or their shape alone
	Text     string
	Why      string // there is no text
	Model    string
	Provider string
	Host     string // where the prompt went
	At       time.Time
}

// MostSummary is the longest summary, in bytes.
const MostSummary = 3000

// Summarise says that a model is about to be called for a summary, which costs most. It has
// a hold of its own, because the question goes on without one. One that nobody has settled
// belongs to a replica that died: it is uncertain, and no second call is made beside it.
func Summarise(of *Request, model string, most budget.USD, to Addressee, now time.Time) (begun bool, err error) {
	r := of.Money()
	if !r.Can("Call") || r.Blocked != nil || r.Seek != nil || r.Edit != nil || r.Written != nil {
		return false, r.Illegal("sum up the thread of")
	}
	// begun is false and err nil: the question is written without a summary.
	if i := slices.IndexFunc(r.Holds, func(h budget.OpenHold) bool { return h.Purpose == budget.ForSummary }); i >= 0 {
		if h := &r.Holds[i]; !h.Uncertain() {
			r.doubt(h, h.Risked, now, now)
		}
		return false, nil
	}
	r.hold(budget.ForSummary, most, now, DraftHoldLife)
	h := &r.Holds[len(r.Holds)-1]
	r.markCalled(h)
	r.risk(h, most, h.UncertainAt)
	r.note(now, System, EventCalled, map[string]any{"attempt": 1, "model": model, "hold": h.ID, "provider": to.Provider, "host": to.Host, "for": budget.ForSummary})
	return true, nil
}

// Summarised notes what came of the call for a summary. The event is where it is kept.
func Summarised(r *Request, s Summary, now time.Time) {
	data := map[string]any{"of": s.Of, "from": s.From, "saw": string(s.Saw), "provider": s.Provider, "host": s.Host}
	// Kept too: without it the same questions would be summed up, and paid, at each further question.
	if s.Text == "" {
		data["why"] = Said(s.Why)
		r.note(now, System, EventNotSummarised, data)
		return
	}
	data["summary"], data["text"] = s.ID, Said(s.Text)
	r.note(now, s.Model, EventSummarised, data)
}

// SummaryOf reads it back. Words that were forgotten leave one without a text.
func SummaryOf(e Event) (s Summary, ok bool) {
	if e.Kind != EventSummarised && e.Kind != EventNotSummarised {
		return s, false
	}
	// As it was noted a moment ago (Said), or as storage gives it back (a string). Words that are gone stay a hash, which
	// is no text.
	text := func(key string) string {
		switch v := e.Data[key].(type) {
		case string:
			return v
		case Said:
			return string(v)
		}
		return ""
	}
	s = Summary{ID: text("summary"), From: text("from"), Saw: Sight(text("saw")), Text: text("text"), Why: text("why"), Provider: text("provider"), Host: text("host"), At: e.At}
	if e.Kind == EventSummarised {
		s.Model = e.Actor
	}
	switch of := e.Data["of"].(type) {
	case []string:
		s.Of = slices.Clone(of)
	case []any:
		for _, id := range of {
			s.Of = append(s.Of, fmt.Sprint(id))
		}
	}
	return s, true
}

// kindOfError is the name of an exception's class.
var kindOfError = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]{0,79}$`)

// frameOf is a frame of the reviewed code in a traceback.
var frameOf = regexp.MustCompile(`(?m)^ *File "analysis\.py", line ([0-9]{1,6})`)

// Kind is what sort of error ended the code: no word of it is the data's.
func (r Result) Kind() string {
	name, _, _ := strings.Cut(r.Error, ":")
	if !kindOfError.MatchString(name) { // the code may have named it by what the data said
		return "an error"
	}
	return name
}

// StoppedAt is the line of the code at which it stopped, by the traceback's innermost frame;
// 0 where that is not known. The box may say any number, so it only chooses among the lines.
func (r Result) StoppedAt(code string) (n int, line string) {
	frames := frameOf.FindAllStringSubmatch(r.Traceback, -1)
	if len(frames) == 0 {
		return 0, ""
	}
	// The expression has matched digits, at most six, so there is no error.
	n, _ = strconv.Atoi(frames[len(frames)-1][1])
	lines := strings.Split(code, "\n")
	if n < 1 || n > len(lines) {
		return 0, ""
	}
	return n, strings.TrimSpace(lines[n-1])
}

// countArtifacts says how many files of which kind came out.
func (r Result) countArtifacts(b *strings.Builder) {
	n := map[string]int{}
	for _, a := range r.Artifacts {
		n[a.Kind]++
	}
	for _, kind := range slices.Sorted(maps.Keys(n)) {
		fmt.Fprintf(b, "%s: %d\n", kind, n[kind])
	}
}

// Cut shortens a text to so many characters, and says so.
func Cut(text string, max int) string {
	runes := []rune(text)
	if len(runes) <= max {
		return text
	}
	return string(runes[:max]) + fmt.Sprintf("… (%d characters more)", len(runes)-max)
}
