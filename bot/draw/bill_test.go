package draw

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/sample"
)

func TestABillSaysWhatIsUncertainInPlainWords(t *testing.T) {
	t.Parallel()
	said := Reply(sample.View(sample.In(approval.Failed, approval.Words("Mistral did not answer in time.")), sample.Doubtful), true)
	for _, words := range []string{"Uncertain: it is not known yet what a call to mistral-medium-2508 cost. Up to $0.02 is reserved for it, and charged on ",
		" unless the cost is known by then", "Total: $0.00"} {
		require.Contains(t, said.Text(), words)
	}
	require.NotContains(t, Reply(sample.View(sample.In(approval.Failed, approval.Words("No."))), true).Text(), "Uncertain")
}
