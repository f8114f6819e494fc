package pg

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// PoolerError is an address at which something stands that hands sessions of Postgres around, such as PgBouncer in
// transaction mode. A replica lives by sessions that stay its own: its locks would be held by whoever comes next.
type PoolerError struct{ Err error }

func (e *PoolerError) Error() string { return "a pooler that hands sessions around: " + e.Err.Error() }

// Unwrap is what it was found by.
func (e *PoolerError) Unwrap() error { return e.Err }

// poolerPatience is how long a pooler may have a connection wait for a session.
const poolerPatience = time.Minute

// Direct looks whether sessions at an address stay whose they are. The error is a *PoolerError where they do not. It
// tells as well whether a pooler stands there at all: one in session mode does no harm.
func Direct(ctx context.Context, url string) (pooler bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, poolerPatience)
	defer cancel()
	config, err := settings(url, "countersign")
	if err != nil {
		return false, err
	}
	var two [2]*pgx.Conn
	for i := range two {
		if two[i], err = pgx.ConnectConfig(ctx, config.ConnConfig); err != nil {
			// PgBouncer refuses what a session sets at its start, unless it is told to swallow it.
			if refused, ok := errors.AsType[*pgconn.PgError](err); ok && strings.Contains(refused.Message, "unsupported startup parameter") {
				return true, &PoolerError{refused}
			}
			return false, fmt.Errorf("reach the database: %w", err)
		}
		defer func() { _ = two[i].Close(context.WithoutCancel(ctx)) }()
	}
	for range 5 { // a pooler may hand them around by turns, and come to the same one by chance
		mine, err := session(ctx, two[0])
		if err != nil {
			return pooler, err
		}
		if pooler = mine != int(two[0].PgConn().PID()); !pooler {
			return false, nil // Postgres itself has told both
		}
		tx, err := two[1].Begin(ctx) // which holds a session for as long as it lasts
		if err != nil {
			return pooler, fmt.Errorf("begin: %w", err)
		}
		other, err := session(ctx, two[1])
		again := mine
		if err == nil && other != mine { // else the first one would wait for the second one's end
			again, err = session(ctx, two[0])
		}
		if err = errors.Join(err, tx.Rollback(ctx)); err != nil {
			return pooler, err
		}
		if other == mine || again != mine {
			return pooler, &PoolerError{fmt.Errorf("one connection was in session %d and then in %d, and another one in %d", mine, again, other)}
		}
	}
	return pooler, nil
}

// session is the process of Postgres that answers a connection. It is asked without a statement that is kept: a pooler
// may not know it any more.
func session(ctx context.Context, c *pgx.Conn) (pid int, err error) {
	if err = c.QueryRow(ctx, `SELECT pg_backend_pid()`, pgx.QueryExecModeSimpleProtocol).Scan(&pid); err != nil {
		err = fmt.Errorf("ask for the session: %w", err)
	}
	return pid, err
}
