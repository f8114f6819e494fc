package storage

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3/lock"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
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
				require.ErrorContains(t, err, "Or start with an empty database: ")
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

// Somebody reads for long, a migration wants the table for itself, and somebody else wants to write. Were the migration to wait
// for the former, the latter would wait as long.
func TestAMigrationThatHasToWaitKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	files := fstest.MapFS{}
	all, err := fs.Glob(migrations.Files, "0*.sql")
	require.NoError(t, err)
	for _, name := range all {
		text, err := migrations.Files.ReadFile(name)
		require.NoError(t, err)
		files[name] = &fstest.MapFile{Data: text}
	}
	files[fmt.Sprintf("%04d_wants.sql", len(all)+1)] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE sessions ADD COLUMN sample text;\n")}
	reader, err := pgx.Connect(t.Context(), b.url)
	require.NoError(t, err)
	_, err = reader.Exec(t.Context(), `BEGIN; SELECT FROM sessions`)
	require.NoError(t, err)
	config, err := pgx.ParseConfig(b.url)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- schema.Apply(t.Context(), config, files) }()
	wants := func() bool {
		return b.count(t, `SELECT count(*) FROM pg_locks WHERE relation = 'sessions'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted`) > 0
	}
	for range 3 { // it tries again, and each time others pass
		eventually(t, wants)
		require.NoError(t, b.exec(t, `INSERT INTO sessions (id, team, channel) VALUES (gen_random_uuid(), 'T', 'C')`))
	}
	select {
	case err := <-done:
		t.Fatalf("it did not wait for whoever reads: %v", err)
	default:
	}
	require.NoError(t, reader.Close(t.Context()))
	require.NoError(t, <-done)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM pg_attribute WHERE attrelid = 'sessions'::regclass AND attname = 'sample'`))
}

// River's own migrations want the queue's tables for themselves, and a copy of the database (pg_dump) reads them for as long as it takes: whoever
// asks meanwhile is not kept waiting by a migration that waits.
func TestAMigrationOfTheQueueKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	migrator, err := rivermigrate.New(riverpgxv5.New(b.pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	const before = 6 // the one after it takes two tables away, and then changes river_job
	_, err = migrator.Migrate(t.Context(), rivermigrate.DirectionDown, &rivermigrate.MigrateOpts{TargetVersion: before})
	require.NoError(t, err)
	require.ErrorContains(t, schema.Validate(t.Context(), b.url), "the queue: unapplied migrations: [7")
	reader, err := pgx.Connect(t.Context(), b.url)
	require.NoError(t, err)
	_, err = reader.Exec(t.Context(), `BEGIN; SELECT FROM river_job`)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- schema.Migrate(t.Context(), b.url, "") }()
	wants := func() bool {
		return b.count(t, `SELECT count(*) FROM pg_locks WHERE relation = 'river_job'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted`) > 0
	}
	for range 3 { // it tries again, and each time others pass
		eventually(t, wants)
		require.NoError(t, b.exec(t, `UPDATE river_job SET priority = priority`))
	}
	select {
	case err := <-done:
		t.Fatalf("it did not wait for whoever reads: %v", err)
	default:
	}
	require.NoError(t, reader.Close(t.Context()))
	require.NoError(t, <-done)
	require.NoError(t, schema.Validate(t.Context(), b.url))
}
