package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/approval/thread"
	"countersign/budget"
	"countersign/storage/money"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// View loads everything that a card or a reply is drawn from, as of one moment. The
// caller fills in Policy, which the database does not know.
func (s *shown) View(ctx context.Context, id string) (*steps.View, error) {
	var l loaded
	var v *steps.View
	c := &steps.Case{}
	var uncertain map[budget.Scope]budget.USD
	ahead, err := withBudgets(ctx, s.money, id, &l, func(b *pgx.Batch, all bool) {
		v = &steps.View{}
		s.addRequest(b, id, &l, all)
		s.addRevision(b, id, 1, func(former *approval.Revision) { v.Former = former })
		addView(s.core, b, id, v)
		// Without the last questions of the thread a follow-up says little to whoever reviews it.
		addEarlier(s.core, b, id, func(questions []string) { v.Earlier = questions })
		s.addBook(b, id, &v.Book)
		money.AddUncertain(b, money.PayersOf(id), &uncertain)
	})
	if err != nil {
		return nil, fmt.Errorf("view of %s: %w", id, err)
	}
	v.Request, v.Now, v.Standings, c.Ahead, c.Authority = l.Request, l.now, ahead.Standings, ahead, ahead.Authority
	c.Book = v.Book
	l.into(c)
	v.Book = c.Book
	// A copy, because the card shows standings as the budgets are, and only decisions are told what is uncertain.
	c.Standings = money.WithUncertain(slices.Clone(ahead.Standings), uncertain)
	v.Case = c
	if v.Session.ThreadTS == "" {
		// Somebody may have answered below the first message before it was remembered, in a session of its own.
		v.Session.ThreadTS = v.Posts[steps.SurfaceRoot].TS
	}
	return v, nil
}

// Case loads a request with everything that a decision about it depends on, without a
// lock.
func (s *requests) Case(ctx context.Context, id string) (*steps.Case, error) {
	var l loaded
	var c *steps.Case
	var uncertain map[budget.Scope]budget.USD
	ahead, err := withBudgets(ctx, s.money, id, &l, func(b *pgx.Batch, all bool) {
		c = &steps.Case{}
		addCase(s.core, b, id, &l, c, all)
		money.AddUncertain(b, money.PayersOf(id), &uncertain)
	})
	if err != nil {
		return nil, fmt.Errorf("case of %s: %w", id, err)
	}
	l.into(c)
	c.Ahead, c.Authority, c.Standings = ahead, ahead.Authority, money.WithUncertain(slices.Clone(ahead.Standings), uncertain)
	return c, nil
}

// withBudgets looks at a request as ask does, which fills l, and in the same trip at how the budgets stand that pay for it.
func withBudgets(ctx context.Context, till *money.Till, id string, l *loaded, ask func(b *pgx.Batch, all bool)) (a *budget.Ahead, err error) {
	err = l.whole(func(all bool) error {
		a, err = till.Ahead(ctx, money.PayersOf(id), func() []budget.Scope { return l.Scopes() }, func() time.Time { return l.now }, func(b *pgx.Batch) { ask(b, all) })
		return err
	})
	return a, err
}

// addCase reads a Case but for its budgets.
func addCase(c *core, b *pgx.Batch, id string, l *loaded, into *steps.Case, all bool) {
	c.addRequest(b, id, l, all)
	c.addBook(b, id, &into.Book)
}

// into gives a Case the request and its moment.
func (l *loaded) into(c *steps.Case) {
	c.Request, c.Version, c.Trail, c.Noticed, c.Now, c.Read = l.Request, l.version, l.trail, l.noticed, l.now, l.read
	c.Book.Placeless = approval.Direct(l.Project)
}

// Pressed is the View for whoever decides by a message that they have seen, and draws nothing: where messages stand, and
// the Case. What is uncertain of its budgets nobody is told here.
func (s *shown) Pressed(ctx context.Context, id string) (*steps.View, error) {
	var l loaded
	var v *steps.View
	ahead, err := withBudgets(ctx, s.money, id, &l, func(b *pgx.Batch, all bool) {
		v = &steps.View{Case: &steps.Case{}}
		addCase(s.core, b, id, &l, v.Case, all)
		addPosts(b, id, v)
	})
	if err != nil {
		return nil, fmt.Errorf("what was pressed of %s: %w", id, err)
	}
	l.into(v.Case)
	v.Case.Standings, v.Case.Ahead, v.Case.Authority = ahead.Standings, ahead, ahead.Authority
	v.Request, v.Now, v.Book = l.Request, l.now, v.Case.Book
	return v, nil
}

// Drawn is the View for whoever only draws: nobody decides by it. What a card alone shows is read where there is code, and
// who may decide on it while it waits. That takes a second trip, and nobody waits for it.
func (s *shown) Drawn(ctx context.Context, id string) (v *steps.View, err error) {
	err = s.batched(ctx, pg.ReadOnly, true, func(t *pg.Tx) error {
		var l loaded
		v = &steps.View{}
		addRow(s.core, t.Batch, id, &l)
		addView(s.core, t.Batch, id, v)
		addLaws(s.core, t.Batch, id, &v.Book)
		if err := t.Send(); err != nil {
			return err
		}
		v.Request, v.Now, v.Book.Placeless = l.Request, l.now, approval.Direct(l.Project)
		if v.Session.ThreadTS == "" {
			v.Session.ThreadTS = v.Posts[steps.SurfaceRoot].TS // as in View
		}
		if l.number > 0 {
			addVersion(s.core, t.Batch, id, &l)
			addEarlier(s.core, t.Batch, id, func(questions []string) { v.Earlier = questions })
			if l.number > 1 {
				s.addRevision(t.Batch, id, 1, func(former *approval.Revision) { v.Former = former })
			}
		}
		if l.more {
			addRare(s.core, t.Batch, id, &l)
		}
		if l.number == 0 && !l.State.Final() {
			return nil // it has a line that says how far it is, and nothing else
		}
		// Who may decide is drawn only while somebody can; it is the dearest part of it to read.
		if l.State == approval.Pending {
			addPeople(s.core, t.Batch, id, &v.Book)
		}
		k := s.money.AddReckoning(t.Batch, money.OfScopes(l.Scopes()), l.now, money.EndOfTime)
		if err := t.Send(); err != nil {
			return err
		}
		v.Standings, err = s.money.Standing(t, k, l.Scopes())
		return err
	})
	return v, pg.While(err, "draw %s", id)
}

// addView reads what a card or a reply says beside the request itself.
func addView(c *core, b *pgx.Batch, id string, v *steps.View) {
	pg.Ask(b, func(rows []sessionRow) error {
		for _, row := range rows {
			v.Uploads = row.Uploads
			v.Session = approval.Session{ID: row.ID, Team: row.Team, Channel: row.Channel, ThreadTS: row.ThreadTS}
			if row.Next != "" {
				v.Next = strings.Split(row.Next, "\n")
			}
		}
		return nil
	}, `SELECT s.id, s.team, s.channel, coalesce(s.thread_ts, '') AS thread_ts, coalesce(`+nextOf+`, '') AS next, `+uploadsOf+` AS uploads FROM sessions s JOIN requests q ON q.session_id = s.id WHERE q.id = $1`, id)
	// What was spent, by hold, the oldest first. A hold that was given back untouched is no
	// part of a bill.
	pg.Ask(b, func(rows []spendRow) error { v.Bill = billOf(rows); return nil }, `
		SELECT s.hold_id, h.purpose, s.estimated, c.kind, c.what, c.provider, c.host, c.model, c.input_tokens, c.cached_tokens, c.written_tokens, c.output_tokens,
			c.box_ms, c.vcpu, c.memory_mb, c.amount
		FROM settlements s JOIN holds h ON h.id = s.hold_id JOIN charges c ON c.hold_id = s.hold_id
		WHERE s.request_id = $1 ORDER BY h.at, s.hold_id, c.line`, id)
	addPosts(b, id, v)
	pg.Ask(b, func(rows []unseenRow) error {
		v.Unseen = map[steps.Surface]steps.Unseen{}
		for _, row := range rows {
			v.Unseen[row.Surface] = steps.Unseen(row)
		}
		return nil
	}, `SELECT `+unseenColumns+` FROM unseen WHERE request_id = $1`, id)
	addArtifacts(c, b, id, false, &v.Artifacts)
}

// addPosts reads where a request's messages stand.
func addPosts(b *pgx.Batch, id string, v *steps.View) {
	pg.Ask(b, func(rows []postRow) error {
		v.Posts = map[steps.Surface]steps.Post{}
		for _, row := range rows {
			v.Posts[row.Surface] = steps.Post(row)
		}
		return nil
	}, `SELECT request_id, surface, channel, ts, shown FROM posts WHERE request_id = $1`, id)
}

// nextOf is what the model offers to be asked next, unless somebody has written other code since.
const nextOf = `(SELECT CASE role WHEN 'next' THEN said(text) END FROM messages m
	WHERE m.session_id = q.session_id AND m.request_id = q.id AND m.role IN ('code', 'next') ORDER BY m.seq DESC LIMIT 1)`

// sessionRow is a thread, and what is not of one request in it.
type sessionRow struct {
	ID       string
	Team     string
	Channel  string
	ThreadTS string `db:"thread_ts"`
	Next     string
	Uploads  map[steps.Surface][]string
}

// spendRow is a line of a bill with the settlement that it belongs to.
type spendRow struct {
	HoldID        string
	Purpose       budget.Purpose
	Estimated     bool
	Kind          budget.ChargeKind
	What          string
	Provider      string
	Host          string
	Model         string
	InputTokens   int
	CachedTokens  int
	WrittenTokens int
	OutputTokens  int
	BoxMs         int64
	Vcpu          int
	MemoryMb      int
	Amount        budget.USD
}

// billOf puts lines that belong to one hold together.
func billOf(rows []spendRow) (list []steps.Spend) {
	for i, row := range rows {
		// The query sorts by hold, so its lines stand together.
		if i == 0 || row.HoldID != rows[i-1].HoldID {
			list = append(list, steps.Spend{Purpose: row.Purpose, Estimated: row.Estimated})
		}
		spend := &list[len(list)-1]
		spend.Charges = append(spend.Charges, budget.Charge{Kind: row.Kind, What: row.What, Provider: row.Provider, Host: row.Host, BoxMS: row.BoxMs, VCPU: row.Vcpu, MemoryMB: row.MemoryMb, Amount: row.Amount,
			Usage: budget.Usage{Model: row.Model, Input: row.InputTokens, Cached: row.CachedTokens, Written: row.WrittenTokens, Output: row.OutputTokens}})
	}
	return list
}

// Artifacts returns the files of a run with their content. They may be megabytes, so only
// the step that posts them asks for them.
func (s *shown) Artifacts(ctx context.Context, id string) (files []approval.Artifact, err error) {
	err = s.look(ctx, func(b *pgx.Batch) { addArtifacts(s.core, b, id, true, &files) })
	return files, pg.While(err, "load the artifacts of %s", id)
}

// Stopped tells that somebody has cancelled the run in a box, or that it is over.
func (s *shown) Stopped(ctx context.Context, id, box string) (stopped bool, err error) {
	err = s.look(ctx, func(b *pgx.Batch) {
		pg.Tell(b, []any{&stopped}, `SELECT NOT EXISTS (SELECT FROM requests q JOIN runs r ON r.request_id = q.id
			WHERE q.id = $1 AND q.state = 'running' AND r.box_id = $2 AND r.stopped_at IS NULL)`, id, box)
	})
	return stopped, pg.While(err, "see whether the run of %s is still wanted", id)
}

// artifactRow is a file of an answer, and where its content stands, with the event of the run's end.
type artifactRow struct {
	approval.Artifact
	Kept string
	trail.Voucher
}

// addArtifacts reads the files of an answer, in the order in which they came. Their content is read only by who
// uploads them: it may be megabytes.
func addArtifacts(c *core, b *pgx.Batch, id string, content bool, into *[]approval.Artifact) {
	pg.Ask(b, func(rows []artifactRow) error {
		*into = nil
		for _, row := range rows {
			if !doubtsFile(c, id, row) {
				*into = append(*into, row.Artifact)
			}
		}
		return nil
	}, `
		SELECT said(a.name) AS name, a.kind, said(a.alt) AS alt, CASE WHEN $2 THEN (SELECT value FROM contents WHERE hash = a.data) END AS data, a.data AS kept, `+trail.VoucherOf+`
		FROM artifacts a JOIN runs r ON r.request_id = a.request_id LEFT JOIN LATERAL (SELECT * FROM events WHERE stream = 'request:' || a.request_id AND at = r.finished_at AND kind = 'finished'
			ORDER BY seq LIMIT 1) e ON true
		WHERE a.request_id = $1 ORDER BY a.seq`, id, content)
}

// History is what was said in the session about the requests before this one,
// oldest first, and before that in the threads that were handed over to it. A result that
// came after this question was asked belongs to it, too: it is there by the time that
// somebody answers. Of several versions of a program only the last was answered for.
func (s *requests) History(ctx context.Context, id string) (past thread.Past, err error) {
	err = s.read(ctx, func(tx pgx.Tx) error {
		var session string
		if err := tx.QueryRow(ctx, `SELECT coalesce(max(session_id), '') FROM requests WHERE id = $1`, id).Scan(&session); err != nil {
			return err
		}
		from, err := s.sourcesOf(ctx, tx, session)
		if err != nil {
			return err
		}
		past = thread.Past{}
		if past.Said, err = saidIn(ctx, tx, id, from); err != nil {
			return err
		}
		made, err := pg.All[trail.SummaryRow](ctx, tx, `
			SELECT `+trail.EventColumns+`, coalesce(said(data::jsonb #>> '{text,salted_sha256}'), '') AS words
			FROM requests this JOIN requests q ON q.session_id = this.session_id
			JOIN events e ON e.stream = 'request:' || q.id AND e.kind IN ('summarised', 'not summarised')
			WHERE this.id = $1 -- whether one tells of what was taken back, the thread knows: Of is no longer all in Said
			ORDER BY e.at, e.stream, e.seq`, id)
		if err != nil {
			return err
		}
		past.Summaries, err = s.notary.Summaries(made)
		return err
	})
	return past, pg.While(err, "history of %s", id)
}

// saidIn is what was said before a request in its session, and in the threads that were handed over to
// it: of those the questions, the code, and the results that their giver named, until they were handed over.
func saidIn(ctx context.Context, tx pgx.Tx, id string, from sources) (said []approval.Message, err error) {
	said, err = pg.All[approval.Message](ctx, tx, `
		WITH known AS (
			SELECT session_id, 'infinity'::timestamptz AS until, true AS own, created_at, id FROM requests WHERE id = $1
			UNION ALL SELECT came.session_id, came.until, false, came.until, '' FROM unnest($2::text[], $3::timestamptz[]) came (session_id, until))
		SELECT m.request_id, m.role, said(m.text) AS text, m.at, nullif(said(x.result), '')::jsonb AS result, coalesce(said(v.code), '') AS code,
			NOT known.own OR earlier.state NOT IN (SELECT from_state FROM moves) AS ended
		FROM known
		JOIN requests earlier ON earlier.session_id = known.session_id
			AND (earlier.created_at, earlier.id) < (known.created_at, known.id)
			AND (earlier.seek IS NULL OR earlier.state = 'drafting') -- not what was never found
			AND earlier.repeats IS NULL -- what is repeated says nothing new
			AND NOT EXISTS (SELECT FROM takebacks t WHERE t.request_id = earlier.id) -- nothing rests on what was taken back
		JOIN messages m ON m.session_id = known.session_id AND m.request_id = earlier.id AND m.at <= known.until
			AND (known.own OR m.role <> 'result' OR m.request_id = ANY ($4::text[]))
		LEFT JOIN runs x ON x.request_id = m.request_id AND m.role = 'result'
		LEFT JOIN revisions v ON v.request_id = x.request_id AND v.number = x.revision
		WHERE m.role <> 'next' AND NOT (m.role = 'code' AND EXISTS (SELECT FROM messages later
			WHERE later.session_id = m.session_id AND later.request_id = m.request_id AND later.role = 'code' AND later.seq > m.seq AND later.at <= known.until))
		ORDER BY m.seq`, id, pg.OrEmpty(from.Sessions), from.Until, pg.OrEmpty(from.Answers))
	return pg.OrNil(said), err
}

// open says of a row of requests that it has not ended, in the words of the indexes of these.
const open = `state IN ('drafting', 'asking', 'pending', 'approved', 'running')`

// Recent lists an asker's latest requests, open ones first, then the newest first.
func (l *lists) Recent(ctx context.Context, team, asker string, limit int) ([]*approval.Request, error) {
	list, err := l.load(ctx, `
		SELECT id FROM (
			(SELECT id, true AS open, created_at FROM requests WHERE team = $1 AND asker = $2 AND `+open+` ORDER BY created_at DESC, id LIMIT $3)
			UNION ALL
			(SELECT id, false, created_at FROM requests WHERE team = $1 AND asker = $2 AND NOT `+open+` ORDER BY created_at DESC, id LIMIT $3)) AS latest
		ORDER BY open DESC, created_at DESC, id LIMIT $3`, team, asker, limit)
	return list, pg.While(err, "list the requests of %s", asker)
}

// Pending lists what waits for reviewers in a workspace, newest first.
func (l *lists) Pending(ctx context.Context, team string, limit int) ([]*approval.Request, error) {
	list, err := l.load(ctx, `SELECT id FROM requests WHERE team = $1 AND state = 'pending' ORDER BY created_at DESC, id LIMIT $2`, team, limit)
	return list, pg.While(err, "list what waits in %s", team)
}

// Unended lists the requests that have not ended.
func Unended(ctx context.Context, db *DB) (ids []string, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id FROM requests WHERE `+open+` ORDER BY created_at, id`)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return ids, pg.While(err, "list what has not ended")
}
