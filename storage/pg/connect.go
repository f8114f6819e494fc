// Package pg is how statements get to Postgres: connections, transactions that are run again
// where that is safe, and batches. It knows nothing of requests.
//
// A person waits for each round trip, so what they wait for is sent in batches, begin and
// commit included (batched.go), and counted (trips.go; a table in cmd/countersign asserts
// the counts), and begins before what nobody waits for (gate.go). columns.go has the few ways in which values of Go become columns.
package pg

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

// Pool are the connections for transactions, which are short.
type Pool struct {
	*pgxpool.Pool
	gate gate
	book *book
}

// Apart is by how much the database's clock is ahead of this machine's, half a round trip more or less.
func (p *Pool) Apart(ctx context.Context) (time.Duration, error) {
	var now time.Time
	began := time.Now()
	if err := p.QueryRow(ctx, TellTime).Scan(&now); err != nil {
		return 0, fmt.Errorf("read the database's clock: %w", err)
	}
	return now.Sub(began.Add(time.Since(began) / 2)), nil
}

// Apart is the same without an open database.
func Apart(ctx context.Context, url string) (time.Duration, error) {
	pool, err := Connect(ctx, url, 1)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	if err := pool.Ping(ctx); err != nil { // the time for connecting is no difference of clocks
		return 0, fmt.Errorf("reach the database: %w", err)
	}
	return pool.Apart(ctx)
}

// Await waits for a database that cannot be reached, and says so once. What waiting does not
// mend is no matter of it: the next who connects meets it.
func Await(ctx context.Context, url string, log *slog.Logger) error {
	pool, err := Connect(ctx, url, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	pauses := &backoff.ExponentialBackOff{InitialInterval: 200 * time.Millisecond, MaxInterval: 5 * time.Second, Multiplier: 2}
	for said := false; ; said = true {
		err := pool.Ping(ctx)
		full := new(pgconn.PgError)
		if err == nil || ctx.Err() != nil || !HungUp(err) && !(errors.As(err, &full) && full.Code == "53300") {
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

// Connect makes a pool, which connects when it is first used.
func Connect(ctx context.Context, url string, size int) (*Pool, error) {
	return ConnectAs(ctx, "countersign", url, size)
}

// ConnectAs makes one by whose name others know whose sessions they are.
func ConnectAs(ctx context.Context, name, url string, size int) (*Pool, error) {
	return connect(ctx, name, url, size, 0)
}

// ConnectWarm makes one that is kept open and warm: Open and KeepWarm do so. The file is where the book of a former
// process is.
func ConnectWarm(ctx context.Context, name, url string, size int, file string) (*Pool, error) {
	p, err := connect(ctx, name, url, size, size)
	if err == nil {
		p.book.load(file)
	}
	return p, err
}

// connect makes a pool that counts what is sent over it (Trips). open is how many of its connections stay when idle.
func connect(ctx context.Context, name, url string, size, open int) (*Pool, error) {
	config, err := settings(url, name)
	if err != nil {
		return nil, err
	}
	config.MaxConns, config.MinConns = int32(size), int32(open)
	config.AfterRelease = usable
	sent := &book{}
	config.ConnConfig.Tracer = tripTracer{sent}
	conns, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return &Pool{Pool: conns, book: sent}, nil
}

// settings are those of every session. All of them read times in UTC, whatever the zone of the
// server or of this machine.
func settings(url, name string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database's address: %w", err)
	}
	// A server on a very busy machine has taken more than five seconds to begin a session. Whoever waits for less has a context that
	// says so; this is for a host that does not answer at all, which serve asks again.
	config.ConnConfig.ConnectTimeout = 30 * time.Second
	params := config.ConnConfig.RuntimeParams
	params["application_name"] = name
	// Where nobody has analysed the tables yet, Postgres takes our statements for dear ones and compiles them, which takes
	// longer than to run them: it was a quarter of all processor time of the tests of cmd/countersign.
	params["jit"] = "off"
	// A replica whose machine has gone must lose its sessions: the server notices within ten seconds.
	params["tcp_keepalives_idle"], params["tcp_keepalives_interval"], params["tcp_keepalives_count"] = "4", "2", "3"
	// A statement is planned once in a session and not five times more: planning is most of what a short statement
	// costs, and of a hundred statements a person waits for the sum.
	params["plan_cache_mode"] = "force_generic_plan"
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID,
			Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
		return nil
	}
	return config, nil
}
