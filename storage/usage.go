package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/budget"
)

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
func (db *DB) Usage(ctx context.Context, from, to time.Time) (list []Usage, err error) {
	err = db.read(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('TimeZone', $1, true)`, db.location.String()); err != nil {
			return fmt.Errorf("read on the calendar of %s: %w", db.location, err)
		}
		list, err = all[Usage](ctx, tx, `
			SELECT team, day, asker, project, kind, model, charges, estimated, input_tokens, cached_tokens, output_tokens, box_ms, amount
			FROM usage WHERE day BETWEEN $1::date AND $2::date ORDER BY day, team, asker, project, kind, model`,
			from.Format(time.DateOnly), to.Format(time.DateOnly))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the usage from %s to %s: %w", from.Format(time.DateOnly), to.Format(time.DateOnly), err)
	}
	return list, nil
}
