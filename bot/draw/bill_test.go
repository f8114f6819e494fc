package draw

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/sample"
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
