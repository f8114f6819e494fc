package codegen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/codegen/pandas"
)

// Writer is a steps.Writer over every provider that is configured. It is safe
// for concurrent use.
type Writer struct {
	models    []string
	asks      map[string]Provider // by model
	prompt    int                 // the most tokens of a prompt, of any provider
	maxTokens int                 // the longest answer, of any provider
}

var _ steps.Writer = (*Writer)(nil)

// Options are what does not depend on a provider.
type Options struct {
	Default string // the model that is asked where a question names none; defaults to the first provider's first
}

// New makes a Writer. Each model is asked of the one provider that offers it.
func New(o Options, providers ...Provider) (*Writer, error) {
	w := &Writer{asks: map[string]Provider{}}
	for _, p := range providers {
		about := p.About()
		w.maxTokens = max(w.maxTokens, about.MaxTokens)
		for _, model := range about.Models {
			if other, taken := w.asks[model]; taken {
				return nil, fmt.Errorf("the model %s is offered by %s and by %s: leave it to one of them", model, other.About().Name, about.Name)
			}
			// A longer answer than the model can give would be refused by the provider, at every question.
			if k, ok := KnownModel(model); ok && k.Answer > 0 && about.MaxTokens > k.Answer {
				return nil, fmt.Errorf("the longest answer of %s is %d tokens, and %d are set", model, k.Answer, about.MaxTokens)
			}
			w.prompt = max(w.prompt, about.tokens(about.promptBytes(model))) // of the one that may cost most: a hold is for any of them
			w.asks[model] = p
			w.models = append(w.models, model)
		}
	}
	if len(w.models) == 0 {
		return nil, errors.New("there is no model")
	}
	if o.Default == "" {
		return w, nil
	}
	// A default that nobody offers stops the start: else each question without a model would be refused.
	at := slices.Index(w.models, o.Default)
	if at < 0 {
		return nil, fmt.Errorf("DEFAULT_MODEL is %s, which is not one of %s", o.Default, strings.Join(w.models, ", "))
	}
	w.models = slices.Insert(slices.Delete(w.models, at, at+1), 0, o.Default)
	return w, nil
}

// Models lists what may be asked for, the default first.
func (w *Writer) Models() []string { return slices.Clone(w.models) }

// Offers says of each model who is asked for it and where, and what is known of it.
func (w *Writer) Offers() (all []review.Offer) {
	for _, model := range w.models {
		about := w.asks[model].About()
		k, _ := KnownModel(model)
		all = append(all, review.Offer{Model: model, Addressee: approval.Addressee{Provider: about.Name, Host: about.Host}, Own: about.own(),
			Window: about.window(model), Answer: about.MaxTokens, Good: k.Good})
	}
	return all
}

// Provider is who is asked for a model, in OpenTelemetry's spelling of gen_ai.provider.name.
func (w *Writer) Provider(model string) string {
	if p, ok := w.asks[model]; ok {
		return p.About().System
	}
	return ""
}

// Bound is the most that one call of any model sends and lets come back, in tokens.
func (w *Writer) Bound() (prompt, answer int) { return w.prompt, w.maxTokens }

// Size is what the call for one brief sends and lets come back at most, in tokens as
// the model's provider counts them, with what surrounds the messages.
func (w *Writer) Size(b steps.Brief) (prompt, answer int) {
	p, ok := w.asks[b.Model]
	if !ok {
		return w.Bound()
	}
	about := p.About()
	return about.tokens(promptSize(b, about.promptBytes(b.Model))), about.MaxTokens
}

// Write makes one call. Its error is always a *steps.WriterError.
//
// What fails before Ask has cost nothing, and says so by neither Usage nor Billed. A call ends at its
// provider's time-out also where the job has more time: then some is left to write down what a call
// that hung may have cost.
func (w *Writer) Write(ctx context.Context, b steps.Brief) (steps.Draft, error) {
	if b.Model == "" {
		b.Model = w.models[0]
	}
	provider, offered := w.asks[b.Model]
	if !offered {
		return steps.Draft{}, &steps.WriterError{Err: fmt.Errorf("model %q is not offered", b.Model),
			Words: fmt.Sprintf("The model %q is not offered. These are: %s.", pandas.Clip(approval.Plain(b.Model), 60), strings.Join(w.models, ", "))}
	}
	about := provider.About()
	turns, held, hides, err := holding(b, about.promptBytes(b.Model))
	if err != nil {
		return steps.Draft{}, &steps.WriterError{Err: err, Words: w.tooLong(b.Model)}
	}
	ctx, cancel := context.WithTimeout(ctx, about.Timeout)
	defer cancel()
	answer, err := provider.Ask(ctx, Call{Model: b.Model, Turns: turns, MaxTokens: about.MaxTokens, Brief: b})
	var d steps.Draft
	if err == nil {
		d, err = draft(answer, about.Name)
	}
	if err == nil {
		d, err = hides.lift(d)
	}
	if err == nil {
		// Where the prompt went and what it held of the thread are facts of ours, and no word of the answer.
		d.Provider, d.Host, d.Whole, d.Summed = about.Name, about.Host, held.Whole, held.Summed
	}
	if failed, ok := errors.AsType[*steps.WriterError](err); ok && failed.Retry {
		failed.Words += " Please ask again in " + wait(failed.After) + "." // people read it once the job has tried often enough
	}
	return d, err
}

// tooLong says that a prompt does not fit, before anything of it has left. It names a model that takes
// more, if there is one: the asker can choose it with the next question.
func (w *Writer) tooLong(model string) string {
	said, room := "The question and the names of its files are too long for "+model, w.asks[model].About().window(model)
	if room > 0 {
		said += fmt.Sprintf(", which takes %d tokens with its answer", room)
	}
	said += ". Ask a shorter one, or with fewer files."
	for _, other := range w.models { // the first that takes more
		if room > 0 && (w.asks[other].About().window(other) > room) {
			return said + " " + other + " takes more."
		}
	}
	return said
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
