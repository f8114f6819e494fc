package codegen

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/approval/steps"
)

// unbilled are the statuses that Mistral documents as refusals of a request before
// a model has been asked: malformed, no valid key, a billing condition, no permission,
// nothing at this address, invalid values, too many requests. Mistral bills "based on token
// consumption" (docs.mistral.ai/admin/billing-usage/invoices), and these consume
// none. Source: docs.mistral.ai/resources/error-glossary, as of 2026-08-21 in
// mistralai/platform-docs-public@222f4ba; 402 is there since later (quoted by
// developersdigest.tech/errors/api/mistral-api, read 2026-11-26). Mistral says of no
// status in so many words that it is not billed, and of 5xx not even that nothing was
// done: a 504 is "the request took too long to process". Whatever is not in this list
// is uncertain.
var unbilled = []int{400, 401, 402, 403, 404, 422, 429}

// failure says what a failed call means: for the asker, for the job that may
// repeat it, and for the bill. A documented refusal costs nothing; where nobody can
// know whether the model worked, it is uncertain what it costs.
func (m *Mistral) failure(ctx context.Context, model string, err error) *steps.WriterError {
	var status *StatusError
	if errors.As(err, &status) && status.noModel() {
		return &steps.WriterError{Err: fmt.Errorf("mistral: %w", status), Words: m.gone(ctx, model)}
	}
	return passing(meaning(err))
}

// passing adds what to do about a failure that may pass. People read it once the
// job has tried often enough.
func passing(e *steps.WriterError) *steps.WriterError {
	if e.Retry {
		e.Words += " Please ask again in " + wait(e.After) + "."
	}
	return e
}

// wait is how long it takes, in words: what the provider says, or what usually helps.
func wait(after time.Duration) string {
	switch minutes := int((after + time.Minute - 1) / time.Minute); {
	case minutes <= 5:
		return "a few minutes"
	case minutes <= 90:
		return fmt.Sprintf("%d minutes", minutes)
	default:
		return fmt.Sprintf("%d hours", (minutes+59)/60)
	}
}

// meaning is failure without the way out.
func meaning(err error) *steps.WriterError {
	var status *StatusError
	var never *unsent
	var network *url.Error
	var syntax *json.SyntaxError
	var form *json.UnmarshalTypeError
	unknown := func(words string) *steps.WriterError {
		return &steps.WriterError{Err: fmt.Errorf("mistral: %w", err), Retry: true, Billed: true, Words: words}
	}
	switch {
	case errors.As(err, &status):
		return refused(status)
	case errors.As(err, &never) && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)):
		return &steps.WriterError{Err: never, Retry: true, Words: "There was no time left to ask Mistral."}
	case errors.As(err, &never):
		return &steps.WriterError{Err: fmt.Errorf("mistral: %w", never), Retry: true, Words: "Mistral cannot be reached."}
	case timedOut(err):
		return unknown("Mistral did not answer in time.")
	case errors.Is(err, context.Canceled):
		return unknown("The call of Mistral was broken off.")
	case errors.Is(err, errTooLarge):
		return unknown("Mistral's answer went on and on, and was not read to its end.")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network):
		return unknown("The connection to Mistral broke in the middle of its answer.")
	case errors.As(err, &syntax) && strings.HasPrefix(syntax.Error(), "unexpected end"):
		return &steps.WriterError{Err: errors.New("mistral: the answer ends in the middle"), Retry: true, Billed: true,
			Words: "Mistral's answer broke off in the middle."}
	case errors.As(err, &form) && strings.HasSuffix(form.Field, "content"):
		return &steps.WriterError{Err: errors.New("mistral: the content is neither a text nor a list"), Billed: true,
			Words: "This model answers in a form that cannot be read here. Choose another one."}
	}
	// The rest is an answer that is not what the API promises. Its text may repeat what it held, so only its kind is kept.
	return &steps.WriterError{Err: fmt.Errorf("mistral: an answer that cannot be read (%T)", err), Retry: true, Billed: true,
		Words: "Mistral answered with something that is no answer."}
}

// refused maps the API's statuses.
func refused(status *StatusError) *steps.WriterError {
	e := &steps.WriterError{Err: fmt.Errorf("mistral: %w", status), After: status.After, Billed: !slices.Contains(unbilled, status.Code)}
	switch {
	case status.Code < 400:
		e.Words = "Mistral's address leads to another one, which is not followed; an administrator has to look at MISTRAL_BASE_URL."
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
		e.Words, e.Retry = "Mistral has a problem of its own at the moment.", true
	}
	return e
}
