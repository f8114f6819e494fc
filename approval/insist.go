package approval

import (
	"context"
	"fmt"
	"time"

	"countersign/budget"
)

// An asker may decline the cheaper model that a budget past its soft limit has
// write. The one that was asked for is not used for that: the question waits like
// one without money, until a budget begins anew or somebody grants it.

// Insist declines the cheaper model. What it has written so far is paid for and
// goes no further; nothing is held from here on.
func (r *Request) Insist(standings []budget.Standing, needed budget.USD, p Policy, now time.Time) error {
	d := r.Downgraded
	switch {
	case !r.can("Insist") || r.Edit != nil:
		return r.refuse("decline the model of")
	case r.Blocked != nil:
		return &MoveError{Request: r, Verb: "decline the model of", Why: "It waits for money, and is not being written."}
	case d == nil:
		return &MoveError{Request: r, Verb: "decline the model of", Why: "The model that was asked for writes it."}
	}
	if r.State == Pending {
		if err := r.anotherRound(p); err != nil {
			return err
		}
		r.Rounds++
	}
	r.note(now, r.Asker, "declined model", map[string]any{"model": d.To, "instead_of": d.From, "scope": d.Scope})
	r.Model, r.Downgraded, r.Attempts, r.Reason = d.From, nil, 0, ""
	r.release(now)
	r.move(Drafting, now, now.Add(p.Expiry))
	r.insist(*d, standings, needed, now)
	return nil
}

func (r *Request) insist(d Downgraded, standings []budget.Standing, needed budget.USD, now time.Time) {
	b := Block{Purpose: budget.ForDraft, Needed: needed, Model: r.Model, Standings: standings, At: now, Declined: &d}
	if had := r.Blocked; had != nil {
		b.TopUp = had.TopUp
		b.Until, b.Wait = budget.FreeFrom(r.Model, needed, standings)
		if b.Wait = b.Wait && had.Wait; !b.Wait {
			b.Until = time.Time{}
		}
	}
	r.Blocked = &b
	r.touch(now, StepShow)
}

// Insist has a question wait for the model that was asked for, in place of having
// a cheaper one write it: by its asker.
func (s *Service) Insist(ctx context.Context, id string, click Click) (*Request, error) {
	r, err := s.Store.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	standings, err := s.Store.Standings(ctx, r.Scopes())
	if err != nil {
		return nil, err
	}
	r, err = s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		if err := asks(click)(r); err != nil {
			return err
		}
		var needed budget.USD
		if r.Downgraded != nil {
			var err error
			if needed, err = s.draftCost(r.Downgraded.From, now); err != nil {
				return err
			}
		}
		return r.Insist(standings, needed, s.Policy, now)
	})
	if err == nil {
		s.Sandbox.Discard(id)
	}
	return r, err
}

// insists keeps a question waiting whose asker has declined what a policy still wants.
func (s *Service) insists(ctx context.Context, id string, d *Downgraded, standings []budget.Standing) (*Request, error) {
	r, err := s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		if r.Blocked == nil {
			return r.unblocked("go on with")
		}
		r.insist(*d, standings, r.Blocked.Needed, now)
		return nil
	})
	if err != nil {
		return r, err
	}
	return r, &MoveError{Request: r, Verb: "go on with", Why: fmt.Sprintf("%s is still not used: %s is past its soft limit.", d.From, whose(d.Scope))}
}
