package steps

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

func TestWhoCanAskNothingGetsNoBudget(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.slack.people["nobody"] = review.Person{Gone: true, Unknown: true}
	of := func(who string) budget.Scope { return budget.Scope{Team: "T1", Kind: budget.User, ID: who} }
	for who, may := range map[string]bool{"asker": true, "guest": true, "gone": false, "bot": false, "stranger": false, "nobody": false} {
		err := b.SetLimit(t.Context(), "admin", budget.Limit{Scope: of(who), Amount: budget.Dollar, Window: budget.Month})
		if may {
			require.NoError(t, err, who)
			continue
		}
		require.ErrorContains(t, err, string(approval.WhyNoSpender), who)
		require.NotContains(t, b.store.limits, of(who))
	}
	_, err := b.Standings(t.Context(), "admin", []budget.Scope{of("nobody")})
	require.ErrorContains(t, err, string(approval.WhyNoSpender), "not even the usual one")
	_, err = b.Standings(t.Context(), "admin", []budget.Scope{of("gone")})
	require.NoError(t, err, "what somebody has spent who has left can be looked at")
	b.faults.fail("Person.before", errCrash)
	b.aMinuteLater()
	require.ErrorIs(t, b.SetLimit(t.Context(), "admin", budget.Limit{Scope: of("asker"), Amount: budget.Dollar, Window: budget.Month}), errCrash)
}
