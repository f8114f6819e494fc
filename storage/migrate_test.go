package storage

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3/lock"
	"github.com/stretchr/testify/require"

	"countersign/internal/pglocal/pgtest"
)

func TestFourReplicasMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t, nil)
	pending, err := Pending(t.Context(), url)
	require.NoError(t, err)
	require.Len(t, pending, len(known())+1)
	require.Equal(t, "0001_requests", pending[0])
	require.Contains(t, pending[len(pending)-1], "the queue: unapplied migrations")
	require.ErrorContains(t, Validate(t.Context(), url), "run `countersign migrate` (missing: 0001_requests, 0002_ledger, 0003_events, 0004_balances, 0005_usage, 0006_held, 0007_begun, 0008_notices, 0009_policies, 0010_topups, 0011_reports, 0012_rules, 0013_rounds, 0015_within_hold, the queue")

	for _, err := range together(4, func(int) error { return Migrate(t.Context(), url) }) {
		require.NoError(t, err)
	}
	require.NoError(t, Validate(t.Context(), url))
	require.NoError(t, Migrate(t.Context(), url), "and once more, with nothing to do")
	pending, err = Pending(t.Context(), url)
	require.NoError(t, err)
	require.Empty(t, pending)
}

func TestValidateRefusesADatabaseOfTheFuture(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.exec(t, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)`))
	require.ErrorContains(t, Validate(t.Context(), b.url), "newer countersign (migration 999)")
	require.ErrorContains(t, Migrate(t.Context(), b.url), "newer countersign (migration 999)", "nor does a replica that was left behind start on it")
}

func TestMigrateWaitsForWhoeverMigrates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	conn, err := pgx.Connect(t.Context(), b.url)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, lock.DefaultLockID)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Migrate(ctx, b.url) }()
	// It has asked at least once before we give up on it.
	eventually(t, func() bool {
		return b.count(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_try_advisory_lock%'`) > 0
	})
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.NoError(t, conn.Close(t.Context()))
	require.NoError(t, Migrate(t.Context(), b.url))
}

func TestWithoutADatabaseEveryCallSaysSo(t *testing.T) {
	t.Parallel()
	const gone = "postgres://nobody@/nothing?host=/nowhere"
	require.ErrorContains(t, Migrate(t.Context(), gone), "lock the migrations")
	require.ErrorContains(t, Validate(t.Context(), gone), "read the database's version")
	_, err := Open(t.Context(), gone, Options{})
	require.ErrorContains(t, err, "reach the database")
	for _, err := range []error{Migrate(t.Context(), "%"), Validate(t.Context(), "%")} {
		require.ErrorContains(t, err, "read the database's address")
	}
	_, err = Open(t.Context(), "%", Options{})
	require.ErrorContains(t, err, "read the database's address")
}
