package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/codegen/conformance"
	"countersign/internal/proof"
)

func config(t *testing.T, settings map[string]string) program {
	t.Helper()
	c, err := readConfig(settings)
	require.NoError(t, err)
	return program{Config: c, out: &bytes.Buffer{}}
}

func TestAnyOfTheThreeKeysBringsItsModels(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings map[string]string
		models   []string
		by       string
	}{
		"Mistral": {map[string]string{"MISTRAL_API_KEY": "k"}, []string{"codestral-2508"}, "Mistral, at api.mistral.ai"},
		"Claude":  {map[string]string{"ANTHROPIC_API_KEY": "k", "ANTHROPIC_MODELS": "claude-haiku-5-5"}, []string{"claude-sonnet-5-5", "claude-haiku-5-5"}, "Claude, at api.anthropic.com"},
		"GPT":     {map[string]string{"OPENAI_API_KEY": "k"}, []string{"gpt-6.1-terra"}, "OpenAI, at api.openai.com"},
		"Ollama":  {map[string]string{"OPENAI_BASE_URL": "http://127.0.0.1:11434", "OPENAI_MODEL": "qwen3-coder:30b"}, []string{"qwen3-coder:30b"}, "The model's server, at 127.0.0.1:11434"},
		"all": {map[string]string{"MISTRAL_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"},
			[]string{"codestral-2508", "claude-sonnet-5-5", "gpt-6.1-terra"}, "Mistral, at api.mistral.ai"},
		"all, another first": {map[string]string{"MISTRAL_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k", "DEFAULT_MODEL": "gpt-6.1-terra"},
			[]string{"gpt-6.1-terra", "codestral-2508", "claude-sonnet-5-5"}, "OpenAI, at api.openai.com"},
	} {
		p := config(t, c.settings)
		w, says, err := p.demoWriter()
		require.NoError(t, err, name)
		require.Equal(t, c.models, w.Models(), name)
		require.Equal(t, c.models, p.models(), name)
		require.Equal(t, c.models[0]+" by "+c.by, says, name)
		if name != "Ollama" { // whose prices are in a file of one's own
			require.NoError(t, p.checkPrices(t.Context()).err, name)
		}
	}
	w, says, err := config(t, nil).demoWriter()
	require.NoError(t, err)
	require.Equal(t, []string{"sample-writer"}, w.Models())
	require.Contains(t, says, "ANTHROPIC_API_KEY")
}

func TestModelsThatCannotBeAskedAreRefusedInWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings map[string]string
		want     []string
	}{
		"none":          {nil, []string{"MISTRAL_API_KEY is not set", "ANTHROPIC_API_KEY", "OPENAI_API_KEY"}},
		"two faults":    {map[string]string{"MISTRAL_API_KEY": "k", "MISTRAL_MODEL": "codestral-latest", "OPENAI_BASE_URL": "http://127.0.0.1:1"}, []string{"MISTRAL_MODEL", "OPENAI_MODEL has to name"}},
		"twice":         {map[string]string{"MISTRAL_API_KEY": "k", "OPENAI_API_KEY": "k", "OPENAI_MODEL": "codestral-2508"}, []string{"is offered by Mistral and by OpenAI"}},
		"wrong default": {map[string]string{"MISTRAL_API_KEY": "k", "DEFAULT_MODEL": "gpt-5"}, []string{"DEFAULT_MODEL is gpt-5, which is not one of codestral-2508"}},
	} {
		_, err := config(t, c.settings).writer()
		require.Error(t, err, name)
		for _, want := range c.want {
			require.ErrorContains(t, err, want, name)
		}
	}
}

func TestDoctorAsksEachProviderForItsModels(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case r.URL.Path != "/v1/models":
			w.WriteHeader(http.StatusNotFound)
		case key != "good":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			_, _ = io.WriteString(w, `{"data":[{"id":"claude-sonnet-5-5"},{"id":"gpt-6.1-terra"},{"id":"claude-haiku-4-5-20251001"}]}`)
		}
	}))
	t.Cleanup(server.Close)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>hello</html>") }))
	t.Cleanup(page.Close)
	for name, c := range map[string]struct {
		settings map[string]string
		err, say string
	}{
		"Claude":           {map[string]string{"ANTHROPIC_API_KEY": "good", "ANTHROPIC_BASE_URL": server.URL, "ANTHROPIC_MODELS": "claude-haiku-4-5"}, "", "askers choose from claude-sonnet-5-5, claude-haiku-4-5"},
		"GPT":              {map[string]string{"OPENAI_API_KEY": "good", "OPENAI_BASE_URL": server.URL + "/v1", "OPENAI_MODEL": "gpt-6.1-terra"}, "", "which cost nothing to ask"},
		"wrong key":        {map[string]string{"ANTHROPIC_API_KEY": "bad", "ANTHROPIC_BASE_URL": server.URL}, "refuses the key: look at ANTHROPIC_API_KEY", ""},
		"wrong model":      {map[string]string{"OPENAI_API_KEY": "good", "OPENAI_BASE_URL": server.URL, "OPENAI_MODEL": "gpt-2"}, "has no model gpt-2 for this key: change OPENAI_MODEL or OPENAI_MODELS", ""},
		"not there":        {map[string]string{"OPENAI_API_KEY": "good", "OPENAI_BASE_URL": "http://127.0.0.1:1", "OPENAI_MODEL": "m"}, "cannot be reached", ""},
		"without the list": {map[string]string{"OPENAI_API_KEY": "good", "OPENAI_BASE_URL": server.URL + "/elsewhere", "OPENAI_MODEL": "m"}, "", "says 404 when asked for its models"},
		"a page":           {map[string]string{"OPENAI_API_KEY": "good", "OPENAI_BASE_URL": page.URL, "OPENAI_MODEL": "m"}, "", "is OPENAI_BASE_URL right?"},
	} {
		checks := config(t, c.settings).checkModels()
		require.Len(t, checks, 1, name)
		f := checks[0].try(t.Context())
		if c.err != "" {
			require.ErrorContains(t, f.err, c.err, name)
			continue
		}
		require.NoError(t, f.err, name)
		require.Contains(t, f.say, c.say, name)
	}
	checks := config(t, map[string]string{"MISTRAL_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k", "DEFAULT_MODEL": "gpt-5"}).checkModels()
	require.Len(t, checks, 4)
	require.ErrorContains(t, checks[3].try(t.Context()).err, "DEFAULT_MODEL is gpt-5, which is not one of")
	checks = config(t, map[string]string{"OPENAI_BASE_URL": "http://gw.example.com/v1", "OPENAI_MODEL": "m", "MISTRAL_API_KEY": "k"}).checkModels()
	require.Len(t, checks, 4)
	require.Contains(t, checks[3].try(t.Context()).say, "prompts go to gw.example.com only once an administrator has confirmed that")
	require.ErrorContains(t, config(t, nil).checkModels()[0].try(t.Context()).err, "MISTRAL_API_KEY is not set")
}

// A question to another provider's model goes through everything: its answer is approved
// and run, its tokens are charged at its price, and the event says where the prompt went.
func TestAQuestionIsAskedOfAnyProvider(t *testing.T) {
	t.Parallel()
	for _, d := range []conformance.Dialect{conformance.Claude(), conformance.Compatible()} {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(d.Handler())
			t.Cleanup(server.Close)
			h := openLight(t, func(c *Config) {
				if d.Name == "Claude" {
					c.AnthropicAPIKey, c.AnthropicBaseURL = conformance.Key, server.URL
				} else {
					c.OpenAIAPIKey, c.OpenAIBaseURL, c.OpenAIModel = conformance.Key, server.URL+"/gateway/v1", d.Model
					row := "model," + d.Model + ",2026-01-01,,,1,1,,2,2026-11-26,ours\n"
					prices, err := budget.ReadPrices(strings.NewReader("kind,name,from,until,above_tokens,input,cached_input,cache_write,output,checked,source\n" + row))
					require.NoError(t, err)
					c.prices.Models = append(c.prices.Models, prices.Models...)
				}
				c.DefaultModel = d.Model
			})
			root := h.ask("What is the answer to everything?")
			card, where := h.cardOf("answer to everything"), fmt.Sprintf("%s (%s, %s)", d.Model, d.Name, strings.TrimPrefix(server.URL, "http://"))
			require.Contains(t, card.Words(), where+".")
			require.NoError(t, h.ben.Click(card, "Approve"))
			require.Contains(t, h.reply(root).Words(), "42")
			require.Equal(t, where, value[string](h, `SELECT model || ' (' || provider || ', ' || host || ')' FROM charges WHERE kind = 'tokens'`))
			require.Equal(t, d.Model, value[string](h, `SELECT model FROM charges WHERE kind = 'tokens'`))
			charge, err := h.program.prices.TokenCharge(budget.Usage{Model: d.Model, Input: 1200, Output: 60}, time.Now())
			require.NoError(t, err)
			require.Equal(t, int64(charge.Amount), value[int64](h, `SELECT amount FROM charges WHERE kind = 'tokens'`))
			require.Equal(t, d.Name+" "+strings.TrimPrefix(server.URL, "http://"),
				value[string](h, `SELECT (data::jsonb->>'provider') || ' ' || (data::jsonb->>'host') FROM events WHERE kind = 'drafted'`))
			require.Empty(t, h.model.Requests(), "Mistral, which is configured as well, was not asked")
			h.settled()
		})
	}
}

// TestProveModelsForReal asks each provider whose key is set in the environment one small
// question, which costs less than a cent with the default models. The suite asks nobody.
func TestProveModelsForReal(t *testing.T) {
	t.Parallel()
	if !proof.Whole() {
		return
	}
	environment := map[string]string{}
	for _, line := range os.Environ() {
		name, value, _ := strings.Cut(line, "=")
		environment[name] = value
	}
	for _, prefix := range []string{"MISTRAL_", "ANTHROPIC_", "OPENAI_"} {
		settings := maps.Clone(environment)
		maps.DeleteFunc(settings, func(name, _ string) bool { return !strings.HasPrefix(name, prefix) && name != "PRICES_FILE" })
		p := config(t, settings)
		if !p.hasModel() {
			t.Logf("%sAPI_KEY is not set: nobody is asked", prefix)
			continue
		}
		w, err := p.writer()
		require.NoError(t, err)
		for _, model := range w.Models() {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			d, err := w.Write(ctx, steps.Brief{Model: model, Question: "How many units were sold?", Files: []approval.File{{Name: "sales.csv",
				Reading: &reading.Reading{Kind: "text", Tables: []reading.Table{{Rows: 3, Columns: []reading.Column{{Name: "units", Type: "integer"}}}}}}}})
			cancel()
			charge, priced := p.prices.TokenCharge(d.Usage, time.Now())
			proof.Check(t, err == nil && priced == nil && strings.Contains(d.Code, "sales.csv"), "for real: "+model+" writes a program, and its bill has a price", "%s, %v, %v", charge.Amount, err, priced)
		}
	}
}
