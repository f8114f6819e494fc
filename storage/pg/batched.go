package pg

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/approval"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Tx is a transaction whose statements are sent in batches. A batch is one
// round trip, and whoever wants an answer sends one; begin goes with the first of
// them and commit with the last.
type Tx struct {
	*pgx.Batch // what is queued and not sent yet

	Ctx     context.Context
	conn    *pgxpool.Conn
	Tx      pgx.Tx // there once the first batch was sent
	begun   bool
	ends    bool // commit is on its way,
	written bool // and everything before it was done
}

// open begins a batch with BEGIN as its first statement, so that a transaction costs no trip of its own.
func (t *Tx) open(options pgx.TxOptions) {
	t.Batch = &pgx.Batch{}
	t.BeginTx(options)
	t.QueuedQueries[0].Exec(func(pgconn.CommandTag) error { t.begun = true; return nil })
}

// Send sends what is queued and reads every answer. After an error nothing of the
// transaction is kept: a statement that fails skips the rest of its batch, commit included.
func (t *Tx) Send() error {
	for _, q := range t.QueuedQueries {
		q.Fn = saying(q)
	}
	results := t.conn.SendBatch(t.Ctx, t.Batch)
	if t.Tx == nil {
		t.Tx = results.Tx()
	}
	t.Batch = &pgx.Batch{}
	return results.Close()
}

// saying says in an error of the server which statement it is about.
func saying(q *pgx.QueuedQuery) func(pgx.BatchResults) error {
	answer := q.Fn
	return func(results pgx.BatchResults) (err error) {
		if answer != nil {
			err = answer(results)
		} else {
			_, err = results.Exec()
		}
		if _, ok := errors.AsType[*pgconn.PgError](err); ok {
			words := strings.Fields(q.SQL)
			err = fmt.Errorf("%s: %w", strings.Join(words[:min(3, len(words))], " "), err)
		}
		return err
	}
}

// Queued is the transaction for a library that would make a trip for each of its statements:
// what it executes or copies goes with the next batch. What it asks is asked at once, so the
// transaction is begun first where nothing has been sent yet. It may do nothing else.
func (t *Tx) Queued() pgx.Tx { return queued{t: t} }

// queued is that transaction, with the methods by which a library sends anything.
type queued struct {
	pgx.Tx
	t *Tx
}

// Conn is the transaction's session.
func (q queued) Conn() *pgx.Conn { return q.t.conn.Conn() }

// Exec queues a statement, of whose outcome only an error is ever told, by Send.
func (q queued) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	q.t.Queue(sql, args...)
	return pgconn.CommandTag{}, nil
}

// begin sends what is queued where nothing has been sent yet.
func (q queued) begin() error {
	if q.t.Tx != nil {
		return nil
	}
	return q.t.Send()
}

// Query asks at once.
func (q queued) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := q.begin(); err != nil {
		return nil, err
	}
	return q.t.Tx.Query(ctx, sql, args...)
}

// QueryRow is Query for one row.
func (q queued) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := q.begin(); err != nil {
		return failed{err}
	}
	return q.t.Tx.QueryRow(ctx, sql, args...)
}

// failed is the answer to what could not be asked.
type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

// CopyFrom queues one INSERT of all rows: of a few rows that is no more than a COPY, and no trip.
func (q queued) CopyFrom(_ context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (n int64, err error) {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = pgx.Identifier{column}.Sanitize()
	}
	var places []string
	var args []any
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return n, err
		}
		row := make([]string, len(values))
		for i := range values {
			row[i] = fmt.Sprint("$", len(args)+i+1)
		}
		places, args = append(places, "("+strings.Join(row, ", ")+")"), append(args, values...)
		n++
	}
	if n > 0 {
		q.t.Queue(fmt.Sprintf("INSERT INTO %s (%s) VALUES %s", table.Sanitize(), strings.Join(names, ", "), strings.Join(places, ", ")), args...)
	}
	return n, rows.Err()
}

// end commits with whatever is still queued. What is queued then has no answer that
// somebody could refuse: by the time that it is read, it is committed.
func (t *Tx) end() error {
	t.ends = true
	t.Queue("commit").Fn = func(results pgx.BatchResults) error {
		t.written = true
		_, err := results.Exec()
		return err
	}
	return t.Send()
}

// leave ends a transaction that failed. The caller may have gone; it ends all the same.
func (t *Tx) leave() {
	if conn := t.conn.Conn(); !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Ctx), 5*time.Second)
		defer cancel()
		_, _ = conn.Exec(ctx, "rollback") // a failure closes the connection, which rolls back
	}
	t.conn.Release()
}

// TryBatched runs the work once, and commits it.
func (p *Pool) TryBatched(ctx context.Context, options pgx.TxOptions, twice bool, work func(t *Tx) error) (Fate, error) {
	p.gate.pass(ctx)
	conn, err := p.Acquire(ctx)
	if err != nil {
		return unbegun(ctx, err)
	}
	t := &Tx{Ctx: ctx, conn: conn}
	defer t.leave()
	t.open(options)
	if err = work(t); err == nil {
		err = t.end()
	}
	var closure *FinalError
	var server *pgconn.PgError
	if err == nil {
		return Settled, nil
	}
	// Whether it was committed nobody knows. Of what fails before, the server says so. Where all went in one trip, with its commit,
	// that begin was not answered says nothing.
	if t.ends && HungUp(err) && (t.written || !errors.As(err, &server)) && !twice && !pgconn.SafeToRetry(err) {
		err = &LostError{err}
	}
	switch {
	case errors.As(err, &closure):
		return Settled, err
	case !t.begun && (HungUp(err) || ctx.Err() != nil):
		return unbegun(ctx, err)
	case ctx.Err() != nil || !p.cut(err):
		return Settled, err
	case errors.As(err, new(*LostError)):
		return Settled, err
	}
	return Cut, err
}

// LostError is what became of a connection over which a commit was sent: it may have happened.
type LostError struct{ Err error }

func (e *LostError) Error() string { return "commit: " + e.Err.Error() }

// Unwrap is what the connection said.
func (e *LostError) Unwrap() error { return e.Err }

// unbegun says what becomes of a transaction that could not begin.
func unbegun(ctx context.Context, err error) (Fate, error) {
	err = fmt.Errorf("begin: %w", err)
	switch {
	case ctx.Err() != nil:
		return Settled, err
	case HungUp(err):
		return away, err
	}
	return Cut, err
}

// Batched runs the work until it has passed, as transact does.
func (p *Pool) Batched(ctx context.Context, options pgx.TxOptions, twice bool, work func(t *Tx) error) error {
	return Until(ctx, func() (Fate, error) { return p.TryBatched(ctx, options, twice, work) })
}

// Look reads at one moment and in one round trip. What is queued may be read more
// than once, so it sets what it reads and adds to nothing.
func (p *Pool) Look(ctx context.Context, queue func(b *pgx.Batch)) error {
	return Until(ctx, func() (Fate, error) {
		b := &pgx.Batch{}
		queue(b)
		if b.Len() == 1 {
			return p.glance(ctx, b)
		}
		return p.TryBatched(ctx, ReadOnly, true, func(t *Tx) error {
			t.QueuedQueries = append(t.QueuedQueries, b.QueuedQueries...)
			return nil
		})
	})
}

// glance reads with one statement, which sees one moment by itself: no transaction is begun and ended around it.
func (p *Pool) glance(ctx context.Context, b *pgx.Batch) (Fate, error) {
	p.gate.pass(ctx)
	conn, err := p.Acquire(ctx)
	if err != nil {
		return unbegun(ctx, err)
	}
	t := &Tx{Ctx: ctx, conn: conn, Batch: b}
	defer t.leave()
	err = t.Send()
	switch {
	case err == nil:
		return Settled, nil
	case HungUp(err) || ctx.Err() != nil:
		return unbegun(ctx, err) // it wrote nothing, so it is as if it had not been begun
	case p.cut(err):
		return Cut, err
	}
	return Settled, err
}

// Ask queues a query and says what becomes of its rows. They are scanned by the names
// of their columns, so that a column more or less is an error and never a shift.
func Ask[T any](b *pgx.Batch, take func(rows []T) error, query string, args ...any) {
	b.Queue(query, args...).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
		if err != nil {
			return err
		}
		return take(list)
	})
}

// Tell queues a question whose answer is one row, or ErrNotFound.
func Tell(b *pgx.Batch, into []any, query string, args ...any) {
	b.Queue(query, args...).QueryRow(func(row pgx.Row) error { return NotFound(row.Scan(into...)) })
}

// All scans rows by the names of their columns, so that a column more or less is an error and never a shift.
func All[T any](ctx context.Context, tx pgx.Tx, query string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

// List is All in a transaction of its own, by the function that begins one (Pool.Read).
func List[T any](ctx context.Context, read func(context.Context, func(pgx.Tx) error) error, query string, args ...any) (list []T, err error) {
	err = read(ctx, func(tx pgx.Tx) error {
		list, err = All[T](ctx, tx, query, args...)
		return err
	})
	return list, err
}

// Exec is one statement in a transaction of its own, by the function that begins one (Pool.Write, Pool.WriteByKey).
func Exec(ctx context.Context, write func(context.Context, func(pgx.Tx) error) error, statement string, args ...any) error {
	return write(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, statement, args...)
		return err
	})
}

// One does the same for exactly one row; none is approval.ErrNotFound.
func One[T any](ctx context.Context, tx pgx.Tx, query string, args ...any) (T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		var none T
		return none, err
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
	return row, NotFound(err)
}

// NotFound gives the absence of a row its name in the domain.
func NotFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return approval.ErrNotFound
	}
	return err
}
