package storage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/storage/pg"
)

// waiting is what somebody could decide on, narrowed by a filter: $1 the team, $2
// the person, $3 channels, $4 a tier, $5 a channel, $6 the latest start, $7 a cost,
// $8 that what they could not decide on themselves is wanted, too. What they have decided is counted for each
// row: of NOT EXISTS the planner makes a list of all that they have ever decided. It is in its order first (%s) and then looked
// at row by row, so that whoever wants a page looks at a page.
const waiting = `
	FROM (SELECT * FROM requests WHERE team = $1 AND state = 'pending' ORDER BY %s OFFSET 0) q
	CROSS JOIN LATERAL (SELECT * FROM revisions WHERE request_id = q.id AND number = q.revision OFFSET 0) v
	WHERE q.expires_at > clock_timestamp() AND ($8 OR q.asker <> $2 AND v.author <> $2
		AND (SELECT count(*) FROM decisions d WHERE d.request_id = q.id AND d.revision = q.revision AND d.reviewer = $2) = 0)
		AND ($3::text[] IS NULL OR q.project = ANY ($3)) AND ($4 = '' OR v.tier = $4) AND ($5 = '' OR q.project = $5)
		AND ($6::timestamptz IS NULL OR v.at <= $6) AND v.cost_cap >= $7`

// orders are how a queue is sorted: by indexes, so that a page costs the same however many wait. Ids
// make it the same on every page.
var orders = map[steps.QueueOrder]string{
	steps.ByRisk: `waits_risk, waits_since, id`,
	steps.ByAge:  `waits_since, id`,
	steps.ByCost: `waits_cost DESC, waits_since, id`,
}

// inQueue is an order in the words of whoever reads the sorted rows.
func inQueue(order string) string { return "q." + strings.ReplaceAll(order, ", ", ", q.") }

// queueRow is a request that waits, as the list of a Home shows it.
type queueRow struct {
	ID        string
	Project   string
	Asker     string
	Question  string
	Number    int
	Tier      approval.Tier
	Dangers   int
	Lines     int
	CostCap   budget.USD
	Approvals int
	Needed    int
	At        time.Time
	ExpiresAt time.Time
}

// Queue is a page of what this person could decide on, or with All of what waits.
func (l *lists) Queue(ctx context.Context, team, user string, projects []string, f steps.QueueFilter, page int) (q steps.Queue, err error) {
	err = l.read(ctx, func(tx pgx.Tx) error {
		// The planner takes it that hardly anything is left for somebody to decide on, and would read all that waits and sort it; so it
		// has to go along an index of the order, and stops when it has enough.
		var now time.Time
		if err := tx.QueryRow(ctx, `SELECT clock_timestamp() FROM set_config('enable_sort', 'off', true)`).Scan(&now); err != nil {
			return err
		}
		var since *time.Time
		if f.Older > 0 {
			since = pg.Moment(now.Add(-f.Older))
		}
		args := []any{team, user, projects, f.Tier, f.Project, since, f.Cost, f.All}
		q = steps.Queue{Now: now}
		most := max(steps.QueueCounted, (page+2)*steps.QueuePage)
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM (SELECT `+fmt.Sprintf(waiting, orders[steps.ByAge])+` LIMIT $9) AS counted`, append(args, most+1)...).Scan(&q.Total); err != nil {
			return err
		}
		if q.Total > most {
			q.Total, q.More = most, true
		}
		q.Pages = max(1, (q.Total+steps.QueuePage-1)/steps.QueuePage)
		// A page that was there when the button was drawn may be gone: then the last one is shown.
		q.Page = max(0, min(page, q.Pages-1))
		// From a fixed list, since it becomes part of the statement: what comes from a button never does.
		order, ok := orders[f.Order]
		if !ok {
			order = orders[steps.ByRisk]
		}
		rows, err := pg.All[queueRow](ctx, tx, `
			SELECT q.id, q.project, q.asker, said(q.question) AS question, v.number, v.tier, v.lines, v.cost_cap, v.at, q.expires_at,
				v.dangers,
				approvals(q.id, q.revision) AS approvals, q.quorum AS needed
			`+fmt.Sprintf(waiting, order)+` ORDER BY `+inQueue(order)+` LIMIT $9 OFFSET $10`, append(args, steps.QueuePage, q.Page*steps.QueuePage)...)
		for _, r := range rows {
			q.Rows = append(q.Rows, steps.QueueRow{ID: r.ID, Project: r.Project, Asker: r.Asker, Question: r.Question, Revision: r.Number,
				Tier: r.Tier, Dangers: r.Dangers, Lines: r.Lines, Cost: r.CostCap, Approvals: r.Approvals, Needed: r.Needed,
				Since: r.At, ExpiresAt: r.ExpiresAt})
		}
		return err
	})
	return q, pg.While(err, "list what waits for %s", user)
}

// Statistics are about decisions since then. What one took counts from when its
// giver first opened the code to read it; where they did not, from when it was there. An approval did not stand when
// somebody said no to the same code later, or when it was taken back as not its
// giver's own.
func (l *lists) Statistics(ctx context.Context, team string, since time.Time) (list []steps.ReviewerStatistics, err error) {
	list, err = pg.List[steps.ReviewerStatistics](ctx, l.read, `
		WITH given AS (
			SELECT d.*, d.at - greatest(v.at, (SELECT min(e.at) FROM events e WHERE e.stream = 'request:' || d.request_id AND e.kind = '`+approval.OpenedReview+`'
				AND e.actor = d.reviewer AND (e.data::jsonb ->> 'revision')::integer = d.revision AND e.at <= d.at)) AS took, v.lines, v.code
			FROM decisions d JOIN requests q ON q.id = d.request_id JOIN revisions v ON v.request_id = d.request_id AND v.number = d.revision
			WHERE q.team = $1 AND d.at >= $2
		)
		SELECT reviewer, count(*) AS decisions, count(*) FILTER (WHERE verdict = 'approve') AS approvals,
			percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS median,
			count(*) FILTER (WHERE lines > 50) AS long, count(*) FILTER (WHERE lines > 50 AND took < interval '10 seconds') AS quick,
			count(*) FILTER (WHERE verdict = 'approve' AND (
				EXISTS (SELECT FROM decisions n JOIN revisions w ON w.request_id = n.request_id AND w.number = n.revision
					WHERE n.request_id = given.request_id AND n.verdict <> 'approve' AND n.at > given.at AND said(w.code) = said(given.code))
				OR EXISTS (SELECT FROM events e WHERE e.stream = 'request:' || given.request_id AND e.actor IN (given.reviewer, given.voice)
					AND e.kind IN ('disowned', 'disowned too late') AND (e.data::jsonb ->> 'revision')::integer = given.revision))) AS reversals
		FROM given GROUP BY reviewer ORDER BY decisions DESC, reviewer`, team, pg.Micro(since))
	return list, pg.While(err, "read how reviewers decide")
}

// Vetted lists the code that people have lately approved in a channel, newest
// first, to be compared with a new version: how alike they are says whoever compares. What was approved and then sent
// back to review is not among it.
func (l *lists) Vetted(ctx context.Context, team, project, without string, limit int) (list []steps.Near, err error) {
	list, err = pg.List[steps.Near](ctx, l.read, `
		SELECT v.request_id, v.number AS revision, 0 AS alike, said(r.question) AS question, said(v.code) AS code,
			(SELECT max(d.at) FROM decisions d WHERE d.request_id = v.request_id AND d.revision = v.number) AS at
		FROM (
			SELECT id, revision, question FROM requests
			WHERE team = $1 AND project = $2 AND id <> $3 AND private_to = '' -- nobody else learns what was asked alone
				AND state IN ('approved', 'running', 'done', 'lost')
			ORDER BY created_at DESC, id LIMIT $4) r
		JOIN revisions v ON v.request_id = r.id AND v.number = r.revision
		ORDER BY at DESC, v.request_id`, team, project, without, limit)
	return list, pg.While(err, "list what was approved in %s", project)
}
