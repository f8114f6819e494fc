package queue

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
)

func TestWhoComesWhileARequestIsDrawnLeavesANote(t *testing.T) {
	t.Parallel()
	turns := newTurns(0, 1)
	var drawn atomic.Int32
	begun, goOn := make(chan bool), make(chan bool)
	ended := make(chan error)
	go func() {
		ended <- turns.draw(context.Background(), "a", func() error {
			drawn.Add(1)
			begun <- true
			<-goOn
			return nil
		})
	}()
	<-begun
	for range 3 {
		require.NoError(t, turns.draw(context.Background(), "a", func() error { panic("somebody is at it") }))
	}
	goOn <- true
	<-begun // once more, for all three
	goOn <- true
	require.NoError(t, <-ended)
	require.EqualValues(t, 2, drawn.Load())
	require.NoError(t, turns.draw(context.Background(), "a", func() error { drawn.Add(1); return nil }))
	require.EqualValues(t, 3, drawn.Load(), "the turn is free again")
}

func TestANoteIsFollowedThoughTheDrawingFailed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err   error
		times int
	}{
		"Slack refuses it":             {&steps.LaterError{After: time.Hour, Err: errors.New("no")}, 2},
		"another replica is at it":     {steps.ErrBusy, 1}, // the job comes again, a second later
		"nobody knows what it was":     {errors.New("no"), 2},
		"it is not there, and no more": {nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns, times := newTurns(0, 1), 0
			err := turns.draw(t.Context(), "a", func() error {
				if times++; times == 1 {
					require.NoError(t, turns.draw(t.Context(), "a", nil))
				}
				return c.err
			})
			require.Equal(t, c.err, err)
			require.Equal(t, c.times, times)
		})
	}
}

// A replica is told to stop in the very moment in which a drawing succeeds: whoever has left a note meanwhile is done, so this job comes again.
func TestANoteIsNotLostWhereItsReplicaStops(t *testing.T) {
	t.Parallel()
	turns := newTurns(0, 1)
	stopped, stop := context.WithCancel(t.Context())
	err := turns.draw(stopped, "a", func() error {
		require.NoError(t, turns.draw(t.Context(), "a", nil), "it leaves a note")
		stop()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	stopped, stop = context.WithCancel(t.Context())
	require.NoError(t, turns.draw(stopped, "a", func() error { stop(); return nil }), "where there is no note, it is done")
}

func TestATurnIsFreeAfterAPanic(t *testing.T) {
	t.Parallel()
	turns := newTurns(0, 1)
	require.Panics(t, func() { _ = turns.draw(t.Context(), "a", func() error { panic("no") }) })
	done := false
	require.NoError(t, turns.draw(t.Context(), "a", func() error { done = true; return nil }))
	require.True(t, done)
}

func TestNoRequestIsDrawnTwiceInAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // a busy machine takes a moment between the beginning of a turn and its work
		const every = 50 * time.Millisecond
		turns := newTurns(every, 2)
		var last time.Time
		for range 3 {
			require.NoError(t, turns.draw(t.Context(), "a", func() error {
				require.GreaterOrEqual(t, time.Since(last), every)
				last = time.Now()
				return nil
			}))
		}
		require.NoError(t, turns.draw(t.Context(), "b", func() error { return nil }))
		time.Sleep(every)
		require.NoError(t, turns.draw(t.Context(), "c", func() error { return nil }))
		require.Len(t, turns.taken, 1, "those that are long over are forgotten")

		// Whoever waits takes no other request's place.
		turns = newTurns(time.Hour, 1)
		require.NoError(t, turns.draw(t.Context(), "b", func() error { return nil }))
		stopped, cancel := context.WithCancel(t.Context())
		waited := make(chan error, 1)
		go func() {
			waited <- turns.draw(stopped, "b", func() error { panic("it was drawn a moment ago") })
		}()
		require.NoError(t, turns.draw(t.Context(), "c", func() error { return nil }))
		cancel()
		require.ErrorIs(t, <-waited, context.Canceled)
	})
}
