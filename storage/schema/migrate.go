// Package schema brings a database up to date, ours and the queue's, and says whether one
// fits this program.
package schema

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"

	"countersign/approval"
	"countersign/migrations"
	"countersign/storage/pg"
	"countersign/storage/roles"
)

// Migrate brings the schema up to date, ours and the queue's, as its owner, and grants
// the role of serve's address what it needs (package roles). Where both are one role, or
// serve's is empty, there is nothing to grant. Any number of replicas may call it at
// once: one works, the others wait for it. A database of a newer program is refused.
func Migrate(ctx context.Context, owner, serve string) (err error) {
	// One connection keeps the lock all the time; the others do the work.
	pool, err := pg.Connect(ctx, owner, 4)
	if err != nil {
		return err
	}
	defer pool.Close()
	role := ""
	if serve != "" {
		if role, err = roles.Of(serve); err != nil {
			return err
		}
	}
	unlock, err := lockMigrations(ctx, pool)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	// After the lock: another replica may have migrated while this one waited.
	applied, err := appliedVersions(ctx, pool)
	if err != nil {
		return err
	}
	if err := fits(applied); err != nil {
		return err
	}
	if err := MigrateOurs(ctx, pool); err != nil {
		return err
	}
	if err := migrateQueue(ctx, pool); err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, guardsReadOurs); err != nil { // what came with the queue
		return fmt.Errorf("set where the guards of the queue look: %w", err)
	}
	// Owner and serve are one role: there is nothing that it would not have.
	if role == "" || role == pool.Config().ConnConfig.User {
		return nil
	}
	return roles.Grant(ctx, pool.Pool, role)
}

// MigrateOurs brings our own tables up to date. It takes no lock: goose would lock for
// itself alone, and the queue's migrations need the same protection.
func MigrateOurs(ctx context.Context, pool *pg.Pool) error {
	if err := Apply(ctx, pool.Config().ConnConfig, migrations.Files); err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, guardsReadOurs); err != nil {
		return fmt.Errorf("set where the guards of the database look: %w", err)
	}
	return nil
}

// guardsReadOurs has every guard read our tables, whatever a session calls its own: else a
// temporary table named decisions would be read in the place of ours, and its triggers
// would run with the rights of a guard that runs as the owner. Guards are the functions of triggers, and those that run as the
// owner. What these call looks where they look, and needs no path of its own: to set one and to put the former back is a third
// of what a short function takes, and a round calls more than a hundred.
const guardsReadOurs = `DO $$
DECLARE
    guard record;
BEGIN
    FOR guard IN SELECT p.oid::regprocedure AS name FROM pg_proc p
        WHERE p.pronamespace = current_schema()::regnamespace AND p.proname !~ '^river_' AND p.proconfig IS NULL
            AND (p.prorettype = 'trigger'::regtype OR p.prosecdef) LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', guard.name, current_schema());
    END LOOP;
    FOR guard IN SELECT p.oid::regprocedure AS name FROM pg_proc p
        WHERE p.pronamespace = current_schema()::regnamespace AND p.proname !~ '^river_' AND p.proconfig = ARRAY[format('search_path=%I, pg_temp', current_schema())]
            AND p.prorettype <> 'trigger'::regtype AND NOT p.prosecdef LOOP
        EXECUTE format('ALTER FUNCTION %s RESET search_path', guard.name);
    END LOOP;
END $$`

// versions is goose's table, a row for each migration that was applied.
const versions = "goose_db_version"

// summed is goose's store, which also remembers the sha256 of what was applied.
type summed struct{ database.Store }

// CreateVersionTable adds the hash of each migration's file to goose's table, by which a changed one is found out.
func (s summed) CreateVersionTable(ctx context.Context, db database.DBTxConn) error {
	err := s.Store.CreateVersionTable(ctx, db)
	if err == nil {
		_, err = db.ExecContext(ctx, `ALTER TABLE `+versions+` ADD COLUMN sha256 text`)
	}
	return err
}

// Insert runs in the transaction of its migration.
func (s summed) Insert(ctx context.Context, db database.DBTxConn, req database.InsertRequest) error {
	var sum *string // version 0 is goose's own, and no file
	for _, m := range known() {
		if int64(m.version) == req.Version {
			sum = &m.sum
		}
	}
	_, err := db.ExecContext(ctx, `INSERT INTO `+versions+` (version_id, is_applied, sha256) VALUES ($1, true, $2)`, req.Version, sum)
	return err
}

// lockMigrations takes goose's own lock, so that the goose command keeps out, too.
// It asks again and again rather than wait in the database: a waiting statement
// would be in the way of whatever waits for all others to end.
func lockMigrations(ctx context.Context, pool *pg.Pool) (unlock func() error, err error) {
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

// Empty tells whether there is nothing in a database: no table, of whomever.
func Empty(ctx context.Context, url string) (empty bool, err error) {
	pool, err := pg.Connect(ctx, url, 1)
	if err != nil {
		return false, err
	}
	defer pool.Close()
	err = pool.Read(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v'))`).Scan(&empty)
	})
	return empty, err
}

// Pending lists by name what Migrate would do, and changes nothing. For a database of
// another program it returns the error of Validate.
func Pending(ctx context.Context, url string) ([]string, error) {
	pool, err := pg.Connect(ctx, url, 2)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	applied, err := appliedVersions(ctx, pool)
	if err != nil {
		return nil, err
	}
	if err := fits(applied); err != nil {
		return nil, err
	}
	var pending []string
	for _, m := range known() {
		if _, done := applied[m.version]; !done {
			pending = append(pending, m.name)
		}
	}
	queue, err := pendingQueue(ctx, pool)
	return append(pending, queue...), err
}

// Validate refuses a database that this program does not fit: one that has not been
// migrated, or that another program has (*OtherSchemaError). The error says what to do.
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
	return nil
}

// OtherSchemaError is a database whose migrations are not those of this program. What
// is released stays as it is, so one of the two was never released: nothing leads from one
// state of such migrations to the next.
type OtherSchemaError struct {
	Migration string // the first that differs
	Released  bool   // this program has it as it was released
	Newer     int    // or the number of one that this program does not know
}

// Error implements error, and says what to do.
func (e *OtherSchemaError) Error() string {
	if e.Newer > 0 {
		return fmt.Sprintf("the database is of a newer countersign (migration %d): install that one", e.Newer)
	}
	which := "one of the two was never released"
	if e.Released {
		which = "that one was never released"
	}
	return fmt.Sprintf("the database was made by another Countersign, and this one cannot use it (%s differs: %s). Go on with the one that made it. "+
		"Or start with an empty database: name it in DATABASE_URL, or, where that is empty, move the folder postgres in DATA_DIR away", e.Migration, which)
}

// fits refuses a database that was migrated by other files than ours. Of a newer
// program's goose itself would have nothing to do and say that all is well.
func fits(applied map[int]string) error {
	list := known()
	for _, m := range list {
		// One that was applied before sums were kept has an empty one, and differs as well.
		if sum, done := applied[m.version]; done && sum != m.sum {
			return &OtherSchemaError{Migration: m.name, Released: slices.Contains(migrations.Released(), m.name+".sql")}
		}
	}
	// Numbers have no gap, so the count of our files is the number of the last one.
	for version := range applied {
		if version > len(list) {
			return &OtherSchemaError{Newer: version}
		}
	}
	return nil
}

// migration is one of our files.
type migration struct {
	version int // 1, 2 and so on
	name    string
	sum     string // the sha256 of its file
}

// known are our migrations, in the order of their numbers.
func known() (list []migration) {
	files, err := fs.Glob(migrations.Files, "0*.sql") // sorted
	if err != nil {
		panic(err) // the pattern is well-formed
	}
	for i, file := range files {
		if !strings.HasPrefix(file, fmt.Sprintf("%04d_", i+1)) {
			panic("migrations are numbered without a gap: " + file) // a test calls this
		}
		text, err := migrations.Files.ReadFile(file)
		if err != nil {
			panic(err) // it is embedded
		}
		list = append(list, migration{version: i + 1, name: strings.TrimSuffix(file, ".sql"), sum: approval.Hash(text)})
	}
	return list
}

// appliedVersions reads goose's table, and makes none where there is none: the sha256
// of each migration that was applied. One that was applied before sums were kept has none.
func appliedVersions(ctx context.Context, pool *pg.Pool) (map[int]string, error) {
	var there bool
	if err := pool.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, versions).Scan(&there); err != nil {
		return nil, fmt.Errorf("read the database's version: %w", err)
	}
	applied := map[int]string{}
	if !there {
		return applied, nil
	}
	rows, err := pool.Query(ctx, `SELECT version_id::int, coalesce(to_jsonb(v) ->> 'sha256', '') FROM `+versions+` v WHERE is_applied AND version_id > 0`)
	if err != nil {
		return nil, fmt.Errorf("read the database's version: %w", err)
	}
	var version int
	var sum string
	if _, err := pgx.ForEachRow(rows, []any{&version, &sum}, func() error { applied[version] = sum; return nil }); err != nil {
		return nil, fmt.Errorf("read the database's version: %w", err)
	}
	return applied, nil
}
