package redact

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
)

// Live are the rules of a process at this moment: those that always hold, until it has learned what
// administrators have added. The nil Live never learns.
type Live struct{ now atomic.Pointer[Rules] }

// Learn has other rules hold from now on.
func (l *Live) Learn(rules *Rules) { l.now.Store(rules) }

// Rules are those that hold.
func (l *Live) Rules() *Rules {
	if l == nil {
		return nil
	}
	return l.now.Load()
}

// Log masks what a log is told, before the handler below it writes it. Whoever reads a log has not been
// in the conversation.
func Log(below slog.Handler, rules *Live) slog.Handler { return logs{below, rules} }

// logs is a handler that masks all that passes through it.
type logs struct {
	slog.Handler
	live *Live
}

// Handle implements slog.Handler. It goes by the rules as they are now: they may have been changed since the start.
func (h logs) Handle(ctx context.Context, r slog.Record) error {
	rules := h.live.Rules()
	clean := slog.NewRecord(r.Time, r.Level, rules.Mask(r.Message, nil), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(masked(a, rules))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler. What is given along here is masked once, by the rules of that moment.
func (h logs) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = masked(a, h.live.Rules())
	}
	return logs{h.Handler.WithAttrs(clean), h.live}
}

func (h logs) WithGroup(name string) slog.Handler { return logs{h.Handler.WithGroup(name), h.live} }

// masked is an attribute without what the rules find. A value that holds nothing stays what it is, so
// that handlers write numbers, times and structs as they do.
func masked(a slog.Attr, rules *Rules) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(rules.Mask(v.String(), nil))
	case slog.KindGroup:
		attrs := make([]slog.Attr, len(v.Group()))
		for i, in := range v.Group() {
			attrs[i] = masked(in, rules)
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
