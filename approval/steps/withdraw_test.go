package steps

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

func TestWhoMayTakeARequestBack(t *testing.T) {
	t.Parallel()
	for who, may := range map[string]bool{"asker": true, "admin": true, "R1": false, "nobody": false, "": false} {
		b := setup(t)
		r := b.pending()
		got, err := b.Withdraw(t.Context(), r.ID, approval.Click{Team: "T1", User: who})
		if may {
			require.NoError(t, err, who)
			require.Equal(t, approval.Withdrawn, got.State)
			require.Equal(t, []string{r.ID}, b.box.discarded)
			continue
		}
		var no *approval.NotAllowedError
		require.ErrorAs(t, err, &no, who)
		require.Equal(t, approval.Pending, b.request(r.ID).State)
		require.Empty(t, b.box.discarded)
	}
}

func TestWithdrawInEachState(t *testing.T) {
	t.Parallel()
	for _, state := range approval.States() {
		b := setup(t)
		r := inState(t, state)
		r.Team, r.Asker = "T1", "asker"
		b.store.requests[r.ID] = r
		for _, h := range r.Holds {
			b.store.holds[h.ID] = &ledgerHold{Hold: h.Hold, scopes: r.Scopes()}
		}
		_, err := b.Withdraw(t.Context(), r.ID, approval.Click{Team: "T1", User: "asker"})
		if slices.Contains(approval.Moves, approval.Move{From: state, Verb: "Withdraw", To: approval.Withdrawn}) {
			require.NoError(t, err, state)
			require.Equal(t, approval.Withdrawn, b.request(r.ID).State)
			continue
		}
		if state == approval.Running { // it ends later
			require.NoError(t, err)
			require.False(t, b.request(r.ID).Run.StoppedAt.IsZero())
			require.Equal(t, state, b.request(r.ID).State)
			continue
		}
		var move *approval.MoveError
		require.ErrorAs(t, err, &move, state)
		require.Equal(t, state, b.request(r.ID).State)
	}
}

func TestAWithdrawnApprovalReleasesItsHoldAndRunsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	_, err := b.Withdraw(t.Context(), r.ID, approval.Click{Team: "T1", User: "asker"})
	require.NoError(t, err)
	require.Empty(t, errors.Join(b.work()...))
	require.Zero(t, b.box.starts())
	require.Zero(t, b.open(r.ID))
	require.Empty(t, b.spends(r.ID, budget.ForRun)[0].Charges)
}
