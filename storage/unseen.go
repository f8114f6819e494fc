package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval/steps"
)

type unseenRow struct {
	RequestID string
	Surface   steps.Surface
	Channel   string
	Why       steps.Hindrance
	Code      string
	Stands    bool
	Times     int
	First     time.Time `db:"first_at"`
	Last      time.Time `db:"last_at"`
}

const unseenColumns = `request_id, surface, channel, why, code, stands, times, first_at, last_at`

// Refused remembers that Slack has refused a message, once more if it had before,
// and returns since when and how often it does. Another hindrance begins anew.
func (db *DB) Refused(ctx context.Context, u steps.Unseen) (kept steps.Unseen, err error) {
	err = db.writeByKey(ctx, func(tx pgx.Tx) error {
		row, err := one[unseenRow](ctx, tx, `
			INSERT INTO unseen AS had (`+unseenColumns+`) VALUES ($1, $2, $3, $4, $5, $6, 1, clock_timestamp(), clock_timestamp())
			ON CONFLICT (request_id, surface) DO UPDATE SET channel = excluded.channel, why = excluded.why, code = excluded.code,
				stands = excluded.stands, last_at = greatest(had.first_at, excluded.last_at),
				times = CASE had.why WHEN excluded.why THEN had.times + 1 ELSE 1 END,
				first_at = CASE had.why WHEN excluded.why THEN had.first_at ELSE excluded.first_at END
			RETURNING `+unseenColumns, u.RequestID, u.Surface, u.Channel, u.Why, text(u.Code), u.Stands)
		kept = steps.Unseen(row)
		return err
	})
	if err != nil {
		return u, fmt.Errorf("remember that Slack refuses the %s of %s: %w", u.Surface, u.RequestID, err)
	}
	return kept, nil
}

// Seen forgets it: Slack has taken the message.
func (db *DB) Seen(ctx context.Context, requestID string, surface steps.Surface) error {
	err := db.writeByKey(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM unseen WHERE request_id = $1 AND surface = $2`, requestID, surface)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget that Slack refused the %s of %s: %w", surface, requestID, err)
	}
	return nil
}
