package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
)

// A box that is slow is kept for its request, however often somebody has to ask.
func TestASlowBoxIsKeptForItsRequest(t *testing.T) {
	t.Parallel()
	s := own(t, Options{MaxWarm: -1, Machine: t.TempDir()})
	s.patience = time.Millisecond
	release := s.takeAllCores(t)
	kept := func(id string) *box {
		_, err := s.Create(t.Context(), id, s.seal())
		var busy *steps.BoxError
		require.ErrorAs(t, err, &busy)
		require.True(t, busy.Kept && busy.Retry)
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.byReq[id]
	}
	first := kept("a")
	require.Same(t, first, kept("a"))
	second := kept("b")
	waits(t, first, 1)
	waits(t, second, 2)
	s.Discard("a") // somebody has taken it back
	<-first.done
	require.Nil(t, first.proc, "it has never begun")
	waits(t, second, 1)
	release()
	require.Equal(t, second.id, create(t, s, "b"))
	s.Discard("b")
	require.False(t, second.dead(), "somebody has been given it")
	require.Equal(t, second.boot, second.paid())
}

func TestABoxThatNobodyAsksForAgainIsGivenUp(t *testing.T) {
	t.Parallel()
	s := own(t, Options{MaxWarm: -1, Machine: t.TempDir(), WarmFor: time.Millisecond})
	s.patience = time.Millisecond
	release := s.takeAllCores(t)
	defer release()
	_, err := s.Create(t.Context(), "a", s.seal())
	require.Error(t, err)
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.boxes) == 0
	}, soon, time.Millisecond)
}

func TestTheWaitInLineIsNotPaidFor(t *testing.T) {
	t.Parallel()
	s := own(t, Options{MaxWarm: -1, Machine: t.TempDir()})
	release := s.takeAllCores(t)
	ctx, cancel := context.WithCancel(t.Context())
	said := make(chan steps.Inspection, 1)
	go func() {
		seen, _ := s.Inspect(ctx, "1", nil)
		said <- seen
	}()
	require.Eventually(t, func() bool { s.line.mu.Lock(); defer s.line.mu.Unlock(); return len(s.line.places) == 1 }, soon, time.Millisecond)
	cancel()
	require.Zero(t, (<-said).Box)

	ctx, cancel = context.WithCancel(t.Context())
	tested := make(chan time.Duration, 1)
	go func() {
		used, _ := s.SelfTest(ctx)
		tested <- used
	}()
	require.Eventually(t, func() bool { s.line.mu.Lock(); defer s.line.mu.Unlock(); return len(s.line.places) == 1 }, soon, time.Millisecond)
	cancel()
	require.Zero(t, <-tested, "nor by the house, for its self-test")
	release()
	used, err := s.SelfTest(t.Context())
	require.NoError(t, err)
	require.Positive(t, used)
	id := create(t, s, "a")
	b := s.box(id)
	require.NoError(t, s.Start(t.Context(), id, job("print(1)", roomy)))
	result, err := s.Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, approval.OK, result.Outcome)
	require.Positive(t, b.boot)
	require.GreaterOrEqual(t, result.Box, b.boot)
	require.LessOrEqual(t, result.Box, s.Lease(roomy))
}

// fakeRunsc is a runsc that does something else the first time.
func fakeRunsc(t *testing.T, first string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "runsc")
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, "#!/bin/sh\nif mkdir %s/once 2>/dev/null; then %s; fi\nexec %s \"$@\"\n", dir, first, shared.opt.Runsc), 0o755))
	return path
}

func TestABoxThatHangsIsKilledAndTheNextOneBoots(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{"stands still": "exec sleep 1000", "computes for ever": "while :; do :; done", "leaves a child": "sleep 20 & wait"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := own(t, Options{MaxWarm: -1, Runsc: fakeRunsc(t, first)})
			s.standstill, s.bootTime = time.Second, time.Second/2
			_, err := s.Create(t.Context(), "a", s.seal())
			var box *steps.BoxError
			require.ErrorAs(t, err, &box)
			require.ErrorIs(t, err, errLate)
			require.True(t, box.Retry)
			s.standstill, s.bootTime = standstill, bootTime
			result := runIn(t, s, job("print(1)", roomy))
			require.Equal(t, approval.OK, result.Outcome, "%+v", result)
		})
	}
}

func TestABoxThatMakesProgressHasAllTheTimeThatItNeeds(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := &clock{most: time.Minute, still: 2 * time.Minute, since: now}
	used := time.Duration(0)
	for range 5000 { // hours, of which it gets a hundredth
		now, used = now.Add(time.Second), used+10*time.Millisecond
		require.NoError(t, c.judge(used, now))
	}
	now = now.Add(2 * time.Minute)
	require.NoError(t, c.judge(used, now))
	require.ErrorContains(t, c.judge(used, now.Add(time.Second)), "it has stood still for 2m0s")
	c = &clock{most: time.Minute, still: 2 * time.Minute, since: now}
	require.NoError(t, c.judge(time.Minute, now))
	require.ErrorContains(t, c.judge(time.Minute+time.Millisecond, now), "it has used 1m0.001s of processor time")
	require.ErrorIs(t, c.judge(0, now), errLate, "too late is too late")
}

// On a busy machine a box may be ready, or over, before its clock has begun to look at it.
func TestWhatABoxUsedBeforeItsClockBeganIsCounted(t *testing.T) {
	t.Parallel()
	s := own(t, Options{MaxWarm: -1})
	b := s.box(create(t, s, "a"))
	used, late := b.clock(0, bootTime, standstill).stop()
	require.NoError(t, late)
	require.GreaterOrEqual(t, used, b.boot)
	require.Positive(t, b.boot)
	used, late = b.clock(b.boot, bootTime, standstill).stop()
	require.NoError(t, late)
	require.Less(t, used, b.boot, "booting is counted once")
	require.NoError(t, s.Kill(t.Context(), b.id))
	used, late = b.clock(0, bootTime, standstill).stop()
	require.NoError(t, late)
	t.Log(b.boot, used)
	require.Positive(t, used)
}

func TestASandboxThatIsStartingTakesNobodyInBeforeItHasProvenItself(t *testing.T) {
	t.Parallel()
	runsc := filepath.Join(t.TempDir(), "runsc")
	write := func(script string) {
		t.Helper()
		next := runsc + ".next"
		require.NoError(t, os.WriteFile(next, []byte(script), 0o755))
		require.NoError(t, os.Rename(next, runsc))
	}
	write("#!/bin/sh\nexit 1\n")
	s := own(t, Options{Runsc: runsc, Unproven: true, MaxWarm: 1})
	s.pause = 10 * time.Millisecond
	var box *steps.BoxError
	for _, try := range []func() error{
		s.Ready,
		func() error { _, err := s.Create(t.Context(), "a", s.seal()); return err },
		func() error { _, err := s.Inspect(t.Context(), "1", nil); return err },
	} {
		require.ErrorAs(t, try(), &box)
		require.True(t, box.Retry, "it is only a matter of time")
	}
	s.Prepare("a")
	require.Empty(t, s.waiting())
	proven := make(chan error, 1)
	go func() { proven <- s.Prove(t.Context(), nil) }()
	require.Eventually(t, func() bool { box, _ := s.Ready().(*steps.BoxError); return box != nil && !box.Retry }, soon, time.Millisecond)
	require.ErrorAs(t, s.Ready(), &box)
	require.NotEmpty(t, box.Words, "people hear why")
	write(fmt.Sprintf("#!/bin/sh\nexec %s \"$@\"\n", shared.opt.Runsc)) // an operator has mended it
	require.NoError(t, <-proven)
	require.NoError(t, s.Ready())
	require.Equal(t, approval.OK, runIn(t, s, job("print(1)", roomy)).Outcome)

	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Prove(over, nil), context.Canceled)
}

func TestFontsAreListedOnceForAllBoxesOfAMachine(t *testing.T) {
	t.Parallel()
	lists, err := filepath.Glob(filepath.Join(fontList(shared.opt.Machine, shared.template), "fontlist-*.json"))
	require.NoError(t, err)
	require.Len(t, lists, 1, "the first self-test has made it")
	s := own(t, Options{MaxWarm: -1})
	require.FileExists(t, filepath.Join(s.home.root, "mpl", filepath.Base(lists[0])), "later ones come with it")
	b := s.box(create(t, s, "a"))
	// The worker has forked from nobody: neither fc-list nor uname was started, whose process id would be its own plus one.
	result := runIn(t, shared, job("import os, glob\nprint(os.getpid(), os.path.getsize(glob.glob(os.environ['MPLCONFIGDIR'] + '/fontlist-*.json')[0]) > 100)\npid = os.fork()\nif pid == 0:\n    os._exit(0)\nos.waitpid(pid, 0)\nprint(pid - os.getpid())\n", roomy))
	require.Equal(t, "2 True\n1\n", result.Stdout, "%+v", result)
	require.False(t, b.dead())
}
