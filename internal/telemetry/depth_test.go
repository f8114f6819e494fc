package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/proto"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// ran is a request whose code has run.
func ranRequest(private string) *approval.Request {
	at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	return &approval.Request{ID: "r1", SessionID: "s1", Asker: "U1", Question: "what of secret sales?", State: approval.Done, CreatedAt: at, Private: private == "U1", Project: private,
		Revision: &approval.Revision{RequestID: "r1", Number: 2, Digest: "d", At: at.Add(time.Minute), Code: "secret_code()", PromptVersion: "p7",
			Manifest: approval.Manifest{Version: 2, Tier: approval.Medium, Sandbox: "local"}},
		Run: &approval.Run{RequestID: "r1", StartedAt: at.Add(time.Hour), FinishedAt: at.Add(time.Hour + 5*time.Second), Result: &approval.Result{Outcome: approval.OK, Box: 4 * time.Second, Answer: "secret answer is 42, says maya@example.com"}}}
}

// traced are the spans of one request in all its steps, under some options.
func traced(t *testing.T, private string, change func(*Options)) *receiver {
	t.Helper()
	r := newReceiver(t)
	o := Options{Host: r.URL, PublicKey: "pk", SecretKey: "sk", Prices: budget.Shipped()}
	change(&o)
	tele, err := New(t.Context(), o)
	require.NoError(t, err)
	tele.Sandbox(fakeBox{})
	request := ranRequest(private)
	tele.ran(t.Context(), request)
	ruling := steps.Ruling{RequestID: "r1", Revision: 2, Verdict: approval.Approve, Click: approval.Click{User: "BEN"}}
	tele.waited(t.Context(), request, ruling)
	request.State = approval.Pending // one of two approvals: it waits still
	tele.waited(t.Context(), request, ruling)
	require.NoError(t, tele.Shutdown(t.Context()))
	return r
}

func TestReviewRunAndAnswerAreSpansWithCostPromptAndRisk(t *testing.T) {
	t.Parallel()
	r := traced(t, "", func(*Options) {})
	require.Len(t, r.spans, 3)
	for _, name := range []string{"review", "run of the code", "answer"} {
		s := r.span(t, name)
		about := attributes(s)
		require.Equal(t, "medium", about["countersign.tier"], name)
		require.Equal(t, "p7", about["langfuse.observation.metadata.prompt_version"], name)
		require.Equal(t, "s1", about["session.id"], name)
		require.NotContains(t, s.String(), "secret", "nothing is told that nobody has allowed")
	}
	run := r.span(t, "run of the code")
	require.Equal(t, 5*time.Second, time.Duration(run.EndTimeUnixNano-run.StartTimeUnixNano))
	require.Contains(t, attributes(run)["langfuse.observation.cost_details"], `{"total":`)
	answer := r.span(t, "answer")
	require.Equal(t, time.Hour+5*time.Second, time.Duration(answer.EndTimeUnixNano-answer.StartTimeUnixNano), "from the question")
	require.NotContains(t, attributes(answer), "langfuse.observation.cost_details", "what it cost stands in its parts, and is not added twice")
	require.Equal(t, uint64(ranRequest("").Revision.At.UnixNano()), r.span(t, "review").StartTimeUnixNano)
}

func TestCodeAndDataLeaveOnlyWhenAllowed(t *testing.T) {
	t.Parallel()
	said := func(r *receiver) string {
		text := ""
		for _, s := range r.spans {
			text += s.String()
		}
		return text
	}
	code := said(traced(t, "", func(o *Options) { o.Content = OfCode }))
	require.Contains(t, code, "secret_code()")
	require.Contains(t, code, "what of secret sales?")
	require.NotContains(t, code, "secret answer")
	require.Contains(t, said(traced(t, "", func(o *Options) { o.Content = OfData })), "secret answer is 42")
	require.NotContains(t, said(traced(t, "U1", func(o *Options) { o.Content = OfData })), "secret", "an answer to its asker alone stays with them")
	require.NotContains(t, said(traced(t, "D1", func(o *Options) { o.Content = OfData })), "secret", "and so does what was asked in a direct message")
	require.NotContains(t, said(traced(t, "", func(o *Options) { o.Content = OfData })), "maya@example.com", "what is personal is masked as everywhere")
}

func TestASampleKeepsRequestsWhole(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	tele, err := New(t.Context(), Options{Host: r.URL, PublicKey: "pk", SecretKey: "sk", Prices: budget.Shipped(), Sample: 0.25})
	require.NoError(t, err)
	kept := 0
	for i := range 400 {
		request := ranRequest("")
		request.ID = fmt.Sprintf("r%d", i)
		tele.ran(t.Context(), request)
		if tele.kept(request.ID) {
			kept++
		}
	}
	require.NoError(t, tele.Shutdown(t.Context()))
	require.InDelta(t, 100, kept, 40)
	require.Len(t, r.spans, 2*kept, "both of them, or neither")
}

func TestADecisionIsAScore(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []score
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var one score
		if r.URL.Path != "/api/public/scores" {
			return
		}
		if err := json.NewDecoder(r.Body).Decode(&one); err != nil || one.Value == 0 {
			w.WriteHeader(http.StatusBadRequest)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, one)
	}))
	t.Cleanup(server.Close)
	tele, err := New(t.Context(), Options{Host: server.URL, PublicKey: "pk", SecretKey: "sk"})
	require.NoError(t, err)
	s := tele.Service(&steps.Steps{Ports: steps.Ports{Log: slog.New(slog.DiscardHandler)}})
	ruling := steps.Ruling{RequestID: "r1", Revision: 2, Verdict: approval.Approve, Click: approval.Click{User: "BEN"}}
	s.decided(t.Context(), ruling)
	s.decided(t.Context(), ruling)
	ruling.Verdict, ruling.Click.User = approval.Reject, "CARLA"
	s.decided(t.Context(), ruling) // Langfuse refuses this one here: nobody is kept waiting for it
	require.NoError(t, tele.Shutdown(t.Context()))
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, got, 3)
	by := map[string]score{}
	for _, one := range got {
		by[one.ID] = one
		require.Equal(t, "approved", one.Name)
		require.NotContains(t, one.Comment, "BEN")
	}
	require.Len(t, by, 2, "the same decision is one score, however often it is sent")
	none, err := New(t.Context(), Options{})
	require.NoError(t, err)
	none.Service(nil).decided(t.Context(), ruling)
}

func TestMetricsGoByOTLPAsTheyStandOnThePage(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	sums := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var export collectormetrics.ExportMetricsServiceRequest
		if err != nil || r.URL.Path != "/v1/metrics" || proto.Unmarshal(body, &export) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, resource := range export.ResourceMetrics {
			for _, scope := range resource.ScopeMetrics {
				for _, m := range scope.Metrics {
					sums[m.Name] = true
				}
			}
		}
	}))
	t.Cleanup(server.Close)
	tele, err := New(t.Context(), Options{MetricsURL: server.URL + "/v1/metrics", Version: "v1"})
	require.NoError(t, err)
	tele.Watch(func(context.Context) (map[string]budget.Pace, error) {
		return map[string]budget.Pace{"T1": {Spent: 3 * budget.Dollar}}, nil
	})
	tele.asks.WithLabelValues("ok").Inc()
	tele.step(approval.StepDraft, "ok", time.Second)
	require.NoError(t, tele.Shutdown(t.Context()), "what was not sent yet is sent at the end")
	mu.Lock()
	defer mu.Unlock()
	for _, name := range []string{"countersign_asks_total", "countersign_step_seconds", "countersign_month_spent_dollars"} {
		require.True(t, sums[name], "%s is not among %v", name, sums)
	}
}
