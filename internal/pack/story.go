package pack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Story is a request as people read it, told from its events alone: what the page says
// is what the log has. Tables of the database are not asked. They may say the same, but only events
// are in the tree that the verifier computes; receipts are held against their events there.
type Story struct {
	ID, Asker, Channel string
	Question           string
	Files              []string
	At                 time.Time
	Before             bool   // it was asked before the pack begins
	Private            bool   // the answer is its asker's alone
	Chosen, ChosenBy   string // the model that somebody has chosen in its thread, and who
	Refused            []Refused
	Versions           []*Version
	Decisions          []Decided
	Outcome, Error     string
	Answer             string
	Run                *Run
	Receipts           []Receipt
	Glass              string // who broke the glass for the last version: nobody had approved it
	Looks              int    // of administrators, afterwards
	Total              int64
	Steps              []Step
	Restored           []Restored // copies of the database that were put back
	Attached           []Attached // files that came with the answer

	at     int64                // the place of the entry that is told
	bills  map[string]event     // what was settled, by its hold
	opened map[string]time.Time // when somebody first opened the code, by who and the version
}

// Version is code with all that an approval of it seals.
type Version struct {
	Number, Author, Digest, Summary, Code string
	At                                    time.Time
	Again                                 bool // the seal was renewed
	Seal                                  []Fact
	Inputs                                []Input
	Findings                              []string
	Tier, Approvals, Rules                string
	Brought                               []string // versions of stricter rules that files brought along
}

// Fact is a line of a table.
type Fact struct{ Name, Value string }

// Refused is a draft that the inspection sent back to the model: no reviewer was asked about it.
type Refused struct {
	At        time.Time
	Why, Code string
}

// Run is what was seen of the code when it ran.
type Run struct {
	Box, Seconds   string
	Start, End     time.Time
	Witness        []Fact
	Watched        string
	Unseen         bool // nobody watched it
	Mismatch       []string
	Version, Asked string
}

// Step is an entry of the log as a line.
type Step struct {
	Position    int64
	At          time.Time
	Actor, What string
}

// gone stands where a value is known by its hash only.
func gone(hash string) string { return "[not in this pack; its hash is " + short(hash) + "…]" }

// teller puts words in the place of hashes. A value that is not in the pack stays a hash, and is said
// to be one: it was forgotten, held back or too long, and the page does not guess which.
// Readings stand in it as well, by their plain sha256.
type teller map[string][]byte

// word is a value as people read it: words where they are here, and else what stands in the event.
func (t teller) word(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case map[string]any:
		hash, is := v[salted].(string)
		if text, there := t[hash]; is && there {
			return string(text)
		} else if is {
			return gone(hash)
		}
	case nil:
		return ""
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// why is a reason: a code with its facts. Only the program that wrote it has a sentence for each, but a code
// is made of words.
func (t teller) why(v any) string {
	facts, is := v.(map[string]any)
	if !is || facts["code"] == nil {
		return t.word(v)
	}
	why := t.word(facts["code"])
	for _, key := range []string{"name", "said"} {
		if facts[key] != nil {
			why += ": " + t.word(facts[key])
		}
	}
	return why
}

// list are the words of each.
func (t teller) list(v any) (words []string) {
	list, _ := v.([]any)
	for _, one := range list {
		words = append(words, t.word(one))
	}
	return words
}

// document is a value that is JSON.
// It is false where the value is not here: an empty text is no JSON.
func (t teller) document(v any, into any) bool {
	named, _ := v.(map[string]any)
	hash, _ := named[salted].(string)
	return json.Unmarshal(t[hash], into) == nil
}

// Tell reads a case from its first event to its last.
func Tell(c *Case) (*Story, error) {
	s, words := &Story{bills: map[string]event{}}, teller{}
	for _, v := range c.Values {
		words[v.Hash] = v.Bytes
	}
	for _, r := range c.Readings {
		words[r.SHA256] = r.Text
	}
	for _, entry := range c.Entries {
		e, err := read(entry.Event)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", entry.Position, err)
		}
		s.ID, s.at = e.request(), entry.Position
		s.Steps = append(s.Steps, Step{entry.Position, e.At, e.Actor, said(e)})
		// A stream that does not begin with its first event was asked before the pack: whatever came then is not told as missing.
		if len(s.Steps) == 1 {
			s.At, s.Before = e.At, e.Seq > 1
		}
		if e.Kind == kindRestored {
			s.Restored = append(s.Restored, newRestored(entry.Position, e))
		}
		s.take(e, words)
	}
	s.Receipts = slices.Clone(c.Receipts)
	for i, r := range s.Receipts {
		bill := s.bills[r.Hold]
		s.Receipts[i].UsageOf = bill.fact("usage_of")
		s.Receipts[i].Over, _ = strconv.ParseInt(bill.fact("over"), 10, 64) // nothing, where it has none
		s.Total += r.Amount
	}
	return s, nil
}

// StepOf is an entry of the log as a line.
func StepOf(entry Entry) (Step, error) {
	e, err := read(entry.Event)
	return Step{entry.Position, e.At, e.Actor, said(e)}, err
}

// names tells of the stream in which it stands what people are called.
func (s *Story) names() bool { return len(s.Steps) > 0 && s.Steps[0].What == kindKnownAs }

// Conceal takes out what the data said: the answer, its files, and the words of an error. The question and the code stay: they are
// what an auditor judges.
func (s *Story) Conceal() { s.Answer, s.Error, s.Attached = "", "", nil }

// ends are the kinds of event that say how a request stands, in words. The last one of a request wins,
// so those after which something comes (drafted, approved, started) are here too: a pack may end there.
var ends = map[string]string{kindRejected: "Rejected", kindExpired: "Nobody decided in time", kindWithdrawn: "Withdrawn", kindFailed: "Failed",
	kindLost: "Started, outcome unknown", kindVoided: "Did not run", kindStarted: "Running", kindApproved: "Approved", kindBrokeGlass: "To run, and nobody approved it", kindDrafted: "Waiting for reviewers"}

// take adds what an event says. The last word on anything wins, as in the log.
func (s *Story) take(e event, words teller) {
	if end := ends[e.Kind]; end != "" {
		s.Outcome = end
	}
	switch e.Kind {
	case kindAsked:
		s.Asker, s.Channel, s.Question, s.Files = e.Actor, e.fact("channel"), words.word(e.Data["question"]), words.list(e.Data["files"])
		// What is asked in a direct message is answered there.
		s.Private = e.fact("private") == "true" || strings.HasPrefix(s.Channel, "D")
		s.Chosen, s.ChosenBy = e.fact("chosen"), e.fact("chosen_by")
	case kindRefusedDraft:
		s.Refused = append(s.Refused, Refused{At: e.At, Why: words.why(e.Data["reason"]), Code: words.word(e.Data["code"])})
	case kindOpened:
		key := e.Actor + " " + e.fact("revision")
		if s.opened == nil {
			s.opened = map[string]time.Time{}
		}
		if s.opened[key].IsZero() {
			s.opened[key] = e.At
		}
	case kindDrafted, kindSealedAnew, kindEdited:
		if e.Kind == kindEdited && e.Data["manifest"] == nil {
			return // it comes before reviewers as drafted
		}
		s.Glass = "" // what was said of the version before holds for that one alone
		s.Versions = append(s.Versions, newVersion(e, words))
	case kindApproved, kindRejected, kindChangesRequested, kindDisowned, kindBrokeGlass, kindLookedAtGlass, kindDisownedGlass:
		s.decide(e, words)
	case kindFailed, kindVoided:
		// An event has one of the two.
		s.Error = words.why(e.Data["reason"]) + words.why(e.Data["cause"])
	case kindStarted:
		s.Run = &Run{Box: e.fact("box"), Start: e.At, Version: e.fact("revision")}
	case kindFinished:
		s.finish(e, words)
	case kindSettled:
		s.bills[e.fact("hold")] = e
	case kindMismatch:
		if s.Run != nil {
			s.Run.Mismatch = words.list(e.Data["what"])
		}
	}
}

// outcomes are in the words of people.
var outcomes = map[string]string{"ok": "Answered", "error": "The code stopped with an error", "timeout": "The time limit ended it", "memory": "It needed more memory than it was given",
	"cancelled": "Its asker stopped it"}

// finish tells how the run ended and what was seen of it. That nobody watched is said as plainly as
// what was seen: a list that is empty because nobody looked must not read as "nothing".
func (s *Story) finish(e event, words teller) {
	s.Outcome = e.fact("outcome")
	if in := outcomes[s.Outcome]; in != "" {
		s.Outcome = in
	}
	s.Error = words.word(e.Data["error"])
	s.Answer, s.Attached = answer(e, words), attached(e, words)
	if s.Run == nil {
		s.Run = &Run{}
	}
	r := s.Run
	r.End, r.Watched, r.Unseen = e.At, "Nobody watched this run from outside of the program. What it opened, started and connected to is not known.", true
	if ms, err := strconv.ParseInt(e.fact("box_ms"), 10, 64); err == nil {
		r.Seconds = strconv.FormatFloat(float64(ms)/1000, 'f', 1, 64) + " s"
	}
	w, _ := e.Data["witness"].(map[string]any)
	if w == nil || words.word(w["source"]) == "" {
		return
	}
	r.Unseen = false
	r.Watched = "Watched from beginning to end by " + sourceWords(words.word(w["source"])) + ", which the program cannot reach."
	whole := w["complete"] == true
	if !whole {
		r.Watched = "Watched by " + sourceWords(words.word(w["source"])) + ", which the program cannot reach; but not everything was seen: " + strings.Join(gapsWords(words.list(w["gaps"])), "; ") + "."
	}
	seen, _ := w["seen"].(map[string]any)
	for _, kind := range []struct{ key, name string }{{"opened", "Files opened"}, {"connected", "Connections"}, {"started", "Other programs"}, {"named", "Files it tried to open"}} {
		list, watched := seen[kind.key].([]any)
		said := "none: this was watched"
		switch {
		case len(list) > 0:
			said = strings.Join(words.list(list), ", ")
		case !watched && kind.key == "named":
			continue // there is such a list only where it is not empty
		case !watched:
			said = "not known: nobody watched this"
		case !whole:
			said = "none was seen; not everything was"
		}
		r.Witness = append(r.Witness, Fact{kind.name, said})
	}
}

// newVersion tells of code as it came before reviewers. What is sealed is read from the manifest, which
// is a value of the event: its digest is what the decisions name. Fields that this program does not
// know are left out of the page, and are in values.jsonl.
func newVersion(e event, words teller) *Version {
	v := &Version{Number: e.fact("revision"), Author: e.Actor, At: e.At, Digest: e.fact("digest"), Summary: words.word(e.Data["summary"]),
		Code: words.word(e.Data["code"]), Again: e.Kind == kindSealedAnew}
	var m struct {
		Inputs   []map[string]any `json:"inputs"`
		Sandbox  string           `json:"sandbox"`
		Template string           `json:"template"`
		Network  []string         `json:"network"`
		Limits   struct {
			Seconds  int `json:"seconds"`
			MemoryMB int `json:"memory_mb"`
		} `json:"limits"`
		CostCap   int64    `json:"cost_cap"`
		Tier      string   `json:"tier"`
		Approvals int      `json:"approvals"`
		Policy    string   `json:"policy"`
		Brought   []string `json:"brought"`
	}
	if !words.document(e.Data["manifest"], &m) {
		v.Seal = []Fact{{"Seal", "its text is not in this pack; its digest stands above"}}
		return v
	}
	network := "none"
	if len(m.Network) > 0 {
		network = strings.Join(m.Network, ", ")
	}
	v.Tier, v.Rules, v.Approvals, v.Brought = m.Tier, m.Policy, strconv.Itoa(m.Approvals), m.Brought
	v.Seal = []Fact{{"Sandbox", strings.TrimSpace(m.Sandbox + " " + m.Template)}, {"Network", network},
		{"Limits", fmt.Sprintf("%d seconds, %d MB", m.Limits.Seconds, m.Limits.MemoryMB)}, {"Cost of the run at most", Dollars(m.CostCap)}}
	for _, in := range m.Inputs {
		v.Inputs = append(v.Inputs, newInput(in, words))
	}
	var findings []struct {
		Level string `json:"level"`
		Line  int    `json:"line"`
		Text  string `json:"text"`
	}
	switch hash := e.value("findings_list"); {
	case hash == "": // it has found nothing
	case !words.document(e.Data["findings_list"], &findings):
		v.Findings = []string{gone(hash)}
	default:
		for _, f := range findings {
			where := ""
			if f.Line > 0 { // one that is about all of it has none
				where = fmt.Sprintf(", line %d", f.Line)
			}
			v.Findings = append(v.Findings, f.Level+where+": "+f.Text)
		}
	}
	return v
}

// said is an event as a line of a list: its kind, and the few facts that tell one of a kind from
// another. The names are those of the format, so that a reader finds the line in entries.jsonl.
//
//	approved, revision 2    ·    settled, spent $0.0089    ·    named, person U0BEN, role reviewer, channel C0SALES
func said(e event) string {
	what := e.Kind
	for _, key := range []string{"revision", "scope", "person", "role", "channel", "version", "model", "amount", "spent", "request", "compared", "count"} {
		if f := e.fact(key); f != "" {
			if key == "amount" || key == "spent" {
				if n, err := strconv.ParseInt(f, 10, 64); err == nil {
					f = Dollars(n)
				}
			}
			what += ", " + key + " " + f
		}
	}
	return what
}

// Dollars says billionths of a dollar: cents at least, and as many digits as there are.
func Dollars(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	rest := strings.TrimRight(fmt.Sprintf("%09d", n%1_000_000_000), "0")
	for len(rest) < 2 {
		rest += "0"
	}
	return fmt.Sprintf("%s$%d.%s", sign, n/1_000_000_000, rest)
}

// cut shortens by characters, and shows that it did.
func cut(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most]) + "…"
}
