package storage

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/pglocal"
	"countersign/internal/pglocal/pgtest"
	"countersign/storage/pg"
	"countersign/storage/queue"
	"countersign/storage/schema"
)

func TestARestartOfTheDatabaseLosesNothing(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/tmp", "storage-restart-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	start := func() *pglocal.Server {
		server, err := pglocal.Start(t.Context(), pglocal.Options{Dir: dir, Throwaway: true})
		require.NoError(t, err)
		return server
	}
	server := start()
	defer func() { require.NoError(t, server.Stop()) }()
	require.NoError(t, schema.Migrate(t.Context(), server.URL(), server.ServeURL()))
	b := bundled(t, server.URL(), Options{})
	db := b.DB
	defer db.Close()
	before := b.ask(t, "before")

	var down atomic.Bool
	var seen wakes
	stop := b.work(t, func(ctx context.Context, w steps.Wake) error {
		if down.Load() {
			return errors.New("it comes again")
		}
		_, err := db.Request(ctx, w.RequestID)
		if err == nil {
			seen.add(w)
		}
		return err
	}, queue.WorkOptions{Sweep: "@every 1s"})
	eventually(t, func() bool { return seen.of(steps.Wake{Step: approval.StepRead, RequestID: before.ID}) > 0 })

	down.Store(true)
	require.NoError(t, server.Stop())
	hurried, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, _, err = db.Ask(hurried, b.question("during"), approval.Session{Team: team, Channel: channel})
	require.Error(t, err, "no database, no answer that could be taken for one")
	require.Error(t, db.Ping(t.Context()))
	var called *approval.Request
	patient := make(chan error, 1)
	go func() {
		var err error
		called, err = db.Update(t.Context(), before.ID, func(r *approval.Request, now time.Time) error {
			return r.Money().Call(budget.Cent, budget.Cent, approval.Addressee{}, b.policy, now)
		})
		patient <- err
	}()
	time.Sleep(1500 * time.Millisecond) // longer than what is tried again where a transaction is cut off
	server = start()
	require.NoError(t, <-patient, "who has time waits until it is back")
	down.Store(false)

	after := b.ask(t, "after")
	eventually(t, func() bool { return seen.of(steps.Wake{Step: approval.StepRead, RequestID: after.ID}) > 0 })
	again, err := db.Request(t.Context(), before.ID)
	require.NoError(t, err)
	require.Equal(t, 1, again.Attempts)
	require.Equal(t, called, again)
	require.Zero(t, b.count(t, `SELECT count(*) FROM requests WHERE trigger = 'during'`))
	require.NoError(t, stop())
}

func TestTheQueueWaitsForADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/tmp", "storage-away-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	server, err := pglocal.Start(t.Context(), pglocal.Options{Dir: dir, Throwaway: true})
	require.NoError(t, err)
	require.NoError(t, schema.Migrate(t.Context(), server.URL(), server.ServeURL()))
	var log lines
	b := bundled(t, server.URL(), Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	defer b.DB.Close()
	require.NoError(t, b.Wake(t.Context(), steps.Wake{Step: approval.StepRun, RequestID: "r"}))
	require.NoError(t, server.Stop())

	done := make(chan struct{}, 1)
	do := func(context.Context, steps.Wake) error { done <- struct{}{}; return nil }
	require.NoError(t, b.work(t, do, queue.WorkOptions{})(), "told to stop before it could begin")
	stop := b.work(t, do, queue.WorkOptions{})
	met := make(chan error, 1)
	go func() { // Slack tells of a message twice within a moment: whoever failed at once would lose its word
		_, err := Strays{b.DB}.Met(t.Context(), steps.Sighting{Post: steps.Post{RequestID: "nobody", Surface: steps.SurfaceRoot, Channel: channel, TS: "1.1"}})
		met <- err
	}()
	eventually(t, func() bool { return strings.Contains(log.String(), "the queue waits for the database") })
	server, err = pglocal.Start(t.Context(), pglocal.Options{Dir: dir, Throwaway: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Stop()) }()
	<-done
	require.ErrorIs(t, <-met, approval.ErrNotFound)
	require.NoError(t, stop())
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestAReplicaThatIsKilledIsReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved(t, "t")
	require.NoError(t, b.exec(t, `DELETE FROM river_job WHERE queue <> 'run'`))
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "STORAGE_TEST_REPLICA="+pgtest.Serve(b.url), "GOCOVERDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "at run\n", said)
	require.NoError(t, b.exec(t, `UPDATE requests SET shown_at = changed_at`))
	b.age(t, r.ID)
	wake := steps.Wake{Step: approval.StepRun, RequestID: r.ID}
	require.ErrorIs(t, b.Alone(t.Context(), r.ID, approval.StepRun, nobody), steps.ErrBusy)
	require.Empty(t, b.stuck(t))

	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	eventually(t, func() bool { return len(b.stuck(t)) == 1 })
	require.Equal(t, []steps.Wake{wake}, b.stuck(t))
	done := make(chan steps.Wake, 2) // the job that the dead one has left may come as well
	b.work(t, func(ctx context.Context, w steps.Wake) error {
		return b.Alone(ctx, w.RequestID, w.Step, func(context.Context) error { done <- w; return nil })
	}, queue.WorkOptions{})
	require.NoError(t, b.Wake(t.Context(), wake))
	require.Equal(t, wake, <-done)
}

func TestWhatWasUnderWayWhenTheServerStopsIsDoneOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	var cut atomic.Int32
	errs := together(8, func(i int) error {
		_, err := b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
			r.Attempts++
			if cut.Add(1) == 3 {
				// Everybody's connection is cut off, in the middle of whatever they do.
				return b.exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
			}
			return nil
		})
		return err
	})
	done, open := 0, 0
	for _, err := range errs {
		switch {
		case err == nil:
			done++
		case strings.Contains(err.Error(), "commit: "):
			open++ // its answer is lost, so nobody but the database knows
		}
	}
	again, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.GreaterOrEqual(t, again.Attempts, done, "every success counts: %v", errs)
	require.LessOrEqual(t, again.Attempts, done+open, "no failure does, and nothing counts twice: %v", errs)
}

// TestADatabaseThatIsNotThereYetIsWaitedFor, and said once.
func TestADatabaseThatIsNotThereYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/tmp", "storage-await-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	server, err := pglocal.Start(t.Context(), pglocal.Options{Dir: dir, Throwaway: true})
	require.NoError(t, err)
	url := server.URL()
	require.NoError(t, server.Stop())
	var log lines
	there := make(chan error, 1)
	go func() { there <- pg.Await(t.Context(), url, logger(&log)) }()
	eventually(t, func() bool { return contains(&log, "serve waits for it") })
	server, err = pglocal.Start(t.Context(), pglocal.Options{Dir: dir, Throwaway: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Stop()) }()
	require.NoError(t, <-there)
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"))
	require.Contains(t, log.String(), "the database is there")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, pg.Await(ended, url, logger(&log)), context.Canceled)
}
