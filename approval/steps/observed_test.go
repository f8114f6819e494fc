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
	told := b.notices(approval.NoticeSurprise)
	require.Len(t, told, 1)
	require.True(t, told[0].Admins)
	require.Len(t, told[0].To, 1, "who approved it")
	b.box.result.Observed.Spawned = nil
	b.box.inspect = append(b.box.inspect, func(string) (Inspection, error) {
		return Inspection{Findings: []approval.Finding{found("import", "pandas")}}, nil
	})
	r = b.approved()
	require.Empty(t, b.work())
	require.Zero(t, b.count(r.ID, "mismatch"))
	require.Len(t, b.notices(approval.NoticeSurprise), 1, "no more of them")
}
