package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/budget"
	"countersign/storage/money"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// The rows as they are scanned; what they mean stands at the types of approval.

// requestRow is a request without what hangs on it.
type requestRow struct {
	ID        string
	SessionID string
	Team      string
	Project   string
	Asker     string
	Question  string
	Model     string
	Files     []approval.File
	Readings  []readingOf
	Authors   []string
	Trigger   string
	State     approval.State
	Reason    *approval.Reason
	Place     int
	Attempts  int
	Refused   []approval.Refusal
	Revision  *int
	CreatedAt time.Time
	ChangedAt time.Time
	ExpiresAt *time.Time

	Blocked     *approval.Block
	Chosen      *approval.Chosen
	Downgraded  *approval.Downgraded
	Fallback    *approval.Fallback
	Ready       *approval.Ready
	Rounds      int
	Edit        *approval.Edit
	Written     *approval.Written
	Assignee    string
	Opinions    []string
	RemindedAt  *time.Time
	EscalatedAt *time.Time

	Seek     *approval.Seek
	Away     *approval.Away
	Cause    *approval.Cause
	Guest    bool
	Shared   bool
	LookedAt *time.Time

	Clarified []approval.Message
	Private   bool
	More      bool

	Version int64
	Now     time.Time
	Ended   *string
	Noticed []string
}

// revisionRow is a version of code, with the event that vouches for its digest.
type revisionRow struct {
	RequestID     string
	Number        int
	Code          string
	Summary       string
	Author        string
	Provider      string
	Host          string
	PromptVersion string
	Findings      []approval.Finding
	FindingsNamed *string // where they stand
	Ran           bool    // it is approved and has no run, and its trail says that this version was started
	Manifest      string
	Digest        string
	Quote         budget.USD
	At            time.Time
	trail.Voucher
}

// decisionRow is a decision, with the event that vouches for it.
type decisionRow struct {
	RequestID string
	Revision  int
	Digest    string
	Reviewer  string
	Verdict   approval.Verdict
	Reason    string
	At        time.Time
	Click     approval.Click
	InPlaceOf string
	Clicked   string // as it stands
	trail.Voucher
}

// decision is the row as the core knows it. Whether it counts is doubtsDecision's to say.
func (d decisionRow) decision() approval.Decision {
	return approval.Decision{RequestID: d.RequestID, Revision: d.Revision, Digest: d.Digest, Reviewer: d.Reviewer, Verdict: d.Verdict,
		Reason: d.Reason, At: d.At, Click: d.Click, InPlaceOf: d.InPlaceOf}
}

// runRow is a run, with the event that it has started, which alone spends an approval, and that of its end, which alone makes a result.
type runRow struct {
	RequestID  string
	BoxID      string
	StartedAt  time.Time
	BegunAt    *time.Time
	StoppedAt  *time.Time
	StoppedBy  *string
	FinishedAt *time.Time
	Result     *approval.Result
	ResultIn   *string // where it stands
	Digest     string
	trail.Voucher
	EndLine, EndKey, EndSignature *string
}

// loaded is a request as it was at a moment, of which the version tells whether it still is.
type loaded struct {
	*approval.Request
	version int64
	now     time.Time // the database's clock
	read    time.Time // when it was read, by this machine's
	trail   string    // where its trail ends (trail.EndAt)
	noticed []string  // keys of the notices about it
	number  int       // of its revision; 0: it has none
	more    bool      // there is what few requests have (addRare), and it was not read
	told    int64     // its last event, once what happened has been queued
}

// tick carries the database's clock on to this moment.
func (l *loaded) tick() {
	// By this machine's clock only how long ago it was is measured. The moment itself is the database's.
	t := time.Now()
	l.now, l.read = pg.Micro(l.now.Add(t.Sub(l.read))), t
}

// late is how far behind the clock of its transaction a write may be: as long as Postgres
// takes to answer, and to let it have its locks.
const late = 2 * time.Second

// addTime begins a write anew that comes later than it says, or after the end of the
// wait that its request was in: it may have waited for its locks.
func addTime(b *pgx.Batch, now, ends time.Time) {
	b.Queue(pg.TellTime).QueryRow(func(row pgx.Row) error {
		var at time.Time
		err := row.Scan(&at)
		// Either the write came much later than the moment it was decided by, or in between the wait has ended: what was
		// decided, such as "in time", may not be so any more. Both are found before anything is committed.
		if err == nil && (at.Sub(now).Abs() > late || !ends.IsZero() && now.Before(ends) && !at.Before(ends)) {
			err = errMoved
		}
		return err
	})
}

// clarifiedOf is what the model of a row of requests has asked its asker, and what they said.
const clarifiedOf = `(SELECT coalesce(jsonb_agg(jsonb_build_object('role', m.role, 'text', said(m.text), 'at', m.at) ORDER BY m.seq), '[]')
	FROM messages m WHERE m.session_id = requests.session_id AND m.request_id = requests.id AND m.role IN ('clarify', 'clarified'))`

// addRequest reads a request with its current revision, the decisions on that, its run and its open holds. What few requests
// have it reads only where it is told to read all; else into says whether it has left something out (see whole).
func (c *core) addRequest(b *pgx.Batch, id string, into *loaded, all bool) {
	addRow(c, b, id, into)
	addVersion(c, b, id, into)
	if all {
		addRare(c, b, id, into)
	}
}

// addRow reads a request as it is before there is any code.
func addRow(c *core, b *pgx.Batch, id string, into *loaded) {
	pg.Ask(b, func(rows []requestRow) error {
		if len(rows) == 0 {
			return approval.ErrNotFound
		}
		row := rows[0]
		// All of it is set anew: the lists that the queries below append to begin empty where a look is repeated.
		*into = loaded{version: row.Version, now: row.Now, read: time.Now(), trail: pg.OrZero(row.Ended), noticed: row.Noticed, number: pg.OrZero(row.Revision), more: row.More, Request: &approval.Request{
			ID: row.ID, SessionID: row.SessionID, Team: row.Team, Project: row.Project, Asker: row.Asker, Question: row.Question,
			Model: row.Model, Files: pg.OrNil(withReadings(row.Files, row.Readings)), Trigger: row.Trigger, State: row.State, Reason: pg.OrZero(row.Reason), Place: row.Place, Attempts: row.Attempts,
			CreatedAt: row.CreatedAt, ChangedAt: row.ChangedAt, ExpiresAt: pg.OrZero(row.ExpiresAt), Refused: pg.OrNil(row.Refused), Authors: pg.OrNil(row.Authors),
			Blocked: row.Blocked, Chosen: row.Chosen, Downgraded: row.Downgraded, Fallback: row.Fallback, Ready: row.Ready,
			Rounds: row.Rounds, Edit: row.Edit, Written: row.Written, Assignee: row.Assignee, Opinions: pg.OrNil(row.Opinions),
			RemindedAt: pg.OrZero(row.RemindedAt), EscalatedAt: pg.OrZero(row.EscalatedAt),
			Seek: row.Seek, Away: row.Away, Cause: row.Cause, Guest: row.Guest, Shared: row.Shared, LookedAt: pg.OrZero(row.LookedAt), Clarified: approval.Clarified(row.Clarified), Private: row.Private,
		}}
		return nil
	}, `
		SELECT id, session_id, team, project, asker, said(question) AS question, model, files, `+readingsOf+` AS readings,
			ARRAY(SELECT DISTINCT v.author FROM revisions v WHERE v.request_id = requests.id AND v.number < requests.revision ORDER BY v.author) AS authors, trigger, state, reason, place, attempts, refused,
			revision, created_at, changed_at, expires_at, blocked, chosen, downgraded, fallback, ready,
			rounds, edit, written, assignee, opinions, reminded_at, escalated_at, seek, away, cause, guest, shared, looked_at, version, clock_timestamp() AS now,
			`+clarifiedOf+` AS clarified, private_to <> '' AS private, `+rareOf+` AS more, `+trail.End+` AS ended,
			ARRAY(SELECT n.key FROM notices n WHERE n.request_id = requests.id ORDER BY n.key) AS noticed
		FROM requests WHERE id = $1`, id)
	// These two are lists of their own and come in the same trip.
	money.AddOpen(b, id, func(h budget.OpenHold) { into.Holds = append(into.Holds, h) })
	money.AddTopUps(b, id, func(t approval.TopUp) { into.TopUps = append(into.TopUps, t) })
}

// addVersion reads the code, and what became of it. Of a request that has no revision there is none of it.
func addVersion(c *core, b *pgx.Batch, id string, into *loaded) {
	c.addRevision(b, id, 0, func(rev *approval.Revision) { into.Revision = rev })
	pg.Ask(b, func(rows []decisionRow) error {
		for _, row := range rows {
			d := row.decision()
			// It is kept, and marked: a card shows that somebody has forged one, and nobody counts it.
			d.Unsigned = c.doubtsDecision(d, row.Clicked, row.Voucher)
			into.Decisions = append(into.Decisions, d)
		}
		return nil
	}, `
		SELECT d.request_id, d.revision, d.digest, d.reviewer, d.verdict, said(d.reason) AS reason, d.at, d.click, d.click::text AS clicked, coalesce(d.in_place_of, '') AS in_place_of, `+trail.VoucherOf+`
		FROM decisions d JOIN requests q ON q.id = d.request_id AND q.revision = d.revision
		LEFT JOIN LATERAL (SELECT * FROM events WHERE stream = 'request:' || d.request_id AND at = d.at AND actor = d.reviewer
			AND kind IN ('approved', 'rejected', 'changes requested') ORDER BY seq LIMIT 1) e ON true
		WHERE q.id = $1 ORDER BY d.at, d.reviewer`, id)
	addWishes(b, id, into)
	// Without the files that came out of it: those are large, and Artifacts alone reads them.
	pg.Ask(b, func(rows []runRow) error {
		for _, row := range rows { // one at most: it is the primary key
			into.Run = &approval.Run{RequestID: row.RequestID, BoxID: row.BoxID, StartedAt: row.StartedAt, BegunAt: pg.OrZero(row.BegunAt),
				StoppedAt: pg.OrZero(row.StoppedAt), StoppedBy: pg.OrZero(row.StoppedBy), FinishedAt: pg.OrZero(row.FinishedAt), Result: row.Result, Unsigned: c.doubtsRun(row)}
			if row.Result != nil && c.doubtsResult(row) {
				into.Run.Result = &approval.Result{} // like one that is forgotten: nobody reads a word of it
			}
		}
		return nil
	}, `
		SELECT request_id, box_id, started_at, begun_at, stopped_at, stopped_by, finished_at, digest, result AS result_in,
			CASE WHEN result IS NOT NULL THEN coalesce(nullif(said(result), ''), '{}')::jsonb END AS result, `+trail.VoucherOf+`,
			event_line(f.stream, f.seq, f.at, f.actor, f.kind, f.data, f.prev_hash) AS end_line, f.key AS end_key, f.signature AS end_signature
		FROM runs r LEFT JOIN LATERAL (SELECT * FROM events WHERE stream = 'request:' || r.request_id AND at = r.started_at AND kind = 'started'
			ORDER BY seq LIMIT 1) e ON true
		LEFT JOIN LATERAL (SELECT * FROM events WHERE stream = 'request:' || r.request_id AND at = r.finished_at AND kind = 'finished'
			ORDER BY seq LIMIT 1) f ON true
		WHERE request_id = $1`, id)
}

// addRevision reads the current revision, or one before it. The manifest is read
// from the text that was hashed, so that a revision that was tampered with is not Intact.
func (c *core) addRevision(b *pgx.Batch, id string, before int, take func(*approval.Revision)) {
	pg.Ask(b, func(rows []revisionRow) error {
		for _, row := range rows {
			rev := &approval.Revision{RequestID: row.RequestID, Number: row.Number, Code: row.Code, Summary: row.Summary,
				Author: row.Author, Provider: row.Provider, Host: row.Host, PromptVersion: row.PromptVersion, Findings: pg.OrNil(row.Findings), Digest: row.Digest, Quote: row.Quote, At: row.At}
			// A manifest that was forgotten is "{}", which has no digest of any seal: nothing can be approved or run by it.
			if err := json.Unmarshal([]byte(row.Manifest), &rev.Manifest); err != nil {
				return fmt.Errorf("read the manifest of revision %d of %s: %w", row.Number, id, err)
			}
			// Only an owner of the database takes a run away. Its approval is spent all the same: one that is taken back (Unstart) has another version.
			rev.Unsigned = c.doubtsRevision(row) || row.Ran
			take(rev)
		}
		return nil
	}, `
		SELECT v.request_id, v.number, said(v.code) AS code, said(v.summary) AS summary, v.author, v.provider, v.host, v.prompt_version,
			coalesce(nullif(said(v.findings), ''), '[]')::jsonb AS findings, coalesce(nullif(said(v.manifest), ''), '{}') AS manifest, v.digest, v.quote, v.at,
			v.findings AS findings_named, CASE WHEN q.state = 'approved' AND $2 = 0 THEN NOT EXISTS (SELECT FROM runs WHERE request_id = q.id) AND EXISTS (SELECT FROM events s
				WHERE s.stream = 'request:' || q.id AND s.kind = 'started' AND (s.data::jsonb ->> 'revision')::integer = q.revision) ELSE false END AS ran, `+trail.VoucherOf+`
		FROM revisions v JOIN requests q ON q.id = v.request_id AND v.number = q.revision - $2
		LEFT JOIN LATERAL (SELECT * FROM events WHERE stream = 'request:' || v.request_id AND at = v.at AND kind IN ('drafted', 'sealed anew')
			ORDER BY seq LIMIT 1) e ON true
		WHERE q.id = $1`, id, before)
}

// addWishes reads which versions reviewers wanted changed, and how, in their order.
func addWishes(b *pgx.Batch, id string, into *loaded) {
	pg.Ask(b, func(rows []approval.Wish) error { into.Wishes = pg.OrNil(rows); return nil }, `
		SELECT d.revision, said(v.code) AS code, d.reviewer AS by, said(d.reason) AS words, d.at, coalesce(d.in_place_of, '') AS in_place_of
		FROM decisions d JOIN revisions v ON v.request_id = d.request_id AND v.number = d.revision
		WHERE d.request_id = $1 AND d.verdict = 'changes' ORDER BY d.revision, d.at`, id)
}

// load reads the requests that a query names, in its order. It takes two trips, however many they are: one for
// the ids, because what belongs to a request is asked for by its id, and one for everything of all of them.
func (c *core) load(ctx context.Context, query string, args ...any) (list []*approval.Request, err error) {
	err = c.batched(ctx, pg.ReadOnly, true, func(t *pg.Tx) error {
		var ids []string
		pg.Ask(t.Batch, func(rows []struct{ ID string }) error {
			ids = nil
			for _, row := range rows {
				ids = append(ids, row.ID)
			}
			return nil
		}, query, args...)
		if err := t.Send(); err != nil {
			return err
		}
		// As many as there are ids, and never grown: each query of the batch keeps a pointer into it.
		all := make([]loaded, len(ids))
		list = make([]*approval.Request, len(ids))
		for i, id := range ids {
			c.addRequest(t.Batch, id, &all[i], false)
		}
		if err := t.Send(); err != nil {
			return err
		}
		for i, id := range ids {
			if list[i] = all[i].Request; all[i].more {
				addRare(c, t.Batch, id, &all[i]) // it goes with the end of the transaction
			}
		}
		return nil
	})
	return pg.OrNil(list), err
}

// doubtsDecision holds a decision against its signed event. A row that was written past Countersign approves nothing.
func (c *core) doubtsDecision(d approval.Decision, clicked string, v trail.Voucher) bool {
	return c.notary.Doubts(v, fmt.Sprintf("the decision of %s on revision %d of %s", d.Reviewer, d.Revision, d.RequestID), func(e trail.Witnessed) bool {
		return e.Stream == trail.StreamOf(d.RequestID) && e.Actor == d.Reviewer && e.Kind == trail.VerdictEvents[d.Verdict] && e.At.Equal(d.At) &&
			e.Says(map[string]string{"revision": strconv.Itoa(d.Revision), "digest": d.Digest, "in_place_of": d.InPlaceOf}) &&
			trail.SameJSON(e.Data["click"], clicked) // by which door, too: a run that another one approved waits
	})
}

// doubtsRevision does the same for a version. A seal that was renewed has an event of its own kind.
func (c *core) doubtsRevision(r revisionRow) bool {
	return c.notary.Doubts(r.Voucher, fmt.Sprintf("revision %d of %s", r.Number, r.RequestID), func(e trail.Witnessed) bool {
		return e.Stream == trail.StreamOf(r.RequestID) && (e.Kind == approval.EventDrafted || e.Kind == approval.EventSealedAnew) && e.At.Equal(r.At) &&
			e.Says(map[string]string{"revision": strconv.Itoa(r.Number), "digest": r.Digest, "findings_list": pg.OrZero(r.FindingsNamed)})
	})
}

// doubtsRun does the same for a run: a forged one would have an approval look used.
func (c *core) doubtsRun(r runRow) bool {
	return c.notary.Doubts(r.Voucher, "the run of "+r.RequestID, func(e trail.Witnessed) bool {
		return e.Stream == trail.StreamOf(r.RequestID) && e.Kind == approval.EventStarted && e.At.Equal(r.StartedAt) &&
			e.Says(map[string]string{"box": r.BoxID, "digest": r.Digest})
	})
}

// doubtsResult does the same for what came out: a forged end would have people read somebody's words as an answer.
func (c *core) doubtsResult(r runRow) bool {
	return c.notary.Doubts(trail.Voucher{Line: r.EndLine, Key: r.EndKey, Signature: r.EndSignature}, "the result of "+r.RequestID, func(e trail.Witnessed) bool {
		return e.Stream == trail.StreamOf(r.RequestID) && e.Kind == approval.EventFinished && e.At.Equal(pg.OrZero(r.FinishedAt)) &&
			e.Says(map[string]string{"result": pg.OrZero(r.ResultIn)})
	})
}

// doubtsFile does the same for a file of an answer.
func doubtsFile(c *core, id string, f artifactRow) bool {
	return c.notary.Doubts(f.Voucher, "a file of the answer of "+id, func(e trail.Witnessed) bool {
		files, _ := e.Data["files"].([]any)
		return e.Stream == trail.StreamOf(id) && e.Kind == approval.EventFinished && slices.ContainsFunc(files, func(one any) bool {
			file, _ := one.(map[string]any)
			return trail.Witnessed{Data: file}.Fact("content") == f.Kept
		})
	})
}
