package schema

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"countersign/storage/pg"
	"countersign/storage/pulse"
)

// migrateQueue brings the queue's tables up to date. The caller holds the lock of
// the migrations: River's own are not safe to run twice at once.
func migrateQueue(ctx context.Context, pool *pg.Pool) error {
	migrator, err := newMigrator(pool)
	if err == nil {
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	if err == nil {
		_, err = pool.Exec(ctx, pulse.DueByOneClock)
	}
	if err != nil {
		return fmt.Errorf("migrate the queue: %w", err)
	}
	return nil
}

// pendingQueue lists what migrateQueue would do.
func pendingQueue(ctx context.Context, pool *pg.Pool) ([]string, error) {
	migrator, err := newMigrator(pool)
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

func newMigrator(pool *pg.Pool) (*rivermigrate.Migrator[pgx.Tx], error) {
	return rivermigrate.New(riverpgxv5.New(pool.Pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
}
