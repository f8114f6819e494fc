package draw

import (
	"errors"
	"strings"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// Known returns the error's user-safe text; ok is false when people may not read it. Only types
// whose text was written for people stand here. The text of any other error may hold a path, a
// host or a key, and stays in the log.
// Callers treat ok as "foreseen": such an error is answered and the envelope acked, while any other leaves it
// unacked, so that Slack tells the person that it failed or sends the event again.
func Known(err error) (string, bool) {
	var (
		move     *approval.MoveError
		stale    *approval.StaleError
		not      *approval.NotAllowedError
		input    *approval.InputError
		writer   *steps.WriterError
		box      *steps.BoxError
		exceeded *budget.ExceededError
		price    *budget.UnknownPriceError
	)
	switch {
	// First, since it is what stands in the way also where it came wrapped in another.
	case errors.As(err, &exceeded):
		return exceeded.Words(""), true // askers choose a way on instead: stillBlocked
	case errors.As(err, &move):
		return moved(move), true
	case errors.As(err, &stale):
		return "This card is out of date. Nothing has changed. Please use the latest card.", true
	case errors.As(err, &not):
		return reasons.Refused(not.Why), true
	case errors.As(err, &input):
		return reasons.Words(input.Why), true
	case errors.As(err, &writer) && writer.Words != "":
		return writer.Words, true
	case errors.As(err, &box) && box.Words != "":
		return box.Words, true
	case errors.As(err, &price):
		return reasons.Words(approval.Reason{Code: approval.WhyNoPrice, Name: price.What}), true
	case errors.Is(err, approval.ErrNotFound):
		return "There is no such request here. /analyze status lists yours.", true
	case errors.Is(err, steps.ErrFileTooBig):
		return "The file is too large.", true
	case errors.Is(err, budget.ErrAmount):
		return "That is not a dollar amount. Write it like 25, 25.50 or $1,000.", true
	}
	return "", false
}

// moved explains a click that came too early or too late.
// Two clicks of two people at the same moment are the common case: the second one is told what the first one
// did, and that their own changed nothing.
func moved(e *approval.MoveError) string {
	// The reason says what is in the way. Whoever pressed also wants to know what they have changed.
	if !e.Why.None() {
		return reasons.Words(e.Why) + " Nothing has changed."
	}
	// Whoever cancels wants to know whether it still runs. The sentences below are for reviewers.
	if e.Verb == "withdraw" {
		switch e.Request.State {
		case approval.Withdrawn:
			return "It is already cancelled."
		}
		return "There is nothing to cancel: " + HowEnded(e.Request) + "."
	}
	// Nor does an asker who has answered, and presses once more.
	if strings.HasPrefix(e.Verb, "answer ") && !e.Request.State.Final() {
		return "This has been answered. Your question now: " + HowItStands(e.Request) + "."
	}
	switch e.Request.State {
	case approval.Drafting, approval.Asking:
		return "The code is still being written. There is nothing to decide yet."
	case approval.Approved, approval.Running, approval.Done, approval.Lost:
		if e.Request.Glass != nil {
			return "Somebody broke the glass for this: it runs, and nobody approved it. Nothing has changed."
		}
		return "This is already approved. Nothing has changed."
	case approval.Rejected:
		return "This is already rejected. Nothing has changed."
	case approval.Expired:
		return "This has expired: " + reasons.Lapsed(e.Request.Reason) + ". Nothing has changed."
	}
	return "This has already ended: " + HowEnded(e.Request) + ". Nothing has changed."
}

// HowEnded says how a request ended, in half a sentence. Of one that has not ended it is empty.
func HowEnded(r *approval.Request) string {
	if r.State == approval.Expired {
		return reasons.Lapsed(r.Reason)
	}
	return ended[r.State]
}

// ended are these halves, to stand behind a colon.
var ended = map[approval.State]string{
	approval.Done:      "it has already run",
	approval.Failed:    "it failed before anything was run",
	approval.Rejected:  "it was rejected",
	approval.Withdrawn: "it was cancelled",
	approval.Lost:      "it was started, and its result was lost",
}
