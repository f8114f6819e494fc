package steps

import (
	"context"
	"errors"
	"time"

	"countersign/approval"
)

// Sweep catches up with whatever was missed: what a schedule calls. Waits that
// have run out end, holds that nobody will settle are settled, and requests that
// nobody works on are woken.
func (s *Service) Sweep(ctx context.Context) error {
	wakes, err := s.Store.Stuck(ctx)
	if err != nil {
		return err
	}
	for _, w := range wakes {
		if err := s.catchUp(ctx, w); err != nil {
			s.Log.Error("sweep", "request", w.RequestID, "error", err)
		}
	}
	return errors.Join(s.settleStale(ctx), s.Store.SettleChecks(ctx), s.digests(ctx))
}

func (s *Service) catchUp(ctx context.Context, w Wake) error {
	switch w.Step {
	case approval.StepTell, approval.StepLook:
		return s.Store.Wake(ctx, w)
	case approval.StepGoOn:
		return s.tryAgain(ctx, w.RequestID)
	}
	r, err := s.Store.Update(ctx, w.RequestID, approval.ExpireIfDue)
	if err != nil {
		return err
	}
	if r.State == approval.Expired {
		s.Sandbox.Discard(r.ID)
	}
	if r.State == approval.Pending {
		if err := s.remind(ctx, r.ID); err != nil {
			return err
		}
	}
	steps := map[approval.State]approval.Step{approval.Drafting: approval.NextStep(r), approval.Approved: approval.StepRun, approval.Running: approval.StepRun}
	if step, ok := steps[r.State]; ok {
		if err := s.Store.Wake(ctx, Wake{Step: step, RequestID: r.ID}); err != nil {
			return err
		}
	}
	return s.Store.Wake(ctx, Wake{Step: approval.StepShow, RequestID: r.ID})
}

// settleStale sees to holds whose time is over, as Request.settleStale says.
func (s *Service) settleStale(ctx context.Context) error {
	holds, err := s.Store.StaleHolds(ctx)
	if err != nil {
		return err
	}
	requests := map[string]bool{}
	for _, h := range holds {
		requests[h.RequestID] = true
	}
	for id := range requests {
		_, err := s.Store.Update(ctx, id, func(r *approval.Request, now time.Time) error { return r.Money().SettleStale(now) })
		if err != nil {
			s.Log.Error("settle stale holds", "request", id, "error", err)
		}
	}
	return nil
}
