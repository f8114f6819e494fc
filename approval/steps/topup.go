package steps

import (
	"context"
	"errors"
	"strings"
	"time"

	"countersign/approval"
	"countersign/budget"
)

// maxReason bounds what people give as a reason.
const maxReason = 500

// AskTopUp asks the administrators for money on top of the budget that refused.
func (s *Payer) AskTopUp(ctx context.Context, id string, amount budget.USD, reason string, click approval.Click) (*approval.Request, error) {
	reason = approval.Cut(approval.Plain(reason), maxReason)
	if strings.TrimSpace(reason) == "" {
		return nil, &approval.InputError{Why: approval.Because(approval.WhyNoPurpose)}
	}
	c, err := s.Choices(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.Block != nil && amount < max(c.Missing, 1) {
		return nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyTooLittle, Amount: c.Missing}}
	}
	if c.Block != nil && amount > mostTopUp {
		return nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyTooMuch, Amount: mostTopUp}}
	}
	return s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
		if err := asks(click)(r); err != nil {
			return err
		}
		if c.Block != nil && !c.CanTopUp {
			return &approval.InputError{Why: approval.Because(approval.WhyNobodyGrants)}
		}
		if b := r.Blocked; b != nil {
			// What refused it may have room by now, and another budget none: the money is for the one that is in the way.
			fresh := *b
			fresh.Standings = c.standings
			r.Blocked = &fresh
		}
		return r.Money().AskTopUp(amount, reason, s.Policy, now)
	})
}

// mostTopUp is where a typing error is likelier than a wish.
const mostTopUp = 10_000 * budget.Dollar

// longestGrant bounds how long granted money may lie about.
const longestGrant = 366 * 24 * time.Hour

// Grant gives a top-up, until a moment, and has the request go on. Only an
// administrator may who is not the asker.
func (s *Payer) Grant(ctx context.Context, topUp string, until time.Time, click approval.Click) (*approval.Request, error) {
	if time.Until(until) > longestGrant {
		return nil, &approval.InputError{Why: approval.Because(approval.WhyTooFar)}
	}
	r, err := s.answer(ctx, topUp, true, until, "", click)
	if err != nil {
		return nil, err
	}
	// The grant has committed. What follows may fail without failing the administrator's click: the
	// next sweep goes on (DecideTopUp has set the block's Until).
	gone, err := s.goOn(ctx, r.ID, "", click.User, func(*approval.Request) error { return nil })
	if _, ok := errors.AsType[*budget.ExceededError](err); ok {
		return gone, nil // it is granted; what else is in the way the block says
	}
	if err != nil {
		s.log.Warn("a granted request goes on at the next sweep", "request", r.ID, "error", err)
		return r, nil
	}
	return gone, nil
}

// Decline refuses a top-up, with a reason that the asker reads.
func (s *Payer) Decline(ctx context.Context, topUp, reason string, click approval.Click) (*approval.Request, error) {
	reason = approval.Cut(approval.Plain(reason), maxReason)
	if strings.TrimSpace(reason) == "" {
		return nil, &approval.InputError{Why: approval.Because(approval.WhyNoReason)}
	}
	return s.answer(ctx, topUp, false, time.Time{}, reason, click)
}

// answer takes an administrator's word on a top-up. Who asked for it does not decide, though they
// may be an administrator: the verb says so, under the lock.
func (s *Payer) answer(ctx context.Context, id string, granted bool, until time.Time, reason string, click approval.Click) (*approval.Request, error) {
	if err := s.people.Administers(ctx, click.Team, click.User, onlyAdmins("answer this")); err != nil {
		return nil, err
	}
	t, err := s.store.TopUp(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.store.Update(ctx, t.RequestID, func(r *approval.Request, now time.Time) error {
		if r.Team != click.Team {
			return approval.ErrNotFound
		}
		// Postgres keeps microseconds, and the event has to say the moment that the row says.
		return r.Money().DecideTopUp(id, granted, until.Truncate(time.Microsecond), reason, click.User, now)
	})
}

// GrantEnd is a moment until which money may be granted, in words.
type GrantEnd struct {
	Words string
	At    time.Time
}

// GrantEnds are the moments that an administrator chooses from, the soonest first.
func (s *Payer) GrantEnds(ctx context.Context, topUp string) ([]GrantEnd, error) {
	t, err := s.store.TopUp(ctx, topUp)
	if err != nil {
		return nil, err
	}
	now := time.Now().Truncate(time.Minute)
	_, midnight := budget.Day.Range(now, s.costs.Calendar())
	ends := []GrantEnd{{"until the end of today", midnight}, {"for 24 hours", now.Add(24 * time.Hour)}}
	standings, err := s.store.Standings(ctx, []budget.Scope{t.Scope})
	if err != nil {
		return nil, err
	}
	for _, st := range standings {
		day := st.ResetsAt.In(s.costs.Calendar()).Format("2 January")
		switch {
		case st.ResetsAt.After(ends[1].At):
			ends = append(ends, GrantEnd{"until the budget resets on " + day, st.ResetsAt})
		case st.ResetsAt.After(now): // it is a limit on top while it lasts: what was spent of it before does not count after
			ends[1].Words += ", before and after the budget resets on " + day
		}
	}
	return ends, nil
}
