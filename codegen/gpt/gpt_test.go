package gpt

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/budget"
	"countersign/codegen"
	"countersign/codegen/door"
)

func TestOptionsAreRefusedInWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o    Options
		want []string
	}{
		"no key":            {Options{}, []string{"OPENAI_API_KEY is not set"}},
		"key with a line":   {Options{APIKey: "k\n"}, []string{"OPENAI_API_KEY holds a blank"}},
		"no address":        {Options{APIKey: "k", BaseURL: "gw:80", Models: []string{"m"}}, []string{"OPENAI_BASE_URL is not a web address"}},
		"query":             {Options{APIKey: "k", BaseURL: "http://gw/v1?x=1", Models: []string{"m"}}, []string{"must have no user, query or fragment"}},
		"a server's models": {Options{BaseURL: "http://gw/v1"}, []string{"OPENAI_MODEL has to name a model of the server"}},
		"alias":             {Options{APIKey: "k", Models: []string{"gpt-5-chat-latest", " "}}, []string{"is an alias", "a model without a name"}},
		"effort":            {Options{APIKey: "k", Effort: "much"}, []string{"OPENAI_EFFORT must be one of"}},
		"window":            {Options{BaseURL: "http://gw", Models: []string{"m"}, Window: 4096}, []string{"the window larger than the longest answer"}},
	} {
		_, err := New(c.o)
		require.Error(t, err, name)
		for _, want := range c.want {
			require.ErrorContains(t, err, want, name)
		}
	}
}

func TestTheDefaultsAreOfferedAndPriced(t *testing.T) {
	t.Parallel()
	g, err := New(Options{APIKey: "k"})
	require.NoError(t, err)
	about := g.About()
	require.Equal(t, []string{DefaultModel}, about.Models)
	require.Equal(t, "api.openai.com", about.Host)
	require.Equal(t, "openai", about.System)
	require.True(t, about.Official)
	plain, err := New(Options{APIKey: "k", BaseURL: "http://api.openai.com/v1", Models: []string{DefaultModel}})
	require.NoError(t, err)
	require.False(t, plain.About().Official, "without TLS nobody knows who answers")
	_, err = budget.Shipped().WorstTokens(DefaultModel, about.Tokens(codegen.PromptBytes), about.MaxTokens, time.Now())
	require.NoError(t, err)
}

// A server at the root of its host is asked below /v1, as all of them have it, and one under a path below that path.
func TestAServerOfOnesOwnIsAskedWhereItIs(t *testing.T) {
	for base, path := range map[string]string{"": "/v1/chat/completions", "/": "/v1/chat/completions", "/v1": "/v1/chat/completions", "/gw/eu/v1/": "/gw/eu/v1/chat/completions"} {
		var asked *http.Request
		var body map[string]any
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r
			sent, _ := io.ReadAll(r.Body)
			_ = json.Unmarshal(sent, &body)
			w.Header().Set("Content-Type", "text/plain") // whatever it calls its JSON
			_, _ = io.WriteString(w, `{"model":"qwen3-coder:30b","choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"hi"}}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}`)
		}))
		t.Setenv("OPENAI_API_KEY", "from-the-environment")
		t.Setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
		t.Setenv("OPENAI_ORG_ID", "from-the-environment")
		g, err := New(Options{BaseURL: server.URL + base, Models: []string{"qwen3-coder:30b"}})
		require.NoError(t, err)
		require.Equal(t, server.URL, "http://"+g.About().Host)
		answer, err := g.Ask(t.Context(), codegen.Call{Model: "qwen3-coder:30b", MaxTokens: 100, Turns: []codegen.Turn{{Role: codegen.User, Text: "hello"}}})
		require.NoError(t, err, base)
		require.Equal(t, codegen.Answer{Text: "hi", End: codegen.Whole, Said: "stop", Usage: budget.Usage{Model: "qwen3-coder:30b", Input: 7, Output: 3}}, answer)
		require.Equal(t, path, asked.URL.Path)
		require.Equal(t, "Bearer none", asked.Header.Get("Authorization"), "the key of the environment is not sent anywhere by itself")
		require.Empty(t, asked.Header.Get("OpenAI-Organization"))
		require.InDelta(t, 100, body["max_tokens"], 0)
		require.NotContains(t, body, "store")
		server.Close()
	}
}

func TestOnlyModelsThatThinkAreToldHowMuch(t *testing.T) {
	t.Parallel()
	g, err := New(Options{APIKey: "k", Models: []string{"gpt-6.1-terra", "gpt-4.1-mini-2025-04-14"}, Effort: "medium"})
	require.NoError(t, err)
	thinks, plain := g.request(codegen.Call{Model: "gpt-6.1-terra", MaxTokens: 50}), g.request(codegen.Call{Model: "gpt-4.1-mini-2025-04-14", MaxTokens: 50})
	require.Equal(t, "medium", string(thinks.ReasoningEffort))
	require.False(t, thinks.Temperature.Valid())
	require.Empty(t, plain.ReasoningEffort)
	require.InDelta(t, 0.2, plain.Temperature.Value, 0)
	require.Equal(t, int64(50), plain.MaxCompletionTokens.Value)
}

func TestASnapshotHasItsModelsPrice(t *testing.T) {
	t.Parallel()
	for answered, want := range map[string]string{"gpt-5.4-2026-03-05": "gpt-5.4", "gpt-5.4": "gpt-5.4", "gpt-5.4-mini": "gpt-5.4-mini",
		"gpt-5.4-pro-2026-03-05": "gpt-5.4-pro-2026-03-05", "gpt-5.4-20260305ab": "gpt-5.4-20260305ab", "": ""} {
		require.Equal(t, want, snapshot("gpt-5.4", answered))
	}
}

func TestTheLongestPromptFitsTheWindow(t *testing.T) {
	t.Parallel()
	g, err := New(Options{BaseURL: "http://127.0.0.1:1", Models: []string{"m"}, Window: 16_384, MaxTokens: 4096})
	require.NoError(t, err)
	w, err := codegen.New(codegen.Options{}, g)
	require.NoError(t, err)
	prompt, answer := w.Bound()
	require.LessOrEqual(t, prompt+answer, 16_384)
	require.Greater(t, prompt, 11_000)
}

func TestAQuestionThatAFilterRefusesIsToldAsSuch(t *testing.T) {
	t.Parallel()
	e := house.Failure(&door.StatusError{Code: 400, Body: `{"error":{"message":"no","code":"content_filter"}}`})
	require.Contains(t, e.Words, "content filter refused the question")
	require.False(t, e.Retry)
	require.False(t, e.Billed)
}

func TestAnAccountWithoutCreditIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"project_spend_limit_exceeded"}}`)
	}))
	t.Cleanup(server.Close)
	g, err := New(Options{APIKey: "k", BaseURL: server.URL, Models: []string{"m"}})
	require.NoError(t, err)
	_, err = g.Ask(context.Background(), codegen.Call{Model: "m", MaxTokens: 1, Turns: []codegen.Turn{{Role: codegen.User, Text: "?"}}})
	failed, ok := errors.AsType[*steps.WriterError](err)
	require.True(t, ok)
	require.False(t, failed.Retry, "no waiting mends that")
	require.False(t, failed.Billed)
	require.Contains(t, failed.Words, "no credit left or has reached its spending limit")
}
