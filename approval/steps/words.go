package steps

import (
	"errors"
	"fmt"
	"log/slog"
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

func foreseen(err error) approval.Reason {
	for _, find := range []func(error) approval.Reason{spokenReason, inputReason, priceReason} {
		if why := find(err); !why.None() {
			return why
		}
	}
	if move := new(approval.MoveError); errors.As(err, &move) {
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
	if in := new(approval.InputError); errors.As(err, &in) {
		return in.Why
	}
	return approval.Reason{}
}

func priceReason(err error) approval.Reason {
	if unknown := new(budget.UnknownPriceError); errors.As(err, &unknown) {
		return approval.Reason{Code: approval.WhyNoPrice, Name: unknown.What}
	}
	return approval.Reason{}
}
