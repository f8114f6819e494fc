package storage

import (
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/storage/money"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// store writes what the verbs have noted in Changes. A person waits for it, so it
// makes few trips: what has to be locked and looked at, River's jobs, and what is
// written, which is sent with the commit. save queues the request's own row, where it
// is there already; also queues what else is to be looked at with the budgets locked.
//
// The order of what is written is the one that the schema's promises need: the code
// before the decision on it, the decision before the move, the run before the
// request is running.
//
// All who spend in a workspace wait for whoever has its budgets, until that commits. So a move
// writes first what does not rest on them, and locks them last: what it loaded tells where the trail ends.
func (s *requests) store(t *pg.Tx, l *loaded, words *trail.Contents, save func() error, also func()) error {
	r := l.Request
	c := &r.Changes
	if err := words.Gather(*c); err != nil {
		return err
	}
	last, err := trail.EndAt(trail.StreamOf(r.ID), l.trail)
	if err != nil {
		return err
	}
	// ahead: the events of the verbs are known before the budgets are locked, so they are written before. Otherwise what is
	// noted rests on how the budgets stand, and comes after.
	end, ahead := &last, money.ComesLast(r)
	if ahead {
		trail.AddEnd(t.Batch, last, errMoved)
	} else {
		end = trail.AddStream(t.Batch, last.Stream)
	}
	var told noted
	told.queue(t.Batch, r)
	words.Queue(t.Batch)
	if err := insertRows(t.Batch, r, words); err != nil {
		return err
	}
	tell := func() (err error) {
		storePlaces(t.Batch, r)
		storeHandOver(t.Batch, r)
		// The row names the last event that tells of it. requests_told holds it to an event between the one before and this.
		l.told = end.Seq + int64(len(c.Events))
		if end, err = words.AddEvents(t.Batch, end, c.Events); err == nil && save != nil {
			err = save()
		}
		return err
	}
	// Weighing adds events of its own: verbs is where those begin.
	verbs, later := len(c.Events), slices.Clone(c.Notices)
	if ahead {
		// Notices that are told however often go with the jobs; whether one that is told once is there already is asked in this trip.
		now := slices.DeleteFunc(slices.Clone(later), func(n approval.Notice) bool { return n.Once })
		later = slices.DeleteFunc(later, func(n approval.Notice) bool { return !n.Once })
		if err := errors.Join(tell(), s.storeNotices(t, now, jobsOf(r, nil), nil)); err != nil {
			return err
		}
	}
	known := len(c.Notices)
	// The budgets come last: all who spend in a workspace wait for whoever has them, until that commits.
	if ordersBox(c) {
		s.addWaiting(t.Batch)
	}
	before := s.money.AddMoney(t.Batch, r, l.now)
	if also != nil {
		also()
	}
	if err := t.Send(); err != nil {
		return err
	}
	// The first that can refuse: by now all is locked, and nothing of the money is written.
	if err := s.money.Weigh(t, r, before); err != nil {
		return err
	}

	money.AddHolds(t.Batch, r)
	if money.Spends(c.Settlements) {
		// The scopes are still locked, so that whoever reaches a mark is told apart from
		// whoever comes after.
		after, err := s.money.After(t, r, before)
		if err != nil {
			return err
		}
		c.Notices = append(c.Notices, approval.Alerts(r, after, before.Now)...)
	}
	if err := s.money.StoreTopUp(t, r, before, words); err != nil {
		return err
	}
	if !ahead {
		if err := tell(); err != nil {
			return err
		}
		return s.storeNotices(t, append(later, c.Notices[known:]...), jobsOf(r, told.again), told.there)
	}
	if _, err := words.AddEvents(t.Batch, end, c.Events[verbs:]); err != nil { // how the budgets stood
		return err
	}
	return s.storeNotices(t, append(later, c.Notices[known:]...), again(r, told.again), told.there)
}

// insertRows writes what hangs on a request, after the contents that it names (a foreign key).
func insertRows(b *pgx.Batch, r *approval.Request, words *trail.Contents) error {
	// The decision comes before its request moves: decisions_in_time wants it to be pending still.
	if err := insertDecision(b, r, words); err != nil {
		return err
	}
	if err := insertGlass(b, r, words); err != nil {
		return err
	}
	if err := insertRevision(b, r.Changes.Revision, words); err != nil {
		return err
	}
	// Before saveRun: the row of a run that is taken back goes before another one may come (runs_pkey).
	takeBackRun(b, r)
	saveRun(b, r, words)
	insertMessages(b, r, words)
	return nil
}

// jobsOf are the jobs of a request: its own steps, and the notices about it that have
// been told and are to be looked at again. Those that are new are looked at anyway.
func jobsOf(r *approval.Request, told []string) (list []steps.Wake) {
	for _, step := range r.Changes.Jobs {
		list = append(list, steps.Wake{Step: step, RequestID: r.ID})
	}
	return append(list, again(r, told)...)
}

// again are the notices that have been told and are not new.
func again(r *approval.Request, told []string) (list []steps.Wake) {
	for _, key := range told {
		if !slices.ContainsFunc(r.Changes.Notices, func(n approval.Notice) bool { return pg.Text(n.Key) == key }) {
			list = append(list, steps.Wake{Step: approval.StepTell, RequestID: key})
		}
	}
	return list
}

// noted is what stands of notices before new ones are written.
type noted struct {
	again []string        // about the request, to be looked at again
	there map[string]bool // of the new ones of which once is enough: whether somebody was quicker
}

// queue asks which notices of a request there are already: those that are told once in all, and those about it that
// are drawn again. Nothing is asked where neither is wanted.
func (n *noted) queue(b *pgx.Batch, r *approval.Request) {
	n.there = map[string]bool{}
	keys := []string{}
	for _, notice := range r.Changes.Notices {
		if notice.Once {
			keys, n.there[pg.Text(notice.Key)] = append(keys, pg.Text(notice.Key)), false
		}
	}
	if !r.Changes.Retell && len(keys) == 0 {
		return
	}
	type row struct {
		Key   string
		About bool
	}
	pg.Ask(b, func(rows []row) error {
		for _, row := range rows {
			if _, once := n.there[row.Key]; once {
				n.there[row.Key] = true
			}
			if row.About && r.Changes.Retell {
				n.again = append(n.again, row.Key)
			}
		}
		return nil
	}, `SELECT key, coalesce(request_id = $1, false) AS about FROM notices WHERE $2 AND request_id = $1 OR key = ANY ($3)`, r.ID, r.Changes.Retell, keys)
}

// insertRevision stores code and manifest byte for byte: the schema computes both
// hashes again and takes nothing that does not fit. What it cannot store, such as
// a NUL, has never been canonical.
func insertRevision(b *pgx.Batch, rev *approval.Revision, c *trail.Contents) error {
	if rev == nil {
		return nil
	}
	findings, err := c.Document(rev.Findings)
	if err != nil {
		return err
	}
	b.Queue(`
		INSERT INTO revisions (request_id, number, code, summary, author, prompt_version, findings, manifest, digest, quote, at, provider, host)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		rev.RequestID, rev.Number, c.Put(rev.Code), c.Text(rev.Summary), pg.Text(rev.Author), pg.Text(rev.PromptVersion), findings,
		c.Put(string(rev.Manifest.Canonical())), rev.Digest, rev.Quote, pg.Micro(rev.At), pg.Text(rev.Provider), pg.Text(rev.Host))
	return nil
}

// insertDecision takes the asker and the author from their own rows, never from the
// caller: the constraints compare the reviewer with them. A decision on code that is
// not there has no author, and the foreign key refuses it.
func insertDecision(b *pgx.Batch, r *approval.Request, c *trail.Contents) error {
	d := r.Changes.Decision
	if d == nil {
		return nil
	}
	click, err := pg.Document(d.Click, "{}")
	if err != nil {
		return err
	}
	b.Queue(`
		INSERT INTO decisions (request_id, revision, digest, asker, author, reviewer, verdict, reason, at, click, in_place_of)
		VALUES ($1, $2, $3, (SELECT asker FROM requests WHERE id = $1),
			coalesce((SELECT author FROM revisions WHERE request_id = $1 AND number = $2 AND digest = $3), ''),
			$4, $5, $6, $7, $8, nullif($9, ''))`,
		r.ID, d.Revision, d.Digest, d.Reviewer, d.Verdict, c.Text(d.Reason), pg.Micro(d.At), click, d.InPlaceOf)
	return nil
}

// saveRun stores the start of a run, that its code has begun or that somebody wants it ended, or its
// end with what came out.
func saveRun(b *pgx.Batch, r *approval.Request, c *trail.Contents) {
	run := r.Changes.Run
	switch {
	case run == nil:
	case run.Result == nil && !(run.BegunAt.IsZero() && run.StoppedAt.IsZero()):
		b.Queue(`UPDATE runs SET begun_at = $2, stopped_at = $3, stopped_by = nullif($4, '') WHERE request_id = $1`, r.ID, pg.Moment(run.BegunAt), pg.Moment(run.StoppedAt), run.StoppedBy)
	case run.Result == nil:
		b.Queue(`INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES ($1, $2, $3, $4, $5)`,
			r.ID, run.BoxID, r.Revision.Number, r.Revision.Digest, pg.Micro(run.StartedAt))
	default:
		b.Queue(`UPDATE runs SET finished_at = $2, result = $3, box = $4 WHERE request_id = $1`,
			r.ID, pg.Micro(run.FinishedAt), c.Named[trail.KeptResult], run.Result.Box)
		// The files are named by hashes here; their bytes went into contents with the words, in the same transaction.
		for i, a := range run.Result.Artifacts {
			b.Queue(`INSERT INTO artifacts (request_id, seq, name, kind, alt, data) VALUES ($1, $2, $3, $4, $5, $6)`,
				r.ID, i+1, c.Text(a.Name), a.Kind, c.Text(a.Alt), c.Named[trail.KeptFile(i)])
		}
	}
}

// takeBackRun makes room for another run in the place of one that never started.
// The box is kept, so that nothing is ever run in it; one in which something has
// begun in the meantime is not taken back by the schema.
func takeBackRun(b *pgx.Batch, r *approval.Request) {
	if r.Changes.Unstarted == nil {
		return
	}
	b.Queue(`
		INSERT INTO unstarted_runs (box_id, request_id, revision, digest, started_at, taken_back_at)
		SELECT box_id, request_id, revision, digest, started_at, $3 FROM runs WHERE request_id = $1 AND box_id = $2`,
		r.ID, r.Changes.Unstarted.BoxID, pg.Micro(r.ChangedAt))
	b.Queue(`DELETE FROM runs WHERE request_id = $1`, r.ID)
}

// insertMessages continues the session. Messages are numbered by the table, so
// requests of one thread need not wait for one another.
func insertMessages(b *pgx.Batch, r *approval.Request, c *trail.Contents) {
	for _, m := range r.Changes.Messages {
		b.Queue(`INSERT INTO messages (session_id, request_id, role, text, at) VALUES ($1, $2, $3, $4, $5)`,
			r.SessionID, r.ID, m.Role, c.Text(m.Text), pg.Micro(m.At))
	}
}

// column is pg.Column for one of many: what fails is kept in err, and looked at once for all of them.
func column[T any](v *T, err *error) *string {
	spelling, failed := pg.Column(v)
	*err = errors.Join(*err, failed)
	return spelling
}
