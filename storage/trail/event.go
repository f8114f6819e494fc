// Package trail writes and reads the audit trail: events in streams, each of which names the
// one before it by its hash, signed by this installation (notary.go). docs/events.md has the
// format, which never changes.
//
// What people write and data say (questions, code, reasons, results, files) stands in one
// table, contents, under its salted hash; other tables and events name it by that
// (contents.go). So it can be forgotten, and the trail holds.
package trail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/storage/pg"
)

// Row is an event as it is stored, which is how it is hashed. Data is a text and no jsonb: jsonb would spell it anew, and
// the hash would not be that of what is stored.
type Row struct {
	Stream   string
	Seq      int64
	At       time.Time
	Actor    string
	Kind     string
	Data     string
	PrevHash string
	Hash     string

	Key       string // that signed the hash; empty where the schema wrote the event
	Signature string
}

// Beginning is what stands before the first event of a chain: as many zeros as a sha256 has hexadecimal digits.
var Beginning = strings.Repeat("0", 64)

// line is an event as it is hashed: one line of canonical JSON. The schema writes the
// same (event_line). The format never changes: every hash ever given out is of such a line.
func (e Row) line() string {
	return fmt.Sprintf(`{"actor":%s,"at":"%s","data":%s,"kind":%s,"prev":"%s","seq":%d,"stream":%s,"v":2}`,
		quotedText(e.Actor), e.At.UTC().Format("2006-01-02T15:04:05.000000Z"), e.Data, quotedText(e.Kind), e.PrevHash, e.Seq, quotedText(e.Stream))
}

func (e Row) sum() string { return approval.Hash([]byte(e.line())) }

// AppendEvents continues a stream's chain with events that name nothing which is
// stored beside them, and returns the place of the last. Writers of one stream follow one another: the lock lasts until
// the transaction ends. Without it two could continue the same event, and the second would fail on the key (stream, seq).
func (n *Notary) AppendEvents(ctx context.Context, tx pgx.Tx, stream string, events []approval.Event) (seq int64, err error) {
	return n.Contents(stream).Append(ctx, tx, events)
}

// Append is the same for events that name what a row of this transaction names as well.
func (c *Contents) Append(ctx context.Context, tx pgx.Tx, events []approval.Event) (seq int64, err error) {
	// Two trips: the hash of the first event needs the end of the stream, which is known under the lock alone.
	batch := &pgx.Batch{}
	last := AddStream(batch, c.stream)
	if err = tx.SendBatch(ctx, batch).Close(); err == nil {
		batch = &pgx.Batch{}
		if _, err = c.AddEvents(batch, last, events); err == nil {
			err = tx.SendBatch(ctx, batch).Close()
		}
	}
	if err != nil {
		return 0, fmt.Errorf("append to the audit trail of %s: %w", c.stream, err)
	}
	return last.Seq + int64(len(events)), nil
}

// LockOf names the advisory lock of a stream. A row to lock is not always there: the first event has none before it.
func LockOf(stream string) string { return "events " + stream }

// AddStream locks a stream and reads where it ends.
func AddStream(b *pgx.Batch, stream string) *Row {
	last := &Row{Stream: stream, Hash: Beginning}
	b.Queue(pg.TakeLock, LockOf(stream))
	pg.Ask(b, func(rows []struct {
		Seq  int64
		Hash string
	}) error {
		for _, row := range rows {
			last.Seq, last.Hash = row.Seq, row.Hash
		}
		return nil
	}, endOf, stream)
	return last
}

// AddEnd locks a stream, and fails with otherwise where it does not end any more with the event that was loaded. A move that
// was decided on an older state so becomes known without reading the request once more.
// It saves the trip between lock and write: hashes are made beforehand, from the end that was loaded.
func AddEnd(b *pgx.Batch, last Row, otherwise error) {
	b.Queue(pg.TakeLock, LockOf(last.Stream))
	b.Queue(endOf, last.Stream).QueryRow(func(row pgx.Row) error {
		now := Row{Stream: last.Stream, Hash: Beginning}
		if err := row.Scan(&now.Seq, &now.Hash); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if now.Seq != last.Seq || now.Hash != last.Hash {
			return otherwise
		}
		return nil
	})
}

const (
	endOf = `SELECT seq, hash FROM events WHERE stream = $1 ORDER BY seq DESC LIMIT 1`
	End   = `(SELECT seq || ' ' || hash FROM events WHERE stream = 'request:' || requests.id ORDER BY seq DESC LIMIT 1)`
)

// EndAt is the end of a stream by that spelling; none is its beginning.
func EndAt(stream, spelled string) (Row, error) {
	last := Row{Stream: stream, Hash: Beginning}
	if spelled == "" {
		return last, nil
	}
	seq, hash, _ := strings.Cut(spelled, " ")
	n, err := strconv.ParseInt(seq, 10, 64)
	if err != nil {
		return last, fmt.Errorf("read where %s ends: %w", stream, err)
	}
	last.Seq, last.Hash = n, hash
	return last, nil
}

// AddEvents continues a stream that is locked, after its last event, stores what
// the events name, and returns the new last one.
func (c *Contents) AddEvents(b *pgx.Batch, last *Row, events []approval.Event) (*Row, error) {
	var streams, actors, kinds, facts, prevs, hashes, keys, signatures []string
	var seqs []int64
	var ats []time.Time
	for _, e := range events {
		data, err := c.Data(e.Data)
		if err != nil {
			return nil, err
		}
		// To the microsecond, as the column keeps it: a hash over nanoseconds would not fit the row that is read back.
		next := Row{Stream: last.Stream, Seq: last.Seq + 1, At: pg.Micro(e.At), Actor: pg.Line(e.Actor), Kind: pg.Line(e.Kind), Data: data, PrevHash: last.Hash}
		next.Hash = next.sum()
		if err := c.notary.sign(&next); err != nil {
			return nil, err
		}
		streams, seqs, ats, actors, kinds = append(streams, next.Stream), append(seqs, next.Seq), append(ats, next.At), append(actors, next.Actor), append(kinds, next.Kind)
		facts, prevs, hashes, keys, signatures = append(facts, next.Data), append(prevs, next.PrevHash), append(hashes, next.Hash), append(keys, next.Key), append(signatures, next.Signature)
		last = &next
	}
	if len(seqs) > 0 { // one statement for all of them, in their order
		b.Queue(`
			INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash, key, signature)
			SELECT * FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])`,
			streams, seqs, ats, actors, kinds, facts, prevs, hashes, keys, signatures)
	}
	c.Queue(b)
	return last, nil
}

// LockStream makes writers of one stream follow one another, until they commit.
func LockStream(ctx context.Context, tx pgx.Tx, stream string) error {
	if _, err := tx.Exec(ctx, pg.TakeLock, LockOf(stream)); err != nil {
		return fmt.Errorf("lock the audit trail of %s: %w", stream, err)
	}
	return nil
}

// Read gives events as they are stored their meaning. Words that are gone, or that
// are not among those given, stay hashes. It does not ask who signed them: callers who show them as facts look with Verify.
func Read(rows []Row, words map[string]string) (events []approval.Event, err error) {
	for _, row := range rows {
		data, err := Decoded(row.Data)
		if err != nil {
			return nil, fmt.Errorf("read event %d of %s: %w", row.Seq, row.Stream, err)
		}
		put, err := each(data, func(mark string, v any) (any, error) {
			if hash, ok := v.(string); ok && mark == Salted {
				if word, ok := words[hash]; ok {
					return word, nil
				}
			}
			return map[string]any{mark: v}, nil
		})
		if err != nil {
			return nil, err
		}
		e := approval.Event{At: row.At, Actor: row.Actor, Kind: row.Kind}
		if e.Data, _ = put.(map[string]any); len(e.Data) == 0 {
			e.Data = nil
		}
		events = append(events, e)
	}
	return events, nil
}

// EventColumns are the columns of a Row. key and signature are NULL where the schema itself wrote the event.
const EventColumns = `stream, seq, at, actor, kind, data, prev_hash, hash, coalesce(key, '') AS key, coalesce(signature, '') AS signature`

// Chain reads a whole stream as it is stored.
func Chain(ctx context.Context, tx pgx.Tx, stream string) (rows []Row, err error) {
	return pg.All[Row](ctx, tx, `
		SELECT `+EventColumns+` FROM events WHERE stream = $1 ORDER BY seq`, stream)
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

// Verified is what a check of a chain has found whole. A chain of no events is always
// whole; what was cut off at the end only somebody who remembers the last hash can tell.
type Verified struct {
	Events int
	Values int // that events name by their salted hashes, and that are there
	Gone   int // of the whole stream, named or not, that are gone, as an event says
}

// Verify reads a stream from its beginning and checks every link, every signature
// where it is known whose keys to trust, and every value that the events name. It stops at the first that is wrong, with a
// *ChainError: what comes after a broken link proves nothing.
func (n *Notary) Verify(ctx context.Context, stream string) (found Verified, err error) {
	var rows []Row
	var values map[string]valueRow
	err = n.ask(ctx, func(tx pgx.Tx) (err error) {
		if rows, err = Chain(ctx, tx, stream); err != nil {
			return err
		}
		values, err = loadValues(ctx, tx, stream)
		return err
	})
	if err != nil {
		return found, fmt.Errorf("read the audit trail of %s: %w", stream, err)
	}
	last, named := Row{Hash: Beginning}, map[string]bool{}
	for _, row := range rows {
		if row.Seq != last.Seq+1 {
			return found, &ChainError{stream, last.Seq + 1, "it is missing"}
		}
		why := row.broken(last)
		if why == "" && n.ring != nil && !n.signed(row) {
			why = "it is not signed by this installation"
		}
		if why == "" {
			why = row.misses(values, named)
		}
		if why != "" {
			return found, &ChainError{stream, row.Seq, why}
		}
		last = row
		found.Events++
	}
	// A value may be gone, and then an event of the same stream says so, and names it. Without that it was not
	// forgotten by anybody's order: somebody has lost it, or taken it away.
	for hash, v := range values {
		if v.Gone == nil {
			if named[hash] {
				found.Values++
			}
			continue
		}
		if i := *v.Gone - 1; i < 0 || i >= int64(len(rows)) || !rows[i].tells(hash) {
			return found, &ChainError{stream, *v.Gone, "it does not say that a value is gone, which is"}
		}
		found.Gone++
	}
	return found, nil
}

// broken is why an event is not what was written after the last one; empty where it is.
func (e Row) broken(last Row) string {
	data, err := Decoded(e.Data)
	if err != nil {
		return "its data cannot be read"
	}
	spelling, err := Canonical(data)
	switch {
	case e.PrevHash != last.Hash:
		return "it does not continue the one before it"
	case e.Hash != e.sum():
		return "its content has been changed"
	case err != nil || spelling != e.Data:
		return "its data is not spelled canonically"
	}
	return ""
}

// misses is why a value that an event names is not what was stored with it.
func (e Row) misses(values map[string]valueRow, named map[string]bool) (why string) {
	data, _ := Decoded(e.Data)
	_, _ = each(data, func(mark string, v any) (any, error) {
		hash, _ := v.(string)
		value, there := values[hash]
		switch {
		case mark != Salted:
		case !there:
			why = "a value that it names is missing"
		case value.Gone == nil && !value.Holds:
			why = "a value that it names has been changed"
		default:
			named[hash] = true
		}
		return nil, nil
	})
	return why
}

// tells says whether an event has it that a value is gone.
func (e Row) tells(hash string) bool {
	data, err := Decoded(e.Data)
	if err != nil || e.Kind != approval.EventGone {
		return false
	}
	list, _ := data["contents"].([]any)
	return slices.Contains(list, any(hash))
}

// valueRow is what there is of a value. The database hashes it, so that large results need not come along.
type valueRow struct {
	Hash  string
	Holds bool // the hash is that of salt and value
	Gone  *int64
}

// loadValues reads all values of a stream, also those that no event names (words of messages, which rows name).
func loadValues(ctx context.Context, tx pgx.Tx, stream string) (map[string]valueRow, error) {
	rows, err := pg.All[valueRow](ctx, tx, `
		SELECT hash, coalesce(hash = encode(sha256(convert_to(salt, 'UTF8') || value), 'hex'), false) AS holds, gone
		FROM contents WHERE stream = $1`, stream)
	values := map[string]valueRow{}
	for _, row := range rows {
		values[row.Hash] = row
	}
	return values, err
}
