package money

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/storage/pg"
)

// ThreadScope is the budget of a thread.
func (l *Ledger) ThreadScope(ctx context.Context, team, channel, threadTS string) (budget.Scope, error) {
	scope := budget.Scope{Team: team, Kind: budget.Session}
	err := l.pool.Look(ctx, func(b *pgx.Batch) {
		pg.Tell(b, []any{&scope.ID}, `SELECT id FROM sessions WHERE team = $1 AND channel = $2 AND thread_ts = $3`, team, channel, threadTS)
	})
	return scope, pg.While(err, "budget of thread %s", threadTS)
}

// Thread is where the thread of a session is.
func (l *Ledger) Thread(ctx context.Context, team, id string) (approval.Session, error) {
	s := approval.Session{ID: id, Team: team}
	err := l.pool.Look(ctx, func(b *pgx.Batch) {
		pg.Tell(b, []any{&s.Channel, &s.ThreadTS}, `SELECT channel, coalesce(thread_ts, '') FROM sessions WHERE id = $1 AND team = $2`, id, team)
	})
	return s, pg.While(err, "thread of session %s", id)
}

// TypicalRun returns the median life of the boxes of a workspace's latest fifty runs, and
// how many runs there were.
func (l *Ledger) TypicalRun(ctx context.Context, team string) (box time.Duration, runs int, err error) {
	err = l.pool.Look(ctx, func(b *pgx.Batch) {
		pg.Tell(b, []any{&box, &runs}, `
			SELECT coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY box), 0), count(*) FROM (
				SELECT runs.box FROM runs JOIN requests ON requests.id = runs.request_id
				WHERE runs.finished_at IS NOT NULL AND requests.team = $1 ORDER BY runs.finished_at DESC LIMIT 50) AS latest`, team)
	})
	return box, runs, pg.While(err, "read the latest runs")
}

// ranked is what spenders are told apart by: which balances are theirs, and what names them there and in the
// ledger. $1 is the workspace, $2 its time zone.
type ranked struct{ whose, balance, ledger string }

// rankings has a column of balances and one of the ledger for each ranking: the balances carry all but the edges of a span.
var rankings = map[steps.Ranking]ranked{
	steps.ByPeople:   {"kind = 'user'", "id", "s.asker"},
	steps.ByChannels: {"kind = 'project'", "id", "s.project"},
	steps.ByModels:   {"kind = 'model'", "id", "coalesce(nullif(c.model, ''), c.what)"},
	steps.ByDays:     {"kind = 'team' AND id = $1", "(start AT TIME ZONE $2)::date::text", "(s.at AT TIME ZONE $2)::date::text"},
}

// Top ranks what money was spent on, or by whom, from one moment until before another.
// The largest comes first; of days, the latest.
func (l *Ledger) Top(ctx context.Context, team string, by steps.Ranking, from, until time.Time) (list []steps.Spender, err error) {
	err = l.pool.Read(ctx, func(tx pgx.Tx) error {
		list, err = l.top(ctx, tx, team, by, from, until)
		return err
	})
	return list, pg.While(err, "rank the %s", by)
}

// top adds up balances, as standings do: what it reads is as much as there are spenders and days, however much they did.
// Days of the team's calendar begin in a quarter of an hour, and are made of these.
func (l *Ledger) top(ctx context.Context, tx pgx.Tx, team string, by steps.Ranking, from, until time.Time) ([]steps.Spender, error) {
	what, ok := rankings[by]
	if !ok {
		return nil, fmt.Errorf("there is no ranking %q", by)
	}
	order, s := "amount DESC, id", spanOf(from, until)
	// A day of UTC may be parts of two days of the team's calendar, so days are made of quarters alone.
	if by == steps.ByDays {
		order, s.daysFrom, s.daysUntil = "id DESC", s.quartersFrom, s.quartersFrom
	}
	args := []any{team, l.location.String(), s.quartersFrom, s.daysFrom, s.daysUntil, s.quartersUntil}
	for _, edge := range append(s.edges(), [2]time.Time{}, [2]time.Time{})[:2] { // the empty ones hold nothing
		args = append(args, edge[0], edge[1])
	}
	balances := `SELECT ` + what.balance + ` AS id, spent AS amount FROM balances WHERE team = $1 AND ` + what.whose
	// The charges of each settlement are looked up by themselves: for a quarter of an hour the planner would read all there are.
	charges := `SELECT ` + what.ledger + `, c.amount FROM settlements s CROSS JOIN LATERAL (SELECT model, what, amount FROM charges WHERE hold_id = s.hold_id OFFSET 0) c WHERE s.team = $1 AND s.at `
	return pg.All[steps.Spender](ctx, tx, `
		SELECT id, sum(amount)::bigint AS amount FROM (
			`+balances+` AND grain = 'day' AND start >= $4 AND start < $5
			UNION ALL `+balances+` AND grain = 'quarter' AND start >= $3 AND start < $4
			UNION ALL `+balances+` AND grain = 'quarter' AND start >= $5 AND start < $6
			UNION ALL `+charges+`>= $7 AND s.at < $8
			UNION ALL `+charges+`>= $9 AND s.at < $10) AS all_of_it
		WHERE $2 <> '' GROUP BY 1 HAVING sum(amount) > 0 ORDER BY `+order+` LIMIT 400`, args...)
}

// Digest adds up what happened in a stretch of time. All of it is read at one moment, so its figures agree with one another.
func (l *Ledger) Digest(ctx context.Context, team string, from, until time.Time) (d steps.Digest, err error) {
	err = l.pool.Read(ctx, func(tx pgx.Tx) error {
		d = steps.Digest{From: from, Until: until, Outcomes: map[approval.State]int{}}
		for by, list := range map[steps.Ranking]*[]steps.Spender{steps.ByPeople: &d.People, steps.ByChannels: &d.Projects, steps.ByModels: &d.Models} {
			if *list, err = l.top(ctx, tx, team, by, from, until); err != nil {
				return err
			}
		}
		// The rankings end somewhere; the sum does not.
		err = tx.QueryRow(ctx, `SELECT coalesce(sum(amount), 0)::bigint FROM settlements WHERE team = $1 AND at >= $2 AND at < $3`,
			team, from, until).Scan(&d.Total)
		if err != nil {
			return err
		}
		if d.Limits, err = l.stood(ctx, tx, team, d.People, until); err != nil {
			return err
		}
		// A run was quoted with the revision that ran. What was settled before its start was held for one that did not.
		err = tx.QueryRow(ctx, `
			SELECT count(*), coalesce(sum(v.quote), 0)::bigint, coalesce(sum(s.amount), 0)::bigint,
				coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(s.amount - v.quote)::float8 / v.quote), 0),
				coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY abs(s.amount - v.quote)::float8 / v.quote), 0)
			FROM settlements s JOIN holds h ON h.id = s.hold_id JOIN runs u ON u.request_id = s.request_id
			JOIN revisions v ON v.request_id = u.request_id AND v.number = u.revision
			WHERE s.team = $1 AND s.at >= $2 AND s.at < $3 AND h.purpose = 'run' AND v.quote > 0 AND s.at >= u.started_at`, team, from, until).Scan(&d.Runs, &d.Quoted, &d.Actual, &d.Off, &d.OffP95)
		if err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `
			SELECT count(DISTINCT r.id) FROM events e JOIN requests r ON e.stream = 'request:' || r.id
			WHERE e.kind = 'blocked' AND e.at >= $2 AND e.at < $3 AND r.team = $1`, team, from, until).Scan(&d.Refused)
		if err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `SELECT count(*) FROM holds WHERE team = $1 AND at >= $2 AND at < $3`, team, from, until).Scan(&d.Paid)
		if err != nil {
			return err
		}
		type outcome struct {
			State approval.State
			N     int
		}
		rows, err := pg.All[outcome](ctx, tx, `
			SELECT state, count(*)::int AS n FROM requests WHERE team = $1 AND created_at >= $2 AND created_at < $3 GROUP BY state`, team, from, until)
		for _, row := range rows {
			d.Requests, d.Outcomes[row.State] = d.Requests+row.N, row.N
		}
		return err
	})
	return d, pg.While(err, "add up from %s", from.Format(time.DateOnly))
}

// stood are the budgets as they stood just before a moment: those that are set, and
// of everybody who has spent. What was held then nobody knows any more: holds are kept as they stand now.
func (l *Ledger) stood(ctx context.Context, tx pgx.Tx, team string, people []steps.Spender, end time.Time) ([]budget.Standing, error) {
	scopes, err := pg.All[budget.Scope](ctx, tx, `SELECT team, kind, id FROM limits WHERE team = $1 AND amount IS NOT NULL`, team)
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		// What the house itself tries stands under its name in reports, and has no limit.
		if p.ID == house {
			continue // nobody's budget
		}
		scopes = append(scopes, budget.Scope{Team: team, Kind: budget.User, ID: p.ID})
	}
	// At the end itself the next window has begun, in which nothing was spent yet.
	standings, err := l.till.standingsUntil(ctx, tx, scopes, end.Add(-time.Microsecond), end)
	for i := range standings {
		standings[i].Held = 0
	}
	return standings, err
}

// Teams are the workspaces that have asked something, each with when it first did: from one to the next
// in the index, because every sweep asks.
func (l *Ledger) Teams(ctx context.Context) (teams map[string]time.Time, err error) {
	err = l.pool.Read(ctx, func(tx pgx.Tx) error {
		type first struct {
			Team string
			At   time.Time
		}
		// A loose index scan: DISTINCT would read every request there ever was.
		rows, err := pg.All[first](ctx, tx, `
			WITH RECURSIVE firsts AS (
				(SELECT team, created_at AS at FROM requests ORDER BY team, created_at LIMIT 1)
				UNION ALL
				SELECT next.team, next.at FROM firsts CROSS JOIN LATERAL (
					SELECT team, created_at AS at FROM requests WHERE team > firsts.team ORDER BY team, created_at LIMIT 1) AS next)
			SELECT team, at FROM firsts`)
		teams = map[string]time.Time{}
		for _, row := range rows {
			teams[row.Team] = row.At
		}
		return err
	})
	return teams, pg.While(err, "list the workspaces")
}

// Usage is what a user spent on a day in a project on a model or in a kind of box.
type Usage struct {
	Team         string
	Day          time.Time // midnight in UTC of that date on the team's calendar
	Asker        string
	Project      string
	Kind         budget.ChargeKind
	Model        string // what was billed; for a box, its kind
	Charges      int64
	Estimated    int64 // of the charges: nobody knows what was billed, so they are the whole hold
	InputTokens  int64
	CachedTokens int64 // of the input
	OutputTokens int64
	BoxMS        int64
	Amount       budget.USD
}

// Usage lists what was spent from one date to another, both included, on the
// calendar of the team's time zone. Only the dates of the two times count. All
// rows of all dates together are the ledger.
func (l *Ledger) Usage(ctx context.Context, from, to time.Time) (list []Usage, err error) {
	err = l.pool.Read(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('TimeZone', $1, true)`, l.location.String()); err != nil {
			return fmt.Errorf("read on the calendar of %s: %w", l.location, err)
		}
		list, err = pg.All[Usage](ctx, tx, `
			SELECT team, day, asker, project, kind, model, charges, estimated, input_tokens, cached_tokens, output_tokens, box_ms, amount
			FROM usage WHERE day BETWEEN $1::date AND $2::date ORDER BY day, team, asker, project, kind, model`,
			from.Format(time.DateOnly), to.Format(time.DateOnly))
		return err
	})
	return list, pg.While(err, "read the usage from %s to %s", from.Format(time.DateOnly), to.Format(time.DateOnly))
}
