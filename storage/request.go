package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/storage/money"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// Counter reads who pays for a question, and the thread in which it is asked.
func (s *requests) Counter(ctx context.Context, q approval.Question) (c steps.Counter, err error) {
	thread := q.Thread()
	// Asked for after the batch, which says whether the thread has a session: without one there is no budget of it.
	scopes := func() []budget.Scope {
		list := []budget.Scope{{Team: q.Team, Kind: budget.User, ID: q.Asker}, {Team: q.Team, Kind: budget.Project, ID: q.Project}, {Team: q.Team, Kind: budget.Team, ID: q.Team}}
		if c.Session != "" {
			list = append(list, budget.Scope{Team: q.Team, Kind: budget.Session, ID: c.Session})
		}
		return list
	}
	var own, house review.RuleSet
	var others []review.RuleSet
	ahead, err := s.money.Ahead(ctx, money.PayersOfQuestion(thread, q.Project, q.Asker), scopes, func() time.Time { return c.Now }, func(b *pgx.Batch) {
		c = steps.Counter{}
		pg.Tell(b, []any{&c.Now}, pg.TellTime)
		addSession(b, thread, func(id, in string) error { c.Session, c.PrivateIn = id, in; return nil })
		addChosen(b, thread, &c.Chosen)
		if thread.ThreadTS != "" {
			s.addThreadFiles(b, thread, func(files []approval.File) { c.Files = files })
		}
		// Only what is said in a thread can be an answer to what a model has asked there.
		if q.Spoken {
			addClarifying(b, thread, q, &c)
		}
		s.addRules(b, q.Team, q.Project, &own)
		s.addRules(b, q.Team, "", &house)
		s.addOthers(b, q.Team, q.Project, &others)
	})
	if err != nil {
		return c, fmt.Errorf("what a question of %s is taken by: %w", q.Asker, err)
	}
	c.Ahead, c.Standings = ahead, ahead.Standings
	c.Rules = review.Effective(own, house).Among(others, house)
	return c, nil
}

// Ask stores a new request with its session, its hold, its events and its job,
// or returns the one that the same trigger made before. Its SessionID is that of the
// thread, where somebody has begun that meanwhile.
func (s *requests) Ask(ctx context.Context, r *approval.Request, thread approval.Session) (stored *approval.Request, created bool, err error) {
	id, ahead := r.SessionID, true
	try := func() (pg.Fate, error) {
		// A copy for each attempt: the verbs' changes are written into it, and an attempt that fails must leave none behind.
		stored = new(*r)
		stored.SessionID = id
		return s.pool.TryBatched(ctx, pgx.TxOptions{}, true, func(t *pg.Tx) error {
			words := s.notary.Contents(trail.StreamOf(stored.ID))
			if err := s.insertRequest(t.Batch, stored, thread, words); err != nil {
				return err
			}
			if verbs := len(stored.Changes.Events); ahead && weighedAhead(stored) {
				_, err := s.storeAhead(t, &loaded{Request: stored}, words, verbs, s.maxOpen, nil)
				return err
			}
			ahead = false
			return s.store(t, &loaded{Request: stored, now: stored.CreatedAt}, words, nil, func() {
				if stored.Blocked != nil {
					money.AddLocks(t.Batch, stored.Scopes()) // it holds nothing, and is counted among the asker's questions all the same
				}
				s.addBound(t.Batch, stored)
			})
		})
	}
	err = pg.Until(ctx, func() (pg.Fate, error) {
		became, err := try()
		if ahead && refusedBy(err, "holds_weighed", "holds_after_restore") {
			// It may not fit any more. Under the locks it is weighed by what stands: that finds the words of a refusal, too.
			ahead = false
			became, err = try()
		}
		if !refusedBy(err, "sessions_moved") {
			return became, err
		}
		err = s.look(ctx, func(b *pgx.Batch) { addSession(b, thread, func(its, _ string) error { id = its; return nil }) })
		if err != nil {
			return pg.Settled, err
		}
		ahead = false // nobody has looked at the budget of that thread
		return pg.Cut, errMoved
	})
	switch {
	case refusedBy(err, "requests_bound"):
		err = approval.Enough(s.maxOpen)
	case refusedBy(err, "requests_one_per_trigger", "requests_pkey"):
		stored, err = s.byTrigger(ctx, r.Team, r.Trigger)
		return stored, err == nil && stored.ID == r.ID, err // by this very call, whose commit was not answered
	}
	if words, known := refusal(err); known {
		return nil, false, words(r)
	}
	if err != nil {
		return nil, false, fmt.Errorf("ask %s: %w", r.ID, err)
	}
	stored.Changes = approval.Changes{}
	return stored, true, nil
}

// addBound refuses a question too many. The transaction has locked the asker's
// budget by now, so that of many at once each counts the ones before it.
func (s *requests) addBound(b *pgx.Batch, r *approval.Request) {
	b.Queue(`SELECT count(*) FROM requests WHERE team = $1 AND asker = $2 AND `+open, r.Team, r.Asker).QueryRow(func(row pgx.Row) error {
		var open int
		if err := row.Scan(&open); err != nil || s.maxOpen == 0 || open <= s.maxOpen {
			return err
		}
		return approval.Enough(s.maxOpen)
	})
}

// errMoved undoes a transaction that rests on what is not so any more.
var errMoved = errors.New("somebody else was faster")

// byTrigger finds the request that a press or a message has led to, so that one which Slack sends twice asks once.
func (s *requests) byTrigger(ctx context.Context, team, trigger string) (*approval.Request, error) {
	list, err := s.load(ctx, `SELECT id FROM requests WHERE team = $1 AND trigger = $2`, team, trigger)
	if err == nil && len(list) == 0 {
		err = approval.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("what %s has asked: %w", trigger, err)
	}
	return list[0], nil
}

// addSession reads which session a thread is, where it is one, and of a private one by which channel's
// rules it goes: the latest that was asked about in it, or the one of the thread that was handed over.
func addSession(b *pgx.Batch, thread approval.Session, take func(id, privateIn string) error) {
	if thread.ThreadTS == "" {
		return
	}
	pg.Ask(b, func(rows []struct{ ID, PrivateIn string }) error {
		for _, row := range rows {
			return take(row.ID, row.PrivateIn)
		}
		return nil
	}, `SELECT id, CASE WHEN private_to = '' THEN '' ELSE coalesce((SELECT project FROM requests r WHERE r.session_id = s.id ORDER BY created_at DESC LIMIT 1),
			(SELECT project FROM handovers h WHERE h.into_session = s.id LIMIT 1), '') END AS private_in
		FROM sessions s WHERE team = $1 AND channel = $2 AND thread_ts = $3`, thread.Team, thread.Channel, thread.ThreadTS)
}

// insertRequest writes a request and the session of its thread. It waits for whoever
// has just used the same trigger, or begun the same thread: once they have committed the server
// refuses it, by requests_one_per_trigger or sessions_moved. So it may go with its commit.
func (s *requests) insertRequest(b *pgx.Batch, r *approval.Request, thread approval.Session, words *trail.Contents) error {
	files, err := pg.Document(r.Files, "[]")
	blocked, downgraded, fallback := column(r.Blocked, &err), column(r.Downgraded, &err), column(r.Fallback, &err)
	seek, chosen := column(r.Seek, &err), column(r.Chosen, &err)
	if err != nil {
		return err
	}
	var repeats, digest *string
	var revision *int
	if f := r.Repeats; f != nil {
		repeats, revision, digest = &f.Request, &f.Revision, &f.Digest
	}
	question := words.Text(r.Question)
	words.Queue(b)
	// Whoever begins the same thread in this moment has the INSERT wait, and then do nothing. The next
	// statement sees what they have committed: a session of another id, by which all of this is tried anew.
	privateTo := ""
	if r.Private {
		privateTo = r.Asker
	}
	b.Queue(`
		INSERT INTO sessions (id, team, channel, thread_ts, private_to) VALUES ($1, $2, $3, nullif($4, ''), $5)
		ON CONFLICT DO NOTHING`, r.SessionID, thread.Team, thread.Channel, thread.ThreadTS, privateTo)
	if thread.ThreadTS != "" {
		b.Queue(`SELECT insist((SELECT id FROM sessions WHERE team = $1 AND channel = $2 AND thread_ts = $3) = $4, 'sessions_moved')`,
			thread.Team, thread.Channel, thread.ThreadTS, r.SessionID)
	}
	b.Queue(`
		INSERT INTO requests (id, session_id, team, project, asker, question, model, files, trigger, state,
			attempts, created_at, changed_at, expires_at, quorum, blocked, downgraded, seek, fallback, private_to, repeats, repeats_revision, repeats_digest, chosen, told)
		SELECT $1, id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, 1 FROM sessions WHERE id = $2`,
		r.ID, r.SessionID, r.Team, r.Project, r.Asker, question, r.Model, files, r.Trigger, r.State,
		r.Attempts, pg.Micro(r.CreatedAt), pg.Micro(r.ChangedAt), pg.Moment(r.ExpiresAt), s.quorum, blocked, downgraded, seek, fallback, privateTo, repeats, revision, digest, chosen)
	return nil
}

// Update loads the request, runs the closure on it and stores what it changed. It
// loads without a lock, so that a closure that refuses has locked nothing; the write
// locks the row, and where somebody else has written since, all of it begins anew, with
// the row locked from the start. So the closure may be run again, on freshly loaded
// state, and must not do anything but change the request.
func (s *requests) Update(ctx context.Context, id string, change func(r *approval.Request, now time.Time) error) (*approval.Request, error) {
	return s.act(ctx, id, nil, nil, change)
}

// Act is Update for a request that Case has loaded, as long as people and rules are what
// they were then: else ErrOutdated.
func (s *requests) Act(ctx context.Context, c *steps.Case, change func(r *approval.Request, now time.Time) error) (*approval.Request, error) {
	l := &loaded{Request: c.Request, version: c.Version, trail: c.Trail, noticed: c.Noticed, now: c.Now, read: c.Read}
	l.Changes.Ahead = c.Ahead
	return s.act(ctx, c.Request.ID, l, &basis{team: c.Request.Team, version: c.Authority}, change)
}

// act runs the closure by the clock of its transaction, which begins with what is sent
// next. Where that had to wait for its locks, addTime sees to it.
func (s *requests) act(ctx context.Context, id string, l *loaded, on *basis, change func(r *approval.Request, now time.Time) error) (*approval.Request, error) {
	moved := false
	var lost *trail.Row // where the trail ends if an attempt was committed whose only answer is lost
	err := pg.Until(ctx, func() (became pg.Fate, err error) {
		if l == nil && !moved {
			l = &loaded{}
			if err := s.find(ctx, id, l); err != nil {
				return pg.Settled, err
			}
		}
		var ends time.Time
		var end *trail.Row // of the trail, with all that goes in one trip
		if !moved {
			ends = l.ExpiresAt
			l.tick()
			if err := change(l.Request, l.now); err != nil {
				return pg.Settled, &pg.FinalError{Err: err}
			}
		}
		became, err = s.pool.TryBatched(ctx, pgx.TxOptions{}, false, func(t *pg.Tx) error {
			var inTime func()
			if moved {
				l = &loaded{}
				addLock(t.Batch, id, nil)
				addDone(t.Batch, lost)
				addHeld(t.Batch, on)
				t.Queue(pg.TakeLock, trail.LockOf(trail.StreamOf(id)))
				s.addRequest(t.Batch, id, l, true)
				if err := t.Send(); err != nil {
					return err
				}
				if err := change(l.Request, l.now); err != nil {
					return &pg.FinalError{Err: err}
				}
			} else {
				if verbs := len(l.Changes.Events); on != nil && weighedAhead(l.Request) {
					addUnmoved(t.Batch, id, l, ends, on)
					end, err = s.storeAhead(t, l, s.notary.Contents(trail.StreamOf(id)), verbs, 0, func() error { return s.saveRequest(t.Batch, l) })
					return err
				}
				addLock(t.Batch, id, &l.version)
				addHeld(t.Batch, on)
				// Only without the lock: whoever has waited for it already has loaded and decided by the clock after that.
				inTime = func() { addTime(t.Batch, l.now, ends) }
			}
			return s.store(t, l, s.notary.Contents(trail.StreamOf(id)), func() error { return s.saveRequest(t.Batch, l) }, inTime)
		})
		if refusedBy(err, "authority_moved") {
			err = steps.ErrOutdated
		}
		// Where the only answer is lost, all begins anew with the row locked, which tells whether it was committed.
		if end != nil && errors.As(err, new(*pg.LostError)) {
			lost, moved, became = end, true, pg.Cut
		}
		// From the second attempt on the row and the end of its trail are locked before they are loaded, so this happens once.
		if errors.Is(err, errMoved) || !moved && refusedBy(err, "requests_moved", "events_pkey", "holds_weighed", "holds_after_restore") {
			moved, became = true, pg.Cut
		}
		if became != pg.Settled {
			l = nil // another attempt begins with what stands then
		}
		return became, err
	})
	var closure *pg.FinalError
	switch words, known := refusal(err); {
	case err == nil:
		l.Changes = approval.Changes{}
		return l.Request, nil
	case errors.Is(err, errDone):
		return s.Request(ctx, id)
	case errors.As(err, &closure):
		return nil, closure.Err
	case known:
		// The schema has refused what the verb let pass, so somebody was faster: what people read is about how it stands now.
		stands, e := s.Request(ctx, id)
		if e != nil {
			return nil, fmt.Errorf("update request %s: %w", id, errors.Join(err, e))
		}
		return nil, words(stands)
	}
	return nil, fmt.Errorf("update request %s: %w", id, err)
}

// addLock makes updates of a request follow one another. It does not get in the way
// of rows that only refer to the request. Where it is of another version than the
// caller knows: errMoved.
func addLock(b *pgx.Batch, id string, version *int64) {
	b.Queue(`SELECT version FROM requests WHERE id = $1 FOR NO KEY UPDATE`, id).QueryRow(func(row pgx.Row) error {
		var now int64
		err := pg.NotFound(row.Scan(&now))
		if err == nil && version != nil && now != *version {
			err = errMoved
		}
		return err
	})
}

// saveRequest writes the request's own columns. It comes after everything that
// the move needs (the revision, the decision, the run), as the schema insists.
func (s *requests) saveRequest(b *pgx.Batch, l *loaded) error {
	r := l.Request
	files, err := pg.Document(r.Files, "[]")
	refused, failed := pg.Document(r.Refused, "[]")
	err = errors.Join(err, failed)
	var why *approval.Reason // NULL where there is none: a document without a code would be one
	if !r.Reason.None() {
		why = &r.Reason
	}
	reason, edit, written := column(why, &err), column(r.Edit, &err), column(r.Written, &err)
	blocked, downgraded, fallback := column(r.Blocked, &err), column(r.Downgraded, &err), column(r.Fallback, &err)
	seek, away, cause, ready := column(r.Seek, &err), column(r.Away, &err), column(r.Cause, &err), column(r.Ready, &err)
	if err != nil {
		return err
	}
	var until *time.Time // how long its early box waits at most; it stands there while that is not paid
	if r.Ready.Open() {
		until = pg.Moment(r.Ready.Until)
	}
	var revision *int
	if r.Revision != nil {
		revision = &r.Revision.Number
	}
	b.Queue(`
		UPDATE requests SET model = $2, files = $3, state = $4, reason = $5, attempts = $6, refused = $7, revision = $8,
			changed_at = $9, expires_at = $10, quorum = CASE WHEN $4 = 'pending' OR $4 = 'approved' AND state <> 'approved' THEN $11 ELSE quorum END,
			rounds = $12, edit = $13, assignee = $14, opinions = $15, reminded_at = $16, escalated_at = $17, blocked = $18, downgraded = $19,
			seek = $20, away = $21, cause = $22, guest = $23, looked_at = $24, place = $25, written = $26, told = $27, fallback = $28, shared = $29, ready = $30, ready_until = $31
		WHERE id = $1`,
		r.ID, r.Model, files, r.State, reason, r.Attempts, refused, revision,
		pg.Micro(r.ChangedAt), pg.Moment(r.ExpiresAt), r.Needs(approval.Policy{Quorum: s.quorum}),
		r.Rounds, edit, r.Assignee, pg.OrEmpty(r.Opinions), pg.Moment(r.RemindedAt), pg.Moment(r.EscalatedAt), blocked, downgraded,
		seek, away, cause, r.Guest, pg.Moment(r.LookedAt), r.Place, written, l.told, fallback, r.Shared, ready, until)
	return nil
}

// Request loads one with all that belongs to it, without locking it.
func (s *requests) Request(ctx context.Context, id string) (*approval.Request, error) {
	var l loaded
	if err := s.find(ctx, id, &l); err != nil {
		return nil, fmt.Errorf("request %s: %w", id, err)
	}
	return l.Request, nil
}

// find is Request with the moment that it was read at.
func (s *requests) find(ctx context.Context, id string, into *loaded) error {
	return into.whole(func(all bool) error {
		return s.look(ctx, func(b *pgx.Batch) { s.addRequest(b, id, into, all) })
	})
}
