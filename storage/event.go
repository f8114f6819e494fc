package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
)

// streamOf is where a request's audit trail stands.
func streamOf(requestID string) string { return "request:" + requestID }

// eventRow is an event as it is stored, which is how it is hashed.
type eventRow struct {
	Stream   string
	Seq      int64
	At       time.Time
	Actor    string
	Kind     string
	Data     string
	PrevHash string
	Hash     string
}

// beginning is what stands before the first event of a chain.
var beginning = strings.Repeat("0", 64)

// sum is the hash of an event: over its stored values, to the microsecond and to
// the byte, one per line. Only the last, the data, could hold a line end, and as
// JSON it does not. The schema computes the same (events_hash).
func (e eventRow) sum() string {
	return approval.Hash([]byte(strings.Join([]string{
		"countersign event 1", e.PrevHash, e.Stream, strconv.FormatInt(e.Seq, 10),
		e.At.UTC().Format("2006-01-02T15:04:05.000000Z"), e.Actor, e.Kind, e.Data,
	}, "\n")))
}

// appendEvents continues a stream's chain. Writers of one stream follow one
// another: the lock lasts until the transaction ends.
func appendEvents(ctx context.Context, tx pgx.Tx, stream string, events []approval.Event) error {
	if len(events) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	last := queueStream(batch, stream)
	err := tx.SendBatch(ctx, batch).Close()
	if err == nil {
		batch = &pgx.Batch{}
		if err = queueEvents(batch, last, events); err == nil {
			err = tx.SendBatch(ctx, batch).Close()
		}
	}
	if err != nil {
		return fmt.Errorf("append to the audit trail of %s: %w", stream, err)
	}
	return nil
}

// queueStream locks a stream and reads where it ends.
func queueStream(b *pgx.Batch, stream string) *eventRow {
	last := &eventRow{Stream: stream, Hash: beginning}
	b.Queue(lockEvents, "events "+stream)
	ask(b, func(rows []struct {
		Seq  int64
		Hash string
	}) error {
		for _, row := range rows {
			last.Seq, last.Hash = row.Seq, row.Hash
		}
		return nil
	}, `SELECT seq, hash FROM events WHERE stream = $1 ORDER BY seq DESC LIMIT 1`, stream)
	return last
}

// queueEvents continues a stream that is locked, after its last event.
func queueEvents(b *pgx.Batch, last *eventRow, events []approval.Event) error {
	for _, e := range events {
		data, err := document(e.Data, "{}")
		if err != nil {
			return err
		}
		next := eventRow{Stream: last.Stream, Seq: last.Seq + 1, At: micro(e.At), Actor: line(e.Actor), Kind: line(e.Kind), Data: data, PrevHash: last.Hash}
		next.Hash = next.sum()
		b.Queue(`
			INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			next.Stream, next.Seq, next.At, next.Actor, next.Kind, next.Data, next.PrevHash, next.Hash)
		last = &next
	}
	return nil
}

const lockEvents = `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`

// lockStream makes writers of one stream follow one another, until they commit.
func lockStream(ctx context.Context, tx pgx.Tx, stream string) error {
	if _, err := tx.Exec(ctx, lockEvents, "events "+stream); err != nil {
		return fmt.Errorf("lock the audit trail of %s: %w", stream, err)
	}
	return nil
}

// Audit stores an event that belongs to no verb. Without a time it gets the
// database's.
func (db *DB) Audit(ctx context.Context, requestID string, e approval.Event) error {
	if err := db.audit(ctx, streamOf(requestID), e); err != nil {
		return fmt.Errorf("audit %q of %s: %w", e.Kind, requestID, err)
	}
	return nil
}

func (db *DB) audit(ctx context.Context, stream string, e approval.Event) error {
	return db.batched(ctx, pgx.TxOptions{}, false, func(t *batched) error {
		var now time.Time
		last := queueStream(t.Batch, stream)
		tell(t.Batch, []any{&now}, tellTime)
		if err := t.send(); err != nil {
			return err
		}
		if e.At.IsZero() {
			e.At = now
		}
		return queueEvents(t.Batch, last, []approval.Event{e})
	})
}

// Events are the audit trail of a request, oldest first. Numbers in their data
// are json.Number, so that amounts stay exact.
func (db *DB) Events(ctx context.Context, requestID string) ([]approval.Event, error) {
	rows, err := db.chain(ctx, streamOf(requestID))
	if err != nil {
		return nil, err
	}
	return read(rows)
}

// read gives events as they are stored their meaning.
func read(rows []eventRow) (events []approval.Event, err error) {
	for _, row := range rows {
		e := approval.Event{At: row.At, Actor: row.Actor, Kind: row.Kind}
		decode := json.NewDecoder(strings.NewReader(row.Data))
		decode.UseNumber()
		if err := decode.Decode(&e.Data); err != nil {
			return nil, fmt.Errorf("read event %d of %s: %w", row.Seq, row.Stream, err)
		}
		if len(e.Data) == 0 {
			e.Data = nil
		}
		events = append(events, e)
	}
	return events, nil
}

// chain reads a whole stream as it is stored.
func (db *DB) chain(ctx context.Context, stream string) (rows []eventRow, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		rows, err = all[eventRow](ctx, tx, `
			SELECT stream, seq, at, actor, kind, data, prev_hash, hash FROM events WHERE stream = $1 ORDER BY seq`, stream)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit trail of %s: %w", stream, err)
	}
	return rows, nil
}

// ChainError names the first event of a chain that is not what was written.
type ChainError struct {
	Stream string
	Seq    int64
	Why    string
}

func (e *ChainError) Error() string {
	return fmt.Sprintf("event %d of %s: %s", e.Seq, e.Stream, e.Why)
}

// VerifyChain reads a stream from its beginning and checks every link. It says
// how many it has checked, since a chain of none is always whole; what was cut
// off at the end only somebody who remembers the last hash can tell.
func (db *DB) VerifyChain(ctx context.Context, stream string) (checked int, err error) {
	rows, err := db.chain(ctx, stream)
	if err != nil {
		return 0, err
	}
	last := eventRow{Hash: beginning}
	for _, row := range rows {
		switch {
		case row.Seq != last.Seq+1:
			return checked, &ChainError{stream, last.Seq + 1, "it is missing"}
		case row.PrevHash != last.Hash:
			return checked, &ChainError{stream, row.Seq, "it does not continue the one before it"}
		case row.Hash != row.sum():
			return checked, &ChainError{stream, row.Seq, "its content has been changed"}
		}
		last = row
		checked++
	}
	return checked, nil
}
