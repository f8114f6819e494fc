package storage

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/internal/pglocal/pgtest"
)

func TestAStepIsDoneByOneAtATime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second, err := Open(t.Context(), pgtest.Serve(b.url), Options{Key: testKey})
	require.NoError(t, err)
	defer second.Close()
	err = b.Alone(t.Context(), "r", approval.StepRun, func(ctx context.Context) error {
		for _, db := range []*DB{b.DB, second} {
			require.ErrorIs(t, db.Alone(ctx, "r", approval.StepRun, nobody), steps.ErrBusy)
			require.NoError(t, db.Alone(ctx, "r", approval.StepShow, nobody), "another step")
			require.NoError(t, db.Alone(ctx, "s", approval.StepRun, nobody), "another request")
		}
		return errors.New("mine")
	})
	require.EqualError(t, err, "mine")
	require.NoError(t, second.Alone(t.Context(), "r", approval.StepRun, nobody), "free again")
}

func TestAloneFreesItsLockWhenTheCallersTimeIsUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := b.Alone(ctx, "r", approval.StepRun, func(ctx context.Context) error {
		cancel()
		return ctx.Err()
	})
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, b.Alone(t.Context(), "r", approval.StepRun, nobody))
	require.Error(t, b.Alone(ctx, "r", approval.StepRun, nobody), "there is no time to ask")
}

func TestALockDiesWithItsProcess(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second, err := Open(t.Context(), pgtest.Serve(b.url), Options{Key: testKey})
	require.NoError(t, err)
	defer second.Close()
	err = b.Alone(t.Context(), "r", approval.StepRun, func(ctx context.Context) error {
		require.NoError(t, b.exec(t, `SELECT pg_terminate_backend(pid) FROM pg_locks
			WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`))
		require.Eventually(t, func() bool { return second.Alone(ctx, "r", approval.StepRun, nobody) == nil }, soon, 5*time.Millisecond)
		require.ErrorIs(t, b.Alone(ctx, "r", approval.StepRun, nobody), steps.ErrBusy, "only the connection has died")
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, b.Alone(t.Context(), "r", approval.StepRun, nobody), "the pool has forgotten the dead connection")
}

func TestClosingDoesNotWaitForADatabaseThatIsSilent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var log strings.Builder
	db, err := Open(t.Context(), pgtest.Serve(b.url), Options{Key: testKey, Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	// A connection that is waited for, as one is whose server does not answer.
	held, err := db.core.pool.Acquire(t.Context())
	require.NoError(t, err)
	db.closeWithin(50 * time.Millisecond) // it would wait for ever
	require.Contains(t, log.String(), "the database does not answer")
	held.Release()
	eventually(t, func() bool { return db.core.pool.Stat().TotalConns() == 0 })
}
