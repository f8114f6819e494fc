package approval

import (
	"errors"
	"fmt"
)

// MoveError is a verb that does not fit the state: a late, stale or double
// click, or two replicas at once. Nothing has been changed.
type MoveError struct {
	Request *Request // as it stands
	Verb    string
	Why     Reason // when the state alone does not say it
}

func (e *MoveError) Error() string {
	return fmt.Sprintf("cannot %s a request that is %s", e.Verb, e.Request.State)
}

// StaleError is a click on a card that shows something else than what would run.
type StaleError struct {
	Request *Request
}

func (e *StaleError) Error() string { return "the card is outdated" }

// NotAllowedError is a person who may not do what they tried.
type NotAllowedError struct {
	Who string
	Why Reason
}

func (e *NotAllowedError) Error() string { return fmt.Sprintf("%s may not: %s", e.Who, e.Why) }

// InputError is something that a person gave and can give better.
type InputError struct {
	Why Reason
}

func (e *InputError) Error() string { return e.Why.String() }

// Enough refuses a question when its asker has too many under way: reviewers have one
// queue, and nobody may fill it alone.
func Enough(most int) *InputError {
	return &InputError{Why: Reason{Code: WhyManyQuestions, Count: int64(most)}}
}

// ErrNotFound is a request, a thread, a notice or a budget that nobody has.
var ErrNotFound = errors.New("no such request")
