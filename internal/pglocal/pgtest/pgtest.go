// Package pgtest gives every test a database of its own on a real Postgres.
//
// Its one idea: one throw-away server per test process, started by the first
// test that asks; one template per way to migrate; one clone of it per test. Its
// one rule: a machine without Postgres fails the test and says what to install.
//
// The server ends with the test process, however that ends, and a small shell
// that outlives the process by a moment removes its folder. The server's waiting
// goroutine lives as long as the process: packages that look for leaks ignore
// countersign/internal/pglocal.(*Server).run.
package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/internal/pglocal"
)

// Database returns the URL of a new database, as its owner, migrated by migrate, or empty without it.
// The database is dropped when the test ends.
func Database(t testing.TB, migrate func(ctx context.Context, url string) error) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	server, err := start()
	if err != nil {
		t.Fatal(err)
	}
	template, err := templateFor(ctx, server, migrate)
	if err != nil {
		t.Fatalf("migrate the template database: %v", err)
	}
	name := fmt.Sprintf("test_%d", number.Add(1))
	if err := copied(ctx, server, name, template); err != nil {
		t.Fatalf("create a database for the test: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := run(ctx, server, `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return at(server, name)
}

// Counting is a server of its own that counts what each statement reads, by pg_stat_statements (which
// Debian has in its package of Postgres), and that more can be asked of. It ends with the test. URL is
// where the counts of all its databases are read, in a database that is nobody's.
type Counting struct {
	server *pglocal.Server
	URL    string
}

// StartCounting starts one.
func StartCounting(t testing.TB, settings ...string) *Counting {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// Nothing tidies up behind a test's back: what a statement reads is the same each time.
	server, err := begin(append([]string{"shared_preload_libraries=pg_stat_statements", "autovacuum=off"}, settings...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("stop the server that counts: %v", err)
		}
	})
	if err := run(ctx, server, `CREATE EXTENSION pg_stat_statements`); err != nil {
		t.Fatalf("count what statements read: %v", err)
	}
	return &Counting{server, server.URL()}
}

// Database returns the URL of a new database on it, as its owner, migrated by migrate. It goes with the server.
func (c *Counting) Database(t testing.TB, name string, migrate func(ctx context.Context, url string) error) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := run(ctx, c.server, `CREATE DATABASE `+name+` TEMPLATE template0`); err != nil {
		t.Fatalf("create the database %s: %v", name, err)
	}
	url := at(c.server, name)
	if err := migrate(ctx, url); err != nil {
		t.Fatalf("migrate the database %s: %v", name, err)
	}
	return url
}

var number atomic.Int64

// patience is for what takes a moment, on a machine that has no moment to spare.
const patience = 20 * time.Minute

// start runs the one server of this process.
var start = sync.OnceValues(func() (*pglocal.Server, error) { return begin() })

// begin runs a server in a folder of its own.
func begin(settings ...string) (*pglocal.Server, error) {
	// Sockets have short names, and root's child has to be able to pass: not below $HOME, not below a long $TMPDIR.
	dir, err := os.MkdirTemp("/tmp", "pgtest-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	if err := sweepAfterUs(dir); err != nil {
		return nil, err
	}
	return pglocal.Start(context.Background(), pglocal.Options{Dir: dir, Throwaway: true, Settings: settings})
}

// sweepAfterUs leaves a shell behind that reads until our end of its pipe is
// closed, which is when this process ends in whatever way, and then removes the
// folder. Where the kernel has not ended the server by then, it does.
func sweepAfterUs(dir string) error {
	const script = `cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
[ -n "$pid" ] && kill -INT "$pid" 2>/dev/null
n=0
while [ -e "$1/data/postmaster.pid" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
rm -rf -- "$1"`
	cmd := exec.Command("/bin/sh", "-c", script, "sh", dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for us
	if _, err := cmd.StdinPipe(); err != nil {            // kept open until we end
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the shell that cleans up %s: %w", filepath.Base(dir), err)
	}
	keep.Store(dir, cmd)
	return nil
}

// keep holds on to the pipes: a collected one would be closed.
var keep sync.Map

// template is a database with the schema, of which tests get copies: copying is faster than migrating.
type template struct {
	once sync.Once
	name string
	err  error
}

var templates sync.Map // of *template, by the function that migrates

// templateFor migrates once in a process for each function that migrates.
func templateFor(ctx context.Context, server *pglocal.Server, migrate func(context.Context, string) error) (string, error) {
	if migrate == nil {
		return "template0", nil
	}
	v, _ := templates.LoadOrStore(reflect.ValueOf(migrate).Pointer(), &template{})
	t := v.(*template)
	t.once.Do(func() {
		t.name = fmt.Sprintf("template_%d", number.Add(1))
		if t.err = run(ctx, server, `CREATE DATABASE `+t.name); t.err == nil {
			t.err = migrate(ctx, at(server, t.name))
		}
	})
	return t.name, t.err
}

// copied makes a database from a template by copying its files. What Postgres has done since version 15 unless it is told
// otherwise, to write each page to its log, takes four times the processor and ten times as long.
func copied(ctx context.Context, server *pglocal.Server, name, template string) error {
	conn, err := pgx.Connect(ctx, server.URL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	sql := `CREATE DATABASE ` + name + ` TEMPLATE ` + template
	var major int
	if err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int / 10000`).Scan(&major); err != nil {
		return err
	}
	if major >= 15 { // before, there is no other way and no word for it
		sql += ` STRATEGY file_copy`
	}
	_, err = conn.Exec(ctx, sql)
	return err
}

// run executes one statement outside of any transaction, where alone CREATE DATABASE is allowed.
func run(ctx context.Context, server *pglocal.Server, sql string) error {
	conn, err := pgx.Connect(ctx, server.URL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

// Serve is a test's database as the role that works in it. Database is as its owner.
func Serve(owner string) string {
	u, err := url.Parse(owner)
	if err != nil {
		panic(err) // it is our own
	}
	query := u.Query()
	query.Set("user", pglocal.ServeRole)
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return u.String()
}

// at is the server's URL with another database.
func at(server *pglocal.Server, database string) string {
	u, err := url.Parse(server.URL())
	if err != nil {
		panic(err) // it is our own
	}
	u.Path = "/" + strings.TrimPrefix(database, "/")
	return u.String()
}
