package pg

import (
	"context"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Trips counts what goes to Postgres under one context. A person waits for each
// round trip, and hardly for how many statements go with it: so a batch is one
// trip, and a begin or a commit that is sent alone is one, too.
//
// What a fresh connection sends once is not counted: it learns each statement
// when it first meets it, and asks whether it is alive after it was idle.
type Trips struct {
	mu         sync.Mutex
	trips      []string
	statements int
}

// tripsKey carries what is counted under a context.
type tripsKey struct{}

// CountTrips has everything counted that is sent under the context that it
// returns, by whatever goroutine.
func CountTrips(ctx context.Context) (context.Context, *Trips) {
	t := &Trips{}
	return context.WithValue(ctx, tripsKey{}, t), t
}

// Count returns how many trips there have been so far, and how many statements went with them.
func (t *Trips) Count() (trips, statements int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.trips), t.statements
}

// String lists the trips, one a line, each with the beginnings of its statements.
func (t *Trips) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.trips, "\n")
}

// add counts one trip, where somebody counts.
func (tripTracer) add(ctx context.Context, statements ...string) {
	t, ok := ctx.Value(tripsKey{}).(*Trips)
	if !ok {
		return
	}
	for i, sql := range statements {
		sql = strings.Join(strings.Fields(sql), " ")
		statements[i] = sql[:min(len(sql), 70)]
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trips, t.statements = append(t.trips, strings.Join(statements, " ; ")), t.statements+len(statements)
}

// tripTracer is what every connection tells of its trips.
type tripTracer struct{ book *book }

var (
	_ pgx.QueryTracer    = tripTracer{}
	_ pgx.BatchTracer    = tripTracer{}
	_ pgx.CopyFromTracer = tripTracer{}
)

// TraceQueryStart counts Exec, Query and QueryRow, and with them begin and commit.
func (t tripTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	t.add(ctx, d.SQL)
	if worthKnowing(d.SQL, d.Args) {
		t.book.note(d.SQL)
	}
	return ctx
}

// TraceQueryEnd has a session that has learnt what is so no more end.
func (tripTracer) TraceQueryEnd(_ context.Context, c *pgx.Conn, d pgx.TraceQueryEndData) {
	outdated(c, d.Err)
}

// TraceBatchStart counts a batch.
func (t tripTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	var statements []string
	for _, q := range d.Batch.QueuedQueries {
		statements = append(statements, q.SQL)
		t.book.note(q.SQL)
	}
	t.add(ctx, statements...)
	return ctx
}

func (tripTracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd is TraceQueryEnd for a batch.
func (tripTracer) TraceBatchEnd(_ context.Context, c *pgx.Conn, d pgx.TraceBatchEndData) {
	outdated(c, d.Err)
}

// TraceCopyFromStart counts a COPY.
func (t tripTracer) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceCopyFromStartData) context.Context {
	t.add(ctx, "COPY "+d.TableName.Sanitize())
	return ctx
}

func (tripTracer) TraceCopyFromEnd(context.Context, *pgx.Conn, pgx.TraceCopyFromEndData) {}
