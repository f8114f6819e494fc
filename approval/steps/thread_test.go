package steps

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

func TestTheBudgetOfAThreadIsSeenWhereTheThreadIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	scope := b.limit(budget.Session, r.SessionID, budget.Dollar, budget.Month, budget.LimitPolicy{})
	for _, at := range []struct{ who, channel string }{{"somebody", "C1"}, {"admin", "C1"}, {"admin", "C9"}, {"admin", ""}} {
		all, err := b.ThreadStandings(t.Context(), at.who, at.channel, scope)
		require.NoError(t, err, at)
		require.Len(t, all, 1, at)
		require.Positive(t, all[0].Spent, at)
	}
	for _, elsewhere := range []string{"C9", ""} {
		_, err := b.ThreadStandings(t.Context(), "somebody", elsewhere, scope)
		var no *approval.NotAllowedError
		require.ErrorAs(t, err, &no)
	}
	_, err := b.ThreadStandings(t.Context(), "admin", "C1", budget.Scope{Team: "T1", Kind: budget.Session, ID: "none"})
	require.ErrorIs(t, err, approval.ErrNotFound)
}
