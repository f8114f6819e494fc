package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"countersign/codegen"
	"countersign/codegen/claude"
	"countersign/codegen/door"
	"countersign/codegen/gpt"
	"countersign/codegen/mistral"
)

// errNoModel says what is missing where no provider is configured. Mistral comes first: it is the one by default.
var errNoModel = errors.New("MISTRAL_API_KEY is not set: get a key at console.mistral.ai; or set ANTHROPIC_API_KEY (platform.claude.com) " +
	"or OPENAI_API_KEY (platform.openai.com); or name a server of your own in MISTRAL_BASE_URL or OPENAI_BASE_URL")

// Each provider is configured by its key, or by the address of a server that wants none.
func (c Config) hasMistral() bool { return c.MistralAPIKey != "" || c.MistralBaseURL != "" }
func (c Config) hasClaude() bool  { return c.AnthropicAPIKey != "" }
func (c Config) hasGPT() bool     { return c.OpenAIAPIKey != "" || c.OpenAIBaseURL != "" }
func (c Config) hasModel() bool   { return c.hasMistral() || c.hasClaude() || c.hasGPT() }

// writer asks the models of every provider that is configured. What is wrong with one stops all: a
// team that has set two should not find out from its bill that only one of them was used.
func (c Config) writer() (*codegen.Writer, error) {
	if !c.hasModel() {
		return nil, errNoModel
	}
	var providers []codegen.Provider
	var faults []error
	if c.hasMistral() {
		// Every fault is collected, so that one start names all of them.
		p, err := c.mistral()
		providers, faults = append(providers, p), append(faults, err)
	}
	if c.hasClaude() {
		p, err := c.claude()
		providers, faults = append(providers, p), append(faults, err)
	}
	if c.hasGPT() {
		p, err := c.gpt()
		providers, faults = append(providers, p), append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return codegen.New(codegen.Options{Default: c.DefaultModel}, providers...)
}

// mistral, claude and gpt make the providers. They ask nobody: a key is tried by doctor, or by the first question.
func (c Config) mistral() (*mistral.Mistral, error) {
	return mistral.New(mistral.Options{APIKey: string(c.MistralAPIKey), BaseURL: c.MistralBaseURL,
		Models: offered(c.MistralModel, c.MistralModels), MaxTokens: c.MistralMaxTokens})
}

// claude is Anthropic as the settings have it.
func (c Config) claude() (*claude.Claude, error) {
	return claude.New(claude.Options{APIKey: string(c.AnthropicAPIKey), BaseURL: c.AnthropicBaseURL,
		Models: offered(c.AnthropicModel, c.AnthropicModels), MaxTokens: c.AnthropicMaxTokens})
}

// gpt is OpenAI, or whoever speaks its API, as the settings have it.
func (c Config) gpt() (*gpt.GPT, error) {
	return gpt.New(gpt.Options{APIKey: string(c.OpenAIAPIKey), BaseURL: c.OpenAIBaseURL, Models: offered(c.OpenAIModel, c.OpenAIModels),
		MaxTokens: c.OpenAIMaxTokens, Window: c.OpenAIWindow, Effort: c.OpenAIEffort})
}

// offered are a provider's models, the default first, none of them twice.
func offered(first string, others []string) (models []string) {
	for _, m := range append([]string{first}, others...) {
		if m != "" && !slices.Contains(models, m) {
			models = append(models, m)
		}
	}
	return models
}

// models are what askers may choose from, the default first, none of them twice. It is known without
// a provider, for the doctor, which has to say of each whether it has a price where keys are missing.
func (c Config) models() (models []string) {
	if c.hasMistral() || !c.hasModel() {
		models = offered(c.MistralModel, c.MistralModels)
	}
	if c.hasClaude() {
		models = append(models, offered(c.AnthropicModel, c.AnthropicModels)...)
	}
	if c.hasGPT() && len(offered(c.OpenAIModel, c.OpenAIModels)) == 0 {
		models = append(models, gpt.DefaultModel)
	} else if c.hasGPT() {
		models = append(models, offered(c.OpenAIModel, c.OpenAIModels)...)
	}
	return offered(c.DefaultModel, models)
}

// checkModels are doctor's checks of those who have models: of each that is configured, and
// of Mistral where none is. Each asks for the list of models, which costs nothing.
func (p program) checkModels() (checks []check) {
	if p.hasMistral() || !p.hasModel() {
		checks = append(checks, check{what: "Mistral", try: p.checkMistral})
	}
	if p.hasClaude() {
		checks = append(checks, check{what: "Claude", try: func(ctx context.Context) finding {
			c, err := p.claude()
			return p.checkProvider(ctx, c, err, door.House{Key: "ANTHROPIC_API_KEY", Address: "ANTHROPIC_BASE_URL", Models: "ANTHROPIC_MODEL or ANTHROPIC_MODELS"})
		}})
	}
	if p.hasGPT() {
		checks = append(checks, check{what: "GPT", try: func(ctx context.Context) finding {
			g, err := p.gpt()
			return p.checkProvider(ctx, g, err, door.House{Key: "OPENAI_API_KEY", Address: "OPENAI_BASE_URL", Models: "OPENAI_MODEL or OPENAI_MODELS"})
		}})
	}
	if len(checks) > 1 || p.DefaultModel != "" {
		checks = append(checks, check{what: "models", try: func(context.Context) finding {
			_, err := p.writer() // what one provider alone does not see: a model that two offer, a default that none does
			return finding{say: "the default is " + p.models()[0], err: err}
		}})
	}
	if rest := p.unconfirmed(); len(rest) > 0 {
		checks = append(checks, check{what: "hosts", try: func(context.Context) finding {
			return finding{warn: true, say: "prompts go to " + strings.Join(rest, " and to ") + " only once an administrator has confirmed that in Home (Models of the workspace)"}
		}})
	}
	return checks
}

// unconfirmed are the hosts that the settings name and that are neither a provider's own nor
// this machine. Whether an administrator has confirmed them the database knows.
// Servers on this very machine need no administrator's word: no prompt leaves it.
func (p program) unconfirmed() (hosts []string) {
	w, err := p.writer()
	if err != nil {
		return nil // another check says so
	}
	for _, o := range w.Offers() {
		if !o.Own && !slices.Contains(hosts, o.Host) {
			hosts = append(hosts, o.Host)
		}
	}
	return hosts
}

// catalogue is a provider that lists its models free of charge.
type catalogue interface {
	About() codegen.About
	Catalogue(ctx context.Context) (ids []string, err error)
}

// checkProvider asks for the list of models and looks for the ones that askers are offered.
// err is what making the provider gave, so that its caller needs no branch of its own.
func (p program) checkProvider(ctx context.Context, from catalogue, err error, settings door.House) finding {
	if err != nil {
		return finding{err: err}
	}
	ids, err := from.Catalogue(ctx)
	// A server that answers otherwise than expected may still write programs: that is a warning. No key, no way there: that is not.
	status, refusedBy := errors.AsType[*door.StatusError](err)
	_, unsent := errors.AsType[*door.Unsent](err)
	_, network := errors.AsType[*net.OpError](err)
	switch {
	case refusedBy && refused(status.Code):
		return finding{err: fmt.Errorf("refuses the key: look at %s", settings.Key)}
	case refusedBy:
		return finding{warn: true, say: fmt.Sprintf("answers, but says %d when asked for its models; nothing else was tried", status.Code)}
	case unsent, network:
		return finding{err: fmt.Errorf("cannot be reached: %w. Look at %s and at the network", err, settings.Address)}
	case err != nil:
		return finding{warn: true, say: fmt.Sprintf("answers, but not with a list of models; is %s right?", settings.Address)}
	}
	about := from.About()
	var faults []error
	for _, model := range about.Models {
		// A list may have a model under its dated names alone, while the undated one is taken in calls.
		if !slices.Contains(ids, model) && !slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(id, model+"-20") }) {
			faults = append(faults, fmt.Errorf("has no model %s for this key: change %s", model, settings.Models))
		}
	}
	return finding{say: fmt.Sprintf("%s takes the key, which cost nothing to ask; askers choose from %s", about.Host, strings.Join(about.Models, ", ")), err: errors.Join(faults...)}
}
