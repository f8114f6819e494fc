package guide

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
)

// provider is a house of models whose key is all that is needed. A server of one's own needs prices as
// well, which nobody types into a form.
type provider struct{ name, key, address, where string }

// providers are in the order in which they are offered.
var providers = []provider{
	{"Mistral", "MISTRAL_API_KEY", "MISTRAL_BASE_URL", "console.mistral.ai"},
	{"Claude, by Anthropic", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "platform.claude.com"},
	{"GPT, by OpenAI", "OPENAI_API_KEY", "OPENAI_BASE_URL", "platform.openai.com"},
}

// own are the settings of a server of one's own, which the guide takes over but does not ask for.
var own = []string{"MISTRAL_BASE_URL", "OPENAI_BASE_URL"}

// knownModel tries what is set, all providers at once: serve would start with all of them as well.
func (g *Guide) knownModel(ctx context.Context) (string, error) {
	named := func(name string) bool { return g.set[name] != "" }
	keyed := slices.ContainsFunc(providers, func(p provider) bool { return named(p.key) })
	unknown := &missing{"--mistral-key, --claude-key or --gpt-key"}
	if !keyed && !slices.ContainsFunc(own, named) {
		return "", unknown
	}
	said, err := g.World.Try(ctx, TheModel, g.set)
	if err != nil && !keyed && !named("OPENAI_BASE_URL") { // a server of Mistral's that wants a key: nobody has given a wrong one
		return "", unknown
	}
	return said, err
}

// askModel asks whose models are used, and for the key, which is tried without cost. One house is asked for; keys of others
// that are in the file already stay, where they work.
// Others' keys are tried alone, one after the other, since a try of all together says only that one of them
// fails.
func (g *Guide) askModel(ctx context.Context) (said string, err error) {
	var from []Option
	for _, p := range providers {
		from = append(from, Option{p.key, p.name + " (" + p.where + ")"})
	}
	chosen, err := g.Form.Choose(ctx, Question{Title: "Whose model writes the code?",
		Help: "One is enough; more can be added in the file later. For a server of your own stop here, set OPENAI_BASE_URL, OPENAI_MODEL and PRICES_FILE in the file, and go on."}, from)
	if err != nil {
		return "", err
	}
	// Choose gives one of the values that it was given.
	p := providers[slices.IndexFunc(providers, func(p provider) bool { return p.key == chosen })]
	// A key of another house that does not work must not stand in the way of this one, and one that does is kept. So is one that nobody
	// could try: it steps aside while this one is asked for.
	aside := Settings{}
	for _, other := range providers {
		if other.key != p.key && g.set[other.key] != "" {
			if _, err := g.World.Try(ctx, TheModel, g.alone(other)); err != nil {
				if unreached(err) {
					aside[other.key] = g.set[other.key]
				}
				g.set[other.key] = ""
			}
		}
	}
	value, err := g.Form.Secret(ctx, Question{Title: "Its key?", Help: "From " + p.where + ". Trying it costs nothing.",
		Check: g.tries(ctx, TheModel, p.key, &said, keyLooks)})
	if err == nil {
		g.set[p.key] = strings.TrimSpace(value)
		for _, other := range providers {
			if key := aside[other.key]; key != "" {
				g.set[other.key] = key
				said += "\nThe key of " + other.name + " is kept, though it could not be tried just now."
			}
		}
	}
	return said, err
}

// alone are the settings as if there were no other house of models.
func (g *Guide) alone(p provider) Settings {
	alone := maps.Clone(g.set)
	delete(alone, "DEFAULT_MODEL") // which may be another's
	for _, other := range providers {
		if other.key != p.key {
			delete(alone, other.key)
			delete(alone, other.address)
		}
	}
	return alone
}

// keyLooks refuses what cannot be a key, before it is sent to anybody: a token of Slack's must not
// reach a provider of models.
func keyLooks(value string) error {
	switch {
	case value == "":
		return errors.New("without a key no model can be asked")
	case strings.HasPrefix(value, "xox") || strings.HasPrefix(value, "xapp-"):
		return errors.New("this is one of Slack's tokens; the key of a model comes from its own provider")
	case strings.ContainsAny(value, " \t\n"):
		return errors.New("a key has no blanks in it: copy it again")
	}
	return nil
}

// knownSandbox takes the sandbox of this machine, or E2B's where there is a key for it.
// Where nobody can be asked, one that is missing stops nothing: the rest can be set up
// without it, and doctor says so.
func (g *Guide) knownSandbox(ctx context.Context) (string, error) {
	said, err := g.World.Try(ctx, TheSandbox, g.set)
	if err != nil && g.Form == nil {
		return "none yet, so nothing runs: " + err.Error(), nil
	}
	return said, err
}

// askSandbox is asked only where this machine can run nothing, such as a Mac.
func (g *Guide) askSandbox(ctx context.Context) (said string, err error) {
	value, err := g.Form.Secret(ctx, Question{Title: "A key of E2B?",
		Help:  "Code runs in a sealed box, and this machine has none (why stands above). E2B runs boxes in its cloud; a key comes from e2b.dev.\nEmpty: I'll set the sandbox up here myself; doctor says what is missing.",
		Check: func(answer string) error { return g.tryBox(ctx, answer, &said) }})
	if err == nil && strings.TrimSpace(value) == "" {
		return "none yet: nothing runs until there is one", nil
	}
	if err == nil {
		g.set["E2B_API_KEY"] = strings.TrimSpace(value)
	}
	return said, err
}

// tryBox takes an empty answer for "later"; any other has to work.
func (g *Guide) tryBox(ctx context.Context, key string, said *string) error {
	if strings.TrimSpace(key) == "" {
		return nil
	}
	return g.tries(ctx, TheSandbox, "E2B_API_KEY", said, keyLooks)(key)
}
