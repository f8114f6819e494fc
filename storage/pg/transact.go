package pg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Tries is how often a transaction is run that is cut off in the middle before its failure counts.
const Tries = 6

// patience is how long a transaction waits to begin while the database is away: a
// restart, or a standby that takes over. Whoever waits may hold what is dear, such
// as an answer of the model that is paid for, or where a message stands; whoever
// answers a click has a context that ends in time.
const patience = time.Minute

// Fate is what became of an attempt.
type Fate int

const (
	Settled Fate = iota // another one would not change it
	Cut                 // in the middle: another one may pass
	away                // before it began: so is the database
)

// Until runs an attempt until it has passed or another would not change what became of it.
func Until(ctx context.Context, attempt func() (Fate, error)) error {
	began, cuts := time.Now(), 0
	pauses := &backoff.ExponentialBackOff{InitialInterval: 15 * time.Millisecond, MaxInterval: 480 * time.Millisecond, Multiplier: 2, RandomizationFactor: 1. / 3}
	for {
		became, err := attempt()
		if became == Cut {
			cuts++
		}
		if became == Settled || cuts == Tries || became == away && time.Since(began) > patience {
			return err
		}
		select {
		case <-time.After(pauses.NextBackOff()):
		case <-ctx.Done():
			return err
		}
	}
}

// transact runs the work in a transaction and commits it. When Postgres cuts the
// transaction off, or the connection breaks, it is run again from the start. A
// commit whose answer got lost is repeated only where twice is as good as once:
// nobody knows what became of it, and the caller finds out by looking.
//
// What a person waits for is sent in batches instead (batched.go).
func (p *Pool) transact(ctx context.Context, options pgx.TxOptions, twice bool, work func(tx pgx.Tx) error) error {
	return Until(ctx, func() (Fate, error) { return p.attempt(ctx, options, twice, work) })
}

// attempt runs the work once.
func (p *Pool) attempt(ctx context.Context, options pgx.TxOptions, twice bool, work func(tx pgx.Tx) error) (Fate, error) {
	p.gate.pass(ctx)
	tx, err := p.BeginTx(ctx, options)
	if err != nil {
		return unbegun(ctx, err)
	}
	if err := work(tx); err != nil {
		// The caller may have gone; the transaction ends all the same.
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = tx.Rollback(stop) // a failure closes the connection, which rolls back
		var closure *FinalError
		if ctx.Err() == nil && !errors.As(err, &closure) && p.cut(err) {
			return Cut, err
		}
		return Settled, err
	}
	if err := tx.Commit(ctx); err != nil {
		err = fmt.Errorf("commit: %w", err)
		if cutOff(err) || twice && HungUp(err) {
			return Cut, err
		}
		return Settled, err
	}
	return Settled, nil
}

// cut tells of a transaction that was ended in the middle, and may pass the next time. Where the session knew statements
// that no longer fit the schema, so do the others, and all are opened anew.
func (p *Pool) cut(err error) bool {
	if unfit(err) {
		p.Reset()
	}
	return unfit(err) || cutOff(err) || HungUp(err)
}

// cutOff tells of a transaction that Postgres ended to resolve a conflict.
func cutOff(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "40001" || pg.Code == "40P01")
}

// HungUp tells of a connection that broke: the server went, or is on its way.
func HungUp(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "57P01" || pg.Code == "57P02" || pg.Code == "57P03"
	}
	return isNetwork(err)
}

// Clock is the time of the database, which is the only clock of the program.
func Clock(ctx context.Context, tx pgx.Tx) (now time.Time, err error) {
	err = tx.QueryRow(ctx, TellTime).Scan(&now)
	if err != nil {
		return now, fmt.Errorf("read the clock: %w", err)
	}
	return now, nil
}

var ReadOnly = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// Read runs the work at one moment: everything that it reads belongs together.
func (p *Pool) Read(ctx context.Context, work func(tx pgx.Tx) error) error {
	return p.transact(ctx, ReadOnly, true, work)
}

// Write runs the work at the default isolation: what it reads it has locked before,
// and sees as the last writer left it.
func (p *Pool) Write(ctx context.Context, work func(tx pgx.Tx) error) error {
	return p.transact(ctx, pgx.TxOptions{}, false, work)
}

// WriteByKey is write for work that finds by a key what it has done before: where the
// answer to a commit got lost, it is done again.
func (p *Pool) WriteByKey(ctx context.Context, work func(tx pgx.Tx) error) error {
	return p.transact(ctx, pgx.TxOptions{}, true, work)
}

// While says of an error what was being done when it came: one line ends most statements of the store. Of no
// error it says nothing. Whoever gets it can still ask what it is (errors.Is), because it wraps.
func While(err error, doing string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(doing, args...), err)
}

// FinalError is what a caller's own closure said: it is passed on as it is, and running
// the closure again would not change it.
type FinalError struct{ Err error }

func (e *FinalError) Error() string { return e.Err.Error() }

func (e *FinalError) Unwrap() error { return e.Err }

// isNetwork tells of an error of the connection rather than of the statement.
func isNetwork(err error) bool {
	var network net.Error
	return pgconn.SafeToRetry(err) || errors.As(err, &network) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// What locks a name until the transaction ends, alone or with others who share it, and
// what reads the clock.
const (
	TakeLock  = `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`
	ShareLock = `SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))`
	TellTime  = `SELECT clock_timestamp()`
)
