package kit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALinkLeadsToTheMessage(t *testing.T) {
	t.Parallel()
	who := Identity{URL: "https://x.slack.com/"}
	require.Equal(t, "https://x.slack.com/archives/C1/p1763812800000100", who.Permalink("C1", "1763812800.000100", ""))
	require.Equal(t, "https://x.slack.com/archives/C1/p1763812800000100?thread_ts=1.2&cid=C1", who.Permalink("C1", "1763812800.000100", "1.2"))
	require.Empty(t, who.Permalink("C1", "", ""))
}
