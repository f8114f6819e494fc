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
	trace := func(r *Request, amount budget.USD, among int) budget.Settlement {
		h := r.Holds[0]
		found := budget.Traced{Call: budget.UnknownCall{HoldID: h.ID, Provider: "Mistral", Host: "api.mistral.ai"}, Day: "2026-11-26", Among: among}
		now := t0.Add(24 * time.Hour)
		Trace(r, found, budget.Charge{Kind: budget.Tokens, What: "m1", Amount: amount}, now)
		require.Empty(t, r.Holds)
		require.Empty(t, r.Changes.Notices, "what somebody else has used is no overrun of ours")
		require.Len(t, r.Changes.Settlements, 1)
		Trace(r, found, budget.Charge{Amount: amount}, now)
		require.Len(t, r.Changes.Settlements, 1, "once")
		told := r.Changes.Events[len(r.Changes.Events)-1]
		require.Equal(t, []any{EventSettled, "2026-11-26", among, false}, []any{told.Kind, told.Data["usage_of"], told.Data["among"], told.Data["estimated"]})
		return r.Changes.Settlements[0]
	}
	r := uncertain(t)
	most := r.Holds[0].Risked
	require.Positive(t, most)
	require.Equal(t, []budget.Charge{{Kind: budget.Tokens, What: "m1", Provider: "Mistral", Host: "api.mistral.ai", Amount: 5}}, trace(r, 5, 1).Charges)
	require.Equal(t, most, trace(uncertain(t), most+budget.Dollar, 2).Charges[0].Amount)
	require.Empty(t, trace(uncertain(t), 0, 1).Charges, "the provider has never had it")

	// At work again, known, or somebody else's: left alone.
	r = inState(t, Drafting)
	require.NoError(t, r.Money().SettleStale(r.Holds[0].ExpiresAt))
	for _, r := range []*Request{r, inState(t, Approved)} {
		before := len(r.Changes.Settlements)
		Trace(r, budget.Traced{Call: budget.UnknownCall{HoldID: r.Holds[0].ID}}, budget.Charge{Amount: 1}, t0)
		Trace(r, budget.Traced{Call: budget.UnknownCall{HoldID: "nobody's"}}, budget.Charge{Amount: 1}, t0)
		require.Len(t, r.Changes.Settlements, before)
		require.NotEmpty(t, r.Holds)
	}
}
