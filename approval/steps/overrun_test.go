package steps

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// What was held is all that is ever charged: whatever comes dearer is our loss,
// on record, and the administrators hear of it once.
func TestADearerAnswerThanWasAskedForIsChargedAtTheHold(t *testing.T) {
	t.Parallel()
	dearer := func(b *bundle) {
		b.Prices.Models = append(b.Prices.Models, budget.ModelPrice{Model: "large", From: epoch, Input: 900 * budget.Dollar, Cached: budget.Dollar, Output: 900 * budget.Dollar})
	}
	answers := func(Brief) (Draft, error) { return Draft{Code: goodCode, Usage: used("large")}, nil }
	for name, tt := range map[string]struct {
		change func(*bundle)
		what   string
		asked  string
		second bool // what comes dearer is the inspection, which has a hold of its own
	}{
		"codestral asked, a dearer model returned": {func(b *bundle) {
			dearer(b)
			b.writer.script = []func(Brief) (Draft, error){answers}
		}, "large", "m1", false},
		"a price row that begins during the call": {func(b *bundle) {
			b.writer.then = func() { b.Prices.Models[0].Input *= 900 }
		}, "m1", "m1", false},
		"a box that outlives its lease": {func(b *bundle) {
			b.box.inspect = []func(string) (Inspection, error){func(string) (Inspection, error) { return Inspection{Box: 24 * time.Hour}, nil }}
		}, "local", "", true},
	} {
		b := setup(t)
		tt.change(b)
		r := b.ask()
		hold := r.Holds[0].Amount
		require.Empty(t, b.work(), name)
		require.Equal(t, approval.Pending, b.request(r.ID).State, name)
		spends := b.spends(r.ID, budget.ForDraft)
		step := 0
		if tt.second {
			cost, err := b.inspectCost(time.Now())
			require.NoError(t, err)
			hold, spends, step = cost, spends[1:], 2 // after the draft and the reading
		}
		require.Equal(t, hold, budget.Total(spends[0].Charges), name)
		require.False(t, spends[0].Estimated, name)
		events, err := b.store.Events(t.Context(), r.ID)
		require.NoError(t, err)
		over := slices.DeleteFunc(events, func(e approval.Event) bool { return e.Data["over"] == nil })
		require.Len(t, over, 1, name)
		keys := b.store.noticesOf(approval.NoticeOverrun)
		require.Len(t, keys, 1, name)
		notice := b.store.notices[string(approval.NoticeOverrun)+" "+keys[0]]
		require.True(t, notice.Admins)
		var said approval.Overrun
		require.NoError(t, json.Unmarshal(notice.Data, &said))
		require.Equal(t, approval.Overrun{What: tt.what, Asked: tt.asked, Held: hold, Cost: said.Cost}, said, name)
		require.Greater(t, said.Cost, hold, name)

		e, err := b.Explain(t.Context(), "T1", "asker", r.ID)
		require.NoError(t, err)
		require.Equal(t, said.Cost-hold, e.Steps[step].Settled.Over, name)
	}
}
