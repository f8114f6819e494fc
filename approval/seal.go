package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/budget"
)

// BrokenSealError is an approval that does not hold any more: what would run, or
// who said that it may, is not what was sealed. The request goes back to review.
type BrokenSealError struct {
	Why   []string // sentences for people: what is different
	Files []File   // as they are now, where that is known

	Box time.Duration // how long a box existed in which nothing was started
}

func (e *BrokenSealError) Error() string { return "the seal is broken: " + strings.Join(e.Why, " ") }

// BrokenSeal says what is wrong with an approval as far as the row tells, in
// sentences for people: nothing, when it holds.
func (r *Request) BrokenSeal(p Policy) (why []string) {
	rev := r.Revision
	if Hash([]byte(rev.Code)) != rev.Manifest.CodeSHA256 {
		why = append(why, "The stored code is not the code that was approved.")
	}
	if rev.Manifest.Digest() != rev.Digest {
		why = append(why, "The stored terms (code, inputs, sandbox, network, limits, cost) are not those that were approved.")
	}
	for _, d := range r.Decisions {
		if d.Revision != rev.Number || d.Digest != rev.Digest {
			why = append(why, "The approvals are of something else than what is stored.")
			break
		}
	}
	if n := r.Approvals(); n < r.Needs(p) {
		why = append(why, fmt.Sprintf("%d of the %d approvals that it takes are there.", n, r.Needs(p)))
	}
	return why
}

// BreakSeal takes an approval away that does not hold any more, and puts the same
// code before the reviewers as a new revision, with what would be sealed now.
func (r *Request) BreakSeal(broken *BrokenSealError, fresh Manifest, p Policy, now time.Time) error {
	if !r.can("BreakSeal") {
		return r.refuse("take the approval from")
	}
	r.reopen(broken, fresh, p, now)
	return nil
}

// Unstart is BreakSeal after a box was named: it is no more, and nothing has begun
// in it, so that nothing ran and another run may be approved. The box is paid for.
func (r *Request) Unstart(broken *BrokenSealError, charge budget.Charge, fresh Manifest, p Policy, now time.Time) error {
	if !r.can("Unstart") || !r.Run.BegunAt.IsZero() {
		return r.refuse("take the run back from")
	}
	r.payBox(charge, now)
	r.note(now, System, "unstarted", map[string]any{"box": r.Run.BoxID, "cost": r.settledNow()})
	r.Changes.Unstarted, r.Run = r.Run, nil
	r.Changes.Retell = true // whoever was told that it runs
	r.reopen(broken, fresh, p, now)
	return nil
}

func (r *Request) reopen(broken *BrokenSealError, fresh Manifest, p Policy, now time.Time) {
	r.Changes.Events = append(r.Changes.Events, r.sealBroken(broken.Why, now))
	if broken.Files != nil {
		r.Files = broken.Files
	}
	r.sealAnew(strings.Join(broken.Why, " ")+" So the approval does not hold any more, and nothing was run. It takes a new decision.", fresh, p, now)
}

// sealBroken is what the audit trail keeps of an approval that does not hold.
func (r *Request) sealBroken(why []string, now time.Time) Event {
	return Event{At: now, Actor: System, Kind: "seal broken", Data: map[string]any{"revision": r.Revision.Number, "digest": r.Revision.Digest, "why": why}}
}

// Disown takes back an approval that its giver says was not theirs, while nothing
// has started. Everybody decides anew; the administrators are told.
func (r *Request) Disown(by string, revision int, click Click, p Policy, now time.Time) error {
	if !r.can("Disown") {
		return &MoveError{Request: r, Verb: "take an approval back from", Why: r.tooLateToDisown()}
	}
	if revision != r.Revision.Number {
		return &MoveError{Request: r, Verb: "take an approval back from", Why: "That approval does not count any more: the code has gone to the reviewers anew since."}
	}
	if _, ok := r.approvedBy(by); !ok {
		return &NotAllowedError{Who: by, Why: "There is no approval in your name that could be taken back."}
	}
	r.note(now, by, "disowned", map[string]any{"revision": revision, "digest": r.Revision.Digest, "click": click})
	r.tell(r.disowned(by, false, click, now))
	r.sealAnew("An approval was taken back by the person in whose name it was given, before anything had run. It takes a new decision.", r.Revision.Manifest, p, now)
	return nil
}

func (r *Request) tooLateToDisown() string {
	if r.Run == nil {
		return "Nothing has run, and nothing will: the request has ended."
	}
	if r.State == Failed {
		return "Nothing has run, and nothing will: its sandbox did not start it."
	}
	return "It is too late to stop it: the code has been started already. The administrators have been told that this approval was not yours."
}

// disowned is what the administrators are told.
func (r *Request) disowned(by string, late bool, click Click, now time.Time) Notice {
	given := ""
	if d, ok := r.approvedBy(by); ok && d.Reviewer != by {
		given = d.Reviewer
	}
	return Notice{Key: fmt.Sprintf("disowned %s %d %s", r.ID, r.Revision.Number, by), Team: r.Team, Kind: NoticeDisowned, Admins: true, RequestID: r.ID, At: now,
		Data: encode(Disowned{Revision: r.Revision.Number, Reviewer: by, GivenBy: given, TooLate: late, Click: click})}
}

// approvedBy is the approval that was given by somebody, or in their place.
func (r *Request) approvedBy(user string) (Decision, bool) {
	at := slices.IndexFunc(r.Decisions, func(d Decision) bool { return d.Verdict == Approve && slices.Contains(d.people(), user) })
	if at < 0 {
		return Decision{}, false
	}
	return r.Decisions[at], true
}

// sealAnew puts the same code before the reviewers under a new number: approvals
// belong to a revision, so there are none.
func (r *Request) sealAnew(reason string, fresh Manifest, p Policy, now time.Time) {
	rev := *r.Revision
	rev.Manifest, rev.At = fresh, now
	r.renew(rev)
	r.Reason = reason
	r.release(now)
	r.note(now, System, "sealed anew", map[string]any{"revision": r.Revision.Number, "digest": r.Revision.Digest,
		"manifest": string(r.Revision.Manifest.Canonical())})
	r.move(Pending, now, now.Add(p.Expiry))
}

// breakSeal takes a request back to review whose approval does not hold any more:
// one that has no box yet, or one whose box is no more and never started anything.
// Stored code that could not be shown truthfully is no code for reviewers: then it ends.
func (s *Service) breakSeal(ctx context.Context, was *Request, broken *BrokenSealError) error {
	s.Sandbox.Discard(was.ID)
	rules, err := s.RulesOf(ctx, was.Team, was.Project)
	if err != nil {
		return err
	}
	terms, err := s.draftTerms(ctx, was)
	if err != nil {
		return err
	}
	_, err = s.Store.Update(ctx, was.ID, func(r *Request, now time.Time) error {
		if r.State != was.State || r.Revision.Number != was.Revision.Number || r.Run != nil && !r.Run.BegunAt.IsZero() {
			return nil
		}
		if broken.Box > 0 {
			r.payBox(s.boxCharge(r, broken.Box, now), now)
		}
		if code, err := Canonical(r.Revision.Code); err != nil || code != r.Revision.Code {
			r.Changes.Events = append(r.Changes.Events, r.sealBroken(broken.Why, now))
			return s.abandon(r, "The stored code is not what was approved, and cannot be shown to reviewers either, so it was not run. Please ask again.", now)
		}
		bare := *r
		if broken.Files != nil {
			bare.Files = broken.Files
		}
		fresh, err := s.manifest(&bare, rules, r.Revision.Findings, terms, now)
		if err != nil {
			return err
		}
		if r.State == Running {
			return r.Unstart(broken, s.boxCharge(r, now.Sub(r.Run.StartedAt), now), fresh, rules.Rules.within(s.Policy), now)
		}
		return r.BreakSeal(broken, fresh, rules.Rules.within(s.Policy), now)
	})
	words := priceWords(err)
	if words == "" {
		return err
	}
	if was.State == Running {
		return ended(s.void(ctx, was, words, 0, nil))
	}
	return s.fail(ctx, was.ID, words)
}

// abandon ends a request whose code has not started, and never will.
func (s *Service) abandon(r *Request, reason string, now time.Time) error {
	if r.State == Running {
		return r.Void(reason, s.boxCharge(r, now.Sub(r.Run.StartedAt), now), now)
	}
	return r.Fail(reason, now)
}

// unbroken checks all that an approval has sealed, and who gave it: what the row
// says, the sandbox, the people, the inputs, which it returns. What differs is a
// *BrokenSealError.
func (s *Service) unbroken(ctx context.Context, r *Request) ([]InputFile, error) {
	if why := r.BrokenSeal(s.Policy); why != nil {
		return nil, &BrokenSealError{Why: why}
	}
	if m := r.Revision.Manifest; m.Sandbox != s.Sandbox.Size().Kind || m.Template != s.Sandbox.Template() {
		return nil, &BrokenSealError{Why: []string{fmt.Sprintf("It would run in another sandbox: %s (%s) instead of %s (%s).",
			s.Sandbox.Size().Kind, s.Sandbox.Template(), m.Sandbox, m.Template)}}
	}
	why, err := s.fallen(ctx, r)
	if err != nil {
		return nil, err
	}
	if why != nil {
		return nil, &BrokenSealError{Why: why}
	}
	return s.sealed(ctx, r)
}

// Disown takes back an approval that somebody says was not theirs. When the code
// has started already, the error says so, and the administrators are told.
func (s *Service) Disown(ctx context.Context, id string, revision int, click Click) (*Request, error) {
	var late *Notice
	r, err := s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		late = nil
		if r.Team != click.Team {
			return ErrNotFound
		}
		_, theirs := r.approvedBy(click.User)
		if r.Run != nil && r.State != Failed && r.Revision.Number == revision && theirs {
			n := r.disowned(click.User, true, click, now)
			late = &n
		}
		return r.Disown(click.User, revision, click, s.Policy, now)
	})
	if err == nil {
		return r, nil
	}
	var move *MoveError
	if late != nil && errors.As(err, &move) {
		// The words promise that they are told: what cannot be kept is not said.
		if err := s.Store.Notify(ctx, *late); err != nil {
			return nil, err
		}
		event := Event{At: late.At, Actor: click.User, Kind: "disowned too late", Data: map[string]any{"revision": revision, "click": click}}
		if err := s.Store.Audit(ctx, id, event); err != nil {
			return nil, err
		}
	}
	return r, s.audited(ctx, Ruling{RequestID: id, Revision: revision, Verdict: "disown", Click: click}, true, err)
}
