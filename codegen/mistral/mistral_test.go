package mistral

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/codegen"
	"countersign/codegen/door"
	"countersign/codegen/mistraltest"
)

// start gives a writer and the server that it talks to.
func start(t *testing.T, change ...func(*Options)) (*codegen.Writer, *mistraltest.Server) {
	t.Helper()
	server := mistraltest.Start()
	t.Cleanup(server.Close)
	o := Options{APIKey: mistraltest.Key, BaseURL: server.URL, Models: []string{"codestral-2508", "mistral-medium-3-5"}}
	for _, c := range change {
		c(&o)
	}
	return writerOf(t, o), server
}

// writerOf is a writer that asks Mistral alone.
func writerOf(t *testing.T, o Options) *codegen.Writer {
	t.Helper()
	m, err := New(o)
	require.NoError(t, err)
	w, err := codegen.New(codegen.Options{}, m)
	require.NoError(t, err)
	return w
}

func question() steps.Brief {
	return steps.Brief{RequestID: "q1", Question: "How much was sold?", Files: []approval.File{{Name: "sales.csv", Reading: &reading.Reading{Kind: "text", Tables: []reading.Table{{
		Rows: 3, Columns: []reading.Column{{Name: "units", Type: "integer"}, {Name: "region", Type: "text", Missing: 1}}}}}}}}
}

func asWriterError(t *testing.T, err error) *steps.WriterError {
	t.Helper()
	e, ok := errors.AsType[*steps.WriterError](err)
	require.True(t, ok, "%v", err)
	require.NotEmpty(t, e.Words)
	require.ErrorContains(t, err, "write: ")
	for _, secret := range []string{mistraltest.Key, "How much was sold?"} {
		require.NotContains(t, err.Error(), secret, "an error is logged, so it must not hold what was sent")
	}
	return e
}

func TestMistralIsNamedAsOpenTelemetryNamesIt(t *testing.T) {
	t.Parallel()
	m, _ := start(t)
	require.Equal(t, "mistral_ai", m.Provider("codestral-2508"))
}

func TestAGoodAnswerBecomesADraft(t *testing.T) {
	t.Parallel()
	m, server := start(t)
	d, err := m.Write(t.Context(), question())
	require.NoError(t, err)
	require.Equal(t, "import pandas as pd\n\npd.DataFrame({\"answer\": [42]})\n", d.Code)
	require.Equal(t, "The program shows the answer to everything.", d.Summary)
	require.Equal(t, codegen.PromptVersion, d.PromptVersion)
	sent := server.Requests()
	require.Len(t, sent, 1)
	require.Equal(t, budget.Usage{Model: "codestral-2508", Input: (sent[0].Bytes() + 3) / 4, Output: (len(mistraltest.Program) + 3) / 4}, d.Usage)
	require.InDelta(t, 0.2, *sent[0].Temperature, 0)
	require.InDelta(t, 1, *sent[0].TopP, 0)
	require.Equal(t, codegen.AnswerTokens, *sent[0].MaxTokens)
	require.False(t, *sent[0].SafePrompt)
	_, priced := budget.Shipped().TokenCharge(d.Usage, time.Now())
	require.NoError(t, priced)
}

func TestTheModelThatAnsweredIsTheOneThatIsCharged(t *testing.T) {
	t.Parallel()
	m, server := start(t)
	server.Next(mistraltest.Reply{Model: "codestral-2511"})
	b := question()
	b.Model = "mistral-medium-3-5"
	d, err := m.Write(t.Context(), b)
	require.NoError(t, err)
	require.Equal(t, "codestral-2511", d.Usage.Model)
	require.Equal(t, "mistral-medium-3-5", server.Requests()[0].Model)
}

func TestAModelThatIsNotOfferedIsNotCalled(t *testing.T) {
	t.Parallel()
	m, server := start(t)
	b := question()
	b.Model = "gpt-6"
	_, err := m.Write(t.Context(), b)
	e := asWriterError(t, err)
	require.Equal(t, `The model "gpt-6" is not offered. These are: codestral-2508, mistral-medium-3-5.`, e.Words)
	require.False(t, e.Billed)
	require.Empty(t, server.Requests())
}

func TestEveryFaultHasItsMeaning(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault               mistraltest.Fault
		words               string
		retry, billed, used bool
		repair, prose       string
	}{
		{fault: mistraltest.Unauthorized, words: "Mistral refused the key; an administrator has to look at MISTRAL_API_KEY."},
		{fault: mistraltest.Forbidden, words: "does not let this key"},
		{fault: mistraltest.NotFound, words: "does not know this model"},
		{fault: mistraltest.Invalid, words: "malformed (HTTP 422)"},
		{fault: mistraltest.RateLimited, words: "rate limit", retry: true},
		{fault: mistraltest.ServerError, words: "a problem of its own", retry: true, billed: true},
		{fault: mistraltest.Unavailable, words: "a problem of its own", retry: true, billed: true},
		{fault: mistraltest.BadGateway, words: "a problem of its own", retry: true, billed: true},
		{fault: mistraltest.GatewayTime, words: "a problem of its own", retry: true, billed: true},
		{fault: mistraltest.Stall, words: "did not answer in time", retry: true, billed: true},
		{fault: mistraltest.Huge, words: "went on and on", retry: true, billed: true},
		{fault: mistraltest.Redirect, words: "leads to another one, which is not followed; an administrator has to look at MISTRAL_BASE_URL", billed: true},
		{fault: mistraltest.Gone, words: "Mistral has no model codestral-2508. Choose another model"},
		{fault: mistraltest.NoText, words: "an empty answer", used: true},
		{fault: mistraltest.OddContent, words: "Choose another one", billed: true},
		{fault: mistraltest.Silence, words: "did not answer in time", retry: true, billed: true},
		{fault: mistraltest.HangUp, words: "broke in the middle", retry: true, billed: true},
		{fault: mistraltest.CutBody, words: "broke in the middle", retry: true, billed: true},
		{fault: mistraltest.HalfJSON, words: "broke off in the middle", retry: true, billed: true},
		{fault: mistraltest.ErrorAsOK, words: "answered with an error", billed: true},
		{fault: mistraltest.NoChoices, words: "not an answer", retry: true, used: true},
		{fault: mistraltest.Garbage, words: "a web page", billed: true},
		{fault: mistraltest.Length, words: "cut off", used: true, repair: "Answer shorter"},
		{fault: mistraltest.TwoBlocks, words: "more than one program", used: true, repair: "exactly one"},
		{fault: mistraltest.UnclosedBlock, words: "has no end", used: true, repair: "never closed"},
		{fault: mistraltest.BadUnicode, words: "characters that do not exist", used: true, repair: "invalid Unicode"},
		{fault: mistraltest.Prose, words: "in words instead", used: true, prose: "none of them has a column with costs"},
		{fault: mistraltest.EmptyAnswer, words: "an empty answer", used: true},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			t.Parallel()
			m, server := start(t)
			server.Next(mistraltest.Reply{Fault: c.fault})
			ctx := t.Context()
			if c.fault == mistraltest.Silence || c.fault == mistraltest.Stall {
				late := untilAsked{ctx, make(chan struct{})}
				go late.wait(server)
				ctx = late
			}
			d, err := m.Write(ctx, question())
			e := asWriterError(t, err)
			require.Zero(t, d, "an answer with a fault shows no program")
			require.Contains(t, e.Words, c.words)
			require.Equal(t, c.retry, e.Retry, "retry")
			require.Equal(t, c.billed, e.Billed, "billed: %v", err)
			require.Equal(t, c.used, e.Usage.Model == "codestral-2508" && e.Usage.Input > 0, "usage")
			require.Equal(t, c.repair != "", e.Repair != "", "repair")
			require.Contains(t, e.Repair, c.repair)
			require.Contains(t, e.Prose, c.prose)
			require.Len(t, server.Requests(), 1, "one call, however it ends")
			require.Empty(t, server.Refused(), "and none anywhere else")
		})
	}
}

// untilAsked is a context whose time runs out once the server has the question, so that
// the test does not depend on how fast the machine is.
type untilAsked struct {
	context.Context
	over chan struct{}
}

func (u untilAsked) wait(server *mistraltest.Server) {
	for len(server.Requests()) == 0 && u.Context.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	close(u.over)
}

func (u untilAsked) Done() <-chan struct{} { return u.over }

func (u untilAsked) Err() error {
	select {
	case <-u.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestASyntaxErrorIsLeftToTheRealParser(t *testing.T) {
	t.Parallel()
	m, server := start(t)
	server.Next(mistraltest.Reply{Fault: mistraltest.SyntaxError})
	d, err := m.Write(t.Context(), question())
	require.NoError(t, err)
	require.Contains(t, d.Code, "for x in range(3)\n")
}

func TestAnAnswerWithoutUsageCannotBePaidSoItIsNotUsed(t *testing.T) {
	t.Parallel()
	m, server := start(t)
	server.Next(mistraltest.Reply{NoUsage: true}, mistraltest.Reply{Finish: "error"})
	_, err := m.Write(t.Context(), question())
	e := asWriterError(t, err)
	require.Contains(t, e.Words, "did not say what its answer cost")
	require.True(t, e.Billed)
	_, err = m.Write(t.Context(), question())
	e = asWriterError(t, err)
	require.Contains(t, e.Words, "in an unexpected way")
	require.True(t, e.Retry)
	require.False(t, e.Billed)
	require.Positive(t, e.Usage.Input)
}

func TestAnAnswerWithoutAModelNameIsChargedToTheOneThatWasAsked(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"role\":\"assistant\",\"content\":\"```\\n1\\n```\"}}],",
			"\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,\"total_tokens\":10}}")
	}))
	t.Cleanup(server.Close)
	m := writerOf(t, Options{BaseURL: server.URL + "/v1/"})
	d, err := m.Write(t.Context(), question())
	require.NoError(t, err)
	require.Equal(t, budget.Usage{Model: DefaultModel, Input: 7, Output: 3}, d.Usage)
}

func TestWhoGivesUpDoesNotWait(t *testing.T) {
	t.Parallel()
	m, server := start(t)
	server.Next(mistraltest.Reply{Fault: mistraltest.Silence})
	ctx, cancel := context.WithCancel(t.Context())
	arrived := make(chan struct{})
	server.Answer(func(mistraltest.Request) mistraltest.Reply { return mistraltest.Reply{} })
	go func() {
		for len(server.Requests()) == 0 {
			time.Sleep(time.Millisecond)
		}
		close(arrived)
		cancel()
	}()
	_, err := m.Write(ctx, question())
	<-arrived
	e := asWriterError(t, err)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, "The call of Mistral was broken off. Please ask again in a few minutes.", e.Words)
	require.True(t, e.Billed, "the model may be at work")

	_, err = m.Write(ctx, question())
	e = asWriterError(t, err)
	require.False(t, e.Billed, "nothing was called")
	require.True(t, e.Retry)
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, server.Requests(), 1)
}

func TestAServerThatIsNotThereCostsNothing(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	m := writerOf(t, Options{APIKey: "k", BaseURL: server.URL})
	_, err := m.Write(t.Context(), question())
	e := asWriterError(t, err)
	require.Equal(t, "Mistral cannot be reached. Please ask again in a few minutes.", e.Words)
	require.True(t, e.Retry)
	require.False(t, e.Billed)
}

func TestOnlyDocumentedRefusalsCostNothing(t *testing.T) {
	t.Parallel()
	for code, words := range map[int]string{302: "not followed", 400: "malformed (HTTP 400)", 402: "wants to be paid", 404: "does not know this model", 408: "just now",
		409: "just now", 413: "malformed (HTTP 413)", 418: "malformed (HTTP 418)", 422: "malformed", 425: "just now", 429: "rate limit", 500: "problem of its own", 599: "problem of its own"} {
		e := house.Failure(&door.StatusError{Code: code})
		require.Contains(t, e.Words, words)
		require.Equal(t, !slices.Contains([]int{400, 401, 402, 403, 404, 422, 429}, code), e.Billed, code)
	}
	require.Equal(t, "HTTP 400", (&door.StatusError{Code: 400, Body: "the prompt"}).Error(), "the body may repeat the prompt")
	e := house.Failure(errors.New("something that the library says next year: <the prompt>"))
	require.True(t, e.Billed)
	require.NotContains(t, e.Error(), "prompt")
}

func TestOptionsAreRefusedInWords(t *testing.T) {
	t.Setenv("MISTRAL_API_KEY", "from-the-environment")
	for name, c := range map[string]struct {
		o    Options
		want []string
	}{
		"no key":          {Options{}, []string{"MISTRAL_API_KEY is not set"}},
		"key with a line": {Options{APIKey: "abc\n"}, []string{"MISTRAL_API_KEY holds a blank"}},
		"alias": {Options{APIKey: "k", Models: []string{"codestral-latest", ""}},
			[]string{`MISTRAL_MODEL: "codestral-latest" is an alias; nobody can price a name that moves`, "MISTRAL_MODELS: a model without a name"}},
		"path":       {Options{APIKey: "k", BaseURL: "http://gw/mistral"}, []string{`has the path "/mistral", which would be ignored`}},
		"no address": {Options{APIKey: "k", BaseURL: "gw:80"}, []string{"MISTRAL_BASE_URL is not a web address"}},
		"query":      {Options{APIKey: "k", BaseURL: "http://gw/?x=1"}, []string{"a scheme and a host alone"}},
		"several":    {Options{BaseURL: "ftp://gw", MaxTokens: -1}, []string{"is not a web address", "cannot be negative"}},
	} {
		_, err := New(c.o)
		require.Error(t, err, name)
		for _, want := range c.want {
			require.ErrorContains(t, err, want, name)
		}
		require.NotContains(t, err.Error(), "from-the-environment")
	}
}

func TestAServerOfOnesOwnNeedsNoKeyAndGetsNone(t *testing.T) {
	t.Setenv("MISTRAL_API_KEY", mistraltest.Key)
	m, server := start(t, func(o *Options) { o.APIKey = "" })
	_, err := m.Write(t.Context(), question())
	require.Contains(t, asWriterError(t, err).Words, "refused the key")
	require.Equal(t, []string{"Unauthorized"}, server.Refused(), "the key of the environment is not sent anywhere by itself")
}

func TestTheDefaultsAreOfferedAndPriced(t *testing.T) {
	t.Parallel()
	m := writerOf(t, Options{APIKey: "k"})
	require.Equal(t, []string{DefaultModel}, m.Models())
	prompt, answer := m.Bound()
	_, err := budget.Shipped().WorstTokens(m.Models()[0], prompt, answer, time.Now())
	require.NoError(t, err)
}

func TestAQuestionThatFitsNoPromptIsNotSent(t *testing.T) {
	t.Parallel()
	m, server := start(t)
	b := question()
	b.Question = strings.Repeat("why ", codegen.PromptBytes)
	_, err := m.Write(t.Context(), b)
	e, ok := errors.AsType[*steps.WriterError](err)
	require.True(t, ok, "%v", err)
	require.Contains(t, e.Words, "too long")
	require.False(t, e.Billed)
	require.Empty(t, server.Requests())
}
