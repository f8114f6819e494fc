package approval

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatAVersionOneManifestNeeds(t *testing.T) {
	t.Parallel()
	r := &Request{Revision: &Revision{Findings: []Finding{{Level: Danger}}, Manifest: Manifest{Version: 1}}}
	require.Equal(t, High, r.Revision.Tier())
	require.Equal(t, 3, r.Needs(Policy{Quorum: 3}))
	require.Equal(t, 1, r.Needs(Policy{}), "somebody")
	r.Revision.Manifest.Tier, r.Revision.Manifest.Approvals = Low, 2
	require.Equal(t, Low, r.Revision.Tier())
	require.Equal(t, 2, r.Needs(Policy{Quorum: 1}), "what was sealed")
	require.Equal(t, 2, r.Needs(Policy{Quorum: 5}), "and no more")
}
