package telemetry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"countersign/approval"
	"countersign/approval/redact"
	"countersign/approval/steps"
	"countersign/budget"
)

// Options say where traces go. Without both keys they go nowhere.
type Options struct {
	Host      string // Langfuse, without a path: "https://cloud.langfuse.com"
	PublicKey string
	SecretKey string
	Version   string // of this program
	Prices    budget.Prices
	Hidden    *redact.Live // what is in no span
	// Sample is the share of requests that are traced, each whole or not at all; 0: all of them.
	Sample float64
	// Content says what of a request may leave with its trace. Nothing of a question whose answer
	// goes to its asker alone ever does.
	Content Content
	// MetricsURL is where the metrics go as well, such as http://collector:4318/v1/metrics; empty: nowhere.
	MetricsURL string
}

// Telemetry holds the tracer and the metrics of one process.
type Telemetry struct {
	*Metrics
	tracer   trace.Tracer
	on       bool // traces go somewhere
	prices   budget.Prices
	shutdown func(context.Context) error

	content Content
	sampler sdktrace.Sampler
	size    func() budget.BoxSize // of boxes; nil: there are none

	scores  *scores        // nil: nowhere
	scoring sync.WaitGroup // scores that are on their way
}

// New sets the exporter up. Nothing is sent before the first span ends.
func New(ctx context.Context, o Options) (*Telemetry, error) {
	t := &Telemetry{Metrics: newMetrics(), tracer: noop.NewTracerProvider().Tracer(""), prices: o.Prices, content: o.Content,
		sampler: sdktrace.AlwaysSample(), shutdown: func(context.Context) error { return nil }}
	if o.Sample > 0 && o.Sample < 1 {
		t.sampler = sdktrace.TraceIDRatioBased(o.Sample)
	}
	if o.PublicKey != "" && o.SecretKey != "" {
		if err := t.trace(ctx, o); err != nil {
			return nil, err
		}
	}
	if o.MetricsURL != "" {
		if err := t.push(ctx, o.MetricsURL, o.Version); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// trace sets the way to Langfuse up.
func (t *Telemetry) trace(ctx context.Context, o Options) error {
	o.Host = strings.TrimRight(o.Host, "/") // an address as people copy it; with two slashes Langfuse knows no such path
	basic := base64.StdEncoding.EncodeToString([]byte(o.PublicKey + ":" + o.SecretKey))
	exporter, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpointURL(o.Host+"/api/public/otel/v1/traces"),
		otlptracehttp.WithHeaders(map[string]string{"Authorization": "Basic " + basic, "x-langfuse-ingestion-version": "4"}))
	if err != nil {
		return fmt.Errorf("set up traces to %s: %w", o.Host, err)
	}
	provider := sdktrace.NewTracerProvider(
		// Spans wait in memory and are dropped when Langfuse is away: no step waits for a trace.
		sdktrace.WithBatcher(masking{exporter, o.Hidden}, sdktrace.WithBatchTimeout(2*time.Second)),
		sdktrace.WithIDGenerator(ids{}),
		// By the id of the trace, which follows from the request's, and not by the span above: so every
		// replica keeps the same requests whole.
		sdktrace.WithSampler(t.sampler),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "countersign"), attribute.String("service.version", o.Version))))
	t.scores = &scores{url: o.Host + "/api/public/scores", public: o.PublicKey, secret: o.SecretKey, client: &http.Client{}}
	t.on, t.tracer, t.shutdown = true, provider.Tracer("countersign"), provider.Shutdown
	return nil
}

// Shutdown sends what has not been sent yet.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	sent := make(chan struct{})
	go func() { t.scoring.Wait(); close(sent) }()
	select {
	case <-sent:
	case <-ctx.Done():
	}
	return t.shutdown(ctx)
}

// ids gives the first span of a request the ids that are derived from the
// request, and every other span what the SDK expects.
type ids struct{}

// rootKey carries the request of which a trace is.
type rootKey struct{}

// NewIDs implements sdktrace.IDGenerator: the trace of a request has an id that follows from the request's, so that
// all replicas, and every later step, write into the same one.
func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if id, ok := ctx.Value(rootKey{}).(string); ok {
		return derived(id)
	}
	var t trace.TraceID
	_, _ = rand.Read(t[:])
	return t, ids{}.NewSpanID(ctx, t)
}

// NewSpanID implements sdktrace.IDGenerator.
func (ids) NewSpanID(context.Context, trace.TraceID) (s trace.SpanID) {
	_, _ = rand.Read(s[:])
	return s
}

// derived are the ids of a request's trace and of its first span.
func derived(requestID string) (t trace.TraceID, s trace.SpanID) {
	sum := sha256.Sum256([]byte("countersign trace of " + requestID))
	copy(t[:], sum[:16])
	copy(s[:], sum[16:24])
	return t, s
}

// within puts the spans of ctx into the trace of a request, below its first span.
func within(ctx context.Context, requestID string) context.Context {
	t, s := derived(requestID)
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: t, SpanID: s, TraceFlags: trace.FlagsSampled, Remote: true}))
}

// end closes a span with what became of it. The text of an error may hold
// people's words, so only its kind is told. What waits has not failed: a trace
// in which every wait is red hides the failures.
func end(span trace.Span, err error) {
	switch {
	case err == nil:
	case waits(err):
		span.SetAttributes(attribute.String("countersign.waits", kind(err)))
	default:
		span.SetAttributes(attribute.String("error.type", kind(err)))
		span.SetStatus(codes.Error, kind(err))
	}
	span.End()
}

// waits tells that nothing is wrong: the world is not ready yet, somebody else is
// at it, the code has still to be started, or this process is being stopped.
func waits(err error) bool {
	return outcome(err) == "later" || errors.Is(err, steps.ErrNotStarted) || errors.Is(err, context.Canceled)
}

// traceName is what every span of a request names its trace: Langfuse takes the
// name from each observation by itself, not from the first.
var traceName = attribute.String("langfuse.trace.name", "analyze")

// of are the attributes that every span of a request carries.
func of(r *approval.Request) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("countersign.request", r.ID), traceName,
		attribute.String("session.id", r.SessionID), attribute.String("user.id", r.Asker),
		attribute.String("langfuse.trace.metadata.state", string(r.State)),
	}
}

// Find returns the request of a job, or nil when the job has none. It is one more read per job, and
// only made where traces go somewhere.
type Find func(ctx context.Context, wake steps.Wake) (*approval.Request, error)

// InStore finds a job's request in the store. A notice belongs to the request that it is
// about.
func InStore(store steps.Store) Find {
	return func(ctx context.Context, wake steps.Wake) (*approval.Request, error) {
		id := wake.RequestID
		if wake.Step == approval.StepTell {
			n, _, err := store.Notice(ctx, id)
			if err != nil || n.RequestID == "" {
				return nil, err
			}
			id = n.RequestID
		}
		return store.Request(ctx, id)
	}
}

// privateKey is where a call of a model finds whether the answer goes to its asker alone.
type privateKey struct{}

// whoseKey is where the spans of a step find the attributes that all of them carry.
type whoseKey struct{}

// whose are the attributes of the request that a context is about.
func whose(ctx context.Context) []attribute.KeyValue {
	attrs, _ := ctx.Value(whoseKey{}).([]attribute.KeyValue)
	return attrs
}

// Step wraps the work of a job in a span of its request's trace. A job without a request,
// or whose request cannot be found, is only counted.
func (t *Telemetry) Step(find Find, do func(context.Context, steps.Wake) error) func(context.Context, steps.Wake) error {
	return func(ctx context.Context, wake steps.Wake) error {
		began := time.Now()
		err := t.traced(ctx, find, wake, do)
		t.step(wake.Step, outcome(err), time.Since(began))
		return err
	}
}

// traced does a step within a span of its request. A step whose request is not found is done all the same.
func (t *Telemetry) traced(ctx context.Context, find Find, wake steps.Wake, do func(context.Context, steps.Wake) error) error {
	if !t.on {
		return do(ctx, wake)
	}
	r, err := find(ctx, wake)
	if err != nil || r == nil {
		return do(ctx, wake) // whatever keeps it from being found is for the step to say
	}
	attrs := of(r)
	ctx = context.WithValue(ctx, privateKey{}, alone(r))
	ctx, span := t.tracer.Start(within(context.WithValue(ctx, whoseKey{}, attrs), r.ID), string(wake.Step), trace.WithAttributes(attrs...))
	err = do(ctx, wake)
	end(span, err)
	if wake.Step == approval.StepRun && r.State != approval.Done {
		if after, err := find(ctx, wake); err == nil && after != nil && after.State == approval.Done {
			t.ran(ctx, after)
		}
	}
	return err
}

// Service is the approval.Service that the bot calls, with a span around each call.
type Service struct {
	*steps.Steps
	t *Telemetry
}

// Service wraps the calls that people cause.
func (t *Telemetry) Service(s *steps.Steps) Service { return Service{Steps: s, t: t} }

// Ask records the first span of a request's trace, with the ids computed from the request.
func (s Service) Ask(ctx context.Context, q approval.Question) (*approval.Request, error) {
	began := time.Now()
	r, err := s.Steps.Ask(ctx, q)
	how := outcome(err)
	if err == nil && r.Blocked != nil {
		how = outcome(r.Blocked.Refusal()) // it is kept, and goes on when there is money
	}
	s.t.asks.WithLabelValues(how).Inc()
	if err == nil {
		_, span := s.t.tracer.Start(context.WithValue(ctx, rootKey{}, r.ID), "ask",
			trace.WithNewRoot(), trace.WithTimestamp(began), trace.WithAttributes(of(r)...))
		span.End()
	}
	return r, err
}

// Decide records a span of its own; the gap before it is the time that people took.
func (s Service) Decide(ctx context.Context, ruling steps.Ruling) (*approval.Request, error) {
	ctx, span := s.t.tracer.Start(within(ctx, ruling.RequestID), "decide", trace.WithAttributes(traceName,
		attribute.String("countersign.request", ruling.RequestID), attribute.String("countersign.verdict", string(ruling.Verdict)),
		attribute.String("countersign.digest", ruling.Digest), attribute.String("countersign.reviewer", ruling.Click.User)))
	r, err := s.Steps.Decide(ctx, ruling)
	if err == nil {
		span.SetAttributes(of(r)...)
		span.SetAttributes(sealed(r)...)
		s.t.waited(ctx, r, ruling)
		s.decided(ctx, ruling)
	}
	end(span, err)
	s.t.decisions.WithLabelValues(string(ruling.Verdict), outcome(err)).Inc()
	return r, err
}

// generation is what a call used, and whether there is a price for it. The
// version of the prompt is metadata: Langfuse's own attribute for it is the number
// of a prompt that Langfuse keeps, and ours is kept here.
func (t *Telemetry) generation(u budget.Usage, promptVersion string) (attrs []attribute.KeyValue, priced bool) {
	attrs = []attribute.KeyValue{
		attribute.String("gen_ai.response.model", u.Model),
		attribute.Int("gen_ai.usage.input_tokens", u.Input), attribute.Int("gen_ai.usage.output_tokens", u.Output),
		attribute.String("langfuse.observation.metadata.prompt_version", promptVersion),
	}
	charge, err := t.prices.TokenCharge(u, time.Now())
	if err != nil {
		return attrs, false
	}
	t.tokens.WithLabelValues(u.Model, "input").Add(float64(u.Input))
	t.tokens.WithLabelValues(u.Model, "output").Add(float64(u.Output))
	t.spent.WithLabelValues("tokens", u.Model).Add(dollars(charge.Amount))
	return append(attrs, cost(charge.Amount)), true
}

func dollars(u budget.USD) float64 { return float64(u) / float64(budget.Dollar) }

// sandbox is one whose calls are traced.
type sandbox struct {
	steps.Sandbox
	t *Telemetry
}

// Sandbox wraps the box calls that take time.
func (t *Telemetry) Sandbox(s steps.Sandbox) steps.Sandbox {
	t.size = s.Size
	return sandbox{Sandbox: s, t: t}
}

func (s sandbox) span(ctx context.Context, name string) (context.Context, trace.Span) {
	return s.t.tracer.Start(ctx, "box "+name, trace.WithAttributes(whose(ctx)...), trace.WithAttributes(attribute.String("countersign.sandbox", s.Size().Kind)))
}

// paid says what a box cost that was used for one thing.
func (s sandbox) paid(span trace.Span, box time.Duration) {
	span.SetAttributes(s.t.boxCost(s.Size(), box)...)
	if charge, err := s.t.prices.BoxCharge(s.Size(), box, time.Now()); err == nil {
		s.t.spent.WithLabelValues("box", s.Size().Kind).Add(dollars(charge.Amount))
	}
}

func (s sandbox) Inspect(ctx context.Context, code string, files []approval.File) (steps.Inspection, error) {
	ctx, span := s.span(ctx, "inspect")
	seen, err := s.Sandbox.Inspect(ctx, code, files)
	span.SetAttributes(attribute.Int("countersign.findings", len(seen.Findings)))
	s.paid(span, seen.Box)
	end(span, err)
	return seen, err
}

// ReadFile implements steps.Sandbox. Of the file its size is kept, and no name.
func (s sandbox) ReadFile(ctx context.Context, f steps.InputFile) (steps.Readout, error) {
	ctx, span := s.span(ctx, "read")
	out, err := s.Sandbox.ReadFile(ctx, f)
	if p := out.Answer.Problem; p != nil {
		span.SetAttributes(attribute.String("countersign.problem", p.Code))
	}
	span.SetAttributes(attribute.Int64("countersign.bytes", f.Size))
	s.paid(span, out.Box)
	end(span, err)
	return out, err
}

func (s sandbox) Create(ctx context.Context, requestID string, seal approval.Manifest) (string, error) {
	ctx, span := s.span(ctx, "create")
	id, err := s.Sandbox.Create(ctx, requestID, seal)
	end(span, err)
	return id, err
}

func (s sandbox) Fill(ctx context.Context, boxID string, job steps.Job) error {
	ctx, span := s.span(ctx, "fill")
	err := s.Sandbox.Fill(ctx, boxID, job)
	end(span, err)
	return err
}

func (s sandbox) Start(ctx context.Context, boxID string, job steps.Job) error {
	ctx, span := s.span(ctx, "start")
	err := s.Sandbox.Start(ctx, boxID, job)
	end(span, err)
	return err
}

// Result implements steps.Sandbox. How a run ended, and what its box cost, is counted here once.
func (s sandbox) Result(ctx context.Context, boxID string) (approval.Result, error) {
	ctx, span := s.span(ctx, "result")
	result, err := s.Sandbox.Result(ctx, boxID)
	span.SetAttributes(attribute.String("countersign.outcome", string(result.Outcome)), attribute.Int64("countersign.box_ms", result.Box.Milliseconds()))
	if err == nil {
		s.t.runs.WithLabelValues(string(result.Outcome)).Inc()
		if charge, err := s.t.prices.BoxCharge(s.Size(), result.Box, time.Now()); err == nil { // the run's own span has it
			s.t.spent.WithLabelValues("box", s.Size().Kind).Add(dollars(charge.Amount))
		}
	}
	end(span, err)
	return result, err
}
