package steps

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// missing is the one notice about a price that there is.
func (b *bundle) missing() approval.PriceMissing {
	b.t.Helper()
	keys := b.store.noticesOf(approval.NoticePrice)
	require.Len(b.t, keys, 1)
	n := b.store.notices["price "+keys[0]]
	require.Equal(b.t, []string{"asker"}, n.To)
	require.True(b.t, n.Admins)
	var said approval.PriceMissing
	require.NoError(b.t, json.Unmarshal(n.Data, &said))
	return said
}

func TestWorkThatIsRefusedForWantOfAPriceIsToldToWhoeverCanMendIt(t *testing.T) {
	t.Parallel()
	var unknown *budget.UnknownPriceError

	b := setup(t)
	b.Prices.Models = nil
	_, err := b.Steps.Ask(t.Context(), question())
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, approval.PriceMissing{Model: "m1", Refused: true}, b.missing(), "asked")

	b = setup(t)
	r := b.ask()
	b.Prices.Models = nil
	require.NoError(t, b.Draft(t.Context(), r.ID))
	require.Equal(t, approval.Failed, b.request(r.ID).State)
	require.Equal(t, approval.PriceMissing{Model: "m1", Refused: true}, b.missing(), "drafted")

	b = setup(t)
	b.Prices.Boxes = nil
	_, err = b.Steps.Ask(t.Context(), question())
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, approval.PriceMissing{Model: "local", Box: true, Refused: true}, b.missing(), "a box")
}

func TestARunWhoseBoxLosesItsPriceIsChargedAsAnEstimate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	held := b.request(r.ID).Holds[0].Amount
	b.box.ended = func() { b.Prices.Boxes = nil }
	require.NoError(t, b.Run(t.Context(), r.ID))
	require.Equal(t, approval.Done, b.request(r.ID).State)
	s := b.spends(r.ID, budget.ForRun)
	require.Len(t, s, 1)
	require.True(t, s[0].Estimated)
	require.Equal(t, held, budget.Total(s[0].Charges))
	require.Equal(t, approval.PriceMissing{Model: "local", Box: true}, b.missing())
	events, err := b.store.Events(t.Context(), r.ID)
	require.NoError(t, err)
	for _, e := range events {
		if e.Kind == approval.EventFinished {
			require.Equal(t, held, e.Data["cost"])
		}
	}
}
