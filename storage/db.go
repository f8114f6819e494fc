package storage

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval/steps"
	"countersign/storage/audit"
	"countersign/storage/journal"
	"countersign/storage/money"
	"countersign/storage/pg"
	"countersign/storage/pulse"
	"countersign/storage/queue"
	"countersign/storage/signing"
	"countersign/storage/trail"
)

// Options say how the database is used. Zero values mean the defaults.
type Options struct {
	Location *time.Location // on whose calendar budgets run. Default: UTC
	Quorum   int            // how many approvals the schema insists on. Default: 1
	MaxOpen  int            // questions of one person under way at once. Default: no bound
	MaxReady int            // boxes that wait for reviewers at once. Default: none waits
	MaxConns int            // of this process, for short transactions; its pulse and the queue's listener have one each beside them. Default: 8
	Log      *slog.Logger   // Default: nothing is logged
	// Statements is the file by which connections are warm before anybody waits for one (KeepWarm). Default: none, and they are not.
	Statements string
	// Key signs every event. Without one nothing can be written, and nothing that is read is doubted.
	Key *signing.Key
	// Role is by whose limit somebody spends who has none of their own, as the settings have it; a higher
	// one that they were named for in Slack goes before. Default: everybody is a member
	Role func(user string) string
}

// DB is the database: all pieces of the store at once, each of which is a type of its own
// that implements a few of the ports in package steps.
type DB struct {
	*core
	*requests
	*shown
	*notices
	*lists
	*people
	*rules
	*readingBook
	*money.Ledger
	*queue.Jobs

	statements string
}

// core is what the pieces work with. A piece embeds it, so that a transaction begins with
// look, read or write wherever it is needed.
type core struct {
	// One pool for all: what waits for a connection waits for all pieces together, people before the background.
	pool   *pg.Pool
	notary *trail.Notary
	jobs   queue.Inserter
	log    *slog.Logger
}

// The pieces, by the ports that they implement.
type (
	// requests keeps requests and their trail (request.go, store.go, events.go).
	requests struct {
		*core
		money   *money.Till
		quorum  int
		maxOpen int

		maxReady int // boxes that wait for reviewers
	}
	// shown keeps what Slack shows (view.go, slack.go).
	shown struct {
		*core
		money *money.Till
	}
	notices     struct{ *core } // words to people
	lists       struct{ *core } // many requests at once (review.go)
	people      struct{ *core } // roles, delegations and keys
	rules       struct{ *core } // by which reviewers decide
	readingBook struct{ *core } // of files
)

var _ steps.Store = (*DB)(nil)

// Open connects to the database. It does not migrate it: see Migrate and Validate.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxConns <= 0 {
		o.MaxConns = 8
	}
	// The session's name has the replica's in it, by which others see in pg_stat_activity who lives (package pulse).
	replica := replicaName()
	connect := pg.ConnectAs
	if o.Statements != "" {
		connect = func(ctx context.Context, name, url string, size int) (*pg.Pool, error) {
			return pg.ConnectWarm(ctx, name, url, size, o.Statements)
		}
	}
	pool, err := connect(ctx, pulse.SessionName(replica), url, o.MaxConns)
	if err != nil {
		return nil, err
	}
	all := &core{pool: pool, notary: trail.NewNotary(o.Key, o.Log, pool.ReadInside), log: o.Log}
	if all.jobs, err = queue.NewInserter(pool); err != nil {
		pool.Close()
		return nil, err
	}
	// Each piece gets the one core, and so the one pool: a limit on connections holds for all of them together.
	till := money.NewTill(pool, all.notary, o.Location, o.Role)
	db := &DB{core: all, requests: &requests{all, till, max(o.Quorum, 1), o.MaxOpen, o.MaxReady}, shown: &shown{all, till}, notices: &notices{all}, lists: &lists{all},
		people: &people{all}, rules: &rules{all}, readingBook: &readingBook{all}, Ledger: money.NewLedger(till), Jobs: queue.New(pool, all.jobs, replica, o.Log), statements: o.Statements}
	// Asked before anything else, so that an address that is wrong is this error and not one of a step later on.
	if err = db.Ping(ctx); err == nil && o.Statements != "" {
		err = pool.Open(ctx)
	}
	// Nothing can be signed by a key of which the trail does not know: whoever verifies takes its name from there.
	if err == nil && o.Key != nil {
		err = db.writeByKey(ctx, func(tx pgx.Tx) error { return db.core.notary.Announce(ctx, tx, false) })
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// look sends what queue has put into a batch, in one trip and in a transaction that only reads. The function is called
// again where the connection broke: it begins with empty results each time.
func (c *core) look(ctx context.Context, queue func(b *pgx.Batch)) error {
	return c.pool.Look(ctx, queue)
}

// read is look for what needs more than one trip, or asks for the next thing by what the first has said.
func (c *core) read(ctx context.Context, work func(tx pgx.Tx) error) error {
	return c.pool.Read(ctx, work)
}

// planned is read for queries whose plans depend on which filters are set: each is planned for its own.
func planned(read func(context.Context, func(pgx.Tx) error) error) func(context.Context, func(pgx.Tx) error) error {
	return func(ctx context.Context, work func(tx pgx.Tx) error) error {
		return read(ctx, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `SET LOCAL plan_cache_mode = force_custom_plan`); err != nil {
				return fmt.Errorf("have queries planned: %w", err)
			}
			return work(tx)
		})
	}
}

// write runs a transaction that is run again where Postgres has cut it off, but not where nobody knows whether it
// committed. What an auditor may not do comes back as the core's own error, from here and from the two below.
func (c *core) write(ctx context.Context, work func(tx pgx.Tx) error) error {
	return trail.ByAuditor(c.pool.Write(ctx, work))
}

// writeByKey is write for what may be done twice without harm, because a key in the tables takes the second one
// (ON CONFLICT, or an UPDATE to the same): it is run again even where the commit was not answered.
func (c *core) writeByKey(ctx context.Context, work func(tx pgx.Tx) error) error {
	return trail.ByAuditor(c.pool.WriteByKey(ctx, work))
}

// batched is a transaction of few trips, for what people wait for. twice says the same of it as writeByKey.
func (c *core) batched(ctx context.Context, options pgx.TxOptions, twice bool, work func(t *pg.Tx) error) error {
	return trail.ByAuditor(c.pool.Batched(ctx, options, twice, work))
}

// KeepWarm has connections know what people will wait for, until the context ends.
func (db *DB) KeepWarm(ctx context.Context) { db.core.pool.KeepWarm(ctx, db.statements) }

// Close closes all connections. A database that no longer answers delays it only briefly;
// whatever is open then ends with the process.
func (db *DB) Close() { db.closeWithin(10 * time.Second) }

// closeWithin does not wait for a server that has stopped answering: closing a pool waits for every
// connection that is in use, and the program is ending anyway.
func (db *DB) closeWithin(limit time.Duration) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		db.Jobs.End()
		db.core.pool.Close()
	}()
	select {
	case <-closed:
	case <-time.After(limit):
		db.core.log.Warn("the database does not answer: its connections are left to end with the process")
	}
}

// AuditorOf holds a database against its trails.
func AuditorOf(db *DB) audit.Auditor { return audit.New(db.core.pool, db.core.notary) }

// Log is the one log over all events.
func Log(db *DB) *journal.Log {
	return journal.New(planned(db.read), db.write, db.audit, unsigned(db.core.notary))
}

// Ping says whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	return pg.While(db.core.pool.Ping(ctx), "reach the database")
}

// Apart is by how much the database's clock is ahead of this machine's, half a round trip more or less.
func (db *DB) Apart(ctx context.Context) (time.Duration, error) { return db.core.pool.Apart(ctx) }

// Await marks the work of a context as what a person waits for, until done is called: its
// transactions begin before those of the background.
func (db *DB) Await(ctx context.Context) (_ context.Context, done func()) {
	return db.core.pool.Await(ctx)
}

// Clock is how far ahead the database's clock was at the last heartbeat of Work.
func (db *DB) Clock() time.Duration { return db.Jobs.Apart() }

// replicaName is the machine and something that no other process has. Postgres cuts the names
// of sessions off after 63 bytes.
func replicaName() string {
	host, _ := os.Hostname() // a replica whose machine has no name has a number
	return host[:min(len(host), 24)] + "-" + strings.ToLower(rand.Text()[:10])
}

// NewKey announces the next key, signed by the present one. Where the present one is lost,
// the next one announces itself.
func NewKey(ctx context.Context, db *DB, next *signing.Key, lost bool) error {
	err := db.write(ctx, func(tx pgx.Tx) error {
		// Signed by itself, since nothing else can. Whoever verifies sees that no former key vouches for it.
		if lost {
			return trail.NewNotary(next, db.core.log, nil).Announce(ctx, tx, true)
		}
		return db.core.notary.AnnounceNext(ctx, tx, next)
	})
	return pg.While(err, "announce a signing key")
}

// Keys are all that were announced, in their order.
func Keys(ctx context.Context, url string) (names []string, err error) {
	pool, err := pg.Connect(ctx, url, 1)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		names, err = trail.Announced(ctx, tx)
		return err
	})
	return names, pg.While(err, "read which keys sign")
}
