package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/approval"
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
}

// breakSeal takes a request back to review whose approval does not hold any more:
// one that has no box yet, or one whose box is no more and never started anything.
// Stored code that could not be shown truthfully is no code for reviewers: then it ends.
func (s *Seals) breakSeal(ctx context.Context, was *approval.Request, broken *approval.BrokenSealError) error {
	s.sandbox.Discard(was.ID)
	rules, err := s.people.RulesOf(ctx, was.Team, was.Project)
	if err != nil {
		return err
	}
	terms, err := s.costs.draftTerms(ctx, was)
	if err != nil {
		return err
	}
	_, err = s.store.Update(ctx, was.ID, func(r *approval.Request, now time.Time) error {
		if r.State != was.State || r.Revision.Number != was.Revision.Number || r.Run != nil && !r.Run.BegunAt.IsZero() {
			return nil
		}
		if broken.Box > 0 {
			r.Money().PayBox(s.costs.boxCharge(r, broken.Box, now), now)
		}
		if code, err := approval.Canonical(r.Revision.Code); err != nil || code != r.Revision.Code {
			r.Changes.Events = append(r.Changes.Events, approval.SealBroken(r, broken, now))
			return s.abandon(r, "The stored code is not what was approved, and cannot be shown to reviewers either, so it was not run. Please ask again.", now)
		}
		bare := *r
		if broken.Files != nil {
			bare.Files = broken.Files
		}
		fresh, err := s.costs.manifest(&bare, rules, r.Revision.Findings, terms, now)
		if err != nil {
			return err
		}
		if r.State == approval.Running {
			return r.Unstart(broken, s.costs.boxCharge(r, now.Sub(r.Run.StartedAt), now), fresh, rules.Rules.Within(s.Policy), now)
		}
		return r.BreakSeal(broken, fresh, rules.Rules.Within(s.Policy), now)
	})
	words := priceWords(err)
	if words == "" {
		return err
	}
	if was.State == approval.Running {
		return ended(s.void(ctx, was, words, 0, nil))
	}
	return s.ends.fail(ctx, was.ID, words)
}

// abandon ends a request whose code has not started, and never will.
func (s *Seals) abandon(r *approval.Request, reason string, now time.Time) error {
	if r.State == approval.Running {
		return r.Void(reason, s.costs.boxCharge(r, now.Sub(r.Run.StartedAt), now), now)
	}
	return r.Fail(reason, now)
}

// unbroken checks all that an approval has sealed, and who gave it: what the row
// says, the sandbox, the people, the inputs, which it returns. What differs is a
// *BrokenSealError.
func (s *Seals) unbroken(ctx context.Context, r *approval.Request) ([]InputFile, error) {
	if why := r.BrokenSeal(s.Policy); why != nil {
		return nil, &approval.BrokenSealError{Why: why}
	}
	if m := r.Revision.Manifest; m.Sandbox != s.sandbox.Size().Kind || m.Template != s.sandbox.Template() {
		return nil, &approval.BrokenSealError{Why: []string{fmt.Sprintf("It would run in another sandbox: %s (%s) instead of %s (%s).",
			s.sandbox.Size().Kind, s.sandbox.Template(), m.Sandbox, m.Template)}}
	}
	if err := s.people.stand(ctx, r); err != nil {
		return nil, err
	}
	return s.inputs.sealed(ctx, r)
}

// Disown takes back an approval that somebody says was not theirs. When the code
// has started already, the error says so, and the administrators are told.
func (s *Seals) Disown(ctx context.Context, id string, revision int, click approval.Click) (*approval.Request, error) {
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
	var move *approval.MoveError
	if late != nil && errors.As(err, &move) {
		// The words promise that they are told: what cannot be kept is not said.
		if err := s.store.Notify(ctx, *late); err != nil {
			return nil, err
		}
		event := approval.Event{At: late.At, Actor: click.User, Kind: "disowned too late", Data: map[string]any{"revision": revision, "click": click}}
		if err := s.store.Audit(ctx, id, event); err != nil {
			return nil, err
		}
	}
	return r, s.people.audited(ctx, Ruling{RequestID: id, Revision: revision, Verdict: "disown", Click: click}, err)
}
