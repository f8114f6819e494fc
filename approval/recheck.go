package approval

import (
	"context"
	"errors"
	"time"

	"countersign/budget"
)

// A request may stand in line for its box for hours. What was checked before that is
// checked again when the box is there: that nothing is frozen, that who approved it may
// still do so, that all it rests on is there.

// checkedLife is how old a check may be when a box is named. Most boxes are there sooner.
const checkedLife = 2 * time.Second

// recheck does that. Where the request does not start now, its box is killed and paid for,
// and the error is that of the start.
func (s *Service) recheck(ctx context.Context, r *Request, opened opening, box string) (stop bool, _ error) {
	if time.Since(opened.checked) < checkedLife {
		return false, nil
	}
	stop, err := s.mayStart(ctx, r)
	if err == nil && !stop {
		return false, nil
	}
	ctx = context.WithoutCancel(ctx) // a box is paid for and killed even when this replica is told to stop
	if broken := new(BrokenSealError); errors.As(err, &broken) {
		broken.Box = opened.age()
		err = s.breakSeal(ctx, r, broken)
	} else {
		s.payHeldBack(ctx, r, opened.age())
	}
	// Another replica that has named it since has checked for itself.
	if now, unread := s.Store.Request(ctx, r.ID); unread != nil || now.Run == nil || now.Run.BoxID != box {
		if kill := s.Sandbox.Kill(ctx, box); kill != nil {
			s.Log.Warn("kill a box that is not started", "request", r.ID, "error", kill)
		}
	}
	return true, s.failOrLater(ctx, r.ID, err)
}

func (s *Service) mayStart(ctx context.Context, r *Request) (stop bool, err error) {
	if stop, err = s.heldBack(ctx, r); stop || err != nil {
		return stop, err
	}
	why, err := s.fallen(ctx, r)
	if err != nil {
		return true, err
	}
	if why != nil {
		return true, &BrokenSealError{Why: why}
	}
	return s.inPlace(ctx, r, true)
}

// payHeldBack charges a box in which nothing started. A request that is to run yet pays
// it out of what is held for its run, so that both cost no more than was agreed to.
func (s *Service) payHeldBack(ctx context.Context, was *Request, used time.Duration) {
	_, err := s.Store.Update(ctx, was.ID, func(r *Request, now time.Time) error {
		charge, err := s.Prices.BoxCharge(s.Sandbox.Size(), used, now)
		switch {
		case err != nil:
			return err
		case r.State == Approved && r.Revision.Number == was.Revision.Number:
			r.payHeldBack(charge, now)
		default:
			r.Unused(charge, now)
		}
		return nil
	})
	if err != nil {
		s.Log.Warn("charge a box that is not started", "request", was.ID, "error", err)
	}
}

func (r *Request) payHeldBack(charge budget.Charge, now time.Time) {
	r.Place = NotInLine
	for _, h := range r.runHolds() {
		charge.Amount = min(charge.Amount, h.Amount)
		r.Settle(budget.Settlement{HoldID: h.ID, At: now, Charges: []budget.Charge{charge}})
		if left := h.Amount - charge.Amount; left > 0 {
			r.hold(h.Purpose, left, now, max(h.ExpiresAt.Sub(now), draftHoldLife))
		}
	}
}
