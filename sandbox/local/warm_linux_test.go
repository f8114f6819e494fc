package local

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// waiting waits until the boxes that wait are ready, and returns them.
func (s *Sandbox) waiting() []*box {
	s.mu.Lock()
	spare := append([]*box{}, s.spare...)
	s.mu.Unlock()
	for _, b := range spare {
		<-b.booted
	}
	return spare
}

func TestBoxesWaitForApprovalsAndAreAdopted(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := own(t, Options{MaxWarm: 1})
	s.Prepare("a")
	s.Prepare("b")
	s.Prepare("a")
	warm := s.waiting()
	require.Len(t, warm, 1, "no more than MaxWarm wait")

	boxID := create(t, s, "b")
	require.Same(t, warm[0], s.box(boxID), "whoever is approved first takes the box that waits")
	next := s.waiting()
	require.Len(t, next, 1, "another one is started for the other request")
	require.NotSame(t, warm[0], next[0])
	s.Prepare("b")
	require.Len(t, s.waiting(), 1, "a request that has its box wants no other")

	s.Discard("a")
	require.Empty(t, s.waiting())
	<-next[0].done
	require.False(t, warm[0].dead())
	require.NoError(t, s.Start(ctx, boxID, job("print('warm')", roomy)))
	result, err := s.Result(ctx, boxID)
	require.NoError(t, err)
	require.Equal(t, "warm\n", result.Stdout)
}

// TestAsManyBoxesWaitAsTheDayAsksFor follows what is expected: more, fewer, and no more than memory has room for.
func TestAsManyBoxesWaitAsTheDayAsksFor(t *testing.T) {
	t.Parallel()
	room := 10 * warmMB
	s := own(t, Options{})
	s.spareMB = func() int { return room }
	s.Prepare("hinted")
	require.Equal(t, 1, s.Warm().Wanted)
	hinted := s.waiting()
	s.Expect(2, time.Now().Add(-time.Hour))
	require.Len(t, s.waiting(), 2)
	require.Len(t, s.wanted, 1, "it has come since that was counted")
	s.Expect(2, time.Now())
	require.Empty(t, s.wanted, "it is in the number")
	two := s.waiting()
	require.Same(t, hinted[0], two[0])
	w := s.Warm()
	require.Equal(t, Warm{Wanted: 2, Room: 2 + 10, Ready: 2}, w)
	require.Equal(t, 2*warmMB, w.MB())

	// One is claimed, and was in the number: no other one boots for it.
	boxID := create(t, s, "r")
	require.Same(t, two[0], s.box(boxID))
	require.Equal(t, []*box{two[1]}, s.waiting())
	require.Equal(t, 1, s.Warm().Claimed)
	s.Expect(2, time.Now())
	require.Equal(t, []*box{two[1]}, s.waiting(), "it has not started, and has its box")
	require.NoError(t, s.Kill(t.Context(), boxID))
	require.NotContains(t, s.waiting(), two[0], "nobody gets a box that somebody had")

	room = -1
	s.Expect(1, time.Now())
	require.Empty(t, s.waiting(), "memory is for what runs")
	<-two[1].done
	w = s.Warm()
	require.Equal(t, []int{1, 0, 1}, []int{w.Wanted, w.Room, w.GivenUp})
	room = warmMB - 1
	s.Expect(1, time.Now())
	require.Empty(t, s.waiting())
}

func TestABoxThatHasWaitedForLongGivesItsPlaceToAFreshOne(t *testing.T) {
	t.Parallel()
	s := own(t, Options{MaxWarm: 1})
	s.Expect(1, time.Now())
	first := s.waiting()
	require.Len(t, first, 1)
	s.Expect(1, time.Now())
	require.Equal(t, first, s.waiting())
	s.warmLife = 0
	s.Expect(1, time.Now())
	<-first[0].done
	s.warmLife = time.Hour
	second := s.waiting()
	require.Len(t, second, 1)
	require.NotSame(t, first[0], second[0])
}

func TestAMachineThatHasNoBoxIsNotAskedForOneAgainAndAgain(t *testing.T) {
	t.Parallel()
	s := own(t, Options{MaxWarm: 1, Runsc: fakeRunsc(t, "exit 1"), Unproven: false})
	s.Expect(1, time.Now())
	failed := s.waiting()
	require.Len(t, failed, 1)
	<-failed[0].done
	s.Expect(1, time.Now())
	require.Empty(t, s.waiting(), "for a minute")
	s.notBefore = time.Time{}
	s.Expect(1, time.Now())
	require.Len(t, s.waiting(), 1)
}

func TestABoxDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	s := own(t, Options{MaxWarm: 1})
	var spare []*box
	for wait := 50 * time.Millisecond; len(spare) == 0; wait *= 2 { // on a busy machine it is over before anybody has looked
		require.Less(t, wait, soon)
		s.opt.WarmFor = wait
		s.Prepare("a")
		s.mu.Lock()
		spare = append(spare, s.spare...)
		s.mu.Unlock()
	}
	<-spare[0].done // killed by nobody but the timer
	require.Empty(t, s.waiting())
}

func TestNothingWaitsWhereNothingMay(t *testing.T) {
	t.Parallel()
	s := own(t, Options{MaxWarm: -1})
	s.Prepare("a")
	require.Empty(t, s.waiting())
}
