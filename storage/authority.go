package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"countersign/approval/steps"
)

// Who may do what in a workspace has a version (authority, in the schema). A case is
// loaded with it, and an act holds it until it has committed: people and rules that
// change while Slack is asked are seen by the write.

// basis is what an act rests on beside the row of its request.
type basis struct {
	team    string
	version int64
}

// authorityKey names its lock. Whoever takes it and the lock of the roles takes it first.
func authorityKey(team string) string { return "authority " + team }

// queueAuthority reads it, beside the rest of a case.
func queueAuthority(b *pgx.Batch, of, key string, into *int64) {
	tell(b, []any{into}, `SELECT authority(`+of+`)`, key)
}

// queueHeld keeps the version as it is until the transaction ends, and begins the use
// case anew where it is another one. The lock comes in a statement of its own, so that
// the next one sees what those have committed who had it.
func queueHeld(b *pgx.Batch, on *basis) {
	if on == nil {
		return
	}
	b.Queue(shareLock, authorityKey(on.team))
	b.Queue(`SELECT authority($1)`, on.team).QueryRow(func(row pgx.Row) error {
		var now int64
		err := row.Scan(&now)
		if err == nil && now != on.version {
			err = steps.ErrOutdated
		}
		return err
	})
}

// lockAuthority waits for those who rest on it, before the clock is read: a change is
// then later than all that was decided without it.
func lockAuthority(ctx context.Context, tx pgx.Tx, team string) error {
	if _, err := tx.Exec(ctx, takeLock, authorityKey(team)); err != nil {
		return fmt.Errorf("lock who may do what: %w", err)
	}
	return nil
}
