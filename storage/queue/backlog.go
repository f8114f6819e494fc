package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/storage/pulse"
)

// Backlog is how the queue stands, for an operator.
type Backlog struct {
	Waiting  int           // jobs that are due and nobody has taken
	Oldest   time.Duration // how long the oldest of them has been due
	Replicas int           // who works on this database, by their pulse
}

// Backlog looks at it, by the database's clock.
func (j *Jobs) Backlog(ctx context.Context) (b Backlog, err error) {
	err = j.pool.Read(ctx, func(tx pgx.Tx) error {
		var seconds float64
		err := tx.QueryRow(ctx, `
			SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(scheduled_at)), 0),
				(SELECT count(DISTINCT application_name) FROM pg_stat_activity
					WHERE datname = current_database() AND application_name LIKE 'countersign pulse %')
			FROM river_job WHERE state IN ('available', 'retryable', 'scheduled') AND scheduled_at <= clock_timestamp()`).Scan(&b.Waiting, &seconds, &b.Replicas)
		b.Oldest = time.Duration(seconds * float64(time.Second))
		return err
	})
	if err != nil {
		return b, fmt.Errorf("look at the queue: %w", err)
	}
	return b, nil
}

// Offered tells whether any replica that works on this database has a sandbox, by the name under which
// replicas offer them (WorkOptions.Offers).
func (j *Jobs) Offered(ctx context.Context, sandbox string) (there bool, err error) {
	err = j.pool.Read(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, pulse.Offered, pulse.Offering(sandbox)).Scan(&there)
	})
	if err != nil {
		return false, fmt.Errorf("see which replicas have the sandbox: %w", err)
	}
	return there, nil
}
