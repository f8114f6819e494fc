package storage

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/internal/pglocal/pgtest"
	"countersign/storage/pg"
	"countersign/storage/pulse"
	"countersign/storage/queue"
)

func logger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func contains(l *lines, words string) bool { return strings.Contains(l.String(), words) }

// replica is the name by which others know this one.
func (b *bundle) replica(t *testing.T) string {
	t.Helper()
	var session string
	require.NoError(t, b.core.pool.QueryRow(t.Context(), `SELECT current_setting('application_name')`).Scan(&session))
	return strings.TrimPrefix(session, pulse.SessionName(""))
}

// atRun is another process that is at the run of "r" and leads the queue.
func (b *bundle) atRun(t *testing.T) *exec.Cmd {
	t.Helper()
	require.NoError(t, b.Wake(t.Context(), steps.Wake{Step: approval.StepRun, RequestID: "r"}))
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "STORAGE_TEST_REPLICA="+pgtest.Serve(b.url), "GOCOVERDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	said, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "at run\n", said)
	eventually(t, func() bool { return b.count(t, `SELECT count(*) FROM river_leader`) == 1 })
	return cmd
}

// TestWhatADeadReplicaWasAtGoesToOthers: nothing else than its heartbeat tells. Neither a sweep
// nor River's own time for what is stuck comes into it.
func TestWhatADeadReplicaWasAtGoesToOthers(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]os.Signal{"it is killed": os.Kill, "it hangs": syscall.SIGSTOP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			other := b.atRun(t)
			leader := b.count(t, `SELECT count(*) FROM river_leader WHERE leader_id <> $1`, b.replica(t))
			require.Equal(t, 1, leader)
			took := make(chan steps.Wake, 10)
			b.work(t, func(ctx context.Context, w steps.Wake) error {
				return b.Alone(ctx, w.RequestID, w.Step, func(context.Context) error { took <- w; return nil })
			}, queue.WorkOptions{Sweep: "@every 1h"})
			require.NoError(t, other.Process.Signal(end))
			require.Equal(t, steps.Wake{Step: approval.StepRun, RequestID: "r"}, <-took)
			eventually(t, func() bool {
				return b.count(t, `SELECT count(*) FROM river_job WHERE kind = 'step' AND state = 'completed'`) == 1
			})
			eventually(t, func() bool {
				return b.count(t, `SELECT count(*) FROM river_leader WHERE leader_id = $1`, b.replica(t)) == 1
			})
		})
	}
}

// TestALivingReplicaKeepsWhatItIsAt however long it takes.
func TestALivingReplicaKeepsWhatItIsAt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.atRun(t)
	own := pulse.New(b.pool.Config().ConnConfig, b.replica(t), pg.HungUp, slog.New(slog.DiscardHandler))
	defer own.End()
	w := &pulse.Watch{Pulse: own}
	for range 10 {
		require.NoError(t, w.Beat(t.Context()))
	}
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM river_job WHERE kind = 'step' AND state = 'running'`)) // its sweep runs as well
	require.ErrorIs(t, b.Alone(t.Context(), "r", approval.StepRun, nobody), steps.ErrBusy)
}

// TestARowThatRiverLeavesRunningGoes: its end was lost while the database was away.
func TestARowThatRiverLeavesRunningGoes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.Wake(t.Context(), steps.Wake{Step: approval.StepRun, RequestID: "r"}))
	require.NoError(t, b.exec(t, `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now(), attempted_by = ARRAY[$1]`, b.replica(t)))
	took := make(chan steps.Wake, 10)
	b.work(t, func(_ context.Context, w steps.Wake) error { took <- w; return nil }, queue.WorkOptions{})
	require.Equal(t, steps.Wake{Step: approval.StepRun, RequestID: "r"}, <-took)
}

// TestAStepEndsWhenSomebodyElseHasItsLock: the session has died, and somebody was faster.
func TestAStepEndsWhenSomebodyElseHasItsLock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second, err := Open(t.Context(), pgtest.Serve(b.url), Options{})
	require.NoError(t, err)
	defer second.Close()
	err = b.Alone(t.Context(), "r", approval.StepRun, func(ctx context.Context) error {
		require.NoError(t, b.exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1`, pulse.Name(b.replica(t))))
		ran := false
		for !ran {
			err := second.Alone(t.Context(), "r", approval.StepRun, func(context.Context) error {
				ran = true
				b.work(t, func(context.Context, steps.Wake) error { return nil }, queue.WorkOptions{Sweep: "@every 1h"}) // its heart beats
				<-ctx.Done()
				return nil
			})
			if err != nil {
				require.ErrorIs(t, err, steps.ErrBusy)
			}
		}
		return context.Cause(ctx)
	})
	require.ErrorIs(t, err, pulse.ErrTaken)
	require.NoError(t, b.Alone(t.Context(), "r", approval.StepRun, nobody), "free again")
}

// TestWhatAReplicaOffersIsSeenThoughItsSessionWasThereBefore: somebody may press a button before the queue begins.
func TestWhatAReplicaOffersIsSeenThoughItsSessionWasThereBefore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.Alone(t.Context(), "r", approval.StepRead, nobody))
	stop := b.work(t, func(context.Context, steps.Wake) error { return nil }, queue.WorkOptions{Sweep: "@every 1h", Offers: "box"})
	eventually(t, func() bool { return b.count(t, `SELECT count(*) FROM river_leader`) == 1 })
	there, err := b.Offered(t.Context(), "box")
	require.NoError(t, err)
	require.True(t, there)
	require.NoError(t, stop())
}

// TestAReplicaLivesWithTenConnections however much is asked of it at once.
func TestAReplicaLivesWithTenConnections(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stop := b.work(t, func(ctx context.Context, w steps.Wake) error {
		return b.Alone(ctx, w.RequestID, w.Step, func(ctx context.Context) error { _, err := b.Request(ctx, w.RequestID); return err })
	}, queue.WorkOptions{})
	for _, err := range together(30, func(i int) error {
		r := b.ask(t, triggerOf(i))
		return b.Wake(t.Context(), steps.Wake{Step: approval.StepRun, RequestID: r.ID})
	}) {
		require.NoError(t, err)
	}
	most := 0
	eventually(t, func() bool {
		most = max(most, b.count(t, `SELECT count(*) FROM pg_stat_activity WHERE application_name IN ($1, $2)`, pulse.Name(b.replica(t)), pulse.SessionName(b.replica(t))))
		return b.count(t, `SELECT count(*) FROM river_job WHERE kind = 'step' AND state <> 'completed'`) == 0
	})
	require.NoError(t, stop())
	require.LessOrEqual(t, most, 10)
}

// By our own word and not only by the test server's: compiling takes longer than any of our statements.
func TestASessionHasNothingCompiled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var jit, source string
	require.NoError(t, b.core.pool.QueryRow(t.Context(), `SELECT setting, source FROM pg_settings WHERE name = 'jit'`).Scan(&jit, &source))
	require.Equal(t, "off client", jit+" "+source)
}
