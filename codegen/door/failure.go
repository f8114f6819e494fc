package door

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"countersign/approval/steps"
)

// House is a provider, as far as its failures are told to people.
type House struct {
	Name                 string   // "Mistral"
	Key, Address, Models string   // the settings that an administrator would look at
	Unbilled             []int    // statuses that the provider documents as refused before a model worked
	Exhausted            []string // what a refusal's body holds where the account has no money left, which no waiting mends
	Filtered             []string // what it holds where a filter refuses the question
}

// Failure says what a failed call means: for the asker, for the job that may repeat
// it, and for the bill. Where nobody can know whether the model worked, the cost is
// uncertain.
func (h House) Failure(err error) *steps.WriterError {
	status, refused := errors.AsType[*StatusError](err)
	never, unsent := errors.AsType[*Unsent](err)
	_, broke := errors.AsType[*url.Error](err)
	form, wrongForm := errors.AsType[*json.UnmarshalTypeError](err)
	syntax, noJSON := errors.AsType[*json.SyntaxError](err)
	uncertain := func(retry bool, format string) *steps.WriterError {
		return &steps.WriterError{Err: fmt.Errorf("%s: %w", h.Name, err), Retry: retry, Billed: true, Words: fmt.Sprintf(format, h.Name)}
	}
	switch {
	// The order matters. A status is the provider's own word, and what was never sent costs nothing; only then is asked how it
	// broke, because an error of time or of the connection may be wrapped in any of the others.
	case refused:
		return h.refused(status)
	case unsent && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)):
		return &steps.WriterError{Err: never, Retry: true, Words: "There was no time left to ask " + h.Name + "."}
	case unsent:
		return &steps.WriterError{Err: fmt.Errorf("%s: %w", h.Name, never), Retry: true, Words: h.Name + " cannot be reached."}
	case timedOut(err):
		return uncertain(true, "%s did not answer in time.")
	case errors.Is(err, context.Canceled):
		return uncertain(true, "The call of %s was broken off.")
	case errors.Is(err, errTooLarge):
		return uncertain(true, "%s's answer went on and on, and was not read to its end.")
	case errors.Is(err, errPage):
		return uncertain(false, "%s's address answers with a web page; an administrator has to look at "+h.Address+" and at what stands in between.")
	case errors.Is(err, errFault):
		return uncertain(false, "%s answered with an error. Please ask again later.")
	// The body was whole by its length, and its JSON is not: something on the way has cut it.
	case noJSON && strings.HasPrefix(syntax.Error(), "unexpected end"):
		return &steps.WriterError{Err: fmt.Errorf("%s: the answer ends in the middle", h.Name), Retry: true, Billed: true,
			Words: h.Name + "'s answer broke off in the middle."}
	case errors.Is(err, io.ErrUnexpectedEOF), broke && !noJSON && !wrongForm:
		return uncertain(true, "The connection to %s broke in the middle of its answer.")
	// The same model would answer in the same form, so it is not tried again.
	case wrongForm && strings.HasSuffix(form.Field, "content"):
		return &steps.WriterError{Err: fmt.Errorf("%s: the content is neither a text nor a list", h.Name), Billed: true,
			Words: "This model answers in a form that cannot be read here. Choose another one."}
	}
	// The rest is an answer that is not what the API promises. Its text may repeat what it held, so only its kind is kept.
	return &steps.WriterError{Err: fmt.Errorf("%s: an answer that cannot be read (%T)", h.Name, err), Retry: true, Billed: true,
		Words: h.Name + " answered with something that is not an answer."}
}

// refused maps the statuses, which all providers use alike.
func (h House) refused(status *StatusError) *steps.WriterError {
	e := &steps.WriterError{Err: fmt.Errorf("%s: %w", h.Name, status), After: status.After, Billed: !slices.Contains(h.Unbilled, status.Code)}
	says := func(signs []string) bool {
		return status.Code < 500 && slices.ContainsFunc(signs, func(sign string) bool { return strings.Contains(status.Body, sign) })
	}
	switch {
	// Before the statuses: providers tell a filter and an empty account by a text, under a status that means other things, too.
	case says(h.Filtered):
		e.Words = h.Name + "'s content filter refused the question. Asking in other words may help."
	case says(h.Exhausted):
		e.Words = h.Name + "'s account has no credit left or has reached its spending limit; an administrator has to look at it."
	case status.Code < 400:
		e.Words = h.Name + "'s address leads to another one, which is not followed; an administrator has to look at " + h.Address + "."
	case status.Code == 401:
		e.Words = h.Name + " refused the key; an administrator has to look at " + h.Key + "."
	case status.Code == 402:
		e.Words = h.Name + " wants to be paid first; an administrator has to look at the account."
	case status.Code == 403:
		e.Words = h.Name + " does not let this key use the model; an administrator has to look at the account."
	case status.Code == 404:
		e.Words = h.Name + " does not know this model or this address; an administrator has to look at " + h.Models + " and " + h.Address + "."
	case status.Code == 429:
		e.Words, e.Retry = h.Name+" takes no more questions at the moment: its rate limit is used up.", true
	case status.Code == 408 || status.Code == 409 || status.Code == 425:
		e.Words, e.Retry = h.Name+" could not take the question just now.", true
	case status.Code < 500:
		e.Words = fmt.Sprintf("%s refused the question as malformed (HTTP %d); an administrator has to look at the model's settings.", h.Name, status.Code)
	default:
		e.Words, e.Retry = h.Name+" has a problem of its own at the moment.", true
	}
	return e
}
