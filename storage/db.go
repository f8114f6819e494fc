package storage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"countersign/approval/steps"
	"countersign/budget"
	"countersign/storage/journal"
	"countersign/storage/pulse"
	"countersign/storage/signing"
)

// Options say how the database is used. Zero values mean the defaults.
type Options struct {
	Location *time.Location // on whose calendar budgets run. Default: UTC
	Quorum   int            // how many approvals the schema insists on. Default: 1
	MaxOpen  int            // questions of one person under way at once. Default: no bound
	MaxConns int            // of this process, for short transactions; its pulse and the queue's listener have one each beside them. Default: 8
	Log      *slog.Logger   // Default: nothing is logged
	// Key signs every event. Without one nothing can be written, and nothing that is read is doubted.
	Key *signing.Key
	// Role is by whose limit somebody spends who has none of their own, as the settings have it; a higher
	// one that they were named for in Slack goes before. Default: everybody is a member
	Role func(user string) string
}

// DB is the database.
type DB struct {
	replica  string        // the name of this process, by which others know its sessions and its jobs
	pool     *pgxpool.Pool // for transactions, which are short
	pulse    *pulse.Pulse  // holds the locks of Alone: steps must not starve the transactions inside them
	busy     *sync.Map     // what Alone is at in this process, by its key
	jobs     inserter
	notary   *notary
	location *time.Location
	quorum   int
	maxOpen  int
	role     func(user string) string
	log      *slog.Logger
}

var _ steps.Store = (*DB)(nil)

// Open connects to the database. It does not migrate it: see Migrate and Validate.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	db := &DB{replica: replicaName(), location: o.Location, busy: &sync.Map{}, quorum: max(o.Quorum, 1), maxOpen: o.MaxOpen, role: o.Role, log: o.Log}
	if db.location == nil {
		db.location = time.UTC
	}
	if db.role == nil {
		db.role = func(string) string { return budget.Members }
	}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	db.notary = &notary{key: o.Key, log: db.log, ask: db.read}
	if o.Key != nil {
		db.notary.ring = o.Key.Ring()
	}
	var err error
	if db.pool, err = connectAs(ctx, pulse.SessionName(db.replica), url, orDefault(o.MaxConns, 8)); err != nil {
		return nil, err
	}
	db.pulse = pulse.New(db.pool.Config().ConnConfig, db.replica, hungUp, db.log)
	if db.jobs, err = newInserter(db.pool); err != nil {
		db.Close()
		return nil, err
	}
	if err = db.Ping(ctx); err == nil && o.Key != nil {
		err = db.writeByKey(ctx, func(tx pgx.Tx) error { return db.notary.announce(ctx, tx, false) })
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// Close closes all connections. A database that no longer answers delays it only briefly;
// whatever is open then ends with the process.
func (db *DB) Close() { db.closeWithin(10 * time.Second) }

func (db *DB) closeWithin(limit time.Duration) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		db.pulse.End()
		db.pool.Close()
	}()
	select {
	case <-closed:
	case <-time.After(limit):
		db.log.Warn("the database does not answer: its connections are left to end with the process")
	}
}

// Log is the one log over all events.
func Log(db *DB) *journal.Log { return journal.New(db.read, db.write, db.audit) }

// Ping says whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.pool.Ping(ctx); err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	return nil
}

// Apart is by how much the database's clock is ahead of this machine's, half a round trip more or less.
func (db *DB) Apart(ctx context.Context) (time.Duration, error) { return apart(ctx, db.pool) }

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

// Clock is how far ahead the database's clock was at the last heartbeat of Work.
func (db *DB) Clock() time.Duration { return db.pulse.Apart() }

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

// replicaName is the machine and something that no other process has. Postgres cuts the names
// of sessions off after 63 bytes.
func replicaName() string {
	host, _ := os.Hostname() // a replica whose machine has no name has a number
	return host[:min(len(host), 24)] + "-" + strings.ToLower(rand.Text()[:10])
}

// connect makes a pool, which connects when it is first used.
func connect(ctx context.Context, url string, size int) (*pgxpool.Pool, error) {
	return connectAs(ctx, "countersign", url, size)
}

// connectAs makes one by whose name others know whose sessions they are.
func connectAs(ctx context.Context, name, url string, size int) (*pgxpool.Pool, error) {
	config, err := settings(url, name)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(size)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return pool, nil
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

// tries is how often a transaction is run that is cut off in the middle before its failure counts.
const tries = 6

// patience is how long a transaction waits to begin while the database is away: a
// restart, or a standby that takes over. Whoever waits may hold what is dear, such
// as an answer of the model that is paid for, or where a message stands; whoever
// answers a click has a context that ends in time.
const patience = time.Minute

// fate is what became of an attempt.
type fate int

const (
	settled fate = iota // another one would not change it
	cut                 // in the middle: another one may pass
	away                // before it began: so is the database
)

// until runs an attempt until it has passed or another would not change what became of it.
func until(ctx context.Context, attempt func() (fate, error)) error {
	began, cuts := time.Now(), 0
	pauses := &backoff.ExponentialBackOff{InitialInterval: 15 * time.Millisecond, MaxInterval: 480 * time.Millisecond, Multiplier: 2, RandomizationFactor: 1. / 3}
	for {
		became, err := attempt()
		if became == cut {
			cuts++
		}
		if became == settled || cuts == tries || became == away && time.Since(began) > patience {
			return err
		}
		select {
		case <-time.After(pauses.NextBackOff()):
		case <-ctx.Done():
			return err
		}
	}
}

// transact runs the work in a transaction and commits it. When Postgres cuts the
// transaction off, or the connection breaks, it is run again from the start. A
// commit whose answer got lost is repeated only where twice is as good as once:
// nobody knows what became of it, and the caller finds out by looking.
//
// What a person waits for is sent in batches instead (batched.go).
func (db *DB) transact(ctx context.Context, options pgx.TxOptions, twice bool, work func(tx pgx.Tx) error) error {
	return until(ctx, func() (fate, error) { return db.attempt(ctx, options, twice, work) })
}

// attempt runs the work once.
func (db *DB) attempt(ctx context.Context, options pgx.TxOptions, twice bool, work func(tx pgx.Tx) error) (fate, error) {
	tx, err := db.pool.BeginTx(ctx, options)
	if err != nil {
		return unbegun(ctx, err)
	}
	if err := work(tx); err != nil {
		// The caller may have gone; the transaction ends all the same.
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = tx.Rollback(stop) // a failure closes the connection, which rolls back
		var closure *closureError
		if ctx.Err() == nil && !errors.As(err, &closure) && (cutOff(err) || hungUp(err)) {
			return cut, err
		}
		return settled, err
	}
	if err := tx.Commit(ctx); err != nil {
		err = fmt.Errorf("commit: %w", err)
		if cutOff(err) || twice && hungUp(err) {
			return cut, err
		}
		return settled, err
	}
	return settled, nil
}

// cutOff tells of a transaction that Postgres ended to resolve a conflict.
func cutOff(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// hungUp tells of a connection that broke: the server went, or is on its way.
func hungUp(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "57P01" || pg.Code == "57P02" || pg.Code == "57P03"
	}
	return isNetwork(err)
}

// clock is the time of the database, which is the only clock of the program.
func clock(ctx context.Context, tx pgx.Tx) (now time.Time, err error) {
	err = tx.QueryRow(ctx, tellTime).Scan(&now)
	if err != nil {
		return now, fmt.Errorf("read the clock: %w", err)
	}
	return now, nil
}

var readOnly = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// read runs the work at one moment: everything that it reads belongs together.
func (db *DB) read(ctx context.Context, work func(tx pgx.Tx) error) error {
	return db.transact(ctx, readOnly, true, work)
}

// write runs the work at the default isolation: what it reads it has locked before,
// and sees as the last writer left it.
func (db *DB) write(ctx context.Context, work func(tx pgx.Tx) error) error {
	return db.transact(ctx, pgx.TxOptions{}, false, work)
}

// writeByKey is write for work that finds by a key what it has done before: where the
// answer to a commit got lost, it is done again.
func (db *DB) writeByKey(ctx context.Context, work func(tx pgx.Tx) error) error {
	return db.transact(ctx, pgx.TxOptions{}, true, work)
}

func orDefault(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}
