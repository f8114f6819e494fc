package approval

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/budget"
)

// uncertain is a request that has ended with a call of which nobody knows the cost.
func uncertain(t *testing.T) *Request {
	t.Helper()
	r := inState(t, Drafting)
	require.NoError(t, r.Money().SettleStale(r.Holds[0].ExpiresAt))
	require.True(t, r.Holds[0].Uncertain())
	require.NoError(t, r.Fail(Words("x"), t0))
	require.Len(t, r.Holds, 1)
	r.Changes = Changes{}
	return r
}

func TestATracedCallIsChargedWhatWasFoundAndNeverMoreThanItCanHaveCost(t *testing.T) {
	t.Parallel()
	callOf := func(h budget.OpenHold) budget.UnknownCall {
		return budget.UnknownCall{HoldID: h.ID, Provider: "Mistral", Host: "api.mistral.ai", Most: h.Risked, Since: h.UncertainAt}
	}
	trace := func(r *Request, amount budget.USD) budget.Settlement {
		found := budget.Traced{Call: callOf(r.Holds[0]), Day: "2026-11-26"}
		now := t0.Add(24 * time.Hour)
		Trace(r, found, budget.Charge{Kind: budget.Tokens, What: "m1", Amount: amount}, now)
		require.Empty(t, r.Holds)
		require.Empty(t, r.Changes.Notices, "what somebody else has used is no overrun of ours")
		require.Len(t, r.Changes.Settlements, 1)
		Trace(r, found, budget.Charge{Amount: amount}, now)
		require.Len(t, r.Changes.Settlements, 1, "once")
		told := r.Changes.Events[len(r.Changes.Events)-1]
		require.Equal(t, []any{EventSettled, "2026-11-26", false}, []any{told.Kind, told.Data["usage_of"], told.Data["estimated"]})
		return r.Changes.Settlements[0]
	}
	r := uncertain(t)
	most := r.Holds[0].Risked
	require.Positive(t, most)
	require.Equal(t, []budget.Charge{{Kind: budget.Tokens, What: "m1", Provider: "Mistral", Host: "api.mistral.ai", Amount: 5}}, trace(r, 5).Charges)
	require.Equal(t, most, trace(uncertain(t), most+budget.Dollar).Charges[0].Amount)
	require.Empty(t, trace(uncertain(t), 0).Charges, "the provider has never had it")

	// At work again, used again since it was looked at, not uncertain, or somebody else's: left alone.
	again, used := inState(t, Drafting), uncertain(t)
	require.NoError(t, again.Money().SettleStale(again.Holds[0].ExpiresAt))
	before := callOf(used.Holds[0])
	used.Holds[0].Risked++
	sure := inState(t, Approved)
	for r, call := range map[*Request]budget.UnknownCall{again: callOf(again.Holds[0]), used: before, sure: callOf(budget.OpenHold{Hold: sure.Holds[0].Hold, Risked: 1}), uncertain(t): {HoldID: "nobody's"}} {
		n := len(r.Changes.Settlements)
		Trace(r, budget.Traced{Call: call}, budget.Charge{Amount: 1}, t0)
		require.Len(t, r.Changes.Settlements, n)
		require.NotEmpty(t, r.Holds)
	}
}
