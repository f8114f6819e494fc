package claude

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/budget"
	"countersign/codegen"
	"countersign/codegen/door"
)

func TestOptionsAreRefusedInWords(t *testing.T) {
	t.Setenv("ANTHROPIC_API_KEY", "from-the-environment")
	for name, c := range map[string]struct {
		o    Options
		want []string
	}{
		"no key":          {Options{}, []string{"ANTHROPIC_API_KEY is not set"}},
		"key with a line": {Options{APIKey: "k\n"}, []string{"ANTHROPIC_API_KEY holds a blank"}},
		"no address":      {Options{APIKey: "k", BaseURL: "gw:80"}, []string{"ANTHROPIC_BASE_URL is not a web address"}},
		"query":           {Options{APIKey: "k", BaseURL: "http://gw/?x=1"}, []string{"must have no user, query or fragment"}},
		"alias":           {Options{APIKey: "k", Models: []string{"claude-opus-latest"}}, []string{"is an alias"}},
		"negative":        {Options{APIKey: "k", MaxTokens: -1}, []string{"cannot be negative"}},
	} {
		_, err := New(c.o)
		require.Error(t, err, name)
		for _, want := range c.want {
			require.ErrorContains(t, err, want, name)
		}
		require.NotContains(t, err.Error(), "from-the-environment")
	}
}

func TestTheDefaultsAreOfferedAndPriced(t *testing.T) {
	t.Parallel()
	c, err := New(Options{APIKey: "k"})
	require.NoError(t, err)
	about := c.About()
	require.Equal(t, []string{DefaultModel}, about.Models)
	require.Equal(t, "api.anthropic.com", about.Host)
	require.Equal(t, "anthropic", about.System)
	require.Greater(t, about.Tokens(4000), 5000, "its tokenizer is not published, so more is held than a token for each byte")
	_, err = budget.Shipped().WorstTokens(DefaultModel, about.Tokens(codegen.PromptBytes), about.MaxTokens, time.Now())
	require.NoError(t, err)
}

// A gateway under a path is asked below it, and nothing of the environment goes along.
func TestAGatewayIsAskedBelowItsPath(t *testing.T) {
	for name, value := range map[string]string{"ANTHROPIC_API_KEY": "from-the-environment", "ANTHROPIC_AUTH_TOKEN": "from-the-environment",
		"ANTHROPIC_BASE_URL": "http://127.0.0.1:1", "ANTHROPIC_CUSTOM_HEADERS": "X-Odd: from-the-environment"} {
		t.Setenv(name, value)
	}
	for base, path := range map[string]string{"": "/v1/messages", "/v1/": "/v1/messages", "/gw/claude": "/gw/claude/v1/messages"} {
		var asked *http.Request
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"type":"message","model":"claude-haiku-4-5-20251001","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":7,"output_tokens":3}}`)
		}))
		c, err := New(Options{APIKey: "k", BaseURL: server.URL + base})
		require.NoError(t, err)
		answer, err := c.Ask(t.Context(), codegen.Call{Model: "claude-haiku-4-5", MaxTokens: 100,
			Turns: []codegen.Turn{{Role: codegen.System, Text: "s"}, {Role: codegen.User, Text: "q"}}})
		require.NoError(t, err, base)
		require.Equal(t, codegen.Answer{Text: "hi", End: codegen.Whole, Said: "end_turn", Usage: budget.Usage{Model: "claude-haiku-4-5-20251001", Input: 7, Output: 3}}, answer)
		require.Equal(t, path, asked.URL.Path)
		require.Equal(t, "Bearer k", asked.Header.Get("Authorization"))
		require.Equal(t, "2026-10-21", asked.Header.Get("Anthropic-Version"), "the list of models is asked for by the same")
		require.NotContains(t, asked.Header, "X-Odd")
		require.NotContains(t, asked.Header, "Traceparent")
		server.Close()
	}
}

func TestOnlyModelsThatThinkAreToldHowMuch(t *testing.T) {
	t.Parallel()
	for model, effort := range map[string]string{"claude-sonnet-5-5": "low", "claude-haiku-5-5": "low", "claude-opus-4-8": "low", "claude-haiku-4-5-20251001": "", "claude-opus-4-5": ""} {
		require.Equal(t, effort, string(request(codegen.Call{Model: model}).OutputConfig.Effort), model)
	}
}

func TestASpendingLimitIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"enforced_spend_limit_reached"}}}`} {
		e := house.Failure(&door.StatusError{Code: 429, Body: body})
		require.False(t, e.Retry)
		require.False(t, e.Billed)
		require.Contains(t, e.Words, "no credit left or has reached its spending limit")
	}
}
