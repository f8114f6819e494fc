package storage

import (
	"context"
	"fmt"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
)

// aloneKey names the lock of a step of a request; Stuck spells it the same way in SQL.
func aloneKey(id string, step approval.Step) string { return "alone " + string(step) + " " + id }

// Alone runs the work, unless another replica or goroutine is at the same step of the
// same request: then it returns steps.ErrBusy. The lock only avoids duplicate work;
// safety does not depend on it. It belongs to a session of Postgres, which frees it when
// the process dies; when the database goes away and comes back, whoever is at it here
// still is.
func (db *DB) Alone(ctx context.Context, id string, step approval.Step, work func(context.Context) error) error {
	key, mine := aloneKey(id, step), false
	if _, busy := db.busy.LoadOrStore(key, true); busy {
		return steps.ErrBusy
	}
	defer db.busy.Delete(key)
	conn, err := db.locks.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("lock step %s of %s: %w", step, id, err)
	}
	defer conn.Release()
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, key).Scan(&mine)
	if err != nil {
		return fmt.Errorf("lock step %s of %s: %w", step, id, err)
	}
	if !mine {
		return steps.ErrBusy
	}
	defer func() {
		// The caller's time may be up; the lock has to go all the same, if need be with its connection.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock(hashtextextended($1, 0))`, key); err != nil {
			_ = conn.Conn().Close(ctx)
		}
	}()
	return work(ctx)
}
