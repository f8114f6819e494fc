package money

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/budget"
	"countersign/storage/pg"
)

// Days are what a workspace spent on each day of its calendar, from one moment until before
// another, both of them midnights there. They are read from the balances, as budgets are, without what an
// administrator has said after a copy was put back: that was spent on days of which nobody knows.
func (l *Ledger) Days(ctx context.Context, team string, from, until time.Time) (days []budget.DaySpent, err error) {
	type row struct {
		Day    time.Time
		Amount budget.USD
	}
	err = l.pool.Read(ctx, func(tx pgx.Tx) error {
		// Quarters, not days of UTC: a midnight of the team's calendar falls into the middle of those.
		rows, err := pg.All[row](ctx, tx, `
			SELECT (start AT TIME ZONE $4)::date AS day, sum(spent)::bigint AS amount FROM (
				SELECT start, spent FROM balances WHERE team = $1 AND kind = 'team' AND id = $1 AND grain = 'quarter' AND start >= $2 AND start < $3
				UNION ALL
				SELECT s.at, -c.amount FROM settlements s JOIN charges c USING (hold_id)
				WHERE s.team = $1 AND s.request_id IS NULL AND s.at >= $2 AND s.at < $3 AND c.what = $5) AS all_of_it (start, spent)
			GROUP BY 1 HAVING sum(spent) > 0 ORDER BY 1`, team, from, until, l.location.String(), budget.AfterCopy)
		days = nil // a read that was cut off is made again
		for _, r := range rows {
			y, m, d := r.Day.Date()
			noon := time.Date(y, m, d, 12, 0, 0, 0, l.location) // a date has a noon wherever its clocks are changed
			days = append(days, budget.DaySpent{Day: noon, Amount: r.Amount})
		}
		return err
	})
	return days, pg.While(err, "add up the days of %s", team)
}

// Bookings calls take with each charge that was settled from one date to another, both
// included, on the calendar of the team's time zone, in the order of the ledger. However
// many there are, they are never in memory together.
func (l *Ledger) Bookings(ctx context.Context, from, to time.Time, take func(budget.Booking) error) error {
	begun := false
	err := l.pool.Read(ctx, func(tx pgx.Tx) error {
		if begun { // a read that broke off is made again elsewhere; here lines would be taken twice
			return &pg.FinalError{Err: errors.New("the connection was lost in the middle of the ledger: try again")}
		}
		rows, err := tx.Query(ctx, `
			SELECT s.team, s.at, coalesce((s.usage_of + time '12:00') AT TIME ZONE 'UTC', s.at) AS used, s.hold_id, c.line, coalesce(s.request_id, '') AS request_id, s.asker, s.session_id AS thread, s.project, h.purpose,
				c.kind, coalesce(nullif(c.model, ''), c.what) AS model, c.provider, c.host, c.input_tokens, c.cached_tokens, c.written_tokens, c.output_tokens, c.box_ms,
				c.amount, h.amount AS held, s.estimated,
				h.purpose = 'ready' AND EXISTS (SELECT FROM requests q JOIN runs r ON r.request_id = q.id WHERE q.id = s.request_id AND q.ready ->> 'hold' = s.hold_id AND q.ready ->> 'box' = r.box_id) AS joint
			FROM settlements s JOIN charges c USING (hold_id) JOIN holds h ON h.id = s.hold_id
			WHERE s.at >= ($1::date)::timestamp AT TIME ZONE $3 AND s.at < ($2::date + 1)::timestamp AT TIME ZONE $3
			ORDER BY s.at, s.hold_id, c.line`, from.Format(time.DateOnly), to.Format(time.DateOnly), l.location.String())
		if err != nil {
			return err
		}
		// Row by row from the wire: take writes each on, and a ledger of years would not fit.
		defer rows.Close()
		for rows.Next() {
			b, err := pgx.RowToStructByName[budget.Booking](rows)
			if err != nil {
				return err
			}
			begun = true
			if err := take(b); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	return pg.While(err, "read the ledger from %s to %s", from.Format(time.DateOnly), to.Format(time.DateOnly))
}
