package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"countersign/approval/redact"
)

// masking masks what a span says before it leaves: questions, code and answers where they may be
// told (Options.Content), and an id that turns out to be an address.
type masking struct {
	sdktrace.SpanExporter
	live *redact.Live
}

// ExportSpans implements sdktrace.SpanExporter.
func (m masking) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	clean := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		clean[i] = maskedSpan{s, m.live.Rules()}
	}
	return m.SpanExporter.ExportSpans(ctx, clean)
}

// maskedSpan is a span of which all words are masked.
type maskedSpan struct {
	sdktrace.ReadOnlySpan
	rules *redact.Rules
}

func (s maskedSpan) Name() string { return s.mask(s.ReadOnlySpan.Name()) }

func (s maskedSpan) Attributes() []attribute.KeyValue { return s.all(s.ReadOnlySpan.Attributes()) }

// Status implements sdktrace.ReadOnlySpan: an error may quote what somebody wrote.
func (s maskedSpan) Status() sdktrace.Status {
	status := s.ReadOnlySpan.Status()
	status.Description = s.mask(status.Description)
	return status
}

// Events implements sdktrace.ReadOnlySpan.
func (s maskedSpan) Events() []sdktrace.Event {
	var events []sdktrace.Event
	for _, e := range s.ReadOnlySpan.Events() {
		e.Name, e.Attributes = s.mask(e.Name), s.all(e.Attributes)
		events = append(events, e)
	}
	return events
}

func (s maskedSpan) mask(text string) string { return s.rules.Mask(text, nil) }

// all masks texts and lists of texts. Numbers and truth values say nothing of anybody.
func (s maskedSpan) all(attrs []attribute.KeyValue) []attribute.KeyValue {
	clean := make([]attribute.KeyValue, len(attrs))
	for i, a := range attrs {
		switch clean[i] = a; a.Value.Type() {
		case attribute.STRING:
			clean[i] = a.Key.String(s.mask(a.Value.AsString()))
		case attribute.STRINGSLICE:
			var list []string
			for _, text := range a.Value.AsStringSlice() {
				list = append(list, s.mask(text))
			}
			clean[i] = a.Key.StringSlice(list)
		}
	}
	return clean
}
