package approval

import (
	"time"

	"countersign/budget"
)

// Stopping ends a run that whoever asked does not want any more.
type Stopping struct{ *Request }

// Stop notes who wants the run ended. Whoever watches it ends its box; until then it runs. Said
// again, it changes nothing.
func (s Stopping) Stop(by string, now time.Time) error {
	r := s.Request
	switch {
	case !r.Can("Stop"):
		return r.Illegal("withdraw")
	case !r.Run.StoppedAt.IsZero():
		return nil
	}
	now = r.Run.after(now)
	r.Run.StoppedAt, r.Run.StoppedBy = now, by
	r.Changes.Run = r.Run
	r.note(now, by, EventStopped, map[string]any{"box": r.Run.BoxID})
	r.touch(now, StepRun, StepShow)
	return nil
}

// Stopped is Finish for a run whose box was ended before a result had come: it was used for so
// long, and nothing of what it did is kept. What would cost more than is held is charged in full.
func (s Stopping) Stopped(box time.Duration, charge budget.Charge, p Policy, now time.Time) error {
	r := s.Request
	if !r.Can("Finish") || r.Run.StoppedAt.IsZero() {
		return r.Illegal("finish")
	}
	for _, h := range r.Money().ForRun() {
		if charge.Amount > h.Amount { // nobody knows when its box ended
			r.Money().Settle(h.InFull(now, r.Revision.Manifest.Sandbox))
		}
	}
	return r.Finish(Result{Outcome: Cancelled, Box: box}, charge, p, now)
}
