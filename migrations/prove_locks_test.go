package migrations_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/internal/pglocal/pgtest"
	"countersign/internal/proof"
	"countersign/migrations"
	"countersign/storage/schema"
)

// large are the tables that grow longest: an event for all that happens, and a charge for all that costs.
var large = []string{"events", "charges"}

// fill makes n rows of each, with the guards off and all CHECKs on.
const fill = `SET session_replication_role = replica;
INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash)
	SELECT stream, 1, at, 'maya', 'posted', '{}', none, encode(sha256(convert_to(event_line(stream, 1, at, 'maya', 'posted', '{}', none), 'UTF8')), 'hex')
	FROM (SELECT 'request:' || n AS stream, timestamptz '2026-01-01' + n * interval '1 second' AS at, repeat('0', 64) AS none FROM generate_series(1, %[1]d) n) e;
INSERT INTO charges (hold_id, line, kind, what, amount) SELECT 'hold' || n, 1, 'tokens', 'draft', n FROM generate_series(1, %[1]d) n;
SET session_replication_role = origin;`

// few is how many rows a statement may read or write while it keeps people out.
const few = 1000

// sample is a migration of one kind. A bad one is refused by the test of statements, and really keeps people out of a large table.
type sample struct {
	name, text string
	bad        bool
}

const alone = "-- +goose NO TRANSACTION\n-- +goose Up\n"

var samples = []sample{
	{name: "a column with a constant default", text: `ALTER TABLE charges ADD COLUMN sample_note text NOT NULL DEFAULT ''; ALTER TABLE charges ADD COLUMN sample_full text DEFAULT 'x';`},
	{name: "a CHECK that is NOT VALID", text: `ALTER TABLE charges ADD CONSTRAINT sample_small CHECK (amount < 1000000000000000000) NOT VALID;`},
	{name: "and VALIDATE in the next one", text: `ALTER TABLE charges VALIDATE CONSTRAINT sample_small;`},
	{name: "a foreign key that is NOT VALID", text: `ALTER TABLE events ADD CONSTRAINT sample_kind FOREIGN KEY (kind) REFERENCES event_kinds NOT VALID;`},
	{name: "and VALIDATE of it", text: `ALTER TABLE events VALIDATE CONSTRAINT sample_kind;`},
	{name: "an index, CONCURRENTLY", text: alone + `DROP INDEX CONCURRENTLY IF EXISTS sample_by_actor; CREATE INDEX CONCURRENTLY sample_by_actor ON events (actor);`},
	{name: "an index goes, CONCURRENTLY", text: alone + `DROP INDEX CONCURRENTLY sample_by_actor;`},
	{name: "a unique index, CONCURRENTLY", text: alone + `DROP INDEX CONCURRENTLY IF EXISTS sample_once; CREATE UNIQUE INDEX CONCURRENTLY sample_once ON events (stream, seq, kind);`},
	{name: "and a key from it", text: `ALTER TABLE events ADD CONSTRAINT sample_once UNIQUE USING INDEX sample_once;`},
	{name: "a new table that refers to a large one", text: `CREATE TABLE sample_marks (stream text, seq bigint, FOREIGN KEY (stream, seq) REFERENCES events (stream, seq)); CREATE INDEX sample_marks_seq ON sample_marks (seq);`},
	{name: "a guard on a large table", text: `CREATE TRIGGER sample_guard BEFORE DELETE ON charges FOR EACH ROW EXECUTE FUNCTION unchangeable();`},

	{name: "an index without CONCURRENTLY", text: `CREATE INDEX sample_bad ON events (actor);`, bad: true},
	{name: "an index without CONCURRENTLY, and without a transaction", text: alone + `CREATE INDEX sample_bad_too ON charges (what);`, bad: true},
	{name: "a CHECK that is valid at once", text: `ALTER TABLE charges ADD CONSTRAINT sample_bad CHECK (amount > -1);`, bad: true},
	{name: "NOT VALID and VALIDATE in one", text: `ALTER TABLE charges ADD CONSTRAINT sample_bad_two CHECK (amount > -2) NOT VALID; ALTER TABLE charges VALIDATE CONSTRAINT sample_bad_two;`, bad: true},
	{name: "a foreign key that is valid at once", text: `ALTER TABLE events ADD CONSTRAINT sample_bad_kind FOREIGN KEY (kind) REFERENCES event_kinds;`, bad: true},
	{name: "another type", text: `ALTER TABLE charges ALTER COLUMN sample_full TYPE varchar(9);`, bad: true},
	{name: "a default that is computed a row", text: `ALTER TABLE charges ADD COLUMN sample_drawn uuid DEFAULT gen_random_uuid();`, bad: true},
	{name: "NOT NULL on a column that is there", text: `ALTER TABLE charges ALTER COLUMN sample_full SET NOT NULL;`, bad: true},
	{name: "all rows in one statement", text: `ALTER TABLE charges DISABLE TRIGGER USER; UPDATE charges SET sample_note = 'x'; ALTER TABLE charges ENABLE TRIGGER USER;`, bad: true},
}

// TestProveOperationsNoMigrationKeepsPeopleOutOfALargeTable runs the migrations that came after the last release, and samples of
// every kind, on a database of that release whose largest tables are large. In the suite it is the locks that count: nothing that keeps anybody
// out is held while rows are read. In make prove-operations these are ten million rows, people write and read all the time, and the longest wait is printed.
func TestProveOperationsNoMigrationKeepsPeopleOutOfALargeTable(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	rows := 20_000
	if proof.Whole() {
		rows = 10_000_000
		if n, err := strconv.Atoi(os.Getenv("PROVE_ROWS")); err == nil {
			rows = n
		}
	}
	server := pgtest.StartCounting(t, "max_wal_size=2GB", "maintenance_work_mem=256MB")
	files := fstest.MapFS{}
	var next []string
	all, err := fs.Glob(migrations.Files, "0*.sql")
	require.NoError(t, err)
	released := migrations.Released()
	for _, name := range all {
		if len(released) > 0 && !slices.Contains(released, name) {
			next = append(next, name)
			continue
		}
		files[name] = &fstest.MapFile{Data: read(t, name)}
	}
	l := &ledger{T: t, ctx: ctx, files: files, rows: rows, last: len(all)}
	l.url = server.Database(t, "large", func(ctx context.Context, url string) error {
		config, err := pgx.ParseConfig(url)
		require.NoError(t, err)
		return schema.Apply(ctx, config, files)
	})
	l.exec(fmt.Sprintf(fill, rows))
	l.exec(`ANALYZE events, charges`)

	of := fmt.Sprintf("migrations at %d rows: ", rows)
	if len(next) == 0 {
		proof.Check(t, true, of+"those after the last release", "there is none yet")
	}
	for _, name := range next {
		m := l.migrates(name, string(read(t, name)))
		proof.Check(t, m.good(), of+name, "%s", m)
	}
	for _, s := range samples {
		text := strings.ReplaceAll(s.text, "; ", ";\n") // a statement ends with its line, for goose
		if !strings.Contains(text, "+goose Up") {
			text = "-- +goose Up\n" + text
		}
		l.last++
		m := l.migrates(fmt.Sprintf("%04d_sample.sql", l.last), text)
		refused := len(migrations.Locks(text)) > 0
		if s.bad {
			proof.Check(t, refused && len(m.faults) > 0, of+"refused, and rightly: "+s.name, "%s", m)
		} else {
			proof.Check(t, !refused && m.good(), of+s.name, "%s; refused: %t", m, refused)
		}
	}
}

func read(t *testing.T, name string) []byte {
	text, err := migrations.Files.ReadFile(name)
	require.NoError(t, err)
	return text
}

// ledger is one database with large tables.
type ledger struct {
	*testing.T
	ctx   context.Context
	url   string
	files fstest.MapFS
	rows  int
	last  int // number of a migration
	made  atomic.Int64
}

func (l *ledger) connect() *pgx.Conn {
	l.Helper()
	conn, err := pgx.Connect(l.ctx, l.url)
	require.NoError(l, err)
	return conn
}

func (l *ledger) exec(sql string) {
	l.Helper()
	conn := l.connect()
	defer conn.Close(l.ctx)
	_, err := conn.Exec(l.ctx, sql)
	require.NoError(l, err, sql)
}

// measured is what was seen of a migration.
type measured struct {
	faults     []string // which rows it read or wrote while it kept people out
	took       time.Duration
	waited     time.Duration // the longest wait of anybody for one of its locks
	longest    time.Duration // the longest statement of whoever wrote or read meanwhile
	statements int
}

// good says that people were kept out by no statement that reads many rows; and, where the table is as large as it may become, for no second.
func (m measured) good() bool {
	return len(m.faults) == 0 && m.waited < time.Second
}

func (m measured) String() string {
	said := "nobody is kept out while rows are read"
	if len(m.faults) > 0 {
		said = strings.Join(m.faults, "; ")
	}
	if m.statements > 0 {
		said = fmt.Sprintf("took %.2f s, somebody waited %.3f s for its locks, the longest of %d statements meanwhile took %.3f s; %s", m.took.Seconds(), m.waited.Seconds(), m.statements, m.longest.Seconds(), said)
	}
	return said
}

// migrates runs one more migration, as the program does.
func (l *ledger) migrates(name, text string) (m measured) {
	l.Helper()
	l.files[name] = &fstest.MapFile{Data: []byte(text)}
	config, err := pgx.ParseConfig(l.url)
	require.NoError(l, err)
	config.RuntimeParams["application_name"] = "migrates"
	w := &watch{l: l, counts: map[string]count{}}
	config.Tracer = w
	var end func()
	if proof.Whole() {
		end = l.people(&m)
	}
	began := time.Now()
	apply := func() error { return schema.Apply(l.ctx, config, l.files) }
	if strings.Contains(text, "NO TRANSACTION") {
		m.faults, err = l.waits(name, apply)
	} else {
		err = apply()
	}
	require.NoError(l, err, name)
	m.took = time.Since(began)
	if end != nil {
		end()
	}
	m.faults = append(m.faults, w.faults...)
	return m
}

// waits starts a migration that makes no transaction, whose locks are gone with each statement, while somebody is at
// the large tables, for whom it has to wait: its locks, and those that it wants, can be looked at.
func (l *ledger) waits(name string, start func() error) (faults []string, err error) {
	l.Helper()
	somebody, other := l.connect(), l.connect()
	defer other.Close(l.ctx)
	_, err = somebody.Exec(l.ctx, `BEGIN; SELECT txid_current(); LOCK TABLE `+strings.Join(large, ", ")+` IN ROW EXCLUSIVE MODE`)
	require.NoError(l, err)
	ended := make(chan error, 1)
	go func() { ended <- start() }()
	for waiting := false; !waiting; time.Sleep(5 * time.Millisecond) {
		select {
		case err := <-ended:
			l.Fatalf("%s did not wait for whoever was at the table: %v", name, err)
		default:
		}
		require.NoError(l, other.QueryRow(l.ctx, `SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE application_name = 'migrates' AND NOT granted)`).Scan(&waiting))
	}
	rows, err := other.Query(l.ctx, `SELECT relation::regclass || ': ' || mode FROM pg_locks JOIN pg_stat_activity USING (pid)
		WHERE application_name = 'migrates' AND relation = ANY($1::regclass[]) AND mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock')`, large)
	require.NoError(l, err)
	faults, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(l, err)
	for i := range faults {
		faults[i] = "it wants " + faults[i] + " and reads all rows then"
	}
	require.NoError(l, somebody.Close(l.ctx))
	return faults, <-ended
}

// count is what a transaction has done with a table.
type count struct{ read, written int64 }

// watch looks, after each statement of a migration and in its transaction, at what the statement read and wrote, and at what is locked.
type watch struct {
	l      *ledger
	counts map[string]count
	faults []string
}

type looking struct{}

func (w *watch) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, looking{}, data.SQL)
}

func (w *watch) TraceQueryEnd(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryEndData) {
	statement, _ := ctx.Value(looking{}).(string)
	if conn.PgConn().TxStatus() != 'T' || data.Err != nil || statement == counted {
		if conn.PgConn().TxStatus() == 'I' {
			clear(w.counts)
		}
		return
	}
	rows, err := conn.Query(context.WithoutCancel(ctx), counted, large)
	if err != nil {
		w.l.Errorf("look at the locks: %v", err)
		return
	}
	var table, mode string
	var now count
	var kept, much []string // which tables people are kept out of, and which the statement went through
	_, err = pgx.ForEachRow(rows, []any{&table, &now.read, &now.written, &mode}, func() error {
		before := w.counts[table]
		w.counts[table] = now
		if mode != "" {
			kept = append(kept, table+" is locked ("+mode+")")
		}
		if n := now.read - before.read; n > few {
			much = append(much, fmt.Sprintf("%d rows of %s are read", n, table))
		}
		if n := now.written - before.written; n > few {
			w.faults = append(w.faults, fmt.Sprintf("%d rows of %s are written and locked", n, table))
		}
		return nil
	})
	if err != nil {
		w.l.Errorf("look at the locks: %v", err)
	}
	if len(kept) > 0 && len(much) > 0 {
		w.faults = append(w.faults, strings.Join(kept, ", ")+" while "+strings.Join(much, ", "))
	}
}

// counted asks of each large table what this transaction has done with it, and for a lock of its own that keeps writers out.
const counted = `SELECT relname, pg_stat_get_xact_tuples_returned(c.oid), pg_stat_get_xact_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_updated(c.oid) + pg_stat_get_xact_tuples_deleted(c.oid),
	coalesce((SELECT string_agg(DISTINCT mode, ' and ') FROM pg_locks WHERE pid = pg_backend_pid() AND relation = c.oid AND granted
		AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')), '')
	FROM pg_class c WHERE c.oid = ANY($1::regclass[])`

// people write and read both tables, and somebody looks how long anybody waits for the migration, until end.
func (l *ledger) people(m *measured) (end func()) {
	l.Helper()
	ctx, cancel := context.WithCancel(l.ctx)
	var mu sync.Mutex
	var all sync.WaitGroup
	each := func(sql string, setup string, args func() []any) {
		conn := l.connect()
		if setup != "" {
			_, err := conn.Exec(l.ctx, setup)
			require.NoError(l, err)
		}
		all.Go(func() {
			defer conn.Close(l.ctx)
			for ctx.Err() == nil {
				began := time.Now()
				if _, err := conn.Exec(l.ctx, sql, args()...); err != nil { // which is not cut short: a wait is measured to its end
					l.Errorf("%s: %v", sql, err)
					return
				}
				mu.Lock()
				m.statements++
				m.longest = max(m.longest, time.Since(began))
				mu.Unlock()
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	const unguarded = `SET session_replication_role = replica` // a writer is no program here: what it writes tells no story
	number := func() []any { return []any{int64(l.rows) + l.made.Add(1)} }
	each(`INSERT INTO charges (hold_id, line, kind, what, amount) VALUES ('hold' || $1::bigint, 1, 'tokens', 'draft', 1)`, unguarded, number)
	each(`INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash) SELECT s, 1, timestamptz '2026-01-01', 'maya', 'posted', '{}', repeat('0', 64),
		encode(sha256(convert_to(event_line(s, 1, timestamptz '2026-01-01', 'maya', 'posted', '{}', repeat('0', 64)), 'UTF8')), 'hex') FROM (SELECT 'request:' || $1::bigint AS s) x`, unguarded, number)
	each(`UPDATE charges SET amount = amount + 1 WHERE hold_id = 'hold' || $1::bigint AND line = 1`, unguarded, func() []any { return []any{l.made.Add(1) % int64(l.rows)} })
	each(`SELECT FROM events WHERE stream = 'request:' || $1::bigint AND seq = 1`, "", func() []any { return []any{l.made.Add(1) % int64(l.rows)} })
	each(`SELECT FROM charges WHERE hold_id = 'hold' || $1::bigint AND line = 1`, "", func() []any { return []any{l.made.Add(1) % int64(l.rows)} })
	looks := l.connect()
	all.Go(func() {
		defer looks.Close(l.ctx)
		for ctx.Err() == nil {
			var waited float64
			if err := looks.QueryRow(l.ctx, `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - l.waitstart)), 0) FROM pg_locks l
				WHERE NOT l.granted AND EXISTS (SELECT FROM pg_stat_activity a WHERE a.application_name = 'migrates' AND a.pid <> l.pid AND a.pid = ANY(pg_blocking_pids(l.pid)))`).Scan(&waited); err != nil {
				l.Errorf("look who waits: %v", err)
				return
			}
			mu.Lock()
			m.waited = max(m.waited, time.Duration(waited*float64(time.Second)))
			mu.Unlock()
			time.Sleep(10 * time.Millisecond)
		}
	})
	return func() { cancel(); all.Wait() }
}
