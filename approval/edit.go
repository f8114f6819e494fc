package approval

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff/lcs"

	"countersign/budget"
)

// Wish is a version of the code that a reviewer has read, and what they want
// changed. The model gets both.
type Wish struct {
	Revision int
	Code     string
	By       string
	Words    string
	At       time.Time
	// The reviewer who had let them, where they decided in somebody's place.
	InPlaceOf string
}

// Wishers are the people in whose name changes were asked for: they have written a part
// of what stands now.
func (r *Request) Wishers() (people []string) {
	for _, w := range r.Wishes {
		people = append(people, Decision{Reviewer: w.By, InPlaceOf: w.InPlaceOf}.People()...)
	}
	slices.Sort(people)
	return slices.Compact(people)
}

// TheirWish is why somebody does not approve this, though it is neither their question nor
// their code: they asked for changes, or wrote a version that came before, and it is of medium or high risk.
func TheirWish(r *Request, d Decision) Reason {
	if r.Revision == nil || r.Revision.Tier() == Low {
		return Reason{}
	}
	wishers := r.Wishers()
	if slices.ContainsFunc(d.People(), func(who string) bool { return slices.Contains(wishers, who) }) {
		return Because(WhyOwnWish)
	}
	// Else somebody's code is theirs to approve as soon as a colleague has changed a comment in it.
	if slices.ContainsFunc(d.People(), func(who string) bool { return slices.Contains(r.Authors, who) }) {
		return Because(WhyOwnPart)
	}
	return Reason{}
}

// Edit is code that a person has written in place of the current revision, from
// the click until it has been inspected.
type Edit struct {
	By    string `json:"by"`
	Code  string `json:"code"` // canonical
	Click Click  `json:"click"`
}

// anotherRound refuses endless changes: every round costs money and somebody's attention.
func anotherRound(r *Request, p Policy) error {
	if r.Rounds < p.MaxRounds {
		return nil
	}
	return &MoveError{Request: r, Verb: "change the code of", Why: Reason{Code: WhyManyRounds, Count: int64(r.Rounds)}}
}

// requestChanges has the model write another version, which nobody has approved.
// It is the end of Decide, which has checked everything, and knows what the event says.
func requestChanges(r *Request, d Decision, data map[string]any, cost budget.USD, p Policy, now time.Time) {
	// A round counts from the wish, not from the code that comes of it: the model is paid either way.
	r.Rounds++
	r.Attempts, r.Reason = 0, Reason{}
	r.Wishes = append(r.Wishes, Wish{Revision: d.Revision, Code: r.Revision.Code, By: d.Reviewer, InPlaceOf: d.InPlaceOf, Words: d.Reason, At: now})
	r.note(now, d.Reviewer, EventChangesRequested, data)
	r.Money().hold(budget.ForDraft, cost, now, DraftHoldLife)
	r.move(Drafting, now, now.Add(p.Expiry), NextStep(r))
}

// TakeEdit takes code that somebody has written in place of the revision that
// they saw, and has it inspected. The time that is left for a decision goes on:
// if the inspection refuses the edit, everything stands as it stood.
func (r *Request) TakeEdit(e Edit, revision int, digest string, cost budget.USD, p Policy, now time.Time) error {
	if err := r.MayEdit(e.By, revision, digest, p, now); err != nil {
		return err
	}
	if e.Code == r.Revision.Code {
		return &InputError{Why: Because(WhyNothingEdited)}
	}
	r.Attempts, r.Edit = 0, &e
	r.note(now, e.By, EventEdited, map[string]any{"revision": revision, "digest": digest, "code": Said(e.Code), "click": e.Click})
	r.Money().hold(budget.ForInspect, cost, now, DraftHoldLife)
	// The deadline stays the reviewers' own. It is also what PutBack returns to.
	r.move(Drafting, now, r.ExpiresAt, StepInspect)
	return nil
}

// MayEdit says whether this person could edit this revision now. The error is TakeEdit's.
func (r *Request) MayEdit(by string, revision int, digest string, p Policy, now time.Time) error {
	if !r.Can("Edit") {
		return r.Illegal("edit")
	}
	if revision != r.Revision.Number || digest != r.Revision.Digest || !r.Revision.Intact() {
		return &StaleError{Request: r}
	}
	if !now.Before(r.ExpiresAt) {
		return &MoveError{Request: r, Verb: "edit", Why: Because(WhyTooLate)}
	}
	if r.Repeats != nil {
		return &MoveError{Request: r, Verb: "edit", Why: Because(WhySameCode)}
	}
	if by == r.Asker {
		return &NotAllowedError{Who: by, Why: Because(WhyOwnQuestionEdit)}
	}
	return anotherRound(r, p)
}

// PutBack gives up an edit that cannot be shown to reviewers. The version that was edited
// becomes current again, with its decisions, and the editor is told why.
func (r *Request) PutBack(why Reason, now time.Time) error {
	if !r.Can("PutBack") || r.Edit == nil {
		return r.Illegal("put back")
	}
	e := *r.Edit
	r.Money().release(now)
	r.note(now, System, EventEditRefused, map[string]any{"revision": r.Revision.Number, "by": e.By, "reason": why.Told()})
	r.Tell(Notice{Key: fmt.Sprintf("edit %s %d %s %s", r.ID, r.Revision.Number, e.By, e.Click.ActionTS), Kind: NoticeEditFailed, To: []string{e.By}, At: now,
		Data: Encode(EditRefused{Revision: r.Revision.Number, Why: why, Code: e.Code})})
	r.move(Pending, now, r.ExpiresAt)
	return nil
}

// DiffOp says what a line of a diff is.
type DiffOp byte

// The kinds of line.
const (
	Same    DiffOp = ' '
	Added   DiffOp = '+'
	Removed DiffOp = '-'
)

// DiffLine is one line of a diff, with its numbers in both texts; a line that is
// not in a text has the number 0 there.
type DiffLine struct {
	Op       DiffOp
	Text     string
	Old, New int
}

// Diff is the way from one text to another, line by line. Taking the lines that are not
// Added gives the old text, those that are not Removed the new one.
func Diff(old, new string) (lines []DiffLine) {
	// i and j are how far both texts have been told. The library names what differs; all between is the same.
	a, b := Lines(old), Lines(new)
	i, j := 0, 0
	same := func(to int) {
		for ; i < to; i, j = i+1, j+1 {
			lines = append(lines, DiffLine{Op: Same, Text: a[i], Old: i + 1, New: j + 1})
		}
	}
	for _, d := range lcs.DiffLines(a, b) {
		same(d.Start)
		for ; i < d.End; i++ {
			lines = append(lines, DiffLine{Op: Removed, Text: a[i], Old: i + 1})
		}
		for ; j < d.ReplEnd; j++ {
			lines = append(lines, DiffLine{Op: Added, Text: b[j], New: j + 1})
		}
	}
	same(len(a))
	return lines
}

// Lines are the lines of a text. The end of its last line begins no other.
func Lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
