// Package gpt asks OpenAI's models, and any server that speaks chat completions as
// OpenAI does (Ollama, vLLM, a gateway under a path), through openai/openai-go.
//
// The two differ in a few words of the request (request.go) and in who documents what
// is not billed; the way out, the answer and its bill are the same.
package gpt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"countersign/codegen"
	"countersign/codegen/door"
)

// DefaultModel writes code, has a price, and a name that does not move.
const DefaultModel = "gpt-6.1-terra"

const official = "https://api.openai.com/v1"

// Options say which models are offered, and where.
type Options struct {
	APIKey    string        // required, unless BaseURL names a server that wants none
	BaseURL   string        // a server of somebody's own with its path, as far as /v1; defaults to OpenAI's
	Models    []string      // what may be asked for, the default first; defaults to DefaultModel, and has no default on another server
	MaxTokens int           // of one answer, with what the model thinks; defaults to 8192
	Window    int           // how many tokens the server's models take, prompt and answer together; 0: more than is ever sent
	Effort    string        // how much OpenAI's models think: none, low, medium, high; defaults to low
	Timeout   time.Duration // of one call, where the context allows more; defaults to four minutes
}

// GPT is a codegen.Provider. It is safe for concurrent use.
type GPT struct {
	about  codegen.About
	own    bool // another server than OpenAI's
	effort string
	key    string
	base   string
	door   *door.Door
	chat   openai.ChatCompletionService
}

var _ codegen.Provider = (*GPT)(nil)

// house has the statuses by which OpenAI refuses a request before a model is asked:
// malformed, no valid key, a country or project without access, no such model, too
// large, invalid values, too many requests or no credit. They are listed at
// developers.openai.com, "Error codes" (as quoted by developersdigest.tech/errors/api/openai-api
// and learn.microsoft.com Dev Proxy on insufficient_quota, read 2026-11-26); tokens are
// what is billed, and these use none. OpenAI says of 5xx only that something went wrong.
var house = door.House{Name: "OpenAI", Key: "OPENAI_API_KEY", Address: "OPENAI_BASE_URL", Models: "OPENAI_MODELS",
	Unbilled: []int{400, 401, 403, 404, 413, 422, 429},
	Exhausted: []string{"insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded", "project_spend_limit_exceeded",
		"organization_usage_limit_exceeded"},
	Filtered: []string{`"content_policy_violation"`, `"content_filter"`}} // the second is what gateways in front of Azure's models answer

// New checks the options. Every fault is reported, in words for whoever set them;
// nothing is called.
func New(o Options) (*GPT, error) {
	g := &GPT{key: o.APIKey, base: strings.TrimRight(o.BaseURL, "/"), effort: o.Effort, door: door.New(),
		about: codegen.About{Name: house.Name, System: "openai", Models: slices.Clone(o.Models), MaxTokens: o.MaxTokens, Window: o.Window, Timeout: o.Timeout,
			Tokens: tokens}}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if g.base == "" {
		g.base = official
	}
	u, err := url.Parse(g.base)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		fault("OPENAI_BASE_URL is not a web address such as http://localhost:11434/v1")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		fault("OPENAI_BASE_URL must have no user, query or fragment")
	default:
		if u.Path == "" {
			g.base += "/v1" // as all of these servers have it at the root of their host
		}
		// Without TLS nobody knows who answers: it is OpenAI's name, and not its host.
		g.about.Host, g.own = u.Host, u.Scheme != "https" || u.Host != "api.openai.com"
	}
	g.about.Official = !g.own
	if g.own {
		g.about.Name = "The model's server"
	}
	if len(g.about.Models) == 0 && !g.own {
		g.about.Models = []string{DefaultModel}
	} else if len(g.about.Models) == 0 {
		fault("OPENAI_MODEL has to name a model of the server at OPENAI_BASE_URL")
	}
	for _, model := range g.about.Models {
		if err := codegen.CheckModel(model); err != nil {
			fault("OPENAI_MODEL or OPENAI_MODELS: %w", err)
		}
	}
	switch {
	case g.key == "" && !g.own:
		fault("OPENAI_API_KEY is not set")
	case g.key == "":
		g.key = "none" // the servers that want no key take any
	case !door.IsKey(g.key):
		fault("OPENAI_API_KEY holds a blank or a character that no key has")
	}
	if g.about.MaxTokens == 0 {
		g.about.MaxTokens = 8192
	}
	if g.about.Timeout == 0 {
		g.about.Timeout = 4 * time.Minute
	}
	if g.effort == "" {
		g.effort = "low"
	}
	if !slices.Contains([]string{"none", "minimal", "low", "medium", "high", "xhigh", "max"}, g.effort) {
		fault("OPENAI_EFFORT must be one of none, minimal, low, medium, high, xhigh, max")
	}
	if g.about.MaxTokens < 0 || g.about.Window < 0 || g.about.Timeout < 0 || g.about.Window > 0 && g.about.Window <= g.about.MaxTokens {
		fault("OPENAI_WINDOW and OPENAI_MAX_TOKENS must be positive, and the window larger than the longest answer")
	}
	// A service of its own, and not openai.NewClient, which would take keys, addresses and headers from the environment.
	g.chat = openai.NewChatCompletionService(option.WithBaseURL(g.base), option.WithAPIKey(g.key), option.WithMaxRetries(0),
		option.WithHTTPClient(&http.Client{Transport: g.door}))
	return g, errors.Join(faults...)
}

// tokens is the most that so many bytes of prompt can be. OpenAI's tokenizers (tiktoken)
// work on bytes, so a token is at least one. What a server puts around the messages is
// counted there as well; some templates add a few hundred tokens of their own.
func tokens(bytes int) int { return bytes + 500 }

// About says who is asked.
func (g *GPT) About() codegen.About { return g.about }

// Ask makes one call.
func (g *GPT) Ask(ctx context.Context, call codegen.Call) (codegen.Answer, error) {
	h := house
	h.Name = g.about.Name
	if err := ctx.Err(); err != nil {
		return codegen.Answer{}, h.Failure(door.NotSent(err))
	}
	completion, err := g.chat.New(ctx, g.request(call))
	if err != nil {
		return codegen.Answer{}, h.Failure(err)
	}
	return answer(completion, call.Model), nil
}

// Catalogue asks for the ids of the models that the key may use, which costs nothing.
func (g *GPT) Catalogue(ctx context.Context) ([]string, error) {
	return g.door.Catalogue(ctx, g.base+"/models", http.Header{"Authorization": {"Bearer " + g.key}})
}
