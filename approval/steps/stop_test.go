package steps

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

func TestARunThatIsCancelledEndsWithItsBox(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"asker", "admin"} {
		b := setup(t)
		r := b.approved()
		click := approval.Click{Team: "T1", User: who}
		b.box.endless = true
		b.box.ended = func() {
			got, err := b.Withdraw(t.Context(), r.ID, click)
			require.NoError(t, err)
			require.Equal(t, approval.Running, got.State, "until its box is no more")
			require.Equal(t, who, got.Run.StoppedBy)
			at := got.Run.StoppedAt
			got, err = b.Withdraw(t.Context(), r.ID, click)
			require.NoError(t, err, "pressed twice")
			require.Equal(t, at, got.Run.StoppedAt)
		}
		require.Empty(t, b.work())
		b.cutShort(r.ID)
		require.Equal(t, 1, b.box.starts(), "it has run, and does not run again")
		require.Empty(t, b.box.discarded)
	}
}

// cutShort holds that a run has ended because it was cancelled, and is paid for.
func (b *bundle) cutShort(id string) {
	b.t.Helper()
	got := b.request(id)
	require.Equal(b.t, approval.Done, got.State)
	require.Equal(b.t, approval.Cancelled, got.Run.Result.Outcome)
	require.Zero(b.t, b.box.living(), "its box is no more")
	require.Zero(b.t, b.open(id), "the rest of its hold is free")
	spends := b.spends(id, budget.ForRun)
	require.Len(b.t, spends, 1)
	require.Len(b.t, spends[0].Charges, 1)
	require.Equal(b.t, 1, b.count(id, "stopped"))
	require.Equal(b.t, 1, b.count(id, "finished"))
	require.False(b.t, approval.Repeatable(got))
	require.Empty(b.t, b.work(), "and that is all")
}

func TestOthersDoNotCancelARun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := inState(t, approval.Running)
	r.Team, r.Asker = "T1", "asker"
	b.store.requests[r.ID] = r
	_, err := b.Withdraw(t.Context(), r.ID, approval.Click{Team: "T1", User: "R1"})
	require.ErrorAs(t, err, new(*approval.NotAllowedError))
	require.True(t, b.request(r.ID).Run.StoppedAt.IsZero())
}

// Whoever watched it dies at any moment between the click and the end: the next one starts nothing,
// waits for nothing, and ends its box before the row says so.
func TestACancelledRunIsEndedByWhoeverTakesItOver(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"Result.before", "Start.before", "Start.after", "Kill.before", "Kill.after", "Update.before"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.approved()
			for {
				w, ok := b.store.next()
				require.True(t, ok)
				if w.Step == approval.StepRun {
					break
				}
			}
			first := point
			if slices.Contains([]string{"Kill.before", "Kill.after", "Update.before"}, point) {
				first = "Result.before" // it is at the end that this one dies as well
			}
			b.faults.kill(first)
			require.ErrorIs(t, b.replica(func() error { return b.Run(context.Background(), r.ID) }), errCrash)
			starts := b.box.starts()
			_, err := b.Withdraw(t.Context(), r.ID, approval.Click{Team: "T1", User: "asker"})
			require.NoError(t, err)
			if first != point {
				b.faults.kill(point)
			}
			b.box.endless = true // nobody waits for it
			b.work()
			require.True(t, b.faults.struck(), "the crash point was never reached")
			require.Equal(t, starts, b.box.starts(), "nothing starts after it was cancelled")
			b.cutShort(r.ID)
		})
	}
}

// Nobody knows when a box ended whose replica has died long ago: no more is charged than was held.
func TestACancelledRunCostsNoMoreThanItsHold(t *testing.T) {
	t.Parallel()
	r := inState(t, approval.Running)
	now := time.Now()
	require.NoError(t, approval.Stopping{Request: r}.Stop("asker", now))
	most := r.Money().ForRun()[0].Amount
	require.NoError(t, approval.Stopping{Request: r}.Stopped(time.Hour, budget.Charge{Kind: budget.Box, Amount: most + 1}, approval.DefaultPolicy(), now))
	require.Len(t, r.Changes.Settlements, 1)
	require.True(t, r.Changes.Settlements[0].Estimated)
	require.Equal(t, most, budget.Total(r.Changes.Settlements[0].Charges))
}

// It had finished when somebody pressed Cancel: its result is its result.
func TestARunThatHasFinishedIsNotCutShort(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	b.box.ended = func() {
		_, err := b.Withdraw(t.Context(), r.ID, approval.Click{Team: "T1", User: "asker"})
		require.NoError(t, err)
	}
	require.Empty(t, b.work())
	got := b.request(r.ID)
	require.Equal(t, approval.Done, got.State)
	require.Equal(t, approval.OK, got.Run.Result.Outcome)
	require.False(t, got.Run.StoppedAt.IsZero(), "and the row says that somebody wanted it ended")
	_, err := b.Withdraw(t.Context(), r.ID, approval.Click{Team: "T1", User: "asker"})
	require.ErrorAs(t, err, new(*approval.MoveError))
}

func TestWhatEndsAsCancelledWasCancelled(t *testing.T) {
	t.Parallel()
	r := inState(t, approval.Running)
	require.Error(t, r.Finish(approval.Result{Outcome: approval.Cancelled}, budget.Charge{}, approval.DefaultPolicy(), time.Now()))
	require.Error(t, approval.Stopping{Request: r}.Stopped(time.Second, budget.Charge{}, approval.DefaultPolicy(), time.Now()))
	require.NoError(t, approval.Stopping{Request: r}.Stop("asker", time.Now()))
	require.NoError(t, r.Finish(approval.Result{Outcome: approval.OK}, budget.Charge{}, approval.DefaultPolicy(), time.Now()), "it had finished before")
	require.Equal(t, approval.OK, r.Run.Result.Outcome)
}

// Somebody cancels while all that the code needs is read and made: its box is there, and nothing begins in it.
func TestNothingBeginsThatWasCancelledMeanwhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	b.box.waiting = func() {
		b.box.waiting = nil
		_, err := b.Withdraw(t.Context(), r.ID, approval.Click{Team: "T1", User: "asker"})
		require.NoError(t, err)
	}
	require.Empty(t, b.work())
	require.Zero(t, b.box.starts())
	b.cutShort(r.ID)
}

// A local box of another process that lives is ended by that process: until it says so, the row does not.
func TestACancelledRunIsNotOverWhileItsBoxIsAnotherProcesss(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	b.faults.kill("Start.before")
	require.ErrorIs(t, b.replica(func() error { return b.Run(context.Background(), r.ID) }), errCrash)
	_, err := b.Withdraw(t.Context(), r.ID, approval.Click{Team: "T1", User: "asker"})
	require.NoError(t, err)
	b.faults.fail("Result.before", &BoxError{Err: errCrash, Retry: true, Words: "It runs in another process."})
	require.Error(t, b.Run(t.Context(), r.ID))
	require.Equal(t, approval.Running, b.request(r.ID).State)
	b.work()
	b.cutShort(r.ID)
}

// The database's clock was put back between the start and the click.
func TestARunIsNotCancelledBeforeItStarted(t *testing.T) {
	t.Parallel()
	r := inState(t, approval.Running)
	require.NoError(t, approval.Stopping{Request: r}.Stop("asker", r.Run.StartedAt.Add(-time.Hour)))
	require.Equal(t, r.Run.StartedAt, r.Run.StoppedAt)
}
