package steps

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"countersign/approval"
)

// Sweeper catches up with whatever was missed.
type Sweeper struct {
	store interface {
		Requests
		Work
	}
	sandbox Inspector
	log     *slog.Logger

	payer    *Payer
	reminder *Reminder
	treasury *Treasury
}

// Sweep catches up with whatever was missed: what a schedule calls. Waits that
// have run out end, holds that nobody will settle are settled, and requests that
// nobody works on are woken.
func (s *Sweeper) Sweep(ctx context.Context) error {
	wakes, err := s.store.Stuck(ctx)
	if err != nil {
		return err
	}
	for _, w := range wakes {
		if err := s.catchUp(ctx, w); err != nil {
			s.log.Error("sweep", "request", w.RequestID, "error", err)
		}
	}
	return errors.Join(s.settleStale(ctx), s.store.SettleChecks(ctx), s.treasury.digests(ctx))
}

func (s *Sweeper) catchUp(ctx context.Context, w Wake) error {
	switch w.Step {
	case approval.StepTell, approval.StepLook:
		return s.store.Wake(ctx, w)
	case approval.StepGoOn:
		return s.payer.tryAgain(ctx, w.RequestID)
	}
	r, err := s.store.Update(ctx, w.RequestID, approval.ExpireIfDue)
	if err != nil {
		return err
	}
	if r.State == approval.Expired {
		s.sandbox.Discard(r.ID)
	}
	if r.State == approval.Pending {
		if err := s.reminder.remind(ctx, r.ID); err != nil {
			return err
		}
	}
	steps := map[approval.State]approval.Step{approval.Drafting: approval.NextStep(r), approval.Approved: approval.StepRun, approval.Running: approval.StepRun}
	if step, ok := steps[r.State]; ok {
		if err := s.store.Wake(ctx, Wake{Step: step, RequestID: r.ID}); err != nil {
			return err
		}
	}
	return s.store.Wake(ctx, Wake{Step: approval.StepShow, RequestID: r.ID})
}

// settleStale sees to holds whose time is over, as Request.settleStale says.
func (s *Sweeper) settleStale(ctx context.Context) error {
	holds, err := s.store.StaleHolds(ctx)
	if err != nil {
		return err
	}
	requests := map[string]bool{}
	for _, h := range holds {
		requests[h.RequestID] = true
	}
	for id := range requests {
		_, err := s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error { return r.Money().SettleStale(now) })
		if err != nil {
			s.log.Error("settle stale holds", "request", id, "error", err)
		}
	}
	return nil
}
