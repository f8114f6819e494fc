package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
	"countersign/storage/money"
	"countersign/storage/trail"
)

func TestWhatTheHouseTriesIsHeldAndBookedOnTheTeamsBudget(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: teamScope, Amount: 10 * budget.Cent, Window: budget.Month}))
	standing := func() budget.Standing {
		list, err := b.Standings(t.Context(), []budget.Scope{teamScope})
		require.NoError(t, err)
		return list[0]
	}
	id, err := b.HoldCheck(t.Context(), team, "a box of a self-test", 6*budget.Cent)
	require.NoError(t, err)
	require.Equal(t, 6*budget.Cent, standing().Held, "before it is tried")

	_, err = b.HoldCheck(t.Context(), team, "another one", 5*budget.Cent)
	var refused *budget.ExceededError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, budget.Team, refused.Standing.Limit.Scope.Kind)

	charge := budget.Charge{Kind: budget.Box, What: "local", BoxMS: 1200, Amount: 2 * budget.Cent}
	require.NoError(t, b.SettleCheck(t.Context(), id, charge))
	require.NoError(t, b.SettleCheck(t.Context(), id, charge), "once")
	require.Equal(t, 2*budget.Cent, standing().Spent)
	require.Zero(t, standing().Held)
	require.ErrorIs(t, b.SettleCheck(t.Context(), "nobody's"), approval.ErrNotFound)

	usage, err := b.Usage(t.Context(), time.Now().AddDate(0, 0, -2), time.Now().AddDate(0, 0, 2))
	require.NoError(t, err)
	require.Len(t, usage, 1)
	require.Equal(t, []any{"countersign", "countersign", "local", 2 * budget.Cent, int64(1200)},
		[]any{usage[0].Asker, usage[0].Project, usage[0].Model, usage[0].Amount, usage[0].BoxMS})
	checked, err := b.VerifyChain(t.Context(), trail.CheckStream)
	require.NoError(t, err)
	require.Equal(t, 2, checked.Events)
}

// A try whose process died in the middle is charged in full, once its time is over.
func TestACheckThatNobodySettlesIsChargedInFull(t *testing.T) {
	t.Parallel()
	b := setupTurnable(t)
	id, err := b.HoldCheck(t.Context(), team, "a box", 3*budget.Cent)
	require.NoError(t, err)
	require.NoError(t, sweeper(b.DB, b.policy).Sweep(t.Context()))
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM holds WHERE NOT settled`), "not before its time")
	b.turnTo(t, time.Now().Add(money.CheckLife+time.Minute))
	require.NoError(t, sweeper(b.DB, b.policy).Sweep(t.Context()))
	require.NoError(t, sweeper(b.DB, b.policy).Sweep(t.Context()))
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM settlements WHERE hold_id = $1 AND estimated AND amount = $2`, id, 3*budget.Cent))
	require.Zero(t, b.count(t, wrongBalances)+b.count(t, wrongHelds))
}

// A call of which nobody knows what it has cost, as the database keeps it: through a
// call that is known, until it is charged in full.
func TestWhatIsUncertainIsKeptWithItsHold(t *testing.T) {
	t.Parallel()
	b := setupTurnable(t)
	b.turnTo(t, time.Date(2027, 3, 20, 12, 0, 0, 0, time.UTC))
	r := b.ask(t, "uncertain") // ten cents
	call := func() (h budget.OpenHold) {
		r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
			return r.Money().Call(10*budget.Cent, 3*budget.Cent, approval.Addressee{Provider: "Mistral", Host: "api.mistral.ai"}, b.policy, now)
		})
		h, _ = r.Money().CalledHold()
		return h
	}
	conclude := func(h budget.OpenHold, charges []budget.Charge, unknown budget.USD) {
		r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
			r.Money().Conclude(h, 3*budget.Cent, budget.Settlement{At: now, Charges: charges}, unknown)
			return nil
		})
	}
	first := call()
	conclude(first, nil, 2*budget.Cent) // the inspection never was
	r, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.True(t, r.Holds[0].Uncertain())
	require.Equal(t, 2*budget.Cent, r.Holds[0].Risked)
	list, err := b.DB.Uncertain(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, []any{r.ID, asker, channel, 10 * budget.Cent, budget.UncertainFor}, []any{list[0].RequestID, list[0].Asker, list[0].Project, list[0].Amount, list[0].Until.Sub(list[0].Since)})
	standings, err := b.Standings(t.Context(), r.Scopes())
	require.NoError(t, err)
	require.Equal(t, 10*budget.Cent, standings[0].Uncertain)
	require.Equal(t, 10*budget.Cent, standings[0].Held)

	unknown, err := b.UnknownCalls(t.Context())
	require.NoError(t, err)
	require.Len(t, unknown, 1)
	require.Equal(t, budget.UnknownCall{RequestID: r.ID, HoldID: first.ID, Provider: "Mistral", Host: "api.mistral.ai", Model: r.Model,
		First: unknown[0].First, Last: unknown[0].First, Since: list[0].Since, Most: 2 * budget.Cent}, unknown[0], "its question is at work")
	require.WithinDuration(t, list[0].Since, unknown[0].First, time.Hour)

	second := call()
	require.Equal(t, first.ID, second.ID)
	conclude(second, []budget.Charge{{Kind: budget.Tokens, What: "small-1", Amount: budget.Cent}}, 0)
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, budget.Cent, v.Spent(), "what is known is charged at once")
	require.Len(t, v.Request.Holds, 1)
	rest := v.Request.Holds[0]
	require.Equal(t, []any{first.ID, 2 * budget.Cent, 2 * budget.Cent, list[0].Since}, []any{rest.RestOf, rest.Amount, rest.Risked, rest.UncertainAt})

	sweep := func(ahead time.Duration) int {
		b.turnTo(t, rest.Due().Add(ahead))
		require.NoError(t, sweeper(b.DB, b.policy).Sweep(t.Context()))
		return b.count(t, `SELECT count(*) FROM settlements WHERE hold_id = $1 AND estimated AND amount = $2`, rest.ID, 2*budget.Cent)
	}
	require.Zero(t, sweep(-soon))
	require.Equal(t, 1, sweep(time.Minute))
	unknown, err = b.UnknownCalls(t.Context())
	require.NoError(t, err)
	require.Len(t, unknown, 1, "what it used keeps others of its day from being told apart")
	require.Equal(t, rest.ID, unknown[0].HoldID)
	require.False(t, unknown[0].Clear)
	require.Zero(t, b.count(t, wrongBalances)+b.count(t, wrongHelds))
	b.turnTo(t, rest.Due().AddDate(0, 0, 9))
	unknown, err = b.UnknownCalls(t.Context())
	require.NoError(t, err)
	require.Empty(t, unknown)
}
