// Package mistral asks Mistral's models, through the library that is prescribed for it
// (gage-technologies/mistral-go, library.go), and knows which models Mistral has and
// has ended (catalogue.go).
//
// A self-hosted server that speaks Mistral's API at the root of its host is
// asked in the same way.
package mistral

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	api "github.com/gage-technologies/mistral-go"

	"countersign/approval/steps"
	"countersign/codegen"
	"countersign/codegen/door"
)

// DefaultModel writes code, has a price, and a name that does not move.
const DefaultModel = "codestral-2508"

// Options say which models are offered, and where.
type Options struct {
	APIKey    string        // required, unless BaseURL names a server that wants none
	BaseURL   string        // any server that speaks the API, scheme and host; defaults to Mistral's
	Models    []string      // what may be asked for, the default first; defaults to DefaultModel
	MaxTokens int           // of one answer; defaults to codegen.AnswerTokens
	Timeout   time.Duration // of one call, where the context allows more; defaults to 90 seconds
}

// Mistral is a codegen.Provider. It is safe for concurrent use.
type Mistral struct {
	key, endpoint string
	about         codegen.About
	door          *door.Door
}

var _ codegen.Provider = (*Mistral)(nil)

// house has the statuses that Mistral documents as refusals of a request before a
// model has been asked: malformed, no valid key, a billing condition, no permission,
// nothing at this address, invalid values, too many requests. Mistral bills "based on token
// consumption" (docs.mistral.ai/admin/billing-usage/invoices), and these consume
// none. Source: docs.mistral.ai/resources/error-glossary, as of 2026-08-21 in
// mistralai/platform-docs-public@222f4ba; 402 is there since later (quoted by
// developersdigest.tech/errors/api/mistral-api, read 2026-11-26). Mistral says of no
// status in so many words that it is not billed, and of 5xx not even that nothing was
// done: a 504 is "the request took too long to process". Whatever is not in this list
// is uncertain.
var house = door.House{Name: "Mistral", Key: "MISTRAL_API_KEY", Address: "MISTRAL_BASE_URL", Models: "MISTRAL_MODELS",
	Unbilled: []int{400, 401, 402, 403, 404, 422, 429}}

// New checks the options. Every fault is reported, in words for whoever
// set them; nothing is called.
func New(o Options) (*Mistral, error) {
	m := &Mistral{key: o.APIKey, endpoint: strings.TrimSuffix(strings.TrimRight(o.BaseURL, "/"), "/v1"), door: door.New(),
		about: codegen.About{Name: house.Name, System: "mistral_ai", Models: slices.Clone(o.Models), MaxTokens: o.MaxTokens, Timeout: o.Timeout}}
	if len(m.about.Models) == 0 {
		m.about.Models = []string{DefaultModel}
	}
	if m.about.MaxTokens == 0 {
		m.about.MaxTokens = codegen.AnswerTokens
	}
	if m.about.Timeout == 0 {
		m.about.Timeout = 90 * time.Second
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch {
	case m.key == "" && m.endpoint == "":
		fault("MISTRAL_API_KEY is not set")
	case m.key == "":
		m.key = "none" // the library would read the environment for itself
	case !door.IsKey(m.key):
		fault("MISTRAL_API_KEY holds a blank or a character that no key has")
	}
	if err := openLibrary(); err != nil {
		fault("%w", err)
	}
	if m.endpoint == "" {
		m.endpoint = api.Endpoint
	} else if err := checkEndpoint(m.endpoint); err != nil {
		fault("MISTRAL_BASE_URL %w", err)
	}
	if u, err := url.Parse(m.endpoint); err == nil {
		m.about.Host, m.about.Official = u.Host, m.endpoint == api.Endpoint
	}
	setting := "MISTRAL_MODEL" // the default is first
	for _, model := range m.about.Models {
		if err := codegen.CheckModel(model); err != nil {
			fault("%s: %w", setting, err)
		}
		setting = "MISTRAL_MODELS"
	}
	if m.about.MaxTokens < 0 || m.about.Timeout < 0 {
		fault("the longest answer and the time-out cannot be negative")
	}
	return m, errors.Join(faults...)
}

// checkEndpoint refuses what the library would drop in silence: it replaces the
// URL's path by its own, so a gateway under a path would never be reached. A
// final /v1 does no harm, since the library's path starts with it.
func checkEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("is not a web address such as http://localhost:8000")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("must be a scheme and a host alone, without a user, a query or a fragment")
	case u.Path != "" && u.Path != "/v1":
		return fmt.Errorf("has the path %q, which would be ignored: only a server at the root of its host can be used", u.Path)
	}
	return nil
}

// About says who is asked.
func (m *Mistral) About() codegen.About { return m.about }

// Ask makes one call.
func (m *Mistral) Ask(ctx context.Context, call codegen.Call) (codegen.Answer, error) {
	response, cached, err := m.exchange(ctx, call)
	if err != nil {
		return codegen.Answer{}, m.failure(ctx, call.Model, err)
	}
	return answer(response, call.Model, cached), nil
}

// failure says what a failed call means, and of a model that is no more what takes its place.
func (m *Mistral) failure(ctx context.Context, model string, err error) *steps.WriterError {
	if status, ok := errors.AsType[*door.StatusError](err); ok && noModel(status) {
		return &steps.WriterError{Err: fmt.Errorf("Mistral: %w", status), Words: m.gone(ctx, model)}
	}
	return house.Failure(err)
}

// answer takes the first choice.
func answer(r *api.ChatCompletionResponse, asked string, cached int) codegen.Answer {
	a := codegen.Answer{End: codegen.Empty}
	if u := r.Usage; u.TotalTokens > 0 {
		a.Usage = codegen.Used(asked, r.Model, u.PromptTokens, cached, 0, u.CompletionTokens)
	}
	if len(r.Choices) == 0 {
		return a
	}
	a.Text, a.Said = r.Choices[0].Message.Content, string(r.Choices[0].FinishReason)
	a.End = ends[a.Said]
	if a.End == "" {
		a.End = codegen.Broken
	}
	return a
}

// ends are Mistral's finish reasons (openapi.yaml of 2026-08-21: ChatCompletionChoice). "error" is left out: it is Broken.
var ends = map[string]codegen.End{"stop": codegen.Whole, "length": codegen.CutOff, "model_length": codegen.CutOff,
	"tool_calls": codegen.Tool, "content_filter": codegen.Filtered, "": codegen.Unsaid}

// header signs a request that is made without the library.
func (m *Mistral) header() http.Header {
	return http.Header{"Authorization": {"Bearer " + m.key}}
}
