package redact

import (
	"context"
	"fmt"
	"log/slog"
)

// Log masks what a log is told, before the handler below it writes it. An administrator reads a log
// without having been in the conversation.
func Log(below slog.Handler) slog.Handler { return logs{below} }

type logs struct{ slog.Handler }

func (h logs) Handle(ctx context.Context, r slog.Record) error {
	var rules *Rules
	clean := slog.NewRecord(r.Time, r.Level, rules.Mask(r.Message, nil), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(masked(a))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

func (h logs) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = masked(a)
	}
	return logs{h.Handler.WithAttrs(clean)}
}

func (h logs) WithGroup(name string) slog.Handler { return logs{h.Handler.WithGroup(name)} }

// masked is an attribute without what the rules find. A value that holds nothing stays what it is, so
// that handlers write numbers, times and structs as they do.
func masked(a slog.Attr) slog.Attr {
	var rules *Rules
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(rules.Mask(v.String(), nil))
	case slog.KindGroup:
		attrs := make([]slog.Attr, len(v.Group()))
		for i, in := range v.Group() {
			attrs[i] = masked(in)
		}
		a.Value = slog.GroupValue(attrs...)
	case slog.KindAny:
		said := fmt.Sprintf("%+v", v.Any())
		if rules.Holds(said) {
			a.Value = slog.StringValue(rules.Mask(said, nil))
		}
	}
	return a
}
