package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"countersign/migrations"
)

// Migrate brings the schema up to date, ours and the queue's. Any number of
// replicas may call it at once: one works, the others wait for it. A database of
// a newer program is refused.
func Migrate(ctx context.Context, url string) (err error) {
	pool, err := connect(ctx, url, 4)
	if err != nil {
		return err
	}
	defer pool.Close()
	unlock, err := lockMigrations(ctx, pool)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := notNewer(ctx, pool); err != nil {
		return err
	}
	ours := stdlib.OpenDBFromPool(pool)
	defer ours.Close()
	// goose would lock for itself alone; the queue's migrations need the same protection.
	provider, err := goose.NewProvider(goose.DialectPostgres, ours, migrations.Files)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return migrateQueue(ctx, pool)
}

// lockMigrations takes goose's own lock, so that the goose command keeps out, too.
// It asks again and again rather than wait in the database: a waiting statement
// would be in the way of whatever waits for all others to end.
func lockMigrations(ctx context.Context, pool *pgxpool.Pool) (unlock func() error, err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock the migrations: %w", err)
	}
	for locked := false; ; {
		err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, lock.DefaultLockID).Scan(&locked)
		if err != nil {
			conn.Release()
			return nil, fmt.Errorf("lock the migrations: %w", err)
		}
		if locked {
			break
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			conn.Release()
			return nil, fmt.Errorf("wait for another migration: %w", ctx.Err())
		}
	}
	return func() error {
		// Closing the connection frees the lock whatever else happens.
		return conn.Hijack().Close(context.WithoutCancel(ctx))
	}, nil
}

// Pending lists what Migrate would do, by name. It changes nothing.
func Pending(ctx context.Context, url string) ([]string, error) {
	pool, err := connect(ctx, url, 2)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	applied, err := appliedVersions(ctx, pool)
	if err != nil {
		return nil, err
	}
	var pending []string
	for _, name := range known() {
		if !applied[versionOf(name)] {
			pending = append(pending, name)
		}
	}
	queue, err := pendingQueue(ctx, pool)
	return append(pending, queue...), err
}

// Validate refuses a database that this program does not fit: one that has not
// been migrated, or one that a newer program has. The error says what to do.
func Validate(ctx context.Context, url string) error {
	pending, err := Pending(ctx, url)
	if err != nil {
		return err
	}
	switch n := len(pending); {
	case n > 3:
		return fmt.Errorf("the database is not up to date: run `countersign migrate` (missing: %s and %d more)", strings.Join(pending[:3], ", "), n-3)
	case n > 0:
		return fmt.Errorf("the database is not up to date: run `countersign migrate` (missing: %s)", strings.Join(pending, ", "))
	}
	pool, err := connect(ctx, url, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	return notNewer(ctx, pool)
}

// notNewer refuses a database whose schema this program does not know: goose
// itself would have nothing to do and say that all is well.
func notNewer(ctx context.Context, pool *pgxpool.Pool) error {
	applied, err := appliedVersions(ctx, pool)
	if err != nil {
		return err
	}
	names := known()
	for version := range applied {
		if version > versionOf(names[len(names)-1]) {
			return fmt.Errorf("the database is of a newer countersign (migration %d): install that one", version)
		}
	}
	return nil
}

// known are the names of our migrations, in the order of their numbers.
func known() []string {
	names, err := fs.Glob(migrations.Files, "*.sql") // sorted
	if err != nil {
		panic(err) // the pattern is well-formed
	}
	for i, name := range names {
		if versionOf(name) != i+1 {
			panic("migrations are numbered without a gap: " + name) // a test calls this
		}
		names[i] = strings.TrimSuffix(name, ".sql")
	}
	return names
}

// versionOf is the number of a migration; numbers have four digits, so names sort by them.
func versionOf(name string) int {
	digits, _, _ := strings.Cut(name, "_")
	version, err := strconv.Atoi(digits)
	if err != nil || len(digits) != 4 {
		return 0
	}
	return version
}

// appliedVersions reads goose's table, and makes none where there is none.
func appliedVersions(ctx context.Context, pool *pgxpool.Pool) (map[int]bool, error) {
	applied := map[int]bool{}
	var there bool
	if err := pool.QueryRow(ctx, `SELECT to_regclass('goose_db_version') IS NOT NULL`).Scan(&there); err != nil {
		return nil, fmt.Errorf("read the database's version: %w", err)
	}
	if !there {
		return applied, nil
	}
	rows, err := pool.Query(ctx, `SELECT version_id::int FROM goose_db_version WHERE is_applied AND version_id > 0`)
	if err != nil {
		return nil, fmt.Errorf("read the database's version: %w", err)
	}
	versions, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return nil, fmt.Errorf("read the database's version: %w", err)
	}
	for _, v := range versions {
		applied[v] = true
	}
	return applied, nil
}
