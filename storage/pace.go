package storage

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/habits"
	"countersign/approval/review"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// openedRow is that somebody has opened the code, with the event that says so.
type openedRow struct {
	trail.Voucher
	Actor    string
	Revision int
	At       time.Time
}

// addPace reads who has opened the code of a request's current revision, and when; and which approvals of its tier were
// given in its workspace within the last hour, where anything bounds them: the settings do for high risk, rules may for any.
func (c *core) addPace(b *pgx.Batch, id string, into *review.Pace) {
	*into = review.Pace{}
	pg.Ask(b, func(rows []openedRow) error {
		into.Opened = nil
		for _, r := range rows {
			// The first opening counts: whoever opens the code again has it before their eyes since then.
			if _, had := into.Opened[r.Actor]; had || c.doubtsOpened(id, r) {
				continue
			}
			if into.Opened == nil {
				into.Opened = map[string]time.Time{}
			}
			into.Opened[r.Actor] = r.At
		}
		return nil
	}, `SELECT e.actor, q.revision, e.at, `+trail.VoucherOf+` FROM requests q JOIN events e ON e.stream = 'request:' || q.id
		WHERE q.id = $1 AND q.state = 'pending' AND e.kind = '`+approval.OpenedReview+`' AND (e.data::jsonb ->> 'revision')::integer = q.revision ORDER BY e.seq`, id)
	pg.Ask(b, func(rows []struct {
		Reviewer string
		At       time.Time
	}) error {
		into.Lately = nil
		for _, r := range rows {
			if into.Lately == nil {
				into.Lately = map[string][]time.Time{}
			}
			into.Lately[r.Reviewer] = append(into.Lately[r.Reviewer], r.At)
		}
		return nil
	}, `WITH here AS MATERIALIZED (SELECT q.team, v.tier FROM requests q JOIN revisions v ON v.request_id = q.id AND v.number = q.revision
			WHERE q.id = $1 AND q.state = 'pending' AND (v.tier = 'high' OR EXISTS (SELECT FROM rules r WHERE r.team = q.team AND r.document @? '$.*.hourly')))
		SELECT lately.* FROM here CROSS JOIN LATERAL (SELECT d.reviewer, d.at FROM decisions d
			JOIN requests o ON o.id = d.request_id AND o.team = here.team JOIN revisions w ON (w.request_id, w.number, w.tier) = (d.request_id, d.revision, here.tier)
			WHERE d.verdict = 'approve' AND d.at > now() - interval '1 hour' OFFSET 0) AS lately ORDER BY lately.at`, id)
}

// doubtsOpened holds it against its event: with a forged earlier time somebody would have read long enough.
func (c *core) doubtsOpened(id string, r openedRow) bool {
	return c.notary.Doubts(r.Voucher, fmt.Sprintf("that %s has opened revision %d of %s", r.Actor, r.Revision, id), func(e trail.Witnessed) bool {
		return e.Stream == trail.StreamOf(id) && e.Kind == approval.OpenedReview && e.Actor == r.Actor && e.At.Equal(r.At) && e.Says(map[string]string{"revision": strconv.Itoa(r.Revision)})
	})
}

// Habits are the approvals that people have given.
type Habits struct{ db *core }

// HabitsOf are those in a database.
func HabitsOf(db *DB) Habits { return Habits{db.core} }

// Given are the approvals of a stretch of time, oldest first. What one took counts as in Statistics.
func (h Habits) Given(ctx context.Context, team string, from, until time.Time) (list []habits.Given, err error) {
	list, err = pg.List[habits.Given](ctx, h.db.read, `
		SELECT d.request_id, d.asker, d.reviewer, v.lines, d.at, d.at - greatest(v.at, (SELECT min(e.at) FROM events e
			WHERE e.stream = 'request:' || d.request_id AND e.kind = '`+approval.OpenedReview+`' AND e.actor = d.reviewer
			AND (e.data::jsonb ->> 'revision')::integer = d.revision AND e.at <= d.at)) AS took
		FROM decisions d JOIN requests q ON q.id = d.request_id JOIN revisions v ON v.request_id = d.request_id AND v.number = d.revision
		WHERE q.team = $1 AND d.verdict = 'approve' AND d.at >= $2 AND d.at < $3 ORDER BY d.at, d.request_id, d.reviewer`, team, pg.Micro(from), pg.Micro(until))
	return list, pg.While(err, "list who has approved in %s", team)
}
