package early

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// claimed is a request whose run has a box that was made early, and does not start in it.
func claimed(state approval.State) *approval.Request {
	now := time.Now()
	return &approval.Request{ID: "q1", State: state, Revision: &approval.Revision{Number: 1}, Holds: []budget.OpenHold{{Hold: budget.NewHold("run", "q1", budget.ForRun, budget.Dollar, now, time.Hour)}},
		Ready: &approval.Ready{Revision: 1, Digest: approval.Manifest{}.Digest(), Hold: "h", Box: "b1", Used: true, At: now.Add(-4 * time.Minute), Over: now.Add(-3 * time.Minute), Until: now.Add(-time.Minute)}}
}

// seconds is for how long the boxes of a request were paid.
func seconds(r *approval.Request) (sum time.Duration) {
	for _, s := range r.Changes.Settlements {
		for _, c := range s.Charges {
			sum += time.Duration(c.BoxMS) * time.Millisecond
		}
	}
	return sum.Round(time.Second)
}

// Whoever runs the code ends a box in which it does not start, and may die right after, or before the box is told: whoever comes next pays it, once, and
// from its run's money. It is paid to its end, also where that is later than the time for which it was ordered: the run had it live longer.
func TestABoxThatItsRunnerEndsIsPaidWhoeverDiesOverIt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		state approval.State
		dies  int
	}{"nobody dies": {approval.Approved, 0}, "before its bill": {approval.Approved, 2}, "after its request was taken back": {approval.Withdrawn, 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := claimed(tt.state)
			cloud := &useless{lived: 4 * time.Minute}
			k := New(&shelf{Request: r, dies: tt.dies}, cloud, budget.Shipped(), approval.DefaultPolicy(), slog.New(slog.DiscardHandler))
			err := k.End(t.Context(), r)
			if tt.dies > 0 {
				require.ErrorIs(t, err, errDied)
				require.Empty(t, r.Changes.Settlements)
				require.Error(t, r.Start("b1", approval.DefaultPolicy(), time.Now()), "no run takes a box that somebody ends")
				if tt.state == approval.Approved {
					box, err := k.Claim(t.Context(), r, approval.Manifest{})
					require.NoError(t, err)
					require.Empty(t, box)
				} else {
					require.True(t, approval.Early{Request: r}.Dropped())
					require.NoError(t, k.drop(t.Context(), r))
				}
			} else {
				require.NoError(t, err)
				require.Equal(t, budget.ForRun, r.Holds[0].Purpose)
				require.Less(t, r.Holds[0].Amount, budget.Dollar)
			}
			require.Equal(t, 3*time.Minute, seconds(r), "the minute before the approval was paid then")
			require.False(t, r.Ready.Used)
			before := len(r.Changes.Settlements)
			require.NoError(t, k.drop(t.Context(), r))
			require.Len(t, r.Changes.Settlements, before)
		})
	}
}

// The run of a box that another replica has named meanwhile keeps it.
func TestABoxThatARunHasIsNotEnded(t *testing.T) {
	t.Parallel()
	was, r := claimed(approval.Approved), claimed(approval.Running)
	r.Run = &approval.Run{BoxID: "b1"}
	cloud := &useless{}
	k := New(&shelf{Request: r}, cloud, budget.Shipped(), approval.DefaultPolicy(), slog.New(slog.DiscardHandler))
	require.NoError(t, k.End(t.Context(), was))
	require.Zero(t, cloud.released)
}

// full is a store whose budgets have room for nothing new.
type full struct{ *shelf }

func (f full) Update(ctx context.Context, id string, change func(*approval.Request, time.Time) error) (*approval.Request, error) {
	was := *f.Request
	r := *f.Request
	r.Holds = slices.Clone(r.Holds)
	if err := change(&r, time.Now()); err != nil {
		return nil, err
	}
	if len(r.Changes.Holds)-len(was.Changes.Holds) > len(r.Changes.Carried)-len(was.Changes.Carried) {
		return nil, &budget.ExceededError{}
	}
	*f.Request = r
	return f.Request, nil
}

// What a box of no use has cost is spent: where no budget has room for it any more, the run's own money pays it, and the run does not wait for others to
// spend less. Where there is no run any more, it is paid by nobody.
func TestABoxOfNoUseHoldsUpNoRunWhereBudgetsAreFull(t *testing.T) {
	t.Parallel()
	for state, paid := range map[approval.State]time.Duration{approval.Approved: 3 * time.Minute, approval.Withdrawn: 0} {
		r := claimed(state)
		k := New(full{&shelf{Request: r}}, &useless{lived: 4 * time.Minute}, budget.Shipped(), approval.DefaultPolicy(), slog.New(slog.DiscardHandler))
		var err error
		if state == approval.Approved {
			_, err = k.Claim(t.Context(), r, approval.Manifest{CodeSHA256: "other"})
		} else {
			err = k.drop(t.Context(), r)
		}
		require.NoError(t, err, state)
		require.Equal(t, paid, seconds(r), state)
		require.False(t, r.Ready.Used, state)
		require.True(t, r.Ready.Ending.IsZero(), state)
	}
}
