package storage

import (
	"context"
	"fmt"

	"countersign/approval"
	"countersign/approval/steps"
)

// aloneKey names the lock of a step of a request; Stuck spells it the same way in SQL.
func aloneKey(id string, step approval.Step) string { return "alone " + string(step) + " " + id }

// Alone runs the work, unless another replica or goroutine is at the same step of the
// same request: then it returns steps.ErrBusy. The lock only avoids duplicate work;
// safety does not depend on it. It belongs to this replica's one session of Postgres
// (pulse.go), which ends with the process. When that session dies and another one comes,
// whoever is at it here still is, unless somebody else has begun meanwhile: then the work's
// context ends.
func (db *DB) Alone(ctx context.Context, id string, step approval.Step, work func(context.Context) error) error {
	key := aloneKey(id, step)
	if _, busy := db.busy.LoadOrStore(key, true); busy {
		return steps.ErrBusy
	}
	defer db.busy.Delete(key)
	working, taken := context.WithCancelCause(ctx)
	defer taken(nil)
	mine, err := db.pulse.lock(ctx, key, taken)
	if err != nil {
		return fmt.Errorf("lock step %s of %s: %w", step, id, err)
	}
	if !mine {
		return steps.ErrBusy
	}
	defer db.pulse.unlock(ctx, key)
	return work(working)
}
