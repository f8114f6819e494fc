package storage

import (
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/storage/money"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// weighedAhead weighs a move before the budgets are locked, where they were looked at for it, and tells whether it may be
// stored by storeAhead: nothing of it waits for an answer of Postgres.
func weighedAhead(r *approval.Request) bool {
	c := &r.Changes
	return !ordersBox(c) && !slices.ContainsFunc(c.Notices, func(n approval.Notice) bool { return n.Once }) && money.WeighAhead(r)
}

// addUnmoved has the server refuse a move where its request, or people and rules, are not as they were loaded. It is
// addLock and addHeld for what is sent together with its commit, where no answer is looked at in between.
//
// It refuses as addTime does what is written later than it says, or after the end of the wait that the request was in: here
// where the clock was put back since, and once the budgets are locked by holds_weighed, which is told until when it may wait.
func addUnmoved(b *pgx.Batch, id string, l *loaded, ends time.Time, on *basis) {
	b.Queue(`SELECT insist((SELECT version FROM requests WHERE id = $1 FOR NO KEY UPDATE) = $2 AND clock_timestamp() >= $3, 'requests_moved')`, id, l.version, l.now.Add(-late))
	b.Queue(pg.ShareLock, authorityKey(on.team))
	b.Queue(`SELECT insist(authority($1) = $2, 'authority_moved')`, on.team, on.version)
	if l.Changes.Ahead.End(l.now.Add(late)); ends.After(l.now) {
		l.Changes.Ahead.End(ends)
	}
}

// errDone ends a move that was committed before, by an attempt whose answer was lost.
var errDone = errors.New("this was committed before")

// addDone looks, with the row of a request locked, whether that attempt was committed; nil: there was none. If it comes
// later, it finds the row of another version.
func addDone(b *pgx.Batch, lost *trail.Row) {
	if lost == nil {
		return
	}
	b.Queue(`SELECT EXISTS (SELECT FROM events WHERE stream = $1 AND seq = $2 AND hash = $3)`, lost.Stream, lost.Seq, lost.Hash).QueryRow(func(row pgx.Row) error {
		var done bool
		if err := row.Scan(&done); err != nil || !done {
			return err
		}
		return &pg.FinalError{Err: errDone}
	})
}

// storeAhead is store for a move that was weighed ahead: all of it goes in one trip, with its commit, so whatever may stand
// against it the server refuses. verbs is how many of its events are those of its verbs; the budgets' come after them. It
// says where the trail ends with it.
func (s *requests) storeAhead(t *pg.Tx, l *loaded, words *trail.Contents, verbs, maxOpen int, save func() error) (*trail.Row, error) {
	r := l.Request
	c := &r.Changes
	if err := words.Gather(*c); err != nil {
		return nil, err
	}
	last, err := trail.EndAt(trail.StreamOf(r.ID), l.trail)
	if err != nil {
		return nil, err
	}
	// Where somebody has added to the trail since, the place of our first event is taken (events_pkey). Nobody else writes to one
	// that begins here.
	if last.Seq > 0 {
		t.Queue(pg.TakeLock, trail.LockOf(last.Stream))
	}
	var told []string
	if c.Retell {
		told = l.noticed
		t.Queue(`SELECT insist((SELECT count(*) FROM notices WHERE request_id = $1) = $2, 'requests_moved')`, r.ID, len(told))
	}
	words.Queue(t.Batch)
	if err := insertRows(t.Batch, r, words); err != nil {
		return nil, err
	}
	storePlaces(t.Batch, r)
	storeHandOver(t.Batch, r)
	l.told = last.Seq + int64(verbs)
	end, err := words.AddEvents(t.Batch, &last, c.Events)
	if err != nil {
		return nil, err
	}
	if save != nil {
		if err := save(); err != nil {
			return nil, err
		}
	}
	if err := s.storeNotices(t, c.Notices, jobsOf(r, told), nil); err != nil {
		return nil, err
	}
	money.AddWeighed(t.Batch, r, maxOpen)
	return end, nil
}
