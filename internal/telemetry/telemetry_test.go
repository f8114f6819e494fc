package telemetry

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
)

func attributes(s *tracepb.Span) map[string]any {
	m := map[string]any{}
	for _, kv := range s.Attributes {
		if v := kv.Value.GetStringValue(); v != "" {
			m[kv.Key] = v
		} else {
			m[kv.Key] = kv.Value.GetIntValue()
		}
	}
	return m
}

func replica(t *testing.T, r *receiver) *Telemetry {
	t.Helper()
	tele, err := New(t.Context(), Options{Host: r.URL, PublicKey: "pk", SecretKey: "sk-secret", Version: "v1", Prices: budget.Shipped()})
	require.NoError(t, err)
	return tele
}

type fakeWriter struct{ err error }

func (fakeWriter) Provider(model string) string { return "provider of " + model }

func (fakeWriter) Models() []string  { return []string{"codestral-2508"} }
func (fakeWriter) Bound() (int, int) { return 1, 1 }

func (fakeWriter) Offers() []review.Offer {
	return []review.Offer{{Model: "codestral-2508", Own: true}}
}

func (fakeWriter) Room(steps.Brief) int             { return 1 }
func (fakeWriter) RecapRoom(string) int             { return 1 }
func (fakeWriter) RecapSize(steps.Recap) (int, int) { return 1, 1 }
func (f fakeWriter) Recap(context.Context, steps.Recap) (steps.Recapped, error) {
	return steps.Recapped{Text: "secret summary", Usage: budget.Usage{Model: "codestral-2508", Input: 1000, Output: 1000}}, f.err
}

func (fakeWriter) Size(steps.Brief) (int, int) { return 1, 1 }
func (f fakeWriter) Write(context.Context, steps.Brief) (steps.Draft, error) {
	return steps.Draft{Code: "secret_code()", PromptVersion: "p1",
		Usage: budget.Usage{Model: "codestral-2508", Input: 1000, Output: 1000}}, f.err
}

type fakeStore struct{ steps.Store }

func (fakeStore) Ask(_ context.Context, r *approval.Request, _ approval.Session) (*approval.Request, bool, error) {
	return r, true, nil
}

func (fakeStore) Counter(context.Context, approval.Question) (steps.Counter, error) {
	return steps.Counter{Now: time.Now()}, nil
}

func (fakeStore) Standings(context.Context, []budget.Scope) ([]budget.Standing, error) {
	return nil, nil
}

// fullStore is one whose budgets have nothing left.
type fullStore struct{ fakeStore }

func (fullStore) Ask(_ context.Context, r *approval.Request, _ approval.Session) (*approval.Request, bool, error) {
	if r.Blocked == nil {
		return nil, false, &budget.ExceededError{Needed: budget.Dollar}
	}
	return r, true, nil
}

type fakeSlack struct{ steps.Slack }

func (fakeSlack) Person(context.Context, string, string) (review.Person, error) {
	return review.Person{}, nil
}

type fakeBox struct{ steps.Sandbox }

func (fakeBox) Size() budget.BoxSize {
	return budget.BoxSize{Kind: "local", VCPU: 1, MemoryMB: 1024}
}
func (fakeBox) Ready() error                        { return nil }
func (fakeBox) Template() string                    { return "python" }
func (fakeBox) Lease(approval.Limits) time.Duration { return time.Minute }
func (fakeBox) InspectLease() time.Duration         { return time.Minute }
func (fakeBox) Inspect(context.Context, string, []approval.File) (steps.Inspection, error) {
	return steps.Inspection{Findings: []approval.Finding{{Level: approval.Note}}}, nil
}
func (fakeBox) Create(context.Context, string, approval.Manifest) (string, error) { return "box", nil }
func (fakeBox) Fill(context.Context, string, steps.Job) error                     { return nil }
func (fakeBox) Start(context.Context, string, steps.Job) error                    { return nil }
func (fakeBox) Result(context.Context, string) (approval.Result, error) {
	return approval.Result{Outcome: approval.OK, Box: 2 * time.Second}, nil
}

// worst is what fakes hold for a call.
func worst(model string, _ time.Time) (budget.USD, error) {
	if model == "" {
		return 0, errors.New("no model")
	}
	return 2 * budget.Cent, nil
}

// asked is a store of one request, and of two notices, one of them about it.
type askedStore struct{ fakeStore }

func (askedStore) Request(_ context.Context, id string) (*approval.Request, error) {
	if id == "" {
		return nil, approval.ErrNotFound
	}
	return &approval.Request{ID: id, SessionID: "s1", Asker: "U1", State: approval.Drafting}, nil
}

func (askedStore) Notice(_ context.Context, key string) (*approval.Notice, map[string]steps.NoticePost, error) {
	about, _ := strings.CutPrefix(key, "about ")
	if about == key {
		about = ""
	}
	return &approval.Notice{Key: key, RequestID: about}, nil, nil
}

func service() *steps.Steps {
	return steps.New(steps.Ports{Store: fakeStore{}, Slack: fakeSlack{}, Writer: fakeWriter{}, Sandbox: fakeBox{}, Log: slog.New(slog.DiscardHandler)},
		steps.Settings{Prices: budget.Shipped(), Policy: approval.DefaultPolicy()})
}

func TestOneTracePerRequestAcrossReplicas(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	first, second := replica(t, r), replica(t, r)

	asked, err := first.Service(service()).Ask(t.Context(), approval.Question{Team: "T1", Project: "C1", Asker: "U1", Text: "secret question"})
	require.NoError(t, err)
	require.NoError(t, first.Step(InStore(askedStore{}), func(ctx context.Context, w steps.Wake) error {
		_, err := first.Writer(fakeWriter{}, worst).Write(ctx, steps.Brief{RequestID: w.RequestID, SessionID: "s1", Asker: "U1", Model: "codestral-2508"})
		return err
	})(t.Context(), steps.Wake{Step: approval.StepDraft, RequestID: asked.ID}))
	require.NoError(t, second.Step(InStore(askedStore{}), func(ctx context.Context, w steps.Wake) error {
		box := second.Sandbox(fakeBox{})
		_, inspectErr := box.Inspect(ctx, "", nil)
		id, createErr := box.Create(ctx, w.RequestID, approval.Manifest{})
		_, resultErr := box.Result(ctx, id)
		return errors.Join(inspectErr, createErr, box.Fill(ctx, id, steps.Job{}), box.Start(ctx, id, steps.Job{}), resultErr)
	})(t.Context(), steps.Wake{Step: approval.StepRun, RequestID: asked.ID}))
	require.NoError(t, errors.Join(first.Shutdown(t.Context()), second.Shutdown(t.Context())))

	trace, root := derived(asked.ID)
	for _, name := range []string{"ask", "draft", "chat codestral-2508", "run", "box inspect", "box create", "box fill", "box start", "box result"} {
		require.Equal(t, trace[:], r.span(t, name).TraceId, name)
	}
	require.Equal(t, root[:], r.span(t, "ask").SpanId, "the first span has the id that all others name as parent")
	require.Empty(t, r.span(t, "ask").ParentSpanId)
	require.Equal(t, root[:], r.span(t, "draft").ParentSpanId)
	require.Equal(t, root[:], r.span(t, "run").ParentSpanId)
	require.Equal(t, r.span(t, "run").SpanId, r.span(t, "box create").ParentSpanId)
	for _, name := range []string{"draft", "chat codestral-2508", "run", "box inspect", "box create", "box fill", "box start", "box result"} {
		got := attributes(r.span(t, name))
		require.Equal(t, "s1", got["session.id"], name)
		require.Equal(t, "U1", got["user.id"], name)
		require.Equal(t, "analyze", got["langfuse.trace.name"], name)
	}

	require.Equal(t, "/api/public/otel/v1/traces", r.path)
	require.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("pk:sk-secret")), r.header.Get("Authorization"))
	require.Equal(t, "4", r.header.Get("x-langfuse-ingestion-version"))
}

func TestAGenerationCarriesUsageAndItsCost(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	tele := replica(t, r)
	_, err := tele.Writer(fakeWriter{}, worst).Write(t.Context(), steps.Brief{RequestID: "abc", SessionID: "s1", Asker: "U1", Model: "codestral-2508"})
	require.NoError(t, err)
	require.NoError(t, tele.Shutdown(t.Context()))

	got := attributes(r.span(t, "chat codestral-2508"))
	require.Equal(t, "generation", got["langfuse.observation.type"])
	require.Equal(t, "chat", got["gen_ai.operation.name"])
	require.Equal(t, "provider of codestral-2508", got["gen_ai.provider.name"])
	require.Equal(t, "p1", got["langfuse.observation.metadata.prompt_version"])
	require.NotContains(t, got, "langfuse.observation.prompt.version")
	require.Equal(t, "analyze", got["langfuse.trace.name"])
	require.NotContains(t, got, "error.type")
	require.Equal(t, "codestral-2508", got["gen_ai.request.model"])
	require.Equal(t, "codestral-2508", got["gen_ai.response.model"])
	require.EqualValues(t, 1000, got["gen_ai.usage.input_tokens"])
	require.EqualValues(t, 1000, got["gen_ai.usage.output_tokens"])
	require.JSONEq(t, `{"total":0.0012}`, got["langfuse.observation.cost_details"].(string))
	require.Equal(t, "s1", got["session.id"])
	require.Equal(t, "U1", got["user.id"])
}

func TestANoticeIsInTheTraceOfItsRequestOrInNone(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	tele := replica(t, r)
	worked := 0
	step := tele.Step(InStore(askedStore{}), func(context.Context, steps.Wake) error { worked++; return nil })
	for _, wake := range []steps.Wake{{Step: approval.StepTell, RequestID: "about abc"}, {Step: approval.StepTell, RequestID: "digest"}, {Step: approval.StepShow}} {
		require.NoError(t, step(t.Context(), wake))
	}
	require.NoError(t, tele.Shutdown(t.Context()))
	require.Equal(t, 3, worked)
	require.Len(t, r.spans, 1)
	trace, _ := derived("abc")
	require.Equal(t, trace[:], r.span(t, "tell").TraceId)
}

func TestACallThatNobodyCanPriceCostsWhatTheLedgerHas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want any
	}{
		"silence":             {&steps.WriterError{Err: io.EOF, Billed: true}, `{"total":0.02}`},
		"an unknown model":    {&steps.WriterError{Err: io.EOF, Usage: budget.Usage{Model: "nobody-prices-me"}}, `{"total":0.02}`},
		"refused, not billed": {&steps.WriterError{Err: io.EOF}, nil},
	} {
		r := newReceiver(t)
		tele := replica(t, r)
		_, err := tele.Writer(fakeWriter{err: c.err}, worst).Write(t.Context(), steps.Brief{RequestID: "abc", Model: "codestral-2508"})
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, tele.Shutdown(t.Context()))
		got := attributes(r.span(t, "chat codestral-2508"))
		require.Equal(t, c.want, got["langfuse.observation.cost_details"], name)
	}
}

func TestNothingThatPeopleWroteIsInATrace(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	tele := replica(t, r)
	_, err := tele.Service(service()).Ask(t.Context(), approval.Question{Team: "T1", Asker: "U1", Text: "a confidential question"})
	require.NoError(t, err)
	failing := errors.New("confidential: text of an error")
	_, err = tele.Writer(fakeWriter{err: &steps.WriterError{Err: failing, Usage: budget.Usage{Model: "nobody-prices-me"}}}, worst).Write(t.Context(), steps.Brief{RequestID: "x"})
	require.ErrorIs(t, err, failing)
	_, err = tele.Service(service()).Decide(t.Context(), steps.Ruling{RequestID: "x", Verdict: approval.Reject})
	require.Error(t, err)
	require.NoError(t, tele.Shutdown(t.Context()))

	r.mu.Lock()
	defer r.mu.Unlock()
	require.Len(t, r.spans, 3)
	for _, s := range r.spans {
		require.NotContains(t, s.String(), "confidential", s.Name)
		require.NotContains(t, s.String(), "cost_details", "a model without a price has no cost, not none")
	}
}

// A thumb is a score of the request's trace: the last one of a person counts.
func TestAThumbIsAScoreOfItsTrace(t *testing.T) {
	t.Parallel()
	var got []score
	var refuse atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		var one score
		if r.URL.Path != "/api/public/scores" || user != "pk" || password != "sk" || json.NewDecoder(r.Body).Decode(&one) != nil || refuse.Load() {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		got = append(got, one)
	}))
	t.Cleanup(server.Close)
	s := &scores{url: server.URL + "/api/public/scores", public: "pk", secret: "sk", client: server.Client()}
	require.NoError(t, s.send(t.Context(), "r1", "U1", true))
	require.NoError(t, s.send(t.Context(), "r1", "U1", false))
	require.NoError(t, s.send(t.Context(), "r1", "U2", true))
	trace, _ := derived("r1")
	require.Equal(t, trace.String(), got[0].TraceID)
	require.Equal(t, []int{1, 0, 1}, []int{got[0].Value, got[1].Value, got[2].Value})
	require.Equal(t, got[0].ID, got[1].ID)
	require.NotEqual(t, got[0].ID, got[2].ID, "somebody else's is another one")
	require.Equal(t, "BOOLEAN", got[0].DataType)
	refuse.Store(true)
	require.ErrorContains(t, s.send(t.Context(), "r1", "U1", true), "400")
}

func TestWithoutKeysNothingIsSent(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	tele, err := New(t.Context(), Options{Host: r.URL})
	require.NoError(t, err)
	_, err = tele.Writer(fakeWriter{}, worst).Write(t.Context(), steps.Brief{RequestID: "abc"})
	require.NoError(t, err)
	require.NoError(t, tele.Shutdown(t.Context()))
	require.Empty(t, r.spans)
}

func TestIDsAreDerivedAndDiffer(t *testing.T) {
	t.Parallel()
	a, _ := derived("a")
	again, _ := derived("a")
	b, _ := derived("b")
	require.Equal(t, a, again)
	require.NotEqual(t, hex.EncodeToString(a[:]), hex.EncodeToString(b[:]))
}

func TestHealthReadinessAndMetrics(t *testing.T) {
	t.Parallel()
	tele, err := New(t.Context(), Options{})
	require.NoError(t, err)
	down, starting := false, false
	server := httptest.NewServer(tele.Handler(Check{Name: "database", Try: func(context.Context) error {
		if starting {
			return fmt.Errorf("the sandbox: %w", ErrStarting)
		}
		if down {
			return errors.New("password of the database")
		}
		return nil
	}}))
	defer server.Close()
	get := func(path string) (int, string) {
		res, err := http.Get(server.URL + path)
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(body)
	}
	status, _ := get("/healthz")
	require.Equal(t, 200, status)
	status, body := get("/readyz")
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"database":"ok"}`, body)

	starting = true
	status, body = get("/readyz")
	require.Equal(t, 503, status)
	require.JSONEq(t, `{"database":"starting"}`, body, "it will be of use by itself")
	starting, down = false, true
	status, body = get("/readyz")
	require.Equal(t, 503, status)
	require.JSONEq(t, `{"database":"not ready"}`, body)
	status, _ = get("/healthz")
	require.Equal(t, 200, status, "a process that waits for its database is alive")

	step := tele.Step(InStore(askedStore{}), func(context.Context, steps.Wake) error { return steps.ErrBusy })
	require.ErrorIs(t, step(t.Context(), steps.Wake{Step: approval.StepRun, RequestID: "a"}), steps.ErrBusy)
	status, body = get("/metrics")
	require.Equal(t, 200, status)
	require.Contains(t, body, `countersign_step_seconds_count{outcome="later",step="run"} 1`)
}

func TestOutcomesSortErrors(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"ok": nil, "later": &steps.LaterError{Err: io.EOF}, "budget": &budget.ExceededError{}, "error": io.EOF,
		"not allowed": &approval.NotAllowedError{}, "too late": &approval.StaleError{}, "bad input": &approval.InputError{},
	} {
		require.Equal(t, want, outcome(err))
	}
	require.True(t, strings.HasPrefix(kind(&steps.LaterError{Err: io.EOF}), "*errors."))
}

func TestAQuestionThatABudgetKeepsBackIsCountedAsThat(t *testing.T) {
	t.Parallel()
	tele, err := New(t.Context(), Options{})
	require.NoError(t, err)
	ports := service().Ports
	ports.Store = fullStore{}
	s := steps.New(ports, *service().Settings)
	r, err := tele.Service(s).Ask(t.Context(), approval.Question{Team: "T1", Project: "C1", Asker: "U1", Text: "?"})
	require.NoError(t, err)
	require.NotNil(t, r.Blocked)
	page := httptest.NewRecorder()
	tele.Handler().ServeHTTP(page, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	require.Contains(t, page.Body.String(), `countersign_asks_total{outcome="budget"} 1`)
}
