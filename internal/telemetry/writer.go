package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"countersign/approval/steps"
	"countersign/budget"
)

// writer is one whose calls are traced.
type writer struct {
	steps.Writer
	t     *Telemetry
	worst Worst
}

// Worst returns the charge for a call whose usage is unknown.
type Worst func(model string, at time.Time) (budget.USD, error)

// Writer wraps model calls. Each becomes a generation with its usage and its cost from our
// own price table, because Langfuse has no prices for Mistral.
func (t *Telemetry) Writer(w steps.Writer, worst Worst) steps.Writer {
	return writer{Writer: w, t: t, worst: worst}
}

// Write implements steps.Writer.
func (w writer) Write(ctx context.Context, b steps.Brief) (steps.Draft, error) {
	ctx, span := w.start(ctx, b.Model, b.RequestID, b.SessionID, b.Asker)
	draft, err := w.Writer.Write(ctx, b)
	if private, ok := ctx.Value(privateKey{}).(bool); ok && !private { // of a question that nobody looked up nothing leaves
		w.t.says(span, false, OfCode, "langfuse.observation.input", b.Question)
		w.t.says(span, false, OfCode, "langfuse.observation.output", draft.Code)
	}
	w.used(span, b.Model, draft.Usage, draft.PromptVersion, err)
	return draft, err
}

// Recap is a generation like any other.
func (w writer) Recap(ctx context.Context, r steps.Recap) (steps.Recapped, error) {
	ctx, span := w.start(ctx, r.Model, r.RequestID, r.SessionID, r.Asker)
	span.SetAttributes(attribute.String("langfuse.observation.metadata.for", "summary"))
	made, err := w.Writer.Recap(ctx, r)
	w.used(span, r.Model, made.Usage, "", err)
	return made, err
}

// start begins the span of a call, with the names of attributes that OpenTelemetry and Langfuse look for.
func (w writer) start(ctx context.Context, model, request, session, asker string) (context.Context, trace.Span) {
	return w.t.tracer.Start(within(ctx, request), "chat "+model, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		traceName, attribute.String("langfuse.observation.type", "generation"), attribute.String("gen_ai.operation.name", "chat"),
		attribute.String("gen_ai.provider.name", w.provider(model)),
		attribute.String("gen_ai.request.model", model), attribute.String("countersign.request", request),
		attribute.String("session.id", session), attribute.String("user.id", asker)))
}

// used ends a call's span with what it used.
func (w writer) used(span trace.Span, model string, usage budget.Usage, promptVersion string, err error) {
	billed := true
	if failed, ok := errors.AsType[*steps.WriterError](err); ok {
		usage, billed = failed.Usage, failed.Billed || failed.Usage.Model != ""
	}
	priced := false
	if usage.Model != "" {
		var attrs []attribute.KeyValue
		attrs, priced = w.t.generation(usage, promptVersion)
		span.SetAttributes(attrs...)
	}
	if billed && !priced {
		span.SetAttributes(w.inFull(model)...)
	}
	end(span, err)
}

// provider names the company whose model is asked, as OpenTelemetry spells it.
// A writer that does not say who that is asks nobody outside.
func (w writer) provider(model string) string {
	if says, ok := w.Writer.(interface{ Provider(model string) string }); ok {
		return says.Provider(model)
	}
	return "countersign"
}

// inFull is what the ledger has of a call that nobody can price: all that was held.
func (w writer) inFull(model string) []attribute.KeyValue {
	most, err := w.worst(model, time.Now())
	if err != nil {
		return nil // no figure is better than a wrong one
	}
	return []attribute.KeyValue{cost(most), attribute.Bool("langfuse.observation.metadata.estimated", true)}
}

// cost is an amount as Langfuse reads it.
func cost(amount budget.USD) attribute.KeyValue {
	text, _ := json.Marshal(map[string]float64{"total": dollars(amount)}) // numbers always marshal
	return attribute.String("langfuse.observation.cost_details", string(text))
}
