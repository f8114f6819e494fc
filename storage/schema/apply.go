package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// Postgres grants a lock in the order in which it was asked for. One statement that waits for all readers to end holds up
// every reader that comes after it, so the wait has to be shorter than anybody notices.
// What a migration waits for a table that somebody else is at, and everybody else behind it; then it lets them pass, and tries again.
const (
	shortly = 400 * time.Millisecond
	pause   = time.Second
	// attempts take a quarter of an hour where somebody reads a table all that time, as a copy of the database does.
	attempts = 600
)

// inHurry has a transaction give up where it would wait for longer.
var inHurry = fmt.Sprintf(`SET LOCAL lock_timeout = %d;`, shortly.Milliseconds())

// inHurryThroughout has each transaction of a session do so.
func inHurryThroughout(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, fmt.Sprintf(`SET lock_timeout = %d`, shortly.Milliseconds()))
	return err
}

// Apply brings a database up to date with these migrations, one after another. A migration that wants a table for itself waits
// behind whoever is at it, and whoever comes then waits behind the migration, if it only wants to read: so it waits for a moment, lets all others pass, and
// begins anew. What makes no transaction (goose's NO TRANSACTION) keeps nobody out while it waits, as a test of migrations holds, and waits as long as it takes.
func Apply(ctx context.Context, config *pgx.ConnConfig, files fs.FS) error {
	// Two pools, because lock_timeout belongs to a session: CREATE INDEX CONCURRENTLY must not give up halfway.
	impatient := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(inHurryThroughout))
	defer impatient.Close()
	patient := stdlib.OpenDB(*config)
	defer patient.Close()
	var providers [2]*goose.Provider
	for i, db := range []*sql.DB{impatient, patient} {
		store, err := database.NewStore(database.DialectPostgres, versions)
		if err == nil {
			providers[i], err = goose.NewProvider("", db, files, goose.WithStore(summed{store}))
		}
		if err != nil {
			return fmt.Errorf("read the migrations: %w", err)
		}
	}
	all, err := providers[0].Status(ctx)
	if err != nil {
		return fmt.Errorf("read the database's version: %w", err)
	}
	for _, m := range all {
		// Its transaction has put the version into the table, so whoever comes after a crash goes on with the next one.
		if m.State != goose.StatePending {
			continue
		}
		text, err := fs.ReadFile(files, m.Source.Path)
		if err != nil {
			return fmt.Errorf("read the migrations: %w", err)
		}
		provider := providers[0]
		if apart.Match(text) {
			provider = providers[1]
		}
		if err := politely(ctx, func() error {
			_, err := provider.ApplyVersion(ctx, m.Source.Version, true)
			return err
		}); err != nil {
			return fmt.Errorf("migrate the database: %w", err)
		}
	}
	return nil
}

// apart is a migration that makes no transaction.
var apart = regexp.MustCompile(`(?im)^--\s*\+goose\s+NO\s+TRANSACTION\b`)

// politely runs what gives up where it would have to wait for a table, until it does not.
func politely(ctx context.Context, run func() error) (err error) {
	for range attempts {
		var refused *pgconn.PgError
		// Any other error is the migration's own fault, and trying again would not mend it.
		if err = run(); !errors.As(err, &refused) || refused.Code != "55P03" { // lock_not_available
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("somebody was at a table for a quarter of an hour without a pause (the oldest xact_start in pg_stat_activity): %w", err)
}
