package draw

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/sample"
	"countersign/budget"
)

func TestABillSaysWhatIsUncertainInPlainWords(t *testing.T) {
	t.Parallel()
	v := sample.View(sample.In(approval.Failed, approval.Words("Mistral did not answer in time.")), sample.Doubtful)
	require.Contains(t, Reply(v, true).Text(), "$0, and up to $0.02 that is not known yet")
	said := string(sample.MustJSON(DetailsView(v, true)))
	for _, words := range []string{"Uncertain: it is not known yet what a call to mistral-medium-2508 cost. Up to $0.02 is reserved for it, and charged on ",
		" unless the cost is known by then", "Total: $0.00"} {
		require.Contains(t, said, words)
	}
	sure := sample.View(sample.In(approval.Failed, approval.Words("No.")))
	require.NotContains(t, Reply(sure, true).Text(), "not known yet")
	require.NotContains(t, string(sample.MustJSON(DetailsView(sure, true))), "Uncertain")
}

// A sandbox that waited is a line of its own, on the card, under the answer and in the bill, also of what was rejected.
func TestASandboxThatWaitedIsALineOfItsOwn(t *testing.T) {
	t.Parallel()
	waits := func(v *steps.View) {
		v.Request.Ready = &approval.Ready{Revision: 1, Hold: "h", Box: "b", At: sample.Noon, Until: sample.Noon.Add(9 * time.Minute)}
		v.Request.Holds = append(v.Request.Holds, budget.OpenHold{Hold: budget.Hold{ID: "h", Purpose: budget.ForReady, Amount: 2 * budget.Cent}, Called: true})
	}
	require.Contains(t, string(sample.MustJSON(Card(With{}, sample.View(sample.In(approval.Pending), waits), false).Blocks)), ": at most $0.02.")
	paid := func(v *steps.View) {
		v.Request.Ready = &approval.Ready{Revision: 1, Hold: "h", Box: "b", At: sample.Noon, Over: sample.Noon.Add(81 * time.Second)}
		v.Bill = append(v.Bill, steps.Spend{Purpose: budget.ForReady, Charges: []budget.Charge{{Kind: budget.Box, What: "e2b", BoxMS: 81_000, Amount: 2_997_000}}})
	}
	for _, state := range []approval.State{approval.Rejected, approval.Expired} {
		v := sample.View(sample.In(state), paid)
		require.Contains(t, Reply(v, true).Text(), "Sandbox kept ready while it was reviewed: under 1 cent", state)
		require.Contains(t, string(sample.MustJSON(DetailsView(v, true))), "Sandbox kept ready while it was reviewed: 81.0 seconds, $0.002997", state)
	}
	lost := sample.View(sample.In(approval.Rejected), func(v *steps.View) {
		paid(v)
		v.Bill[len(v.Bill)-1].Estimated = true
	})
	require.Contains(t, string(sample.MustJSON(DetailsView(lost, true))), "Sandbox kept ready while it was reviewed: time unknown, at most $0.002997")
}
