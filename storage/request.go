package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
)

// Ask stores a new request with its session, its hold, its events and its job,
// or returns the one that the same trigger made before. Its times are set to the
// database's clock; its SessionID is that of the thread, where the thread has one.
func (db *DB) Ask(ctx context.Context, r *approval.Request, thread approval.Session) (stored *approval.Request, created bool, err error) {
	fresh := *r
	err = db.writeByKey(ctx, func(tx pgx.Tx) error {
		*r, created = fresh, true
		var now time.Time
		var asked bool
		err := tx.QueryRow(ctx, `SELECT clock_timestamp(), EXISTS (SELECT FROM requests WHERE team = $1 AND trigger = $2)`, r.Team, r.Trigger).Scan(&now, &asked)
		if err != nil {
			return err
		}
		if asked {
			return errAsked
		}
		shift(r, now)
		if r.SessionID, err = openSession(ctx, tx, r.SessionID, thread); err != nil {
			return err
		}
		c := newContents(streamOf(r.ID))
		if err := db.insertRequest(ctx, tx, r, c); err != nil {
			return err
		}
		if r.Blocked != nil {
			// It holds nothing, and is counted among the asker's questions all the same.
			if err := lockScopes(ctx, tx, r.Scopes()); err != nil {
				return err
			}
		}
		if err := db.store(ctx, tx, r, c); err != nil {
			return err
		}
		if err := db.bound(ctx, tx, r); err != nil {
			return err
		}
		stored, err = load(ctx, tx, r.ID)
		return err
	})
	if errors.Is(err, errAsked) {
		err = db.read(ctx, func(tx pgx.Tx) error {
			stored, err = byTrigger(ctx, tx, r.Team, r.Trigger)
			created = err == nil && stored.ID == r.ID // by this very call, whose commit was not answered
			return err
		})
	}
	if err != nil {
		return nil, false, fmt.Errorf("ask %s: %w", r.ID, err)
	}
	return stored, created, nil
}

// bound refuses a question too many. The transaction has locked the asker's
// budget by now, so that of many at once each counts the ones before it.
func (db *DB) bound(ctx context.Context, tx pgx.Tx, r *approval.Request) error {
	var open int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM requests WHERE team = $1 AND asker = $2
		AND state IN ('drafting', 'pending', 'approved', 'running')`, r.Team, r.Asker).Scan(&open)
	if err != nil {
		return fmt.Errorf("count the open questions of %s: %w", r.Asker, err)
	}
	if db.maxOpen > 0 && open > db.maxOpen {
		return approval.Enough(db.maxOpen)
	}
	return nil
}

// errAsked undoes a transaction whose trigger has made a request before.
var errAsked = errors.New("this was asked before")

func byTrigger(ctx context.Context, tx pgx.Tx, team, trigger string) (*approval.Request, error) {
	var id string
	err := tx.QueryRow(ctx, `SELECT id FROM requests WHERE team = $1 AND trigger = $2`, team, trigger).Scan(&id)
	if err != nil {
		return nil, notFound(err)
	}
	return load(ctx, tx, id)
}

// openSession finds the session of a thread, or makes it under the given id.
func openSession(ctx context.Context, tx pgx.Tx, id string, thread approval.Session) (string, error) {
	_, err := tx.Exec(ctx, `
		INSERT INTO sessions (id, team, channel, thread_ts) VALUES ($1, $2, $3, nullif($4, ''))
		ON CONFLICT (team, channel, thread_ts) DO NOTHING`, id, thread.Team, thread.Channel, thread.ThreadTS)
	if err == nil && thread.ThreadTS != "" {
		err = tx.QueryRow(ctx, `SELECT id FROM sessions WHERE team = $1 AND channel = $2 AND thread_ts = $3`,
			thread.Team, thread.Channel, thread.ThreadTS).Scan(&id)
	}
	if err != nil {
		return "", fmt.Errorf("open the session of thread %s: %w", thread.ThreadTS, err)
	}
	return id, nil
}

// insertRequest waits for whoever has just used the same trigger: the answer is
// errAsked once they have committed.
func (db *DB) insertRequest(ctx context.Context, tx pgx.Tx, r *approval.Request, c *contents) error {
	files, err := document(r.Files, "[]")
	if err != nil {
		return err
	}
	blocked, downgraded, err := moneyColumns(r)
	if err != nil {
		return err
	}
	seek, err := column(r.Seek)
	if err != nil {
		return err
	}
	reason, err := reasonColumn(r.Reason)
	if err != nil {
		return err
	}
	question := c.text(r.Question)
	if err := c.flush(ctx, tx); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO requests (id, session_id, team, project, asker, question, model, files, trigger, state, reason,
			attempts, created_at, changed_at, expires_at, quorum, blocked, downgraded, seek)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
		ON CONFLICT (team, trigger) DO NOTHING`,
		r.ID, r.SessionID, r.Team, r.Project, r.Asker, question, r.Model, files, r.Trigger, r.State, reason,
		r.Attempts, micro(r.CreatedAt), micro(r.ChangedAt), moment(r.ExpiresAt), db.quorum, blocked, downgraded, seek)
	if err != nil {
		return fmt.Errorf("insert request %s: %w", r.ID, err)
	}
	if tag.RowsAffected() == 0 {
		return errAsked
	}
	return nil
}

// shift sets a request that was made by the program's clock to the database's,
// so that its waits end and its money counts when everybody else's do.
func shift(r *approval.Request, now time.Time) {
	by := now.Sub(r.CreatedAt)
	move := func(t *time.Time) {
		if !t.IsZero() {
			*t = micro(t.Add(by))
		}
	}
	move(&r.CreatedAt)
	move(&r.ChangedAt)
	move(&r.ExpiresAt)
	c := &r.Changes
	c.Messages, c.Events, c.Holds, c.Notices = clone(c.Messages), clone(c.Events), clone(c.Holds), clone(c.Notices) // the caller's stay as they are
	for i := range c.Notices {
		move(&c.Notices[i].At)
	}
	if r.Blocked != nil {
		b := *r.Blocked
		move(&b.At)
		r.Blocked = &b
	}
	for i := range c.Messages {
		move(&c.Messages[i].At)
	}
	for i := range c.Events {
		move(&c.Events[i].At)
	}
	for i := range c.Holds {
		move(&c.Holds[i].At)
		move(&c.Holds[i].ExpiresAt)
	}
}

// Update locks the request, runs the closure on it and stores what it changed.
// The closure may be run again, on freshly loaded state, so it must not do
// anything but change the request.
func (db *DB) Update(ctx context.Context, id string, change func(r *approval.Request, now time.Time) error) (*approval.Request, error) {
	var r *approval.Request
	err := db.write(ctx, func(tx pgx.Tx) (err error) {
		if err := lockRequest(ctx, tx, id); err != nil {
			return err
		}
		now, err := clock(ctx, tx)
		if err != nil {
			return err
		}
		if r, err = load(ctx, tx, id); err != nil {
			return err
		}
		if err := change(r, now); err != nil {
			return &closureError{err}
		}
		if err := db.store(ctx, tx, r, newContents(streamOf(r.ID))); err != nil {
			return err
		}
		return db.saveRequest(ctx, tx, r)
	})
	var closure *closureError
	switch words, known := refusal(err); {
	case err == nil:
		r.Changes = approval.Changes{}
		return r, nil
	case errors.As(err, &closure):
		return nil, closure.error
	case known:
		if stands, e := db.Request(ctx, id); e == nil {
			r = stands
		}
		return nil, words(r)
	}
	return nil, fmt.Errorf("update request %s: %w", id, err)
}

// closureError is what an Update's closure said: it is passed on as it is, and
// running the closure again would not change it.
type closureError struct{ error }

// lockRequest makes updates of a request follow one another. It does not get in
// the way of rows that only refer to the request.
func lockRequest(ctx context.Context, tx pgx.Tx, id string) error {
	var found string
	err := tx.QueryRow(ctx, `SELECT id FROM requests WHERE id = $1 FOR NO KEY UPDATE`, id).Scan(&found)
	return notFound(err)
}

// saveRequest writes the request's own columns. It comes after everything that
// the move needs (the revision, the decision, the run), as the schema insists.
func (db *DB) saveRequest(ctx context.Context, tx pgx.Tx, r *approval.Request) error {
	files, err := document(r.Files, "[]")
	if err != nil {
		return err
	}
	refused, err := document(r.Refused, "[]")
	if err != nil {
		return err
	}
	blocked, downgraded, err := moneyColumns(r)
	if err != nil {
		return err
	}
	reason, err := reasonColumn(r.Reason)
	if err != nil {
		return err
	}
	edit, err := column(r.Edit)
	if err != nil {
		return err
	}
	written, err := column(r.Written)
	if err != nil {
		return err
	}
	seek, err := column(r.Seek)
	if err != nil {
		return err
	}
	away, err := column(r.Away)
	if err != nil {
		return err
	}
	cause, err := column(r.Cause)
	if err != nil {
		return err
	}
	var revision *int
	if r.Revision != nil {
		revision = &r.Revision.Number
	}
	_, err = tx.Exec(ctx, `
		UPDATE requests SET model = $2, files = $3, state = $4, reason = $5, attempts = $6, refused = $7, revision = $8,
			changed_at = $9, expires_at = $10, quorum = CASE WHEN $4 = 'pending' OR $4 = 'approved' AND state <> 'approved' THEN $11 ELSE quorum END,
			rounds = $12, edit = $13, assignee = $14, opinions = $15, reminded_at = $16, escalated_at = $17, blocked = $18, downgraded = $19,
			seek = $20, away = $21, cause = $22, guest = $23, looked_at = $24, place = $25, written = $26
		WHERE id = $1`,
		r.ID, r.Model, files, r.State, reason, r.Attempts, refused, revision,
		micro(r.ChangedAt), moment(r.ExpiresAt), r.Needs(approval.Policy{Quorum: db.quorum}),
		r.Rounds, edit, r.Assignee, orEmpty(r.Opinions), moment(r.RemindedAt), moment(r.EscalatedAt), blocked, downgraded,
		seek, away, cause, r.Guest, moment(r.LookedAt), r.Place, written)
	if err != nil {
		return fmt.Errorf("save request %s: %w", r.ID, err)
	}
	return nil
}

// Request loads one with all that belongs to it, without locking it.
func (db *DB) Request(ctx context.Context, id string) (r *approval.Request, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		r, err = load(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("request %s: %w", id, err)
	}
	return r, nil
}

// notFound gives the absence of a row its name in the domain.
func notFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return approval.ErrNotFound
	}
	return err
}

func clone[T any](s []T) []T { return append([]T(nil), s...) }
