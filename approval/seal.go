package approval

import (
	"fmt"
	"slices"
	"time"

	"countersign/budget"
)

// BrokenSealError is an approval that does not hold any more: what would run, or
// who said that it may, is not what was sealed. The request goes back to review.
type BrokenSealError struct {
	Why    []Reason // what is different
	Fallen []Fallen // approvals that do not count any more
	Files  []File   // as they are now, where that is known

	Box time.Duration // how long a box existed in which nothing was started
}

func (e *BrokenSealError) Error() string {
	return fmt.Sprint("the seal is broken: ", e.Why, e.Fallen)
}

// reason is what is different, as a request's Reason holds it.
func (e *BrokenSealError) reason() Reason {
	return Reason{Code: WhyBrokenSeal, Fallen: e.Fallen, Why: e.Why}
}

// BrokenSeal returns what is wrong with an approval, as far as the row tells, in
// sentences for people. It returns nothing for an approval that still counts.
func (r *Request) BrokenSeal(p Policy) (why []Reason) {
	rev := r.Revision
	if Hash([]byte(rev.Code)) != rev.Manifest.CodeSHA256 {
		why = append(why, Because(WhyOtherCode))
	}
	if rev.Manifest.Digest() != rev.Digest {
		why = append(why, Because(WhyOtherTerms))
	}
	// Whoever has the database's password can write a decision, and not its signature. This is the last look before a
	// start, whatever the row says.
	if unsigned(r) {
		why = append(why, Because(WhyUnsigned))
	}
	for _, d := range r.Decisions {
		if d.Revision != rev.Number || d.Digest != rev.Digest {
			why = append(why, Because(WhyOtherApproved))
			break
		}
	}
	if g := r.Glass; g != nil && (g.Revision != rev.Number || g.Digest != rev.Digest) {
		why = append(why, Because(WhyOtherApproved))
	}
	if n := r.Approvals(); n < r.Needs(p) && r.Glass == nil {
		why = append(why, Reason{Code: WhyTooFewThere, Count: int64(n), Most: int64(r.Needs(p))})
	}
	return why
}

// unsigned tells whether somebody has written the revision, a decision on it or the start
// into the database who does not have the key of this installation, or, where the reviewer's
// own key is wanted, not that one.
func unsigned(r *Request) bool {
	return r.Revision != nil && r.Revision.Unsigned || r.Glass != nil && r.Glass.Unsigned || r.Run != nil && r.Run.Unsigned ||
		slices.ContainsFunc(r.Decisions, func(d Decision) bool { return d.Unsigned || !Signed(r, d) })
}

// BreakSeal voids an approval that no longer counts. The same code goes back to the
// reviewers as a new revision, sealed as it would be now.
func (r *Request) BreakSeal(broken *BrokenSealError, fresh Manifest, p Policy, now time.Time) error {
	if !r.Can("BreakSeal") {
		return r.Illegal("take the approval from")
	}
	reopen(r, broken, fresh, p, now)
	return nil
}

// Unstart is BreakSeal for a request whose box was named already. The box is gone and
// nothing began in it, so another run may be approved. The box is paid for.
func (r *Request) Unstart(broken *BrokenSealError, charge budget.Charge, fresh Manifest, p Policy, now time.Time) error {
	if !r.Can("Unstart") || !r.Run.BegunAt.IsZero() || !r.Run.StoppedAt.IsZero() { // what was cancelled is not put before reviewers again
		return r.Illegal("take the run back from")
	}
	// The event has to stand after the start that it takes back.
	now = r.Run.after(now)
	r.Money().PayBox(charge, now)
	r.note(now, System, EventUnstarted, map[string]any{"box": r.Run.BoxID, "cost": r.Money().settledNow()})
	r.Changes.Unstarted, r.Run = r.Run, nil
	r.Changes.Retell = true // whoever was told that it runs
	reopen(r, broken, fresh, p, now)
	return nil
}

// reopen puts the code before the reviewers again, with the files as they are now.
func reopen(r *Request, broken *BrokenSealError, fresh Manifest, p Policy, now time.Time) {
	// Before anything is replaced: the event names the revision that does not hold.
	r.Changes.Events = append(r.Changes.Events, SealBroken(r, broken, now))
	if broken.Files != nil {
		r.Files = broken.Files
	}
	why := broken.reason()
	if r.State == Pending && len(broken.Why) > 0 {
		why = broken.Why[0] // nothing was approved yet that would not count any more
	}
	sealAnew(r, why, fresh, NamedAnew(r.Revision.Findings, r.Files), p, now)
}

// SealBroken is what the audit trail keeps of an approval that does not hold.
func SealBroken(r *Request, broken *BrokenSealError, now time.Time) Event {
	data := map[string]any{"revision": r.Revision.Number, "digest": r.Revision.Digest, "why": toldAll(broken.Why)}
	if broken.Fallen != nil {
		data["fallen"] = broken.Fallen
	}
	return Event{At: now, Actor: System, Kind: EventSealBroken, Data: data}
}

// Disown withdraws an approval that its giver says was not theirs, before anything has
// started. Everybody decides anew, and the administrators are told.
func (r *Request) Disown(by string, revision int, click Click, p Policy, now time.Time) error {
	if !r.Can("Disown") {
		return &MoveError{Request: r, Verb: "take an approval back from", Why: tooLateToDisown(r)}
	}
	if revision != r.Revision.Number {
		return &MoveError{Request: r, Verb: "take an approval back from", Why: Because(WhyApprovalGone)}
	}
	if _, ok := ApprovalOf(r, by); !ok {
		return &NotAllowedError{Who: by, Why: Because(WhyNotYours)}
	}
	r.note(now, by, EventDisowned, map[string]any{"revision": revision, "digest": r.Revision.Digest, "click": click})
	r.Tell(DisownedNotice(r, by, false, click, now))
	sealAnew(r, Because(WhyDisowned), r.Revision.Manifest, r.Revision.Findings, p, now)
	return nil
}

// DisownGlass takes it that whoever broke the glass says that it was not them. The role rests for everybody from now on, and
// administrators are told, whatever has become of the run and of the version: what has not started goes back to the reviewers, and what
// runs is ended. That holds for what the same person's account has broken since, too. Said again, it changes nothing.
func DisownGlass(r *Request, revision int, person string, click Click, p Policy, now time.Time) error {
	g := GlassOf(r, revision)
	switch {
	case g == nil:
		return &MoveError{Request: r, Verb: "disown the broken glass of", Why: Because(WhyGlassGone)}
	case person != g.Person:
		return &NotAllowedError{Who: person, Why: Because(WhyNotYours)}
	case !g.Disowned.IsZero():
		return nil
	}
	// A later version may run by a glass that the same account has broken: that is not theirs either.
	stands := r.Glass != nil && r.Glass.Person == person // by the word of the account that they do not vouch for
	g.Disowned, r.Changes.Retell = now, true
	r.note(now, person, EventDisownedGlass, map[string]any{"revision": revision, "click": click})
	r.Tell(Notice{Key: fmt.Sprintf("disowned glass %s %d", r.ID, revision), Kind: NoticeDisowned, Admins: true, At: now,
		Data: Encode(Disowned{Revision: revision, Reviewer: person, TooLate: stands && r.Run != nil, Click: click, Glass: true})})
	switch {
	case stands && r.State == Approved:
		return r.BreakSeal(&BrokenSealError{Why: []Reason{Because(WhyGlassDisowned)}}, r.Revision.Manifest, p, now)
	case stands && r.State == Running:
		return Stopping{r}.Stop(person, now)
	}
	r.touch(now, StepShow)
	return nil
}

// GlassOf returns the glass that was broken for a revision of a request; nil: none was.
func GlassOf(r *Request, revision int) *Glass {
	if r.Glass != nil && r.Glass.Revision == revision {
		return r.Glass
	}
	if at := slices.IndexFunc(r.OldGlass, func(g Glass) bool { return g.Revision == revision }); at >= 0 {
		return &r.OldGlass[at]
	}
	return nil
}

// tooLateToDisown says what has become of an approval that can no longer be taken back. It is
// asked where the state allows no Disown, so the request runs, has run, ended before, or is being
// changed: an edit that is put back gives its approvals back, so nobody is told that it has ended.
func tooLateToDisown(r *Request) Reason {
	if r.State == Drafting || r.State == Asking {
		return Because(WhyBeingChanged)
	}
	if r.Run == nil {
		return Because(WhyEndedUnrun)
	}
	if r.State == Failed {
		return Because(WhyVoid)
	}
	return Because(WhyRunsAlready)
}

// DisownedNotice is what the administrators are told.
func DisownedNotice(r *Request, by string, late bool, click Click, now time.Time) Notice {
	given := ""
	if d, ok := ApprovalOf(r, by); ok && d.Reviewer != by {
		given = d.Reviewer
	}
	return Notice{Key: fmt.Sprintf("disowned %s %d %s", r.ID, r.Revision.Number, by), Team: r.Team, Kind: NoticeDisowned, Admins: true, RequestID: r.ID, At: now,
		Data: Encode(Disowned{Revision: r.Revision.Number, Reviewer: by, GivenBy: given, TooLate: late, Click: click})}
}

// ApprovalOf is the approval that was given by somebody, or in their place.
func ApprovalOf(r *Request, user string) (Decision, bool) {
	at := slices.IndexFunc(r.Decisions, func(d Decision) bool { return d.Verdict == Approve && slices.Contains(d.People(), user) })
	if at < 0 {
		return Decision{}, false
	}
	return r.Decisions[at], true
}

// sealAnew puts the same code before the reviewers under a new number. Approvals belong
// to a revision, so the new one has none. The files may have changed, and the findings with them.
func sealAnew(r *Request, reason Reason, fresh Manifest, findings []Finding, p Policy, now time.Time) {
	// A copy: a stored revision never changes, in the schema either (revisions_unchangeable).
	rev := *r.Revision
	rev.Manifest, rev.Findings, rev.At, rev.Unsigned = fresh, findings, now, false
	renew(r, rev)
	r.Reason = reason
	r.Money().release(now)
	// Of the new revision, which renew has put in the place of the old one.
	r.note(now, System, EventSealedAnew, r.Revision.told())
	r.move(Pending, now, now.Add(p.Expiry))
}

// Fallen is an approval that does not count any more: whose it was, and why not.
type Fallen struct {
	Code FallenCode `json:"code"`
	Who  string     `json:"who"`
	For  string     `json:"for,omitempty"` // in whose place it was given
}

// FallenCode is why an approval does not count any more.
type FallenCode string

// The codes; whoever draws them has the words.
const (
	NoReviewer FallenCode = "no_reviewer" // Who is not a reviewer here any more
	NoDelegate FallenCode = "no_delegate" // Who does not decide in place of For any more
	NoMember   FallenCode = "no_member"   // Who is not a full member of this workspace any more
	NoKey      FallenCode = "no_key"      // the key with which Who signed is not theirs any more
)
