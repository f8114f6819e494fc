// Package journal keeps the one log over all events in Postgres: it gives them their places,
// signs checkpoints, and reads what a pack is made of. The arithmetic is
// internal/checkpoint's, the format of a pack internal/pack's.
//
// Nothing here is trusted later. Whoever owns the database can write all of it anew;
// what they cannot do is to have it agree with a checkpoint that somebody else keeps.
package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/mod/sumdb/note"

	"countersign/approval"
	"countersign/internal/checkpoint"
	"countersign/storage/pg"
)

// Transact runs work in a transaction, as storage does.
type Transact func(ctx context.Context, work func(tx pgx.Tx) error) error

// Log is the log in the database.
type Log struct {
	read, write Transact
	audit       func(ctx context.Context, stream string, e approval.Event) error // writes an event
	unsigned    Unsigned
}

// Unsigned finds an event in some places of the log that no trusted key has signed, though it should be; ok is false where
// there is none.
type Unsigned func(ctx context.Context, tx pgx.Tx, first, last int64) (stream string, seq int64, ok bool, err error)

// New takes the transactions of the database, how it writes an event, and how it knows who has signed them.
func New(read, write Transact, audit func(ctx context.Context, stream string, e approval.Event) error, unsigned Unsigned) *Log {
	return &Log{read: read, write: write, audit: audit, unsigned: unsigned}
}

// Audit writes an event that belongs to no request into a stream of its own.
func (l *Log) Audit(ctx context.Context, stream string, e approval.Event) error {
	return l.audit(ctx, stream, e)
}

const (
	// checkpointEvery is how many events a checkpoint covers beyond the one before it, at most. It
	// bounds where a verifier has to look for a change that agrees with itself in every other way.
	checkpointEvery = 256
	// checkpointAfter is how long events may wait for a checkpoint where there are few.
	checkpointAfter = time.Hour
	// lateAfter and placeWithin are when administrators hear of it. The tick comes every few
	// seconds, so both are far above what a busy machine or a restart takes.
	lateAfter   = checkpointAfter + 10*time.Minute
	placeWithin = 5 * time.Minute
)

// Checkpoint is one as it is stored: the signed note, and the proof that it continues the
// one before it.
type Checkpoint struct {
	checkpoint.Checkpoint
	Note  string
	Proof [][]byte
}

// checkpointRow is a checkpoint as it is stored.
type checkpointRow struct {
	Size   int64
	Number int64
	Root   []byte
	At     time.Time
	Note   string
	Proof  [][]byte
}

func (r checkpointRow) stored() Checkpoint {
	return Checkpoint{Checkpoint: checkpoint.Checkpoint{Number: r.Number, Size: r.Size, Root: r.Root, At: r.At}, Note: r.Note, Proof: r.Proof}
}

const checkpointColumns = `size, number, root, at, note, proof`

// Sequence gives every event that has none a place in the log, and signs a checkpoint
// whenever one is due. Without a signer events get their places all the same. Any number
// of replicas may call it: they follow one another.
//
// Events do not get their places when they are written: a place is a number without gaps, so
// all who write would have to wait for one another. A trigger notes each event in unlogged, in
// the same transaction, so none can be missed.
func (l *Log) Sequence(ctx context.Context, by note.Signer) error {
	for {
		placed, err := l.sequence(ctx, by, false)
		if err != nil || placed == 0 {
			return err
		}
	}
}

// TakeCheckpoint signs one that covers all that has been committed by now. Where the last one
// does already, that is the one: of a size there is one checkpoint.
func (l *Log) TakeCheckpoint(ctx context.Context, by note.Signer) (c Checkpoint, err error) {
	if err := l.Sequence(ctx, by); err != nil {
		return c, err
	}
	if _, err := l.sequence(ctx, by, true); err != nil {
		return c, err
	}
	last, err := l.Checkpoints(ctx, -1)
	if err == nil && len(last) == 0 {
		err = errors.New("there is no event yet, so there is nothing to take a checkpoint of")
	}
	if err != nil {
		return c, err
	}
	return last[0], nil
}

// sequence places as many events as fit before the next checkpoint, in one transaction.
func (l *Log) sequence(ctx context.Context, by note.Signer, now bool) (placed int, err error) {
	err = l.write(ctx, func(tx pgx.Tx) error {
		placed = 0
		// The lock comes before anything is read. The transaction is read committed, so each later
		// statement sees what the replica before has committed: its places, and its checkpoint.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('the log', 0))`); err != nil {
			return err
		}
		var size int64
		if err := tx.QueryRow(ctx, `SELECT coalesce(max(position), -1) + 1 FROM log`).Scan(&size); err != nil {
			return err
		}
		last, err := lastCheckpoint(ctx, tx)
		if err != nil {
			return err
		}
		// No more than fit before the next full checkpoint, so that a backlog of thousands gets the
		// checkpoints that it would have had, and one transaction stays short.
		room := checkpointEvery - size%checkpointEvery
		// By n: the events of a stream follow one another in it, since each was committed before the
		// next could be written.
		rows, err := pg.All[struct {
			Stream string
			Seq    int64
			Hash   string
		}](ctx, tx, `SELECT u.stream, u.seq, e.hash FROM unlogged u JOIN events e USING (stream, seq) ORDER BY u.n LIMIT $1`, room)
		if err != nil {
			return err
		}
		tree, err := growing(ctx, tx, size)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		for _, row := range rows {
			batch.Queue(`INSERT INTO log (position, stream, seq, hash) VALUES ($1, $2, $3, $4)`, tree.Size(), row.Stream, row.Seq, row.Hash)
			full, err := tree.Append(row.Hash)
			if err != nil {
				return err
			}
			for _, n := range full {
				batch.Queue(`INSERT INTO log_nodes (level, index, hash) VALUES ($1, $2, $3)`, n.Level, n.Index, n.Hash)
			}
		}
		err = tx.SendBatch(ctx, batch).Close()
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.ConstraintName == "log_nodes_pkey" {
			// A node can be there already only where places were taken out of the log.
			err = &checkpoint.NotFollowingError{Before: last.Number, After: last.Number + 1, Why: "the tree that is stored is larger than the log, so the log was cut"}
		}
		if err != nil {
			return err
		}
		placed = len(rows)
		return checkpointIfDue(ctx, tx, tree, last, by, now)
	})
	return placed, pg.While(err, "give events their places in the log")
}

// lastCheckpoint is the empty one where there is none yet.
func lastCheckpoint(ctx context.Context, tx pgx.Tx) (Checkpoint, error) {
	list, err := pg.All[checkpointRow](ctx, tx, `SELECT `+checkpointColumns+` FROM checkpoints ORDER BY number DESC LIMIT 1`)
	if err != nil || len(list) == 0 {
		return Checkpoint{}, err
	}
	return list[0].stored(), nil
}

// growing reads the right edge of the log: some twenty hashes for a million events. Nothing else
// of the tree is needed to add to it.
func growing(ctx context.Context, tx pgx.Tx, size int64) (*checkpoint.Tree, error) {
	edge, err := nodes(ctx, tx, checkpoint.Edge(size))
	if err != nil {
		return nil, err
	}
	return checkpoint.Grow(size, edge)
}

// nodes reads nodes of the tree, in the order in which they are named. Those of level 0 are kept
// nowhere: a leaf is hashed anew from its event's hash. A node that is not there is an error, and
// never the hash of nothing: then somebody has taken part of the log away.
func nodes(ctx context.Context, tx pgx.Tx, ids []checkpoint.ID) ([][]byte, error) {
	hashes := make([][]byte, len(ids))
	for i, id := range ids {
		if id.Level > 0 {
			if err := tx.QueryRow(ctx, `SELECT hash FROM log_nodes WHERE level = $1 AND index = $2`, id.Level, id.Index).Scan(&hashes[i]); err != nil {
				return nil, fmt.Errorf("read node %d of level %d: %w", id.Index, id.Level, err)
			}
			continue
		}
		var event string
		err := tx.QueryRow(ctx, `SELECT hash FROM log WHERE position = $1`, id.Index).Scan(&event)
		if err == nil {
			hashes[i], err = checkpoint.Leaf(event)
		}
		if err != nil {
			return nil, fmt.Errorf("read place %d of the log: %w", id.Index, err)
		}
	}
	return hashes, nil
}

// checkpointIfDue signs how the log stands now, if it has grown and it is time. It signs
// nothing that does not continue the checkpoint before: whoever owns the database could
// have put another log in its place, and a signature would make that one true.
func checkpointIfDue(ctx context.Context, tx pgx.Tx, tree *checkpoint.Tree, last Checkpoint, by note.Signer, always bool) error {
	size := tree.Size()
	if by == nil || size <= last.Size {
		return nil
	}
	var now time.Time
	if err := tx.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return err
	}
	// The database's clock may have been put back. One that were older than the last would be refused, and
	// no event would get a place in the log until the clock had caught up.
	if now.Before(last.At) {
		now = last.At
	}
	// The first one is made at once, so that there is something to keep from the first day on.
	// What is new since the last one counts as well as the round sizes: both differ after a time
	// without a signer, or after a checkpoint that somebody asked for.
	if !always && last.Number > 0 && size%checkpointEvery != 0 && size-last.Size < checkpointEvery && now.Sub(last.At) < checkpointAfter {
		return nil
	}
	root, err := tree.Root()
	if err != nil {
		return err
	}
	next := checkpoint.Checkpoint{Number: last.Number + 1, Size: size, Root: root, At: now}
	plan, err := checkpoint.Consistency(last.Size, size)
	if err != nil {
		return err
	}
	hashes, err := nodes(ctx, tx, plan.IDs())
	if err != nil {
		return err
	}
	proof, err := plan.Proof(hashes)
	if err != nil {
		return err
	}
	var former *int64
	if last.Number > 0 {
		former = &last.Size
		if err := next.Follows(last.Checkpoint, proof); err != nil {
			return err
		}
	}
	signed, err := next.Sign(by)
	if err != nil {
		return err
	}
	// The column is never null: the first checkpoint has an empty proof, as there is nothing to continue.
	if proof == nil {
		proof = [][]byte{}
	}
	_, err = tx.Exec(ctx, `INSERT INTO checkpoints (size, number, root, at, note, former_size, proof) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		next.Size, next.Number, next.Root, next.At, signed, former, proof)
	return err
}

// Checkpoints lists those after a number, in their order; with -1 the last one.
func (l *Log) Checkpoints(ctx context.Context, after int64) (list []Checkpoint, err error) {
	err = l.read(ctx, func(tx pgx.Tx) error {
		list = nil
		rows, err := pg.All[checkpointRow](ctx, tx, `
			SELECT `+checkpointColumns+` FROM checkpoints
			WHERE number > $1 AND ($1 >= 0 OR number = (SELECT max(number) FROM checkpoints)) ORDER BY number`, after)
		for _, row := range rows {
			list = append(list, row.stored())
		}
		return err
	})
	return list, pg.While(err, "read the checkpoints")
}

// LateError is a log that is not kept up: events wait for a place, or for a checkpoint.
type LateError struct {
	Unplaced int64     // events that have waited too long for their place
	Since    time.Time // since when something waits
}

// Error implements error.
func (e *LateError) Error() string {
	if e.Unplaced > 0 {
		return fmt.Sprintf("%d events have had no place in the log since %s", e.Unplaced, e.Since.UTC().Format(time.RFC3339))
	}
	return "no checkpoint has been made since " + e.Since.UTC().Format(time.RFC3339)
}

// Kept returns a *LateError where the log is not kept up. A log without any checkpoint is not
// late: nobody has given it a key to sign with.
func (l *Log) Kept(ctx context.Context) error {
	var waiting, uncovered int64
	var since, last *time.Time
	var now time.Time
	err := l.read(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			SELECT count(u.n), min(u.at), (SELECT at FROM checkpoints ORDER BY number DESC LIMIT 1), clock_timestamp(),
				(SELECT coalesce(max(position) + 1, 0) FROM log) - (SELECT coalesce(max(size), 0) FROM checkpoints)
			FROM unlogged u WHERE u.at < clock_timestamp() - $1::interval`, placeWithin).Scan(&waiting, &since, &last, &now, &uncovered)
	})
	switch {
	case err != nil:
		return fmt.Errorf("see whether the log is kept up: %w", err)
	case waiting > 0:
		return &LateError{Unplaced: waiting, Since: *since}
	case uncovered > 0 && last != nil && now.Sub(*last) > lateAfter:
		return &LateError{Since: *last}
	}
	return nil
}
