package storage

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/storage/pulse"
	"countersign/storage/queue"
)

// work runs the loop in the background; stop ends it and gives its error.
func (b *bundle) work(t *testing.T, do func(context.Context, steps.Wake) error, o queue.WorkOptions) (stop func() error) {
	t.Helper()
	if o.Ends == 0 {
		o.Ends = soon
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- b.Work(ctx, do, nobody, o) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return stop
}

// wakes remembers what was called.
type wakes struct {
	mu   sync.Mutex
	list []steps.Wake
}

func (w *wakes) add(wake steps.Wake) (times int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, wake)
	for _, had := range w.list {
		if had == wake {
			times++
		}
	}
	return times
}

func (w *wakes) of(wake steps.Wake) (times int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, had := range w.list {
		if had == wake {
			times++
		}
	}
	return times
}

// tick says that there was one. However long it takes until somebody listens, a sweep does not wait for it.
func tick(swept chan<- struct{}) {
	select {
	case swept <- struct{}{}:
	default:
	}
}

func eventually(t *testing.T, what func() bool) {
	t.Helper()
	require.Eventually(t, what, soon, 5*time.Millisecond)
}

func TestWorkDoesWhatWasCommitted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var seen wakes
	swept := make(chan struct{}, 2)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- b.Work(ctx, func(_ context.Context, w steps.Wake) error { seen.add(w); return nil },
			func(context.Context) error {
				tick(swept)
				return errors.New("the next tick comes all the same")
			},
			queue.WorkOptions{Sweep: "@every 1s", Ends: soon})
	}()
	r := b.ask(t, "t")
	require.NoError(t, b.Wake(t.Context(), steps.Wake{Step: approval.StepRun, RequestID: r.ID}))
	for _, step := range []approval.Step{approval.StepFind, approval.StepRead, approval.StepShow, approval.StepRun} {
		eventually(t, func() bool { return seen.of(steps.Wake{Step: step, RequestID: r.ID}) == 1 })
	}
	<-swept
	<-swept
	eventually(t, func() bool { return b.count(t, `SELECT count(*) FROM requests WHERE shown_at = changed_at`) == 1 })
	cancel()
	require.NoError(t, <-done)
	require.Equal(t, 4, b.count(t, `SELECT count(*) FROM river_job WHERE kind = 'step' AND state = 'completed'`))
}

func TestJobsAreCommittedWithTheirCause(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	no := errors.New("no")
	err := b.write(t.Context(), func(tx pgx.Tx) error {
		require.NoError(t, b.core.jobs.Insert(t.Context(), tx, steps.Wake{Step: approval.StepRun, RequestID: r.ID}))
		var inside int
		require.NoError(t, tx.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE queue = 'run'`).Scan(&inside))
		require.Equal(t, 1, inside)
		require.Zero(t, b.count(t, `SELECT count(*) FROM river_job WHERE queue = 'run'`), "nobody else sees it yet")
		return no
	})
	require.Equal(t, no, err)
	require.Zero(t, b.count(t, `SELECT count(*) FROM river_job WHERE queue = 'run'`))
}

func TestAStepThatDoesNotSucceedComesAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err   error
		again bool
		state string
	}{
		"the world was not ready": {&steps.LaterError{After: time.Millisecond, Err: errors.New("busy")}, true, "completed"},
		"somebody else is at it":  {steps.ErrBusy, true, "completed"},
		"a fault":                 {errors.New("fault"), true, "completed"},
		"there is no request":     {approval.ErrNotFound, false, "cancelled"},
		"the work panics":         {nil, true, "completed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var seen wakes
			wake := steps.Wake{Step: approval.StepRun, RequestID: "r"}
			b.work(t, func(_ context.Context, w steps.Wake) error {
				if seen.add(w) > 1 {
					return nil
				}
				if c.err == nil {
					panic("the first time")
				}
				return c.err
			}, queue.WorkOptions{})
			require.NoError(t, b.Wake(t.Context(), wake))
			eventually(t, func() bool {
				return b.count(t, `SELECT count(*) FROM river_job WHERE queue = 'run' AND state::text = $1`, c.state) == 1
			})
			times := 1
			if c.again {
				times = 2
			}
			require.Equal(t, times, seen.of(wake))
		})
	}
}

// TestWhatWasBegunIsDrawnOverOnce: a job that ended nobody knows where is told so at the next attempt, and not each time that it is
// put off after that, nor where it has to wait for another replica.
func TestWhatWasBegunIsDrawnOverOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	require.NoError(t, b.exec(t, `DELETE FROM river_job`))
	refused := &steps.LaterError{After: time.Millisecond, Err: errors.New("refused")}
	ends := []error{errors.New("fault"), steps.ErrBusy, refused, refused, errors.New("fault"), nil}
	var mu sync.Mutex
	var done []string
	b.work(t, func(_ context.Context, w steps.Wake) error {
		mu.Lock()
		defer mu.Unlock()
		if w.Again {
			done = append(done, "doubted")
			return nil
		}
		done = append(done, "drawn")
		end := ends[0]
		ends = ends[1:]
		return end
	}, queue.WorkOptions{})
	require.NoError(t, b.Wake(t.Context(), steps.Wake{Step: approval.StepShow, RequestID: r.ID}))
	eventually(t, func() bool {
		return b.count(t, `SELECT count(*) FROM river_job WHERE state = 'completed' AND kind = 'step'`) == 1
	})
	require.Equal(t, []string{"drawn", "doubted", "drawn", "drawn", "drawn", "drawn", "doubted", "drawn"}, done)
}

// TestWhatWasDoubtedMeanwhileCountsAsNotShown: whoever drew it ended after that, and had begun before.
func TestWhatWasDoubtedMeanwhileCountsAsNotShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	require.NoError(t, b.exec(t, `DELETE FROM river_job`))
	require.NoError(t, b.exec(t, `UPDATE requests SET shown_at = changed_at - interval '1 second'`))
	b.work(t, func(ctx context.Context, _ steps.Wake) error { return b.Doubt(ctx, r.ID, steps.SurfaceProgress) }, queue.WorkOptions{})
	for _, shown := range []int{0, 1} { // the next time it is drawn as one that nobody has shown yet
		require.NoError(t, b.Wake(t.Context(), steps.Wake{Step: approval.StepShow, RequestID: r.ID}))
		eventually(t, func() bool {
			return b.count(t, `SELECT count(*) FROM river_job WHERE state = 'completed' AND kind = 'step'`) == shown+1
		})
		require.Equal(t, shown, b.count(t, `SELECT count(*) FROM requests WHERE shown_at = changed_at`))
	}
}

func TestAShowOfNothingIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.work(t, func(context.Context, steps.Wake) error { panic("there is nothing to show") }, queue.WorkOptions{})
	require.NoError(t, b.Wake(t.Context(), steps.Wake{Step: approval.StepShow, RequestID: "nobody"}))
	eventually(t, func() bool { return b.count(t, `SELECT count(*) FROM river_job WHERE state = 'cancelled'`) == 1 })
}

func TestAnAnswerHasTheTimeToUploadItsFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	until := make(chan time.Duration, 100)
	b.work(t, func(ctx context.Context, w steps.Wake) error {
		if deadline, ok := ctx.Deadline(); ok && w.Step == approval.StepShow {
			until <- time.Until(deadline)
		}
		return nil
	}, queue.WorkOptions{})
	require.NoError(t, b.Wake(t.Context(), steps.Wake{Step: approval.StepShow, RequestID: r.ID}))
	require.Greater(t, <-until, 15*time.Minute)
}

func TestWhatChangesWhileItIsDrawnIsNotCalledShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	var seen wakes
	b.work(t, func(ctx context.Context, w steps.Wake) error {
		if w.Step == approval.StepShow && seen.add(w) == 1 {
			_, err := b.Update(ctx, r.ID, func(r *approval.Request, now time.Time) error {
				r.ChangedAt = now
				return nil
			})
			return err
		}
		return nil
	}, queue.WorkOptions{})
	eventually(t, func() bool { return b.count(t, `SELECT count(*) FROM requests WHERE shown_at < changed_at`) == 1 })
}

func TestShowingNeverKeepsARunWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 4 {
		b.ask(t, triggerOf(i))
	}
	slow, ran := make(chan struct{}), make(chan struct{})
	b.work(t, func(ctx context.Context, w steps.Wake) error {
		if w.Step == approval.StepRun {
			close(ran)
			return nil
		}
		select {
		case <-slow:
		case <-ctx.Done():
		}
		return nil
	}, queue.WorkOptions{Drafts: 1, Runs: 1, Shows: 1})
	require.NoError(t, b.Wake(t.Context(), steps.Wake{Step: approval.StepRun, RequestID: "r"}))
	<-ran
	close(slow)
}

func TestWorkWaitsForWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begun, finish := make(chan struct{}), make(chan struct{})
	stop := b.work(t, func(ctx context.Context, w steps.Wake) error {
		close(begun)
		<-finish
		return ctx.Err()
	}, queue.WorkOptions{Drain: soon})
	require.NoError(t, b.Wake(t.Context(), steps.Wake{Step: approval.StepRun, RequestID: "r"}))
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	select {
	case <-stopped:
		require.Fail(t, "it did not wait")
	case <-time.After(200 * time.Millisecond):
	}
	close(finish)
	require.NoError(t, <-stopped)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM river_job WHERE queue = 'run' AND state = 'completed'`))
}

func TestWorkThatDoesNotEndIsToldTo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begun := make(chan struct{})
	stop := b.work(t, func(ctx context.Context, w steps.Wake) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}, queue.WorkOptions{Drain: 50 * time.Millisecond})
	require.NoError(t, b.Wake(t.Context(), steps.Wake{Step: approval.StepRun, RequestID: "r"}))
	<-begun
	require.NoError(t, stop())
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM river_job WHERE queue = 'run' AND state <> 'completed'`), "another replica does it")
}

// A step may have to end a box before it ends itself, which takes seconds on a busy machine.
func TestWorkThatWasToldToEndHasAMomentForIt(t *testing.T) {
	t.Parallel()
	for what, ends := range map[string]time.Duration{"and ends": soon, "and does not": 20 * time.Millisecond} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			begun, told, finish := make(chan struct{}), make(chan struct{}), make(chan struct{})
			stop := b.work(t, func(ctx context.Context, w steps.Wake) error {
				close(begun)
				<-ctx.Done()
				close(told)
				<-finish
				return ctx.Err()
			}, queue.WorkOptions{Drain: time.Millisecond, Ends: ends})
			require.NoError(t, b.Wake(t.Context(), steps.Wake{Step: approval.StepRun, RequestID: "r"}))
			<-begun
			stopped := make(chan error, 1)
			go func() { stopped <- stop() }()
			<-told
			if ends == soon {
				close(finish)
				require.NoError(t, <-stopped)
				return
			}
			require.ErrorContains(t, <-stopped, "work does not end, though it was told to 20ms ago")
			close(finish)
		})
	}
}

func TestWorkSaysWhatItCannotStartWith(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.ErrorContains(t, b.Work(t.Context(), nil, nobody, queue.WorkOptions{Sweep: "now and then"}), "now and then")
	b.Close()
	require.ErrorContains(t, b.Work(t.Context(), nil, nobody, queue.WorkOptions{}), "start the queue")
}

func TestTheQueuesChatterIsForDebugging(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	log := slog.New(pulse.Quiet{Handler: slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo}), Away: &atomic.Bool{}}).With("a", 1).WithGroup("g")
	log.Info("chatter")
	log.Error("jobcompleter.BatchCompleter: Too many errors; giving up")
	log.Warn("trouble", "b", 2)
	require.NotContains(t, out.String(), "chatter")
	require.NotContains(t, out.String(), "giving up", "an absence of the database is one line")
	require.Contains(t, out.String(), "level=WARN msg=trouble a=1 g.b=2")
}
