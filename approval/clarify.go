package approval

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/budget"
)

// A model may put one question to the asker in place of a program that rests on a guess,
// and offer what could be asked next beside its program. People read both without a
// review, so both are plain text: see Unreviewed.

// The bounds of what a model says to people.
const (
	MostChoices  = 4   // of one question
	MostInARow   = 2   // questions without a program between them
	MostNext     = 3   // what could be asked next
	askedLength  = 300 // characters
	choiceLength = 60
	nextLength   = 75 // what a button shows
)

// Clarification is a question that a model has put to the asker, and what they said.
type Clarification struct {
	Question string
	Choices  []string
	AskedAt  time.Time
	Said     string
	SaidAt   time.Time // zero while they have said nothing
}

// NewClarification bounds what a model asks. One without a question is none.
func NewClarification(question string, choices []string) (c Clarification, ok bool) {
	c.Question = Unreviewed(question, askedLength)
	c.Choices = spokenAll(choices, choiceLength, MostChoices)
	return c, c.Question != ""
}

// NextQuestions bounds what a model offers to be asked next.
func NextQuestions(lines []string) []string { return spokenAll(lines, nextLength, MostNext) }

// spokenAll keeps what can be shown of a model's lines, each once and most of them: nobody has reviewed them.
func spokenAll(lines []string, length, most int) (list []string) {
	for _, line := range lines {
		if text := Unreviewed(line, length); text != "" && !slices.Contains(list, text) && len(list) < most {
			list = append(list, text)
		}
	}
	return list
}

// What could lead people away, or call them.
var (
	calls   = regexp.MustCompile(`<[@#!][^>]*>|[@＠]+`)
	schemes = regexp.MustCompile(`(?i)\S*://\S*|\b((mailto|tel|slack|javascript|data|file):\S|www\.)\S*`)
	paths   = regexp.MustCompile(`(?i)\b[a-z0-9-]+(\.[a-z0-9-]+)+/\S*`)
)

// Unreviewed is what a model says to people without a review: one line of plain text without
// links and mentions, cut to so many characters.
func Unreviewed(text string, most int) string {
	text = Plain(text)
	for _, link := range []*regexp.Regexp{schemes, paths} {
		text = link.ReplaceAllString(text, "(link left out)")
	}
	text = strings.Join(strings.Fields(calls.ReplaceAllString(text, "")), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return text
}

// Text is the question as it is kept: a line for it, and one for each choice.
func (c Clarification) Text() string {
	return strings.Join(append([]string{c.Question}, c.Choices...), "\n")
}

// Key names the question, so that a late press answers no other one.
func (c Clarification) Key() string {
	return Short(Hash([]byte(c.AskedAt.UTC().Format(time.RFC3339Nano) + c.Text())))
}

// Clarified puts together what a request's model has asked and its asker has said.
func Clarified(said []Message) (list []Clarification) {
	// In the order of time, as they were said. What nobody has asked is no answer.
	for _, m := range said {
		switch last := len(list) - 1; {
		case m.Role == RoleClarify:
			// As Text has put it together. Unreviewed leaves no line end in a question or a choice, so the split is exact.
			lines := strings.Split(m.Text, "\n")
			list = append(list, Clarification{Question: lines[0], Choices: slices.Clone(lines[1:]), AskedAt: m.At})
		case m.Role == RoleClarified && last >= 0:
			list[last].Said, list[last].SaidAt = m.Text, m.At
		}
	}
	return list
}

// Talk are the verbs by which a model and the asker speak.
type Talk struct{ *Request }

// Open is the question that waits for the asker; nil where none does.
func (r Talk) Open() *Clarification {
	if last := len(r.Clarified) - 1; r.State == Asking && last >= 0 && r.Clarified[last].SaidAt.IsZero() {
		return &r.Clarified[last]
	}
	return nil
}

// InARow is how often the model has asked since there was a program.
func (r Talk) InARow() (n int) {
	for _, c := range r.Clarified {
		if r.Revision == nil || c.AskedAt.After(r.Revision.At) {
			n++
		}
	}
	return n
}

// Ask puts a model's question to the asker. The call that brought it is settled by now,
// and nothing is held while it waits.
func (r Talk) Ask(c Clarification, by string, p Policy, now time.Time) error {
	// Only the answer to a call may ask, and none is made while an edit is inspected or a budget blocks the question.
	if !r.Can("Clarify") || r.Seek != nil || r.Edit != nil || r.Blocked != nil || r.Written != nil || r.InARow() >= MostInARow {
		return r.Illegal("ask back about")
	}
	c.AskedAt = now
	r.Clarified = append(slices.Clone(r.Clarified), c)
	r.Money().release(now)
	say(r.Request, now, RoleClarify, c.Text())
	r.note(now, by, EventAskedToClarify, map[string]any{"question": Said(c.Text()), "attempt": r.Attempts})
	r.move(Asking, now, now.Add(p.Expiry))
	return nil
}

// Answer is what the asker says, by a press or, in a message of that trigger, in their own
// words. It goes on, with the money for its draft held anew.
func (r Talk) Answer(key, says, trigger string, worst budget.USD, p Policy, now time.Time) error {
	if !r.Can("Clarified") {
		return r.Illegal("answer the model of")
	}
	open := r.Open()
	if open == nil || key != open.Key() {
		return &MoveError{Request: r.Request, Verb: "answer the model of", Why: Because(WhyOtherDoubt)}
	}
	r.Clarified = slices.Clone(r.Clarified)
	// Into the clone: Open has found the one of the request as it was loaded.
	open = &r.Clarified[len(r.Clarified)-1]
	open.Said, open.SaidAt = says, now
	// The count of calls bounds one version of the code, and what comes now is written from this answer.
	r.Attempts = 0
	say(r.Request, now, RoleClarified, says)
	data := map[string]any{"answer": Said(says)}
	if trigger != "" {
		data["trigger"] = trigger
	}
	r.note(now, r.Asker, EventClarified, data)
	// Where the budgets refuse, worst is 0, and the caller blocks the request in the same move.
	if worst > 0 {
		r.Money().hold(budget.ForDraft, worst, now, DraftHoldLife)
	}
	r.move(Drafting, now, now.Add(p.Expiry), NextStep(r.Request))
	return nil
}
