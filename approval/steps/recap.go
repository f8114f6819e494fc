package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/thread"
	"countersign/budget"
)

// past is what was said in the thread of a question. What has no room in its prompt any more is
// summed up first, by the same model, where it may be asked and money is there for it. The
// question never waits for a summary in vain: without one, the oldest are left out.
func (s *Drafter) past(ctx context.Context, r *approval.Request, reach review.Reach, sight approval.Sight, b Brief) (thread.Past, error) {
	past, err := s.store.History(ctx, r.ID)
	if err != nil {
		return past, err
	}
	b.Rested = past.Rested(r.CreatedAt, s.Policy.Stale)
	room, most := s.writer.Room(b), s.writer.RecapRoom(b.Model)
	// A fallback has its own bound for all that it may cost (Fallback.Most).
	if past.Gap(sight, room, most) == nil || r.FellBack() || !barred(r, reach).None() {
		return past, nil
	}
	// Whoever else goes on in the thread waits for this summary, and needs none of their own.
	err = s.store.Alone(ctx, "summary of "+r.SessionID, approval.StepDraft, func(ctx context.Context) (err error) {
		if past, err = s.store.History(ctx, r.ID); err != nil {
			return err
		}
		gap := past.Gap(sight, room, most)
		if gap == nil {
			return nil
		}
		to, _ := reach.Offer(b.Model)
		if err := s.sumUp(ctx, r.ID, b, to.Addressee, gap); err != nil {
			return err
		}
		past, err = s.store.History(ctx, r.ID)
		return err
	})
	if errors.Is(err, ErrBusy) {
		err = &LaterError{After: time.Second, Err: fmt.Errorf("sum up the thread of %s: %w", r.ID, err)}
	}
	return past, err
}

// sumUp has a model sum up what has no room. It holds before, and settles after: a replica
// that dies between the call and its booking leaves it uncertain. What came to nothing is
// noted where it was paid for, so that the next question does not pay for the same again.
func (s *Drafter) sumUp(ctx context.Context, id string, b Brief, to approval.Addressee, gap *thread.Gap) error {
	ask := Recap{RequestID: id, SessionID: b.SessionID, Asker: b.Asker, Model: b.Model, Before: gap.Before.Text, Said: gap.Said, Hides: b.Hides, Zone: b.Today.Location()}
	call, begun := calling{to: to}, false
	r, err := s.store.Update(ctx, id, func(r *approval.Request, now time.Time) (err error) {
		prompt, answer := s.writer.RecapSize(ask)
		if call.tokens, err = s.Prices.WorstTokens(b.Model, prompt, answer, now); err != nil {
			return err
		}
		begun, err = approval.Summarise(r, b.Model, call.tokens, to, now)
		return err
	})
	if _, ok := errors.AsType[*budget.ExceededError](err); ok || !foreseen(err).None() {
		return nil // no money, no price, or it has moved on, which the draft finds out as well
	}
	if err != nil || !begun {
		return err
	}
	at := slices.IndexFunc(r.Holds, func(h budget.OpenHold) bool { return h.Purpose == budget.ForSummary })
	if at < 0 {
		return fmt.Errorf("sum up the thread of %s: its hold is gone", id)
	}
	call.hold = r.Holds[at]
	came, failed := s.writer.Recap(ctx, ask)

	// From here on money may have been spent: it is booked even when this replica is told to stop.
	ctx = context.WithoutCancel(ctx)
	made, usage, paid := gap.Summary, came.Usage, true
	made.Model, made.Text, made.Provider, made.Host = b.Model, came.Text, to.Provider, to.Host
	if failed != nil {
		said, ok := errors.AsType[*WriterError](failed)
		if !ok {
			said = &WriterError{Err: failed, Billed: true, Words: "The model could not be asked."}
		}
		made.Why, made.Text = approval.Plain(said.Words), ""
		if usage = said.Usage; usage.Model == "" && said.Billed {
			usage.Model = unknownUsage
		}
		paid = usage.Model != "" || !said.Retry
	}
	_, err = s.ends.book(ctx, id, call, usage, 0, func(r *approval.Request, now time.Time) error {
		if paid {
			approval.Summarised(r, made, now)
		}
		return nil
	})
	return err
}
