package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

func TestAModelThatWasDeclinedIsKeptAsDeclined(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cheaper := approval.Downgraded{From: "large", To: "small", Scope: teamScope}
	r := b.update(t, b.pending(t, "t").ID, func(r *approval.Request, now time.Time) error {
		r.Model = "large"
		r.Money().Downgrade(cheaper, now)
		return nil
	})
	standings, err := b.Standings(t.Context(), r.Scopes())
	require.NoError(t, err)
	standings = append(standings, budget.Standing{Limit: budget.Limit{Scope: teamScope, Amount: 99 * budget.Dollar, Window: budget.Month}})
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Money().Insist(standings, budget.Cent, b.policy, now)
	})
	got, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, approval.Drafting, got.State)
	require.Equal(t, "large", got.Model)
	require.Nil(t, got.Downgraded)
	require.Equal(t, &cheaper, got.Blocked.Declined)
	require.Equal(t, teamScope, got.Blocked.Tight().Limit.Scope, "the budget that saves, not the one with the least left")
	require.Equal(t, budget.Cent, got.Blocked.Missing())
	require.Empty(t, got.Holds)
}

// The seconds of a box that nobody has named are held and settled in one move, also
// of a request that has ended.
func TestAnUnusedBoxIsHeldAndSettledAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved(t, "t")
	limit := r.Revision.Manifest.CostCap
	require.Positive(t, limit)
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw(asker, now) })
	before := b.count(t, `SELECT coalesce(sum(amount), 0) FROM settlements`)
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		r.Money().Unused(budget.Charge{Kind: budget.Box, What: "local", BoxMS: 5000, Amount: limit / 2}, now)
		return nil
	})
	require.Equal(t, before+int(limit/2), b.count(t, `SELECT sum(amount) FROM settlements`))
	require.Zero(t, b.count(t, `SELECT count(*) FROM holds WHERE NOT settled`))
	require.Zero(t, b.count(t, `SELECT sum(held) FROM scopes`))
	require.Zero(t, b.count(t, wrongBalances))
}
