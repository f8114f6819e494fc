// Package claude asks Anthropic's models, through anthropics/anthropic-sdk-go.
package claude

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"

	"countersign/codegen"
	"countersign/codegen/door"
)

// DefaultModel writes code, has a price, and a name that does not move.
const DefaultModel = "claude-sonnet-5-5"

const official = "https://api.anthropic.com"

// Options say which models are offered, and where.
type Options struct {
	APIKey    string        // required
	BaseURL   string        // a gateway that speaks the Messages API, with its path, without /v1; defaults to Anthropic's
	Models    []string      // what may be asked for, the default first; defaults to DefaultModel
	MaxTokens int           // of one answer, with what the model thinks; defaults to 8192
	Timeout   time.Duration // of one call, where the context allows more; defaults to four minutes
}

// Claude is a codegen.Provider. It is safe for concurrent use.
type Claude struct {
	about     codegen.About
	key, base string
	door      *door.Door
	messages  anthropic.MessageService
}

var _ codegen.Provider = (*Claude)(nil)

// house has the statuses by which Anthropic refuses a request before a model is asked:
// malformed or beyond the spending limit, no valid key, a billing problem, no permission,
// nothing there, too large (by the proxy in front), too many requests. Source:
// platform.claude.com/docs/en/api/errors, read 2026-11-26. Tokens are what is billed, and
// these use none. Of 500, 504 and 529 nothing of the kind is said.
var house = door.House{Name: "Claude", Key: "ANTHROPIC_API_KEY", Address: "ANTHROPIC_BASE_URL", Models: "ANTHROPIC_MODELS",
	Unbilled:  []int{400, 401, 402, 403, 404, 413, 429},
	Exhausted: []string{"enforced_spend_limit_reached", "credit balance is too low", "spend limit", "usage limits"}}

// New checks the options. Every fault is reported, in words for whoever set them;
// nothing is called.
func New(o Options) (*Claude, error) {
	c := &Claude{key: o.APIKey, base: strings.TrimSuffix(strings.TrimRight(o.BaseURL, "/"), "/v1"), door: door.New(),
		about: codegen.About{Name: house.Name, System: "anthropic", Models: slices.Clone(o.Models), MaxTokens: o.MaxTokens, Timeout: o.Timeout, Tokens: tokens}}
	if len(c.about.Models) == 0 {
		c.about.Models = []string{DefaultModel}
	}
	if c.about.MaxTokens == 0 {
		c.about.MaxTokens = 8192
	}
	if c.about.Timeout == 0 {
		c.about.Timeout = 4 * time.Minute
	}
	if c.base == "" {
		c.base = official
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch u, err := url.Parse(c.base); {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		fault("ANTHROPIC_BASE_URL is not a web address such as https://api.anthropic.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		fault("ANTHROPIC_BASE_URL must have no user, query or fragment")
	default:
		c.about.Host, c.about.Official = u.Host, c.base == official
	}
	switch {
	case c.key == "":
		fault("ANTHROPIC_API_KEY is not set")
	case !door.IsKey(c.key):
		fault("ANTHROPIC_API_KEY holds a blank or a character that no key has")
	}
	for _, model := range c.about.Models {
		if err := codegen.CheckModel(model); err != nil {
			fault("ANTHROPIC_MODEL or ANTHROPIC_MODELS: %w", err)
		}
	}
	if c.about.MaxTokens < 0 || c.about.Timeout < 0 {
		fault("the longest answer and the time-out cannot be negative")
	}
	// A service of its own, and not anthropic.NewClient, which would look for keys, addresses and headers in the environment.
	c.messages = anthropic.NewMessageService(option.WithoutEnvironmentDefaults(), option.WithBaseURL(c.base), option.WithAPIKey(c.key), option.WithMaxRetries(0),
		option.WithRequestTimeout(c.about.Timeout), option.WithoutOpenTelemetry(), option.WithHTTPClient(&http.Client{Transport: c.door}))
	return c, errors.Join(faults...)
}

// tokens is the most that so many bytes of prompt can be. Anthropic does not publish its
// tokenizer, and may add tokens of its own, so a quarter and a bit is added to one for each
// byte; measured, a token of a newer model is some three bytes.
func tokens(bytes int) int { return bytes + bytes/4 + 500 }

// About says who is asked.
func (c *Claude) About() codegen.About { return c.about }

// Ask makes one call.
func (c *Claude) Ask(ctx context.Context, call codegen.Call) (codegen.Answer, error) {
	if err := ctx.Err(); err != nil {
		return codegen.Answer{}, house.Failure(door.NotSent(err))
	}
	message, err := c.messages.New(ctx, request(call))
	if err != nil {
		return codegen.Answer{}, house.Failure(err)
	}
	return answer(message, call.Model), nil
}

// request puts a call into Anthropic's words. No temperature: the newer models refuse any
// (platform.claude.com, "What's new in Sonnet 5", read 2026-11-26).
func request(call codegen.Call) anthropic.MessageNewParams {
	p := anthropic.MessageNewParams{Model: anthropic.Model(call.Model), MaxTokens: int64(call.MaxTokens),
		ServiceTier: anthropic.MessageNewParamsServiceTierStandardOnly}
	for _, t := range call.Turns {
		block := anthropic.NewTextBlock(t.Text)
		switch t.Role {
		case codegen.System:
			p.System = append(p.System, anthropic.TextBlockParam{Text: t.Text})
		case codegen.User:
			p.Messages = append(p.Messages, anthropic.NewUserMessage(block))
		case codegen.Assistant:
			p.Messages = append(p.Messages, anthropic.NewAssistantMessage(block))
		}
	}
	if thinks(call.Model) {
		p.OutputConfig = anthropic.OutputConfigParam{Effort: anthropic.OutputConfigEffortLow}
	}
	return p
}

// thinks tells whether a model thinks unless it is told how much: those of 4.6 and later
// (platform.claude.com, model overviews read 2026-11-26: "Thinking: Adaptive"). Haiku 4.5
// and older ones do not know the parameter.
func thinks(model string) bool {
	for _, old := range []string{"claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5", "claude-opus-4-1", "claude-3"} {
		if strings.HasPrefix(model, old) {
			return false
		}
	}
	return true
}

// ends are the stop reasons of the Messages API. pause_turn comes with tools of the server's, which are not asked for.
var ends = map[anthropic.StopReason]codegen.End{anthropic.StopReasonEndTurn: codegen.Whole, anthropic.StopReasonStopSequence: codegen.Whole,
	anthropic.StopReasonMaxTokens: codegen.CutOff, anthropic.StopReasonModelContextWindowExceeded: codegen.CutOff,
	anthropic.StopReasonToolUse: codegen.Tool, anthropic.StopReasonRefusal: codegen.Refused, "": codegen.Unsaid}

// answer joins the blocks of text; blocks in which the model thinks are left out. The
// three kinds of input tokens are told apart there, and together here.
func answer(m *anthropic.Message, asked string) codegen.Answer {
	u := m.Usage
	a := codegen.Answer{Said: string(m.StopReason), End: ends[m.StopReason], Usage: codegen.Used(asked, string(m.Model),
		int(u.InputTokens+u.CacheReadInputTokens+u.CacheCreationInputTokens), int(u.CacheReadInputTokens), int(u.CacheCreationInputTokens), int(u.OutputTokens))}
	var text strings.Builder
	for _, block := range m.Content {
		if block.Type == "text" {
			text.WriteString(block.Text)
		}
	}
	a.Text = text.String()
	switch {
	case a.End == "":
		a.End = codegen.Broken
	case len(m.Content) == 0 && a.End != codegen.Refused:
		a.End = codegen.Empty
	}
	return a
}

// Catalogue asks for the ids of the models that the key may use, which costs nothing.
func (c *Claude) Catalogue(ctx context.Context) ([]string, error) {
	return c.door.Catalogue(ctx, c.base+"/v1/models?limit=1000", http.Header{"Authorization": {"Bearer " + c.key}, "Anthropic-Version": {"2026-10-21"}})
}
