package storage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/pglocal/pgtest"
	"countersign/storage/pg"
	"countersign/storage/queue"
	"countersign/storage/schema"
	"countersign/storage/signing"
)

func TestMain(m *testing.M) {
	if url := os.Getenv("STORAGE_TEST_REPLICA"); url != "" {
		replica(url)
		return
	}
	if order := os.Getenv("STORAGE_TEST_SPENDER"); order != "" {
		spender(order)
		return
	}
	if order := os.Getenv("STORAGE_TEST_CLICKER"); order != "" {
		clicker(order)
		return
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("countersign/internal/pglocal.(*Server).run"), goleak.Cleanup(func(code int) {
		_ = os.Remove(os.Getenv("STORAGE_TEST_KEY"))
		os.Exit(code)
	}))
}

// replica is another process that takes jobs and never gets done with them.
func replica(url string) {
	ctx := context.Background()
	db, err := Open(ctx, url, Options{Key: testKey})
	if err == nil {
		err = db.Work(ctx, func(ctx context.Context, w steps.Wake) error {
			return db.Alone(ctx, w.RequestID, w.Step, func(context.Context) error {
				fmt.Println("at", w.Step)
				select {}
			})
		}, nobody, queue.WorkOptions{})
	}
	fmt.Println(err)
}

// soon is for what takes a moment, on a machine that has no moment to spare.
const soon = 20 * time.Minute

// bundle is a database with people around it.
type bundle struct {
	*DB                  // as serve's role
	pool   *pgxpool.Pool // of somebody with a console, as the owner
	url    string        // as the owner
	policy approval.Policy
}

func setup(t *testing.T) *bundle {
	t.Helper()
	return setupWith(t, Options{})
}

func setupWith(t *testing.T, o Options) *bundle {
	t.Helper()
	b := bundled(t, pgtest.Database(t, migrated), o)
	t.Cleanup(b.DB.Close)
	return b
}

// testKey signs in all tests and in the processes that they start.
var testKey = func() *signing.Key {
	path := os.Getenv("STORAGE_TEST_KEY")
	if path == "" {
		path = filepath.Join(os.TempDir(), fmt.Sprintf("storage-test-%d.key", os.Getpid()))
		os.Setenv("STORAGE_TEST_KEY", path)
	}
	key, err := signing.Open(path)
	if err != nil {
		panic(err)
	}
	return key
}()

// migrated is how every test's database is made: by its owner, for serve's role.
func migrated(ctx context.Context, url string) error {
	return schema.Migrate(ctx, url, pgtest.Serve(url))
}

// bundled opens a database as serve would, and a console beside it. Whoever calls closes it.
func bundled(t testing.TB, url string, o Options) *bundle {
	t.Helper()
	o.Key = testKey
	db, err := Open(t.Context(), pgtest.Serve(url), o)
	require.NoError(t, err)
	console, err := pg.Connect(t.Context(), url, 8)
	require.NoError(t, err)
	t.Cleanup(console.Close)
	policy := approval.DefaultPolicy()
	policy.Reviewers = []string{"REVA", "REVB"}
	return &bundle{DB: db, pool: console.Pool, url: url, policy: policy}
}

// bundledReader is a program that has no key.
func bundledReader(t *testing.T, url string) *DB {
	t.Helper()
	db, err := Open(t.Context(), pgtest.Serve(url), Options{})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

const (
	team    = "TEAM"
	channel = "CHAN"
	asker   = "ASKER"
)

// odd is a moment whose microseconds end in something.
func odd() time.Time { return time.Now().UTC().Truncate(time.Millisecond).Add(123 * time.Microsecond) }

// ask stores a new request by its trigger, with a hold of ten cents. What it is about
// has been found.
func (b *bundle) ask(t *testing.T, trigger string) *approval.Request {
	t.Helper()
	r, created, err := askAhead(t.Context(), b.DB, b.question(trigger), approval.Session{Team: team, Channel: channel})
	require.NoError(t, err)
	require.True(t, created)
	return b.update(t, r.ID, found)
}

func found(r *approval.Request, now time.Time) error { return r.Found(r.Files, "", false, false, now) }

func (b *bundle) question(trigger string) *approval.Request {
	return approval.New(approval.Question{Team: team, Project: channel, Asker: asker, Text: "Which region sells most?",
		Files: []approval.File{{ID: "F1", Name: "sales.csv", Size: 12}}, Trigger: trigger}, "small", 10*budget.Cent, b.policy, odd())
}

func (b *bundle) update(t *testing.T, id string, change func(r *approval.Request, now time.Time) error) *approval.Request {
	t.Helper()
	r, err := b.Update(t.Context(), id, change)
	require.NoError(t, err)
	return r
}

// pending brings a request before the reviewers.
func (b *bundle) pending(t *testing.T, trigger string) *approval.Request {
	t.Helper()
	r := b.ask(t, trigger)
	return b.update(t, r.ID, b.drafted)
}

func (b *bundle) drafted(r *approval.Request, now time.Time) error {
	if r.Seek != nil {
		if err := found(r, now); err != nil {
			return err
		}
	}
	if err := r.Money().Call(10*budget.Cent, 10*budget.Cent, approval.Addressee{}, b.policy, now); err != nil {
		return err
	}
	hold, _ := r.Money().CalledHold()
	r.Money().Settle(budget.Settlement{HoldID: hold.ID, At: now, Charges: []budget.Charge{{Kind: budget.Tokens, What: "small-1",
		Usage: budget.Usage{Model: "small-1", Input: 100, Cached: 10, Written: 5, Output: 20}, Amount: budget.Cent}}})
	return r.Drafted(approval.Revision{Code: "print(1)\n", Summary: "prints one", Author: "small-1", PromptVersion: "p1",
		Findings: []approval.Finding{{Level: approval.Note, Line: 1, Text: "prints"}},
		Manifest: approval.Manifest{Version: 1, Sandbox: "local", Template: "python", Limits: b.policy.Limits, CostCap: budget.Cent, Network: []string{},
			Inputs: []approval.Input{{Name: "sales.csv", SHA256: strings.Repeat("a", 64)}}}}, b.policy, now)
}

// decision is what a reviewer's click on the present card says.
func decision(r *approval.Request, reviewer string, verdict approval.Verdict) approval.Decision {
	return approval.Decision{Revision: r.Revision.Number, Digest: r.Revision.Digest, Reviewer: reviewer, Verdict: verdict, Settings: true,
		Click: approval.Click{Team: team, User: reviewer, ActionTS: "1.2", Channel: "REVIEW", MessageTS: "1.1"}}
}

func (b *bundle) approved(t *testing.T, trigger string) *approval.Request {
	t.Helper()
	r := b.pending(t, trigger)
	return b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
	})
}

func (b *bundle) running(t *testing.T, trigger string) *approval.Request {
	t.Helper()
	r := b.approved(t, trigger)
	return b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Start("box-"+r.ID, b.policy, now) })
}

func (b *bundle) done(t *testing.T, trigger string) *approval.Request {
	t.Helper()
	r := b.running(t, trigger)
	return b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Finish(result(), budget.Charge{Kind: budget.Box, What: "local", BoxMS: 1500, Amount: 3 * budget.MicroDollar}, approval.DefaultPolicy(), now)
	})
}

func result() approval.Result {
	return approval.Result{Outcome: approval.OK, Stdout: "1\n", Box: 1500 * time.Millisecond, Code: time.Second,
		Tables: []approval.Grid{{Columns: []string{"a"}, Rows: [][]string{{"1"}}, TotalRows: 1}},
		Artifacts: []approval.Artifact{{Name: "plot.png", Kind: "chart", Alt: "a plot", Data: []byte{0, 1, 255}},
			{Name: "empty.csv", Kind: "table"}}}
}

// exec runs SQL past all our code, as somebody with a console would.
func (b *bundle) exec(t testing.TB, sql string, args ...any) error {
	t.Helper()
	_, err := b.pool.Exec(t.Context(), sql, args...)
	return err
}

func (b *bundle) count(t *testing.T, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, b.pool.QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

// together runs n functions at once and returns their errors in order.
func together(n int, do func(i int) error) []error {
	errs := make([]error, n)
	start, done := make(chan struct{}), make(chan struct{})
	for i := range n {
		go func() {
			<-start
			errs[i] = do(i)
			done <- struct{}{}
		}()
	}
	close(start)
	for range n {
		<-done
	}
	return errs
}

func nobody(context.Context) error { return nil }

func triggerOf(i int) string { return fmt.Sprintf("trigger %d", i) }
