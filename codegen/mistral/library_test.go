package mistral

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/budget"
	"countersign/codegen/mistraltest"
)

func TestContentAsAListGivesItsTextAndIsChargedByItsUsage(t *testing.T) {
	t.Parallel()
	for _, fault := range []mistraltest.Fault{mistraltest.Chunks, mistraltest.Thinking} {
		m, server := start(t, func(o *Options) { o.Models = []string{"magistral-medium-2509"} })
		server.Next(mistraltest.Reply{Fault: fault})
		d, err := m.Write(t.Context(), question())
		require.NoError(t, err, fault)
		require.Equal(t, "import pandas as pd\n\npd.DataFrame({\"answer\": [42]})\n", d.Code, "the program that it thought of is not the one that it wrote")
		require.NotContains(t, d.Summary, "Let me see")
		require.Equal(t, budget.Usage{Model: "magistral-medium-2509", Input: (server.Requests()[0].Bytes() + 3) / 4, Output: (len(mistraltest.Program) + 3) / 4}, d.Usage)
	}
}

func TestTokensFromTheCacheAreChargedAsSuch(t *testing.T) {
	t.Parallel()
	for cached, want := range map[int]int{0: 0, 64: 64, 1 << 30: -1} {
		m, server := start(t)
		server.Next(mistraltest.Reply{Cached: cached})
		d, err := m.Write(t.Context(), question())
		require.NoError(t, err)
		if want < 0 {
			want = d.Usage.Input // never more than there were
		}
		require.Equal(t, want, d.Usage.Cached)
		require.Equal(t, (server.Requests()[0].Bytes()+3)/4, d.Usage.Input, "the cached ones are among them")
	}
}

func TestFlattenLeavesAloneWhatIsNotAList(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "<html>", "[]", "null", `{"choices":3}`, `{"choices":[{"message":4}]}`, `{"choices":[{"message":{"content":"x\ud800"}}],"usage":"free"}`,
		`{"choices":[{"message":{"content":null}}]}`, `{"choices":[{"message":{"content":[3]}}]}`, `{"usage":{"prompt_tokens_details":{"cached_tokens":"many"}}}`} {
		flat, cached := flatten([]byte(body))
		require.Equal(t, body, string(flat))
		require.Zero(t, cached)
	}
	flat, _ := flatten([]byte(`{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":[ {"type":"text","text":"a\n"},{"type":"new"},{"type":"text","text":"é\ud800"}]}}]}`))
	require.JSONEq(t, `{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"a\né\ufffd"}}]}`, string(flat))
}

// FuzzFlatten: whatever comes, nothing breaks, and what can be read afterwards could be before.
func FuzzFlatten(f *testing.F) {
	f.Add(`{"choices":[{"message":{"content":[{"type":"text","text":"a"}]}}]}`)
	f.Add(`{"usage":{"prompt_tokens_details":{"cached_tokens":64}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		once, _ := flatten([]byte(body))
		twice, _ := flatten(once)
		require.Equal(t, string(once), string(twice))
	})
}

func TestAModelThatIsGoneSaysWhatReplacesIt(t *testing.T) {
	t.Parallel()
	past, future := time.Date(2026, 7, 31, 12, 0, 0, 0, time.UTC), time.Now().AddDate(1, 0, 0)
	for name, c := range map[string]struct {
		models []string
		end    mistraltest.End
		words  string
	}{
		"replaced by one that is offered": {[]string{"mistral-large-2512", "codestral-2508"}, mistraltest.End{On: past, Replacement: "codestral-2508"},
			"Mistral has no model mistral-large-2512 any more: it was retired on 31 July 2026. Mistral names codestral-2508 in its place: choose that one."},
		"replaced by another": {[]string{"mistral-large-2512"}, mistraltest.End{On: past, Replacement: "mistral-large-9"},
			"Mistral names mistral-large-9 in its place; an administrator has to change MISTRAL_MODEL or MISTRAL_MODELS."},
		"replaced by nothing": {[]string{"mistral-large-2512"}, mistraltest.End{On: past}, "retired on 31 July 2026. Choose another model; an administrator"},
	} {
		m, server := start(t, func(o *Options) { o.Models = c.models })
		server.Deprecate("mistral-large-2512", c.end)
		_, err := m.Write(t.Context(), question())
		e := asWriterError(t, err)
		require.Contains(t, e.Words, c.words, name)
		require.False(t, e.Billed || e.Retry, "a refusal costs nothing, and does not pass")
	}
	// What the list does not know any more is known from the shipped facts.
	m, _ := start(t, func(o *Options) { o.Models = []string{"devstral-2512"} })
	_, err := m.Write(t.Context(), question())
	require.Contains(t, asWriterError(t, err).Words, "it was retired on 31 July 2026. Mistral names mistral-medium-3-5 in its place")
	m, server := start(t)
	server.Deprecate("codestral-2508", mistraltest.End{On: future, Replacement: "codestral-9"})
	_, err = m.Write(t.Context(), question())
	require.NoError(t, err, "until then it answers")
	for _, r := range retired {
		_, err := time.Parse(time.DateOnly, r.on)
		require.NoError(t, err)
	}
}

func TestAKeyGoesNowhereElse(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the key was carried on") }))
	t.Cleanup(elsewhere.Close)
	for _, code := range []int{301, 302, 303, 307, 308} {
		here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, code) }))
		m := writerOf(t, Options{APIKey: "k", BaseURL: here.URL})
		_, err := m.Write(t.Context(), question())
		require.Contains(t, asWriterError(t, err).Words, "not followed")
		here.Close()
	}
}

// A context that ends takes the call with it, and the server sees that it did.
func TestACallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	arrived, hungUp := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // or the server would not notice who hangs up
		close(arrived)
		<-r.Context().Done()
		close(hungUp)
	}))
	t.Cleanup(server.Close)
	m := writerOf(t, Options{APIKey: "k", BaseURL: server.URL, Timeout: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := m.Write(ctx, question())
	require.ErrorIs(t, err, context.Canceled)
	<-hungUp
}

// Many calls at once, each with an end of its own, do not get into each other's way.
func TestCallsAreToldApart(t *testing.T) {
	t.Parallel()
	m, server := start(t)
	server.Answer(func(r mistraltest.Request) mistraltest.Reply {
		said := r.Messages[len(r.Messages)-1].Content
		_, n, _ := strings.Cut(said, "number ")
		n, _, _ = strings.Cut(n, "?")
		return mistraltest.Reply{Content: "```python\nprint(" + n + ")\n```"}
	})
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			b := question()
			b.Question = fmt.Sprintf("What is number %d?", n)
			d, err := m.Write(context.Background(), b)
			if err != nil || d.Code != fmt.Sprintf("print(%d)\n", n) {
				t.Errorf("%d: %q, %v", n, d.Code, err)
			}
		})
	}
	all.Wait()
	calls.Lock()
	defer calls.Unlock()
	for host, call := range calls.byHost {
		require.NotEqual(t, server.URL, call.endpoint, "%s is still known", host)
	}
}

func TestAnAddressThatNobodyKnowsLeadsNowhere(t *testing.T) {
	t.Parallel()
	require.NoError(t, openLibrary())
	_, err := http.Get(doorScheme + "://call-none/v1/models")
	require.ErrorContains(t, err, "nobody makes this call any more")
}

func TestTheSizeOfACallIsNeverLessThanWhatIsSent(t *testing.T) {
	t.Parallel()
	m, server := start(t)
	for _, text := range []string{"?", strings.Repeat("why ", 2000), strings.Repeat("ü", 5000)} {
		b := question()
		b.Question = text
		bytes, tokens := m.Size(b)
		most, _ := m.Bound()
		_, err := m.Write(t.Context(), b)
		require.NoError(t, err)
		sent := server.Requests()[len(server.Requests())-1]
		require.LessOrEqual(t, sent.Bytes(), bytes)
		require.LessOrEqual(t, bytes, most)
		require.Equal(t, *sent.MaxTokens, tokens)
	}
}

func TestRetryAfterIsSaidInWords(t *testing.T) {
	t.Parallel()
	m, server := start(t)
	server.Next(mistraltest.Reply{Fault: mistraltest.RateLimited, RetryAfter: "42"},
		mistraltest.Reply{Fault: mistraltest.Unavailable, RetryAfter: time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)})
	_, err := m.Write(t.Context(), question())
	require.Equal(t, 42*time.Second, asWriterError(t, err).After)
	_, err = m.Write(t.Context(), question())
	e := asWriterError(t, err)
	require.InDelta(t, time.Hour, e.After, float64(10*time.Minute))
	require.Regexp(t, `Please ask again in [56]\d minutes\.$`, e.Words)
}
