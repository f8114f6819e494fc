package draw

import (
	"errors"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// Known says an error in words, if it is one that people should get to know.
func Known(err error) (string, bool) {
	var (
		move     *approval.MoveError
		stale    *approval.StaleError
		not      *approval.NotAllowedError
		input    *approval.InputError
		file     *approval.UnreadableError
		writer   *steps.WriterError
		box      *steps.BoxError
		exceeded *budget.ExceededError
		price    *budget.UnknownPriceError
	)
	switch {
	case errors.As(err, &exceeded):
		return exceeded.Words(""), true // askers choose a way on instead: stillBlocked
	case errors.As(err, &move):
		return moved(move), true
	case errors.As(err, &stale):
		return "This card is out of date: it does not show what would run now. Nothing has changed. Please look at the latest card.", true
	case errors.As(err, &not):
		return reasons.Refused(not.Why), true
	case errors.As(err, &input):
		return reasons.Words(input.Why), true
	case errors.As(err, &file):
		return file.Why, true
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
		return "That is not an amount of dollars. Write it like 25, 25.50 or $1,000.", true
	}
	return "", false
}

// moved says why a click came too early or too late.
func moved(e *approval.MoveError) string {
	if !e.Why.None() {
		return reasons.Words(e.Why) + " Nothing has changed."
	}
	if e.Verb == "withdraw" {
		switch e.Request.State {
		case approval.Running:
			return "It is running already, and what has started cannot be taken back."
		case approval.Withdrawn:
			return "It has been taken back already."
		}
		return "There is nothing to take back: " + HowEnded(e.Request) + "."
	}
	switch e.Request.State {
	case approval.Drafting:
		return "The code is being written at the moment. There is nothing to decide yet."
	case approval.Approved, approval.Running, approval.Done, approval.Lost:
		return "This has been approved already. Nothing has changed."
	case approval.Rejected:
		return "This has been rejected already. Nothing has changed."
	case approval.Expired:
		return "This has expired: " + reasons.Lapsed(e.Request.Reason) + ". Nothing has changed."
	}
	return "This has ended already: " + HowEnded(e.Request) + ". Nothing has changed."
}

// HowEnded says how a request ended, in half a sentence.
func HowEnded(r *approval.Request) string {
	if r.State == approval.Expired {
		return reasons.Lapsed(r.Reason)
	}
	return ended[r.State]
}

var ended = map[approval.State]string{
	approval.Done:      "it has run already",
	approval.Failed:    "it failed before anything was run",
	approval.Rejected:  "it was rejected",
	approval.Withdrawn: "it was taken back",
	approval.Lost:      "it was started, and its result was lost",
}
