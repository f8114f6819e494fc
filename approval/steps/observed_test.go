package steps

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

func TestAMismatchIsAudited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.inspect = append(b.box.inspect, func(string) (Inspection, error) {
		return Inspection{Findings: []approval.Finding{found("import", "pandas")}}, nil
	})
	b.box.result.Observed = approval.Observed{Imported: []string{"pandas"}, Spawned: []string{"sh"}}
	r := b.approved()
	require.Empty(t, b.work())
	require.Equal(t, 1, b.count(r.ID, "mismatch"))
	b.box.result.Observed.Spawned = nil
	b.box.inspect = append(b.box.inspect, func(string) (Inspection, error) {
		return Inspection{Findings: []approval.Finding{found("import", "pandas")}}, nil
	})
	r = b.approved()
	require.Empty(t, b.work())
	require.Zero(t, b.count(r.ID, "mismatch"))
}
