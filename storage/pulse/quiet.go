package pulse

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
)

// Quiet is for River's log, whose information is about River: it counts as debugging
// here. So does what it says because the database is away: that is said once (pulse.go).
type Quiet struct {
	slog.Handler
	Away *atomic.Bool
}

func (q Quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level > slog.LevelInfo || q.Handler.Enabled(ctx, slog.LevelDebug)
}

// Handle implements slog.Handler: what would be said with every beat while the database is away goes to debug.
func (q Quiet) Handle(ctx context.Context, r slog.Record) error {
	if r.Level == slog.LevelInfo || q.Away.Load() || hungUpWords(r) || r.Message == gaveUp {
		r.Level = slog.LevelDebug
	}
	if !q.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}

func (q Quiet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return Quiet{q.Handler.WithAttrs(attrs), q.Away}
}

func (q Quiet) WithGroup(name string) slog.Handler { return Quiet{q.Handler.WithGroup(name), q.Away} }

// gaveUp is what River says when it could not write for so long that it forgets which jobs are over. Each
// error stood in the log before, unless the database was away; and the pulse gives those jobs back.
const gaveUp = "jobcompleter.BatchCompleter: Too many errors; giving up"

// hungUpWords tells of a record about a connection that broke. River has turned the error into
// words by then, and the next beat of the pulse finds the same.
func hungUpWords(r slog.Record) (is bool) {
	r.Attrs(func(a slog.Attr) bool {
		for _, words := range []string{"failed to connect", "connection refused", "connection reset", "broken pipe", "unexpected EOF",
			"conn closed", "closed network connection", "57P01", "57P02", "57P03"} {
			is = is || strings.Contains(a.Value.String(), words)
		}
		return !is
	})
	return is
}
