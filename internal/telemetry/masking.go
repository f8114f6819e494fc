package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"countersign/approval/redact"
)

// masking masks what a span says before it leaves. No question and no row of data is put into a span
// in the first place; this holds where somebody forgets that, or an id turns out to be an address.
type masking struct{ sdktrace.SpanExporter }

func (m masking) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	clean := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		clean[i] = maskedSpan{s}
	}
	return m.SpanExporter.ExportSpans(ctx, clean)
}

// maskedSpan is a span of which all words are masked.
type maskedSpan struct{ sdktrace.ReadOnlySpan }

func (s maskedSpan) Name() string { return mask(s.ReadOnlySpan.Name()) }

func (s maskedSpan) Attributes() []attribute.KeyValue { return maskAll(s.ReadOnlySpan.Attributes()) }

func (s maskedSpan) Status() sdktrace.Status {
	status := s.ReadOnlySpan.Status()
	status.Description = mask(status.Description)
	return status
}

func (s maskedSpan) Events() []sdktrace.Event {
	var events []sdktrace.Event
	for _, e := range s.ReadOnlySpan.Events() {
		e.Name, e.Attributes = mask(e.Name), maskAll(e.Attributes)
		events = append(events, e)
	}
	return events
}

func mask(text string) string {
	var rules *redact.Rules
	return rules.Mask(text, nil)
}

func maskAll(attrs []attribute.KeyValue) []attribute.KeyValue {
	clean := make([]attribute.KeyValue, len(attrs))
	for i, a := range attrs {
		switch clean[i] = a; a.Value.Type() {
		case attribute.STRING:
			clean[i] = a.Key.String(mask(a.Value.AsString()))
		case attribute.STRINGSLICE:
			var list []string
			for _, text := range a.Value.AsStringSlice() {
				list = append(list, mask(text))
			}
			clean[i] = a.Key.StringSlice(list)
		}
	}
	return clean
}
