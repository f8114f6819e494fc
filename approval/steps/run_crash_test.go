package steps

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

func TestARunSurvivesEveryCrashAndStartsOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range runPoints {
		for how, arm := range map[string]func(*faults){
			"dies":          func(f *faults) { f.kill(tt.point) },
			"gets an error": func(f *faults) { f.fail(tt.point, errCrash) },
		} {
			t.Run(how+" at "+tt.point, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				r := b.approved()
				arm(b.faults)
				failures := b.work()
				require.True(t, b.faults.struck(), "the crash point was never reached")
				require.Len(t, failures, 1)
				require.ErrorIs(t, failures[0], errCrash)
				r = b.request(r.ID)
				require.Equal(t, approval.Done, r.State)
				require.Equal(t, 1, b.box.starts())
				require.Zero(t, b.box.living(), "a box was forgotten")
				require.Equal(t, 1, b.count(r.ID, "started"))
				require.Equal(t, 1, b.count(r.ID, "finished"))
				s := b.spends(r.ID, budget.ForRun)
				if how == "gets an error" && (tt.point == "Fetch.before" || tt.point == "Fill.before" || tt.point == "Fill.after") {
					require.Len(t, b.box.boxes, 2, "what came into it by half is thrown away")
					require.Len(t, s, 2, "and paid for")
					s = s[1:]
				}
				require.Len(t, s, 1)
				require.False(t, s[0].Estimated)
				require.Zero(t, b.open(r.ID))
			})
		}
	}
}

func TestARunWhoseBoxDiesWithItsReplicaIsLostAndNotRepeated(t *testing.T) {
	t.Parallel()
	for _, tt := range runPoints {
		t.Run(tt.point, func(t *testing.T) {
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
			b.faults.kill(tt.point)
			require.ErrorIs(t, b.replica(func() error { return b.Run(context.Background(), r.ID) }), errCrash)
			b.box.vanish()
			require.NoError(t, b.Run(t.Context(), r.ID))
			require.Empty(t, b.work())
			r = b.request(r.ID)
			require.LessOrEqual(t, b.box.starts(), 1)
			require.Zero(t, b.open(r.ID))
			s := b.spends(r.ID, budget.ForRun)
			require.Len(t, s, 1)
			if tt.named && !tt.ended {
				require.Equal(t, approval.Lost, r.State)
				require.Equal(t, approval.Because(approval.WhyLost), r.Reason)
				require.True(t, s[0].Estimated, "charged in full")
				require.Equal(t, r.Revision.Manifest.CostCap, budget.Total(s[0].Charges))
				require.NoError(t, b.Run(t.Context(), r.ID))
				require.LessOrEqual(t, b.box.starts(), 1)
				return
			}
			require.Equal(t, approval.Done, r.State)
			require.Equal(t, 1, b.box.starts())
		})
	}
}

func TestTwoCrashesInOneRunStillStartOnce(t *testing.T) {
	t.Parallel()
	for _, first := range runPoints {
		for _, second := range runPoints {
			b := setup(t)
			r := b.approved()
			b.faults.kill(first.point)
			b.faults.kill(second.point)
			b.work()
			require.True(t, b.faults.struck(), "%s, %s", first.point, second.point)
			require.Equal(t, approval.Done, b.request(r.ID).State, "%s, %s", first.point, second.point)
			require.Equal(t, 1, b.box.starts(), "%s, %s", first.point, second.point)
			require.Zero(t, b.open(r.ID))
			require.Zero(t, b.box.living(), "%s, %s", first.point, second.point)
		}
	}
}

// The heart of the matter: wherever a replica dies or is refused while it runs
// what was approved, the next one goes on, and the code starts at most once.
var runPoints = []struct {
	point string
	named bool // the row names the box by then
	ended bool // the result is stored by then
}{
	{"Request.before", false, false}, {"Fetch.before", false, false}, {"Create.before", false, false}, {"Create.after", false, false},
	{"Fill.before", false, false}, {"Fill.after", false, false},
	{"Update.before", false, false}, {"commit started.before", false, false}, {"commit started.after", true, false},
	{"Result.before", true, false}, {"Start.before", true, false}, {"Start.after", true, false}, {"Result.after", true, false},
	{"commit finished.before", true, false}, {"commit finished.after", true, true}, {"Kill.before", true, true}, {"Kill.after", true, true},
}

// A box that is still there when the next replica comes to it was paid by the second until then.
func TestABoxThatOutlivesItsRunIsPaidForUntilItIsKilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		r := b.approved()
		b.faults.kill("Kill.before")
		require.ErrorIs(t, b.replica(func() error { return b.Run(context.Background(), r.ID) }), errCrash)
		require.Equal(t, approval.Done, b.request(r.ID).State)
		require.Equal(t, 1, b.box.living())
		before := budget.Total(b.spends(r.ID, budget.ForRun)[0].Charges)
		b.store.pass(9 * time.Second)
		require.NoError(t, b.Run(t.Context(), r.ID))
		require.Zero(t, b.box.living())
		s := b.spends(r.ID, budget.ForRun)
		require.Len(t, s, 2)
		require.Equal(t, int64(9000), s[1].Charges[0].BoxMS)
		require.False(t, s[1].Estimated)
		require.Positive(t, s[1].Charges[0].Amount)
		require.LessOrEqual(t, before+s[1].Charges[0].Amount, r.Revision.Manifest.CostCap)
		require.Zero(t, b.open(r.ID))
		// Whoever comes again finds no box.
		b.store.pass(time.Minute)
		require.NoError(t, b.Run(t.Context(), r.ID))
		require.Len(t, b.spends(r.ID, budget.ForRun), 2)
	})
}

// It costs no more than was agreed to for all of its time.
func TestABoxThatOutlivesItsRunForLongCostsNoMoreThanItsLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		r := b.approved()
		b.faults.kill("Kill.before")
		require.ErrorIs(t, b.replica(func() error { return b.Run(context.Background(), r.ID) }), errCrash)
		b.store.pass(100 * time.Hour)
		require.NoError(t, b.Run(t.Context(), r.ID))
		s := b.spends(r.ID, budget.ForRun)
		require.Len(t, s, 2)
		used := time.Duration(s[0].Charges[0].BoxMS+s[1].Charges[0].BoxMS) * time.Millisecond
		require.Equal(t, b.box.Lease(r.Revision.Manifest.Limits), used)
	})
}
