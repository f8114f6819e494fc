package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pool are the connections for transactions, which are short.
type pool struct{ *pgxpool.Pool }

func apart(ctx context.Context, on interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}) (time.Duration, error) {
	var now time.Time
	began := time.Now()
	if err := on.QueryRow(ctx, tellTime).Scan(&now); err != nil {
		return 0, fmt.Errorf("read the database's clock: %w", err)
	}
	return now.Sub(began.Add(time.Since(began) / 2)), nil
}

// Apart is the same without an open database.
func Apart(ctx context.Context, url string) (time.Duration, error) {
	pool, err := connect(ctx, url, 1)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	if err := pool.Ping(ctx); err != nil { // the time for connecting is no difference of clocks
		return 0, fmt.Errorf("reach the database: %w", err)
	}
	return apart(ctx, pool)
}

// Await waits for a database that cannot be reached, and says so once. What waiting does not
// mend is no matter of it: the next who connects meets it.
func Await(ctx context.Context, url string, log *slog.Logger) error {
	pool, err := connect(ctx, url, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	pauses := &backoff.ExponentialBackOff{InitialInterval: 200 * time.Millisecond, MaxInterval: 5 * time.Second, Multiplier: 2}
	for said := false; ; said = true {
		err := pool.Ping(ctx)
		full := new(pgconn.PgError)
		if err == nil || ctx.Err() != nil || !hungUp(err) && !(errors.As(err, &full) && full.Code == "53300") {
			if err == nil && said {
				log.Info("the database is there")
			}
			return ctx.Err()
		}
		if !said {
			log.Warn("the database cannot be reached: serve waits for it", "error", err)
		}
		select {
		case <-time.After(pauses.NextBackOff()):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// connect makes a pool, which connects when it is first used.
func connect(ctx context.Context, url string, size int) (*pool, error) {
	return connectAs(ctx, "countersign", url, size)
}

// connectAs makes one by whose name others know whose sessions they are.
func connectAs(ctx context.Context, name, url string, size int) (*pool, error) {
	config, err := settings(url, name)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(size)
	conns, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return &pool{conns}, nil
}

// settings are those of every session. All of them read times in UTC, whatever the zone of the
// server or of this machine.
func settings(url, name string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database's address: %w", err)
	}
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	config.ConnConfig.Tracer = tripTracer{}
	params := config.ConnConfig.RuntimeParams
	params["application_name"] = name
	// A replica whose machine has gone must lose its sessions: the server notices within ten seconds.
	params["tcp_keepalives_idle"], params["tcp_keepalives_interval"], params["tcp_keepalives_count"] = "4", "2", "3"
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID,
			Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
		return nil
	}
	return config, nil
}
