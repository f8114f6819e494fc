package storage

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
)

// Audit stores an event that belongs to no verb. Without a time it gets the
// database's.
func (db *requests) Audit(ctx context.Context, requestID string, e approval.Event) error {
	if err := db.audit(ctx, streamOf(requestID), e); err != nil {
		return fmt.Errorf("audit %q of %s: %w", e.Kind, requestID, err)
	}
	return nil
}

func (db *core) audit(ctx context.Context, stream string, e approval.Event) error {
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
		return db.notary.contents(stream).queueEvents(t.Batch, last, []approval.Event{e})
	})
}

// Events are the audit trail of a request, oldest first, with the words that they name
// put back. Numbers in their data are json.Number, so that amounts stay exact.
func (db *requests) Events(ctx context.Context, requestID string) ([]approval.Event, error) {
	stream := streamOf(requestID)
	words := map[string]string{}
	var rows []eventRow
	err := db.read(ctx, func(tx pgx.Tx) (err error) {
		if rows, err = chain(ctx, tx, stream); err != nil {
			return err
		}
		// What is long stands elsewhere: code, results, files.
		kept, err := all[struct {
			Hash  string
			Value []byte
		}](ctx, tx, `SELECT hash, value FROM contents WHERE stream = $1 AND length(value) <= 4000`, stream)
		for _, k := range kept {
			if utf8.Valid(k.Value) {
				words[k.Hash] = string(k.Value)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit trail of %s: %w", stream, err)
	}
	return read(rows, words)
}

// VerifyChain reads a stream from its beginning and checks every link, every signature
// where it is known whose keys to trust, and every value that the events name.
func (db *requests) VerifyChain(ctx context.Context, stream string) (Verified, error) {
	return db.notary.verify(ctx, stream)
}

// Forget deletes values of a request, all of them when no hashes are given. It records in
// the audit trail who wanted it and a word for the reason, and returns how many values
// went. Nothing goes before the request has ended.
func (db *requests) Forget(ctx context.Context, requestID string, hashes []string, by, why string) (n int, err error) {
	err = db.write(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT forget($1, $2, $3, $4)`, streamOf(requestID), hashes, by, why).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("forget contents of %s: %w", requestID, err)
	}
	return n, nil
}
