package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// Money that a hold has left goes on in another one, though a budget is empty by then:
// otherwise what the work before has cost would not be booked, either.

func TestAProgramIsPaidAndKeptThoughTheBudgetIsEmptyByThen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "first")
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Money().Call(r.Holds[0].Amount, r.Holds[0].Amount, approval.Addressee{}, b.policy, now)
	})
	b.setUserLimit(t, 1, budget.Month)
	held := r.Holds[0]
	spent := held.Amount / 2
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		r.Money().Conclude(held, held.Amount, budget.Settlement{At: now, Charges: []budget.Charge{{Kind: budget.Box, What: "local", BoxMS: 1, Amount: spent}}}, 0)
		return r.Keep(approval.Written{Code: "print(1)\n", Author: "m1"}, held.Amount-spent, now)
	})
	require.Len(t, r.Holds, 1)
	require.Equal(t, held.Amount-spent, r.Holds[0].Amount)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM settlements WHERE amount = $1`, spent))
}

func TestABoxInWhichNothingStartedIsPaidThoughTheBudgetIsEmptyByThen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved(t, "first")
	b.setUserLimit(t, 1, budget.Month)
	held := r.Money().ForRun()[0].Amount
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		r.Money().PayHeldBack(budget.Charge{Kind: budget.Box, What: "local", BoxMS: 1, Amount: held / 2}, now)
		return nil
	})
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Freeze(r.ExpiresAt, "moratorium", b.policy, now)
	})
	require.Equal(t, held-held/2, r.Money().ForRun()[0].Amount)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM settlements WHERE amount = $1`, held/2))
}
