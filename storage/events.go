package storage

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/storage/journal"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// Audit stores an event that belongs to no verb. Without a time it gets the
// database's.
func (s *requests) Audit(ctx context.Context, requestID string, e approval.Event) error {
	return pg.While(s.audit(ctx, trail.StreamOf(requestID), e), "audit %q of %s", e.Kind, requestID)
}

// audit writes one event that belongs to no move of a request. Without a time of its own it gets the
// database's, which is the clock of every other event.
func (c *core) audit(ctx context.Context, stream string, e approval.Event) error {
	return c.batched(ctx, pgx.TxOptions{}, false, func(t *pg.Tx) error {
		// The lock of the stream comes before the clock is read: of two events of one stream the later has the later time.
		last := trail.AddStream(t.Batch, stream)
		e := e // a transaction that is run again reads the clock again
		if e.At.IsZero() {
			pg.Tell(t.Batch, []any{&e.At}, pg.TellTime)
		}
		if err := t.Send(); err != nil {
			return err
		}
		_, err := c.notary.Contents(stream).AddEvents(t.Batch, last, []approval.Event{e})
		return err
	})
}

// Events are the audit trail of a request, oldest first, with the words that they name
// put back. Numbers in their data are json.Number, so that amounts stay exact.
func (s *requests) Events(ctx context.Context, requestID string) ([]approval.Event, error) {
	stream := trail.StreamOf(requestID)
	words := map[string]string{}
	var rows []trail.Row
	err := s.read(ctx, func(tx pgx.Tx) (err error) {
		if rows, err = trail.Chain(ctx, tx, stream); err != nil {
			return err
		}
		// What is long stands elsewhere: code, results, files.
		kept, err := pg.All[struct {
			Hash  string
			Value []byte
		}](ctx, tx, `SELECT hash, value FROM contents WHERE stream = $1 AND length(value) <= 4000`, stream)
		for _, k := range kept {
			// A value that is no text, such as a picture, stays a hash: nobody reads it in a trail.
			if utf8.Valid(k.Value) {
				words[k.Hash] = string(k.Value)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit trail of %s: %w", stream, err)
	}
	return trail.Read(rows, words)
}

// VerifyChain reads a stream from its beginning and checks every link, every signature
// where it is known whose keys to trust, and every value that the events name.
func (s *requests) VerifyChain(ctx context.Context, stream string) (trail.Verified, error) {
	return s.notary.Verify(ctx, stream)
}

// Forget deletes values of a request, all of them when no hashes are given. It records in
// the audit trail who wanted it and a word for the reason, and returns how many values
// went. Nothing goes before the request has ended.
func (s *requests) Forget(ctx context.Context, requestID string, hashes []string, by, why string) (n int, err error) {
	err = s.write(ctx, func(tx pgx.Tx) error {
		// What may go is decided in the schema, so that whoever has only SQL forgets nothing that this would not.
		return tx.QueryRow(ctx, `SELECT forget($1, $2, $3, $4)`, trail.StreamOf(requestID), hashes, by, why).Scan(&n)
	})
	return n, pg.While(err, "forget contents of %s", requestID)
}

// Epoch names the epoch that a database is in: empty in the first one, and then a number with the beginning of the hash
// of the event that began it, so that two copies which were put back share no name. Where that trail is not whole, or is
// not signed by us, it is still the first: whoever only writes to the database begins none.
func Epoch(ctx context.Context, db *DB) (name string, err error) {
	if _, err = db.VerifyChain(ctx, trail.RestoreStream); err == nil {
		err = db.read(ctx, func(tx pgx.Tx) error {
			rows, err := pg.All[struct {
				Began int
				Hash  string
			}](ctx, tx, `SELECT count(*) OVER () AS began, hash FROM events WHERE stream = $1 AND kind = 'restored' ORDER BY seq DESC LIMIT 1`, trail.RestoreStream)
			for _, last := range rows {
				name = fmt.Sprintf("%d-%s", last.Began+1, last.Hash[:8])
			}
			return err
		})
	}
	if _, broken := errors.AsType[*trail.ChainError](err); broken {
		return "", nil
	}
	return name, pg.While(err, "see which epoch it is")
}

// unsigned finds events of the log that no trusted key has signed, and that the schema does not write itself.
func unsigned(by *trail.Notary) journal.Unsigned {
	return func(ctx context.Context, tx pgx.Tx, first, last int64) (stream string, seq int64, ok bool, err error) {
		rows, err := pg.All[trail.Row](ctx, tx, `
			SELECT `+trail.EventColumns+` FROM events WHERE (stream, seq) IN (SELECT stream, seq FROM log WHERE position >= $1 AND position < $2) ORDER BY stream, seq`, first, last)
		if err != nil {
			return "", 0, false, err
		}
		if row := by.Unsigned(rows); row != nil {
			return row.Stream, row.Seq, true, nil
		}
		return "", 0, false, nil
	}
}
