package schema

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"countersign/storage/pg"
	"countersign/storage/pulse"
)

// migrateQueue brings the queue's tables up to date. The caller holds the lock of
// the migrations: River's own are not safe to run twice at once. Each of them is a transaction of its own, which gives up where it would have
// to wait for a table; those before it stand by then, and the next try goes on from there (as Apply does with ours).
func migrateQueue(ctx context.Context, pool *pg.Pool) error {
	config := pool.Config()
	config.MinConns, config.AfterConnect = 0, inHurryThroughout
	impatient, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("migrate the queue: %w", err)
	}
	defer impatient.Close()
	migrator, err := newMigrator(impatient)
	if err == nil {
		err = politely(ctx, func() error {
			_, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
			return err
		})
	}
	if err == nil {
		err = politely(ctx, func() error {
			// A trigger of ours on the queue's table: with it jobs are due by the database's clock, on whatever machine they were made.
			_, err := pool.Exec(ctx, inHurry+pulse.DueByOneClock)
			return err
		})
	}
	return pg.While(err, "migrate the queue")
}

// pendingQueue lists what migrateQueue would do.
func pendingQueue(ctx context.Context, pool *pg.Pool) ([]string, error) {
	migrator, err := newMigrator(pool.Pool)
	if err != nil {
		return nil, err
	}
	result, err := migrator.Validate(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("read the queue's version: %w", err)
	}
	if result.OK {
		return nil, nil
	}
	return []string{"the queue: " + strings.ToLower(strings.Join(result.Messages, "; "))}, nil
}

func newMigrator(pool *pgxpool.Pool) (*rivermigrate.Migrator[pgx.Tx], error) {
	return rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
}
