package steps

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// empty lowers the workspace's budget to nothing.
func (b *bundle) empty() {
	b.t.Helper()
	require.NoError(b.t, b.store.SetLimit(b.t.Context(), "admin",
		budget.Limit{Scope: budget.Scope{Team: "T1", Kind: budget.Team, ID: "T1"}, Amount: 1, Window: budget.Day}))
}

func TestAProgramThatIsPaidForIsKeptAndInspectedWhateverTheBudgetsSayByThen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask()
	b.writer.then = b.empty
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Len(t, b.writer.briefs, 1, "it is paid for once")
	require.Zero(t, b.open(r.ID))
}

func TestAProgramThatTookAllThatWasHeldWaitsForTheMoneyForItsInspection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask()
	b.writer.then = func() {
		b.Prices.Models[0].Input *= 900
		b.empty()
	}
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.NotNil(t, r.Blocked)
	require.NotNil(t, r.Written)
	require.Len(t, b.writer.briefs, 1)
	require.NotZero(t, b.spent(r.ID))
	require.Zero(t, b.open(r.ID))
}

func TestABoxInWhichNothingStartedIsPaidThoughTheBudgetIsEmptyByThen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	held := r.Money().ForRun()[0].Amount
	b.empty()
	charge := budget.Charge{Kind: budget.Box, Amount: held / 3}
	_, err := b.store.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		r.Money().PayHeldBack(charge, now)
		return nil
	})
	require.NoError(t, err)
	r, err = b.store.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		return r.Freeze(r.ExpiresAt, "moratorium", b.Policy, now)
	})
	require.NoError(t, err)
	require.Equal(t, held-held/3, r.Money().ForRun()[0].Amount)
	require.Len(t, r.Holds, 1)
	require.Equal(t, held/3, budget.Total(b.spends(r.ID, budget.ForRun)[0].Charges))
}

func TestARunStartsOnlyUnderWhatIsStillHeldForIt(t *testing.T) {
	t.Parallel()
	for _, part := range []budget.USD{3, 1} { // of what is held, a box in which nothing started takes this one
		b := setup(t)
		r := b.approved()
		sealed, held := r.Revision.Manifest, r.Money().ForRun()[0].Amount
		r, err := b.store.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
			r.Money().PayHeldBack(budget.Charge{Kind: budget.Box, Amount: held / part}, now)
			return nil
		})
		require.NoError(t, err)
		limits, err := b.Costs.affordable(r, b.store.now())
		if part == 1 {
			require.Error(t, err, "nothing is held any more")
			_, err = b.store.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error { return r.Start("box", b.Policy, now) })
			require.ErrorAs(t, err, new(*approval.MoveError))
			require.NoError(t, b.Run(t.Context(), r.ID))
			require.Equal(t, approval.Failed, b.request(r.ID).State)
			require.Empty(t, b.box.boxes)
			continue
		}
		require.NoError(t, err)
		require.Less(t, limits.Seconds, sealed.Limits.Seconds)
		most, err := b.Prices.BoxCharge(b.box.Size(), b.box.Lease(limits), b.store.now())
		require.NoError(t, err)
		require.LessOrEqual(t, most.Amount, r.Money().ForRun()[0].Amount)
		require.NoError(t, b.Run(t.Context(), r.ID))
		require.Equal(t, approval.Done, b.request(r.ID).State)
	}
}
