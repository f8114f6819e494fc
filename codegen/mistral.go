package codegen

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	mistral "github.com/gage-technologies/mistral-go"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// DefaultModel writes code, has a price, and a name that does not move.
const DefaultModel = "codestral-2508"

// MistralOptions say which models are offered, and where.
type MistralOptions struct {
	APIKey     string        // required, unless BaseURL names a server that wants none
	BaseURL    string        // any server that speaks the API, scheme and host; defaults to Mistral's
	Models     []string      // what may be asked for, the default first; defaults to DefaultModel
	MaxTokens  int           // of one answer; defaults to AnswerTokens
	Timeout    time.Duration // of one call, where the context allows more; defaults to 90 seconds
	SampleRows int           // how many rows of a table the model may see; defaults to none
}

// Mistral is an approval.Writer. It is safe for concurrent use.
type Mistral struct {
	key, endpoint string
	models        []string
	maxTokens     int
	timeout       time.Duration
	sampleRows    int
	door          *door
}

var _ steps.Writer = (*Mistral)(nil)

// NewMistral checks the options. Every fault is reported, in words for whoever
// set them; nothing is called.
func NewMistral(o MistralOptions) (*Mistral, error) {
	m := &Mistral{key: o.APIKey, endpoint: strings.TrimSuffix(strings.TrimRight(o.BaseURL, "/"), "/v1"), models: slices.Clone(o.Models), maxTokens: o.MaxTokens,
		timeout: o.Timeout, sampleRows: o.SampleRows, door: newDoor()}
	if len(m.models) == 0 {
		m.models = []string{DefaultModel}
	}
	if m.maxTokens == 0 {
		m.maxTokens = AnswerTokens
	}
	if m.timeout == 0 {
		m.timeout = 90 * time.Second
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch {
	case m.key == "" && m.endpoint == "":
		fault("MISTRAL_API_KEY is not set")
	case m.key == "":
		m.key = "none" // the library would read the environment for itself
	case strings.ContainsFunc(m.key, func(r rune) bool { return r <= ' ' || r > '~' }):
		fault("MISTRAL_API_KEY holds a blank or a character that no key has")
	}
	if err := openMistral(); err != nil {
		fault("%w", err)
	}
	if m.endpoint == "" {
		m.endpoint = mistral.Endpoint
	} else if err := checkEndpoint(m.endpoint); err != nil {
		fault("MISTRAL_BASE_URL %w", err)
	}
	setting := "MISTRAL_MODEL" // the default is first
	for _, model := range m.models {
		if err := checkModel(model); err != nil {
			fault("%s: %w", setting, err)
		}
		setting = "MISTRAL_MODELS"
	}
	if m.maxTokens < 0 || m.timeout < 0 || m.sampleRows < 0 {
		fault("the longest answer, the time-out and the number of sample rows cannot be negative")
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

func checkModel(model string) error {
	switch {
	case model == "" || strings.TrimSpace(model) != model:
		return errors.New("a model without a name")
	case strings.HasSuffix(model, "-latest"):
		return fmt.Errorf("%q is an alias; nobody can price a name that moves, so name a dated model such as %s", model, DefaultModel)
	}
	return nil
}

// Models lists what may be asked for, the default first.
func (m *Mistral) Models() []string { return slices.Clone(m.models) }

// Bound is the most that one call sends and lets come back.
func (m *Mistral) Bound() (promptBytes, maxTokens int) { return PromptBytes, m.maxTokens }

// Size is what the call for one brief sends and lets come back at most. A token is
// at least one byte, also of what surrounds the messages.
func (m *Mistral) Size(b steps.Brief) (promptBytes, maxTokens int) {
	return promptSize(b, m.sampleRows), m.maxTokens
}

// Write makes one call. Its error is always an *approval.WriterError.
func (m *Mistral) Write(ctx context.Context, b steps.Brief) (steps.Draft, error) {
	if b.Model == "" {
		b.Model = m.models[0]
	}
	if !slices.Contains(m.models, b.Model) {
		return steps.Draft{}, notOffered(b.Model, m.models)
	}
	turns, err := prompt(b, PromptBytes, m.sampleRows)
	if err != nil {
		return steps.Draft{}, &steps.WriterError{Err: err, Words: "The question and the names of its files are too long for the model. Ask a shorter one, or with fewer files."}
	}
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	response, cached, err := m.exchange(ctx, b.Model, turns)
	if err != nil {
		return steps.Draft{}, m.failure(ctx, b.Model, err)
	}
	return draft(response, b.Model, cached)
}

func notOffered(model string, offered []string) error {
	return &steps.WriterError{Err: fmt.Errorf("model %q is not offered", model),
		Words: fmt.Sprintf("The model %q is not offered. These are: %s.", clip(approval.Plain(model), 60), strings.Join(offered, ", "))}
}

// draft checks an answer and makes a program of it.
func draft(r *mistral.ChatCompletionResponse, asked string, cached int) (steps.Draft, error) {
	used := usage(r, asked, cached)
	fail := func(e *steps.WriterError) (steps.Draft, error) {
		e.Usage, e.Billed = used, used.Model == ""
		return steps.Draft{}, passing(e)
	}
	if len(r.Choices) == 0 {
		return fail(&steps.WriterError{Err: errors.New("mistral: an answer without choices"), Retry: true,
			Words: "Mistral answered with something that is no answer."})
	}
	choice := r.Choices[0]
	switch choice.FinishReason {
	case mistral.FinishReasonStop:
	case mistral.FinishReasonLength, "model_length":
		return fail(&steps.WriterError{Err: errors.New("mistral: the answer was cut off"),
			Words:  "The model's answer was cut off before its end, so it is not shown.",
			Repair: "The answer was cut off because it was too long. Answer shorter: a program of at most 80 lines and three sentences before it."})
	default:
		return fail(&steps.WriterError{Err: fmt.Errorf("mistral: the answer ended by %q", clip(string(choice.FinishReason), 40)), Retry: true,
			Words: "Mistral ended its answer in an unexpected way."})
	}
	if used.Model == "" {
		return fail(&steps.WriterError{Err: errors.New("mistral: an answer without usage"),
			Words: "Mistral did not say what its answer cost, so it cannot be used."})
	}
	d, err := read(choice.Message.Content)
	if err != nil {
		return fail(err)
	}
	d.Usage = used
	return d, nil
}

// usage is what the API reported; without a model when it reported nothing that
// makes sense. Nobody is given more tokens from a cache than there were.
func usage(r *mistral.ChatCompletionResponse, asked string, cached int) budget.Usage {
	u := r.Usage
	if u.PromptTokens <= 0 || u.CompletionTokens < 0 || u.TotalTokens <= 0 {
		return budget.Usage{}
	}
	model := r.Model
	if model == "" {
		model = asked // never an alias, so this is what answered
	}
	return budget.Usage{Model: model, Input: u.PromptTokens, Cached: min(max(cached, 0), u.PromptTokens), Output: u.CompletionTokens}
}

// read makes a draft of an answer's text.
func read(answer string) (steps.Draft, *steps.WriterError) {
	if strings.ContainsRune(answer, '\uFFFD') || strings.ContainsRune(answer, 0) {
		return steps.Draft{}, &steps.WriterError{Err: errors.New("invalid Unicode in the answer"),
			Words:  "The model's answer held characters that do not exist.",
			Repair: "The answer held invalid Unicode. Write plain ASCII, and escapes such as \\u00e9 inside of string literals."}
	}
	code, prose, err := Extract(answer)
	var unusable *steps.WriterError
	if errors.As(err, &unusable) {
		return steps.Draft{}, unusable
	}
	prose = clip(approval.Plain(prose), 2000)
	if code == "" {
		words := "The model answered in words instead of writing a program."
		if prose == "" {
			words = "The model gave an empty answer."
		}
		return steps.Draft{}, &steps.WriterError{Err: errors.New("an answer without a program"), Words: words, Prose: prose}
	}
	return steps.Draft{Code: code, Summary: prose, PromptVersion: PromptVersion}, nil
}
