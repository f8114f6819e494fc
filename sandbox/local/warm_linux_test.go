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

func TestABoxDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	s := own(t, Options{MaxWarm: 1, WarmFor: 50 * time.Millisecond})
	s.Prepare("a")
	s.mu.Lock()
	spare := append([]*box{}, s.spare...)
	s.mu.Unlock()
	require.Len(t, spare, 1)
	<-spare[0].done // killed by nobody but the timer
	require.Empty(t, s.waiting())
}

func TestNothingWaitsWhereNothingMay(t *testing.T) {
	t.Parallel()
	s := own(t, Options{MaxWarm: -1})
	s.Prepare("a")
	require.Empty(t, s.waiting())
}
