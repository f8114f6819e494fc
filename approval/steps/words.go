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

// The steps end requests over errors that they have foreseen, and tell the asker
// in these words. What they have not foreseen is tried again, by the job.

func foreseen(err error) string {
	for _, find := range []func(error) string{exceededWords, boxWords, writerWords, inputWords, priceWords, moveWords} {
		if words := find(err); words != "" {
			return words
		}
	}
	return ""
}

// why is foreseen with a way out: text of errors that nobody has foreseen stays
// in the log, under a reference.
func (s *Ends) why(id string, err error) string {
	if words := foreseen(err); words != "" {
		return words
	}
	reference := approval.NewID(6)
	s.log.Error("step failed", "request", id, "reference", reference, "error", err)
	return "Something went wrong on our side. An administrator finds it in the log under " + reference + "."
}

func exceededWords(err error) string {
	var e *budget.ExceededError
	if errors.As(err, &e) {
		return e.Words("")
	}
	return ""
}

func boxWords(err error) string {
	var e *BoxError
	if errors.As(err, &e) {
		return e.Words
	}
	return ""
}

func writerWords(err error) string {
	var e *WriterError
	if errors.As(err, &e) {
		return e.Words
	}
	return ""
}

func inputWords(err error) string {
	var in *approval.InputError
	var un *approval.UnreadableError
	switch {
	case errors.As(err, &in):
		return in.Why
	case errors.As(err, &un):
		return un.Why
	}
	return ""
}

func priceWords(err error) string {
	var e *budget.UnknownPriceError
	if errors.As(err, &e) {
		return fmt.Sprintf("Nobody knows what %s costs, so it is not used. An administrator can add its price.", e.What)
	}
	return ""
}

func moveWords(err error) string {
	var e *approval.MoveError
	if errors.As(err, &e) {
		return e.Why
	}
	return ""
}
