package e2b_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/sandbox/e2b/e2btest"
)

func TestABoxThatLetsLittleInAtOnceIsStillFilled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refused := func() bool {
		return strings.Contains(b.log.String(), "too many concurrent incoming connections (limit: 2)")
	}
	for slow := 30 * time.Millisecond; !refused() && slow < time.Minute; slow *= 4 { // on a busy machine three calls are at once only where each takes its time
		b.e2b.Change(func(s *e2btest.Settings) { s.AtOnce, s.Slow = 2, slow })
		request := "slow by " + slow.String()
		require.Equal(t, "1\n", b.run(t, request, "print(1)").Stdout)
		require.Equal(t, 1, b.e2b.Starts(request))
	}
	require.True(t, refused(), "it was refused some of it")
}

func TestFewFilesGoIntoABoxAtTheSameTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "print(1)")
	var now, most atomic.Int32
	b.e2b.Fail(e2btest.Write, e2btest.Fault{Pass: true, Times: -1, Do: func() {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(20 * time.Millisecond)
		now.Add(-1)
	}})
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", "print(1)")))
	require.LessOrEqual(t, most.Load(), int32(6))
}

func TestABoxThatLetsNothingInIsSaidToBeBusy(t *testing.T) {
	t.Parallel()
	b := setup(t, impatient)
	id := b.create(t, "req1", "print(1)")
	b.e2b.Change(func(s *e2btest.Settings) { s.AtOnce = -1 })
	for _, call := range []func() error{
		func() error { return b.client.Start(t.Context(), id, jobFor("req1", "print(1)")) },
		func() error { _, err := b.client.Result(t.Context(), id); return err },
		func() error { _, err := b.client.Inspect(t.Context(), "x = 1", nil); return err },
	} {
		err := call()
		require.Contains(t, boxError(t, err).Words, "More was asked of the box at the same time")
		require.Contains(t, boxError(t, err).Words, "Nothing is wrong with the code")
		require.True(t, boxError(t, err).Retry)
		require.NotErrorIs(t, err, steps.ErrBoxGone)
	}
	b.e2b.Change(func(s *e2btest.Settings) { s.AtOnce = 0 })
	require.NoError(t, b.another(t).Start(t.Context(), id, jobFor("req1", "print(1)")))
}

func TestAnEnvdThatComesUpLateIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]*e2btest.Fault{
		"its port is closed":              nil,
		"a balancer says 502":             {Status: 502, Body: "<html>bad gateway</html>", Times: 6},
		"the edge does not know it yet":   {Status: 502, Body: `{"sandboxId":"i1","message":"The sandbox was not found","code":502}`, Times: 6},
		"what the edge says has no words": {Status: 502, Times: 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if fault == nil {
				b.e2b.Change(func(s *e2btest.Settings) { s.Boot = 3 * time.Second })
			} else {
				b.e2b.Fail(e2btest.Stat, *fault)
			}
			require.Equal(t, "1\n", b.run(t, "req1", "print(1)").Stdout)
			require.Equal(t, 1, b.e2b.Starts("req1"))
		})
	}
}

func TestAnEnvdThatNeverComesUpIsSaid(t *testing.T) {
	t.Parallel()
	b := setup(t, impatient)
	b.e2b.Change(func(s *e2btest.Settings) { s.Boot = time.Hour })
	id := b.create(t, "req1", "print(1)")
	err := b.client.Start(t.Context(), id, jobFor("req1", "print(1)"))
	require.Contains(t, boxError(t, err).Words, "has not come up")
	require.Contains(t, boxError(t, err).Words, e2btest.Template)
	require.True(t, boxError(t, err).Retry)
	_, err = b.client.Inspect(t.Context(), "x = 1", nil)
	require.Contains(t, boxError(t, err).Words, "has not come up")
}

func TestAPausedBoxGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"v1", "v2"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.e2b.Change(func(s *e2btest.Settings) { s.API = api })
			id := b.create(t, "req1", "import time\ntime.sleep(3)\nprint(7)\n")
			require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", "import time\ntime.sleep(3)\nprint(7)\n")))
			b.e2b.Pause(id)
			_, err := b.client.Result(t.Context(), id)
			require.NotErrorIs(t, err, steps.ErrBoxGone, "it is not: it sleeps")
			require.True(t, boxError(t, err).Retry)
			require.Contains(t, boxError(t, err).Words, "paused")
			result, err := b.another(t).Result(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, "7\n", result.Stdout)
			require.Equal(t, 1, b.e2b.Starts("req1"))
		})
	}
}

func TestAPausedBoxThatIsAdoptedHasItsWholeTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "print(1)")
	b.e2b.Pause(id)
	b.client.Forget()
	require.Equal(t, id, b.create(t, "req1", "print(1)"))
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", "print(1)")))
	result, err := b.client.Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "1\n", result.Stdout)
}

func TestABoxToWhichTheWayIsLostIsNotGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "print(1)")
	require.NoError(t, b.client.Start(t.Context(), id, jobFor("req1", "print(1)")))
	b.e2b.Fail(e2btest.Stat, e2btest.NotFound(id))
	_, err := b.client.Result(t.Context(), id)
	require.NotErrorIs(t, err, steps.ErrBoxGone)
	require.True(t, boxError(t, err).Retry)
	b.e2b.Fail(e2btest.Stat, e2btest.NotFound(id))
	b.e2b.Fail(e2btest.Get, e2btest.Fault{Status: 500, Times: 4})
	_, err = b.client.Result(t.Context(), id)
	require.NotErrorIs(t, err, steps.ErrBoxGone, "nobody knows")
	result, err := b.client.Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "1\n", result.Stdout)
}
