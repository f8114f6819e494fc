package codegen

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"countersign/approval"
)

// StatusError is an answer of the API that is not a success. Its text never
// holds the body, which may repeat the prompt.
type StatusError struct {
	Code int
	Body string // at most 500 bytes, for a debugger; never logged
}

func (e *StatusError) Error() string { return fmt.Sprintf("mistral: HTTP %d", e.Code) }

// uncalled is a call that was never made.
type uncalled struct{ error }

func (e *uncalled) Unwrap() error { return e.error }

// statusOf reads the only form in which the library reports a status. This is the
// one place that knows it.
func statusOf(err error) (*StatusError, bool) {
	var code int
	text := err.Error()
	if n, scanErr := fmt.Sscanf(text, "(HTTP Error %d)", &code); n != 1 || scanErr != nil {
		return nil, false
	}
	_, body, _ := strings.Cut(text, ") ")
	return &StatusError{Code: code, Body: clipBytes(body, 500)}, true
}

// failure says what a failed call means: for the asker, for the job that may
// repeat it, and for the bill. A clean refusal costs nothing; where nobody can
// know whether the model worked, it counts as billed.
func failure(err error) *approval.WriterError {
	return passing(meaning(err))
}

// passing adds what to do about a failure that may pass. People read it once the
// job has tried often enough.
func passing(e *approval.WriterError) *approval.WriterError {
	if e.Retry {
		e.Words += " Please ask again in a few minutes."
	}
	return e
}

// meaning is failure without the way out.
func meaning(err error) *approval.WriterError {
	var never *uncalled
	var network *url.Error
	var dial *net.OpError
	var syntax *json.SyntaxError
	var form *json.UnmarshalTypeError
	status, isStatus := statusOf(err)
	switch {
	case errors.As(err, &never):
		return &approval.WriterError{Err: err, Retry: true, Words: "There was no time left to ask Mistral."}
	case isStatus:
		return refused(status)
	case errors.As(err, &dial) && dial.Op == "dial":
		return &approval.WriterError{Err: fmt.Errorf("mistral: %w", err), Retry: true, Words: "Mistral cannot be reached."}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return &approval.WriterError{Err: fmt.Errorf("mistral: %w", err), Retry: true, Billed: true, Words: "Mistral did not answer in time."}
	case errors.Is(err, context.Canceled):
		return &approval.WriterError{Err: fmt.Errorf("mistral: %w", err), Retry: true, Billed: true, Words: "The call of Mistral was broken off."}
	case errors.As(err, &form) && strings.HasSuffix(form.Field, "content"):
		return &approval.WriterError{Err: errors.New("mistral: the content is not a text"), Billed: true,
			Words: "This model answers in a form that cannot be read here. Choose another one."}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network):
		return &approval.WriterError{Err: fmt.Errorf("mistral: %w", err), Retry: true, Billed: true, Words: "The connection to Mistral broke in the middle of its answer."}
	case errors.As(err, &syntax) && strings.HasPrefix(syntax.Error(), "unexpected end"):
		return &approval.WriterError{Err: errors.New("mistral: the answer ends in the middle"), Retry: true, Billed: true,
			Words: "Mistral's answer broke off in the middle."}
	}
	// The rest is an answer that is not what the API promises. Its text may repeat what it held, so only its kind is kept.
	return &approval.WriterError{Err: fmt.Errorf("mistral: an answer that cannot be read (%T)", err), Retry: true, Billed: true,
		Words: "Mistral answered with something that is no answer."}
}

// refused maps the API's statuses.
func refused(status *StatusError) *approval.WriterError {
	e := &approval.WriterError{Err: status}
	switch {
	case status.Code == 401:
		e.Words = "Mistral refused the key; an administrator has to look at MISTRAL_API_KEY."
	case status.Code == 402:
		e.Words = "Mistral wants to be paid first; an administrator has to look at the account."
	case status.Code == 403:
		e.Words = "Mistral does not let this key use the model; an administrator has to look at the account."
	case status.Code == 404:
		e.Words = "Mistral does not know this model or this address; an administrator has to look at MISTRAL_MODELS and MISTRAL_BASE_URL."
	case status.Code == 429:
		e.Words, e.Retry = "Mistral takes no more questions at the moment: its rate limit is used up.", true
	case status.Code == 408 || status.Code == 409 || status.Code == 425:
		e.Words, e.Retry = "Mistral could not take the question just now.", true
	case status.Code < 500:
		e.Words = fmt.Sprintf("Mistral refused the question as malformed (HTTP %d); an administrator has to look at the model's settings.", status.Code)
	default:
		e.Words, e.Retry, e.Billed = "Mistral has a problem of its own at the moment.", true, true
	}
	return e
}
