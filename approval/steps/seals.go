package steps

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"countersign/approval"
	"countersign/approval/pins"
)

// Seals checks what an approval has sealed, and takes it back where it does not hold.
type Seals struct {
	store interface {
		Notices
		Requests
	}
	sandbox interface {
		BoxTerms
		Inspector
	}
	*Settings

	costs  *Costs
	ends   *Ends
	inputs *Inputs
	people *People
	pins   *pins.Keeper

	absent absences
}

// breakSeal takes a request back to review whose approval does not hold any more:
// one that has no box yet, or one whose box is no more and never started anything.
// Stored code that could not be shown truthfully is no code for reviewers: then it ends.
func (s *Seals) breakSeal(ctx context.Context, was *approval.Request, broken *approval.BrokenSealError) error {
	s.sandbox.Discard(was.ID)
	rules, standings, err := s.people.bounds(ctx, was)
	if err != nil {
		return err
	}
	terms, err := s.costs.draftTerms(ctx, was, standings)
	if err != nil {
		return err
	}
	other := s.pins.Same(ctx, was, broken.Files...) // another content than was pinned is put before nobody
	barred := inputReason(other)
	if other != nil && barred.None() {
		return other
	}
	_, err = s.store.Update(ctx, was.ID, func(r *approval.Request, now time.Time) error {
		// What was found broken was found of this revision, in this state. If the request has moved on since,
		// whoever moved it has checked for themselves.
		if r.State != was.State || r.Revision.Number != was.Revision.Number || r.Run != nil && !r.Run.BegunAt.IsZero() {
			return nil
		}
		if broken.Box > 0 && r.State != approval.Running { // a box that is named already is paid together with it
			r.Money().PayBox(s.costs.boxCharge(r, broken.Box, now), now)
		}
		if code, err := approval.Canonical(r.Revision.Code); err != nil || code != r.Revision.Code {
			r.Changes.Events = append(r.Changes.Events, approval.SealBroken(r, broken, now))
			return s.abandon(r, approval.Because(approval.WhyCodeHidden), broken.Box, now)
		}
		if !barred.None() {
			r.Changes.Events = append(r.Changes.Events, approval.SealBroken(r, broken, now))
			return s.abandon(r, barred, broken.Box, now)
		}
		// The manifest is made for the files as they are now, which the move below puts into the row.
		bare := *r
		if broken.Files != nil {
			bare.Files = broken.Files
		}
		sealed := r.Revision.Manifest
		fresh, err := s.costs.manifest(&bare, rules, approval.NamedAnew(r.Revision.Findings, bare.Files), sealed.Environment, sealed.Notes, sealed.Saw, sealed.Thread, terms, now)
		if err != nil {
			return err
		}
		if r.Repeats != nil {
			if why := r.Repeats.Bars(fresh); !why.None() { // what is not the same is no repetition, and is approved by nobody
				r.Changes.Events = append(r.Changes.Events, approval.SealBroken(r, broken, now))
				return s.abandon(r, why, broken.Box, now)
			}
		}
		if r.State == approval.Running {
			return r.Unstart(broken, s.costs.boxCharge(r, now.Sub(r.Run.StartedAt)+broken.Box, now), fresh, rules.Rules.Within(s.Policy), now)
		}
		return r.BreakSeal(broken, fresh, rules.Rules.Within(s.Policy), now)
	})
	why := priceReason(err)
	if why.None() {
		return err
	}
	if was.State == approval.Running {
		return ended(s.void(ctx, was, why, 0, nil))
	}
	return s.ends.fail(ctx, was.ID, why)
}

// abandon ends a request whose code has not started, and never will. box is how long boxes existed
// beside the one that is named.
func (s *Seals) abandon(r *approval.Request, reason approval.Reason, box time.Duration, now time.Time) error {
	if r.State == approval.Running {
		return r.Void(reason, s.costs.boxCharge(r, now.Sub(r.Run.StartedAt)+box, now), now)
	}
	return r.Fail(reason, now)
}

// unbroken checks all that an approval has sealed, and who gave it: what the row
// says, the sandbox, the people, the inputs, which it returns, but for their contents,
// which are checked on their way into the box. What differs is a *BrokenSealError. used is as of
// Inputs.sealed.
func (s *Seals) unbroken(ctx context.Context, r *approval.Request, c *Case) (_ []InputFile, used time.Duration, err error) {
	if why := r.BrokenSeal(s.Policy); why != nil {
		return nil, 0, &approval.BrokenSealError{Why: why}
	}
	if r.Repeats != nil && r.Repeats.Taken {
		return nil, 0, &approval.BrokenSealError{Why: []approval.Reason{{Code: approval.WhyNoAnswerThere, Name: r.Repeats.Request}}}
	}
	if m := r.Revision.Manifest; m.Sandbox != s.sandbox.Size().Kind || m.Template != s.sandbox.Template() {
		return nil, 0, s.otherSandbox(m)
	}
	if err := s.people.stand(ctx, c); err != nil {
		return nil, 0, err
	}
	return s.inputs.sealed(ctx, r)
}

// elsewhere tells whether a request was sealed for another sandbox than this replica has, and whether a replica
// that lives has that. While it is not sure that none has it any more, the error has the step come again.
func (s *Seals) elsewhere(ctx context.Context, r *approval.Request) (other, there bool, err error) {
	m := r.Revision.Manifest
	if s.Elsewhere == nil || m.Sandbox == s.sandbox.Size().Kind && m.Template == s.sandbox.Template() {
		return false, false, nil
	}
	there, err = s.Elsewhere(ctx, m.Sandbox, m.Template)
	if gone := s.absent.long(m.Sandbox+" "+m.Template, there || err != nil, s.Unseen, time.Now()); err == nil && !there && !gone {
		err = &LaterError{After: leftAlone, Err: fmt.Errorf("no replica has the sandbox that %s was sealed for, and one may come back", r.ID)}
	}
	return true, there, err
}

// absences are since when sandboxes have been missing. A replica that has only lost its session, as with a restart
// of the database, is back after a moment, and an approval must not be taken back for that.
type absences struct {
	mu sync.Mutex
	of map[string]absence
}

type absence struct{ since, last time.Time } // last: somebody has looked

// long tells whether nobody has had something for so long. What nobody has looked at meanwhile begins anew.
func (a *absences) long(what string, there bool, most time.Duration, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if there {
		delete(a.of, what)
		return false
	}
	one, known := a.of[what]
	if !known || now.Sub(one.last) > most {
		one.since = now
	}
	one.last = now
	if a.of == nil {
		a.of = map[string]absence{}
	}
	a.of[what] = one
	return now.Sub(one.since) >= most
}

// otherSandbox is what is wrong with a request that was sealed for one.
func (s *Seals) otherSandbox(m approval.Manifest) *approval.BrokenSealError {
	return &approval.BrokenSealError{Why: []approval.Reason{{Code: approval.WhyOtherSandbox,
		Name: fmt.Sprintf("%s (%s)", s.sandbox.Size().Kind, s.sandbox.Template()), Other: fmt.Sprintf("%s (%s)", m.Sandbox, m.Template)}}}
}

// Outdated puts a request before its reviewers anew that was sealed for a sandbox which no replica has any more:
// once, and before they click in vain. A replica without a sandbox leaves that to those that have one.
func (s *Seals) Outdated(ctx context.Context, id string) error {
	r, err := s.store.Request(ctx, id)
	if err != nil || r.State != approval.Pending || r.Revision == nil || s.sandbox.Template() == "" {
		return err
	}
	other, there, err := s.elsewhere(ctx, r)
	if err != nil || !other || there {
		return err
	}
	return ended(s.breakSeal(ctx, r, s.otherSandbox(r.Revision.Manifest)))
}

// Disown takes back an approval that somebody says was not theirs. When the code
// has started already, the error says so, and the administrators are told.
func (s *Seals) Disown(ctx context.Context, id string, revision int, click approval.Click) (*approval.Request, error) {
	// Set by the closure where the approval was theirs and the code has started: then taking it back
	// is refused, and the administrators hear of it all the same.
	var late *approval.Notice
	r, err := s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
		late = nil
		if r.Team != click.Team {
			return approval.ErrNotFound
		}
		_, theirs := approval.ApprovalOf(r, click.User)
		if r.Run != nil && r.State != approval.Failed && r.Revision.Number == revision && theirs {
			n := approval.DisownedNotice(r, click.User, true, click, now)
			late = &n
		}
		return r.Disown(click.User, revision, click, s.Policy, now)
	})
	if err == nil {
		return r, nil
	}
	if late != nil && errors.As(err, new(*approval.MoveError)) {
		// The words promise that they are told: what cannot be kept is not said.
		if err := s.store.Notify(ctx, *late); err != nil {
			return nil, err
		}
		event := approval.Event{At: late.At, Actor: click.User, Kind: approval.EventDisownedTooLate, Data: map[string]any{"revision": revision, "click": click}}
		if err := s.store.Audit(ctx, id, event); err != nil {
			return nil, err
		}
	}
	return r, s.people.audited(ctx, Ruling{RequestID: id, Revision: revision, Verdict: "disown", Click: click}, err)
}
