package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// Content is what of a request may be in its trace.
type Content string

// The contents, each with those before it.
const (
	NoContent Content = "none" // figures, names of models, ids
	OfCode    Content = "code" // the question and the code
	OfData    Content = "data" // what came out of the data: the answer
)

// reaches tells whether something of this kind may be in a trace.
func (c Content) reaches(kind Content) bool {
	rank := map[Content]int{"": 0, NoContent: 0, OfCode: 1, OfData: 2}
	return rank[c] >= rank[kind]
}

// kept tells whether a request is among those that are traced.
func (t *Telemetry) kept(requestID string) bool {
	id, _ := derived(requestID)
	return t.sampler.ShouldSample(sdktrace.SamplingParameters{TraceID: id}).Decision == sdktrace.RecordAndSample
}

// says puts a text into a span, if texts of this kind may leave. What is secret or personal in
// it is masked with all that leaves (masking.go).
func (t *Telemetry) says(span trace.Span, private bool, kind Content, key, text string) {
	if text != "" && !private && t.content.reaches(kind) {
		span.SetAttributes(attribute.String(key, text))
	}
}

// alone tells of a request that nobody but its asker reads. A question in a direct message belongs to no
// channel, so it is not marked as private.
func alone(r *approval.Request) bool { return r.Private || approval.Direct(r.Project) }

// ran adds what is known of a request once its code has run: the run, with what its box
// cost, and the answer, from the question to here. It is added by whoever saw the run end;
// where that replica dies in the same moment, it is missing.
func (t *Telemetry) ran(ctx context.Context, r *approval.Request) {
	run := r.Run
	if run == nil || run.Result == nil {
		return
	}
	attrs := append(of(r), sealed(r)...)
	_, span := t.tracer.Start(within(ctx, r.ID), "run of the code", trace.WithTimestamp(run.StartedAt), trace.WithAttributes(attrs...), trace.WithAttributes(
		attribute.String("countersign.outcome", string(run.Result.Outcome)), attribute.Int64("countersign.box_ms", run.Result.Box.Milliseconds())))
	if r.Revision != nil {
		if t.size != nil {
			span.SetAttributes(t.boxCost(t.size(), run.Result.Box)...)
		}
		t.says(span, alone(r), OfCode, "langfuse.observation.input", r.Revision.Code)
	}
	t.says(span, alone(r), OfData, "langfuse.observation.output", run.Result.Answer)
	span.End(trace.WithTimestamp(run.FinishedAt))
	_, span = t.tracer.Start(within(ctx, r.ID), "answer", trace.WithTimestamp(r.CreatedAt), trace.WithAttributes(attrs...))
	t.says(span, alone(r), OfCode, "langfuse.trace.input", r.Question)
	t.says(span, alone(r), OfData, "langfuse.trace.output", run.Result.Answer)
	span.End(trace.WithTimestamp(run.FinishedAt))
}

// boxCost is what a box cost, as the ledger reckons it; nothing where nobody can price it.
func (t *Telemetry) boxCost(size budget.BoxSize, d time.Duration) []attribute.KeyValue {
	charge, err := t.prices.BoxCharge(size, d, time.Now())
	if err != nil || d <= 0 {
		return nil
	}
	return []attribute.KeyValue{cost(charge.Amount)}
}

// sealed is what reviewers decided on.
func sealed(r *approval.Request) []attribute.KeyValue {
	if r.Revision == nil {
		return nil
	}
	return []attribute.KeyValue{attribute.String("countersign.tier", string(r.Revision.Tier())), attribute.Int("countersign.version", r.Revision.Number),
		attribute.String("countersign.digest", r.Revision.Digest), attribute.String("langfuse.observation.metadata.tier", string(r.Revision.Tier())),
		attribute.String("langfuse.observation.metadata.prompt_version", r.Revision.PromptVersion)}
}

// waited adds how long a version waited for its reviewers, once it waits no more.
func (t *Telemetry) waited(ctx context.Context, r *approval.Request, ruling steps.Ruling) {
	if r.Revision == nil || r.Revision.Number != ruling.Revision || r.State == approval.Pending {
		return
	}
	_, span := t.tracer.Start(within(ctx, r.ID), "review", trace.WithTimestamp(r.Revision.At), trace.WithAttributes(of(r)...), trace.WithAttributes(sealed(r)...),
		trace.WithAttributes(attribute.String("countersign.verdict", string(ruling.Verdict)), attribute.Int("countersign.approvals", len(r.Decisions))))
	t.says(span, alone(r), OfCode, "langfuse.observation.input", r.Revision.Code)
	span.End()
	t.reviews.WithLabelValues(string(r.Revision.Tier())).Observe(time.Since(r.Revision.At).Seconds())
}
