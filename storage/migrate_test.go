package storage

import (
	"context"
	"io/fs"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3/lock"
	"github.com/stretchr/testify/require"

	"countersign/internal/pglocal/pgtest"
	"countersign/migrations"
	"countersign/storage/schema"
)

func TestFourReplicasMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t, nil)
	pending, err := schema.Pending(t.Context(), url)
	require.NoError(t, err)
	files, err := fs.Glob(migrations.Files, "0*.sql")
	require.NoError(t, err)
	require.Len(t, pending, len(files)+1)
	require.Equal(t, "0001_events", pending[0])
	require.Contains(t, pending[len(pending)-1], "the queue: unapplied migrations")
	require.ErrorContains(t, schema.Validate(t.Context(), url), "run `countersign migrate` (missing: 0001_events, 0002_people, 0003_requests and ")

	for _, err := range together(4, func(int) error { return schema.Migrate(t.Context(), url, "") }) {
		require.NoError(t, err)
	}
	require.NoError(t, schema.Validate(t.Context(), url))
	require.NoError(t, schema.Migrate(t.Context(), url, ""), "and once more, with nothing to do")
	pending, err = schema.Pending(t.Context(), url)
	require.NoError(t, err)
	require.Empty(t, pending)
}

func TestValidateRefusesADatabaseOfTheFuture(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.exec(t, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)`))
	require.ErrorContains(t, schema.Validate(t.Context(), b.url), "newer countersign (migration 999)")
	require.ErrorContains(t, schema.Migrate(t.Context(), b.url, ""), "newer countersign (migration 999)", "nor does a replica that was left behind start on it")
}

func TestADatabaseThatOtherFilesMadeIsRefusedWithASentence(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]struct{ sql, differs string }{
		"before sums were kept": {`ALTER TABLE goose_db_version DROP COLUMN sha256;
			INSERT INTO goose_db_version (version_id, is_applied) SELECT n, true FROM generate_series(6, 20) n`, "0001_events"},
		"a file that was changed since": {`UPDATE goose_db_version SET sha256 = repeat('0', 64) WHERE version_id = 4`, "0004_ledger"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			require.NoError(t, b.exec(t, as.sql))
			_, err := schema.Pending(t.Context(), b.url)
			for _, err := range []error{err, schema.Migrate(t.Context(), b.url, ""), schema.Validate(t.Context(), b.url)} {
				var other *schema.OtherSchemaError
				require.ErrorAs(t, err, &other)
				require.Equal(t, as.differs, other.Migration)
				require.ErrorContains(t, err, "Start with an empty database: ")
			}
		})
	}
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
	go func() { done <- schema.Migrate(ctx, b.url, "") }()
	// It has asked at least once before we give up on it.
	eventually(t, func() bool {
		return b.count(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_try_advisory_lock%'`) > 0
	})
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.NoError(t, conn.Close(t.Context()))
	require.NoError(t, schema.Migrate(t.Context(), b.url, ""))
}

func TestWithoutADatabaseEveryCallSaysSo(t *testing.T) {
	t.Parallel()
	const gone = "postgres://nobody@/nothing?host=/nowhere"
	require.ErrorContains(t, schema.Migrate(t.Context(), gone, ""), "lock the migrations")
	require.ErrorContains(t, schema.Validate(t.Context(), gone), "read the database's version")
	_, err := Open(t.Context(), gone, Options{Key: testKey})
	require.ErrorContains(t, err, "reach the database")
	for _, err := range []error{schema.Migrate(t.Context(), "%", ""), schema.Validate(t.Context(), "%")} {
		require.ErrorContains(t, err, "read the database's address")
	}
	_, err = Open(t.Context(), "%", Options{Key: testKey})
	require.ErrorContains(t, err, "read the database's address")
}
