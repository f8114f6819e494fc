package steps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"countersign/approval"
	"countersign/budget"
)

// Ends ends requests, and says why.
type Ends struct {
	store Requests
	log   *slog.Logger
	*Settings

	costs *Costs
}

// LaterError asks for a step to be tried again: nothing is wrong with the
// request, the world was not ready.
type LaterError struct {
	After time.Duration
	Err   error
}

func (e *LaterError) Error() string { return fmt.Sprintf("later: %v", e.Err) }

func (e *LaterError) Unwrap() error { return e.Err }

// The steps end requests over errors that they have foreseen, and the asker reads why.
// What they have not foreseen is tried again, by the job.

// foreseen is the reason in an error that may be told; none for any other error, whose text may
// hold anything.
func foreseen(err error) approval.Reason {
	for _, find := range []func(error) approval.Reason{spokenReason, inputReason, priceReason} {
		if why := find(err); !why.None() {
			return why
		}
	}
	if move, ok := errors.AsType[*approval.MoveError](err); ok {
		return move.Why
	}
	return approval.Reason{}
}

// why is foreseen with a way out: text of errors that nobody has foreseen stays
// in the log, under a reference.
func (s *Ends) why(id string, err error) approval.Reason {
	if why := foreseen(err); !why.None() {
		return why
	}
	reference := approval.NewID(6)
	s.log.Error("step failed", "request", id, "reference", reference, "error", err)
	return approval.Reason{Code: approval.WhyOurFault, Name: reference}
}

// spokenReason is that of a budget, or what a sandbox or a model's provider says.
func spokenReason(err error) approval.Reason {
	refused, box, writer := new(budget.ExceededError), new(BoxError), new(WriterError)
	switch {
	case errors.As(err, &refused):
		return approval.OverBudget(approval.WhyOverBudget, refused)
	case errors.As(err, &box) && box.Words != "":
		return approval.Words(box.Words)
	case errors.As(err, &writer):
		return approval.Words(writer.Words)
	}
	return approval.Reason{}
}

// inputReason is that of what a person gave, or of a file that is not read.
func inputReason(err error) approval.Reason {
	if in, ok := errors.AsType[*approval.InputError](err); ok {
		return in.Why
	}
	return approval.Reason{}
}

// priceReason is that of something that nobody can price.
func priceReason(err error) approval.Reason {
	if unknown, ok := errors.AsType[*budget.UnknownPriceError](err); ok {
		return approval.Reason{Code: approval.WhyNoPrice, Name: unknown.What}
	}
	return approval.Reason{}
}

// sendBack has another draft written, or ends what does not get there.
func (s *Ends) sendBack(r *approval.Request, why approval.Refusal, now time.Time) error {
	if !s.mayRepair(r) {
		r.Refused = append(r.Refused, why)
		return r.Fail(gaveUp(r), now)
	}
	return r.Refuse(why, now)
}

// mayRepair tells whether the model may be asked once more.
func (s *Ends) mayRepair(r *approval.Request) bool {
	return len(r.Refused) < maxRepairs && r.Attempts < s.Policy.MaxAttempts
}

// unknownUsage stands for the model of a call whose usage nobody knows: it stays held.
const unknownUsage = "?"

// book concludes a call together with what follows from it, and tells whether it
// followed. A request that was taken back meanwhile is paid for, and nothing follows.
// The store may run the closure anew, so each run begins with the usage as it came.
func (s *Ends) book(ctx context.Context, id string, call calling, usage budget.Usage, box time.Duration, then func(*approval.Request, time.Time) error) (went bool, _ error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err := s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
		// A provider that billed and did not say how much is charged nothing now: the call's most stays
		// held, and uncertain, until its usage is known.
		known, unknown := usage, budget.USD(0)
		if usage.Model == unknownUsage {
			known.Model, unknown = "", call.tokens
		}
		settled, err := s.costs.settlement(call, known, box, now)
		s.costs.unpriced(r, err, false, now)
		if call.tokens > 0 {
			r.Money().PayFallback(call.model, unknown+budget.Total(settled.Charges))
		}
		r.Money().Conclude(call.hold, call.tokens+call.boxes, settled, unknown)
		// A box has no tokens, and whoever waits for it checks for themselves whether it still counts.
		went = r.State == approval.Drafting && (call.tokens == 0 || !overtaken(r, call.hold))
		if !went {
			return nil
		}
		return then(r, now)
	})
	return went, err
}

// overtaken tells that what a call was for is there already, or not wanted any more:
// its asker has declined the model, and may have got another one since.
func overtaken(r *approval.Request, call budget.OpenHold) bool {
	return r.Blocked != nil || r.Revision != nil && call.At.Before(r.Revision.At) ||
		slices.ContainsFunc(r.Holds, func(h budget.OpenHold) bool {
			return h.Purpose != budget.ForRun && !h.Called && h.At.After(call.At)
		})
}

// settlement prices what a call used by the model that answered. What nobody can
// price settles at the hold, and the error says so.
func (s *Costs) settlement(call calling, usage budget.Usage, box time.Duration, now time.Time) (budget.Settlement, error) {
	hold := call.hold
	settled := budget.Settlement{HoldID: hold.ID, At: now}
	if usage.Model != "" {
		charge, err := s.Prices.TokenCharge(usage, now)
		if err != nil {
			return hold.InFull(now, usage.Model), err
		}
		charge.Provider, charge.Host = call.to.Provider, call.to.Host
		settled.Charges = append(settled.Charges, charge)
	}
	if box > 0 {
		charge, err := s.Prices.BoxCharge(s.sandbox.Size(), box, now)
		if err != nil {
			return hold.InFull(now, s.sandbox.Size().Kind), err
		}
		settled.Charges = append(settled.Charges, charge)
	}
	return settled, nil
}

// fail ends a request before anything has run.
func (s *Ends) fail(ctx context.Context, id string, reason approval.Reason) error {
	return s.failOver(ctx, id, reason, nil)
}

// failOver is fail over an error, of which administrators may have to hear.
func (s *Ends) failOver(ctx context.Context, id string, reason approval.Reason, over error) error {
	_, err := s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
		// Only what is being written, or is approved and not started, ends here: reviewers and askers keep
		// what waits for them, and a run has an outcome of its own.
		if r.State != approval.Drafting && r.State != approval.Approved {
			return nil
		}
		s.costs.unpriced(r, over, true, now)
		if box, ok := errors.AsType[*BoxError](over); ok && box.Box > 0 {
			r.Money().PayBox(s.costs.boxCharge(r, box.Box, now), now)
		}
		return r.Fail(reason, now)
	})
	return err
}

// failOrLater ends a request over what will not pass, and leaves it over what may.
func (s *Ends) failOrLater(ctx context.Context, id string, err error) error {
	if _, ok := errors.AsType[*LaterError](err); ok || ended(err) == nil {
		return ended(err)
	}
	if why := foreseen(err); !why.None() {
		return s.failOver(ctx, id, why, err)
	}
	return err
}

// Abandon ends a request of a database that was put back from a copy. What happened since is
// not known here: its code may have run, so nothing of it runs any more, and what was held
// for a run is charged in full.
func Abandon(r *approval.Request, why approval.Reason, now time.Time) error {
	switch r.State {
	case approval.Running:
		return r.Lose(now)
	case approval.Approved:
		for _, h := range r.Money().ForRun() {
			r.Money().Settle(h.InFull(now, r.Revision.Manifest.Sandbox))
		}
	}
	if r.State.Final() {
		return nil
	}
	return r.Fail(why, now)
}

// Stops ends runs that somebody has cancelled. The click only commits; the replica that watches the
// run looks whether it is still wanted, because nobody else may be able to reach its box. Where that
// replica has died, the one that takes the run over ends it.
type Stops struct {
	store interface {
		Requests
		Results
	}
	sandbox interface {
		BoxTerms
		Kill(ctx context.Context, boxID string) error
		Result(ctx context.Context, boxID string) (approval.Result, error)
	}
	log *slog.Logger
	*Settings

	costs *Costs
}

// stopsEvery is how often a run's replica looks whether it is still wanted.
const stopsEvery = time.Second

// watch ends the box of a run once it is cancelled, or is over for another replica, until unwatched
// is called. While the box cannot be ended, it goes on trying.
func (s *Stops) watch(ctx context.Context, r *approval.Request) (unwatched func()) {
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	id, box := r.ID, r.Run.BoxID
	go func() {
		defer close(over)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(stopsEvery):
			}
			stopped, err := s.store.Stopped(ctx, id, box)
			if err == nil && stopped {
				// Not given up in the middle: whoever goes on relies on the box being no more.
				kill, done := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
				err = s.sandbox.Kill(kill, box)
				done()
				if err == nil {
					return
				}
			}
			if err != nil && ctx.Err() == nil {
				s.log.Warn("a cancelled run is not ended yet", "request", id, "box", box, "error", err)
			}
		}
	}()
	return func() { cancel(); <-over }
}

// orphanLife is longer than any box exists beyond the time of its code.
const orphanLife = time.Hour

// reach is an error where the box of a run cannot be asked from here. A local box belongs to this
// machine, so a sandbox that does not know it says that it is gone.
func (s *Stops) reach(r *approval.Request) error {
	m := r.Revision.Manifest
	if m.Sandbox == "local" || s.sandbox.Size().Kind == m.Sandbox {
		return nil
	}
	// Other replicas, or this one once it is set up again, can still reach a box that is not on this machine.
	if time.Since(r.Run.StartedAt) > orphanLife+time.Duration(m.Limits.Seconds)*time.Second {
		return ErrBoxGone
	}
	return &LaterError{After: 30 * time.Second, Err: fmt.Errorf("no way to its %s box from here", m.Sandbox)}
}

// end ends a run that was cancelled: its box first, so that nothing runs any more when the row says so.
func (s *Stops) end(ctx context.Context, r *approval.Request, age time.Duration) error {
	box, err := r.Run.BoxID, s.reach(r)
	if err == nil {
		err = s.sandbox.Kill(ctx, box)
	}
	if err == nil && r.Revision.Manifest.Sandbox == "local" {
		// One of another process of this machine is ended by that process alone: while it lives, it can be asked about.
		_, err = s.sandbox.Result(ctx, box)
	}
	if err != nil && !errors.Is(err, ErrBoxGone) {
		return err
	}
	_, err = s.store.Update(ctx, r.ID, func(r *approval.Request, now time.Time) error {
		if r.State != approval.Running || r.Run.BoxID != box {
			return r.Illegal("finish")
		}
		return s.stopped(r, age, now)
	})
	return err
}

// stopped books it. The box may be older than the row knows.
func (s *Stops) stopped(r *approval.Request, age time.Duration, now time.Time) error {
	used := max(now.Sub(r.Run.StartedAt), age)
	return approval.Stopping{Request: r}.Stopped(used, s.costs.boxCharge(r, used, now), s.Policy, now)
}
