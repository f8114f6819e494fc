package pulse

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A replica that hangs over its jobs is seen by both, and is gone once.
func TestAReplicaThatHangsOverItsJobsIsGoneOnce(t *testing.T) {
	t.Parallel()
	w := &Watch{Working: &sync.Map{}}
	var gone []string
	for range unseen {
		gone, _ = w.count(seen{Owners: []string{"a"}, Hung: []string{"a", "b"}})
	}
	require.Equal(t, []string{"a", "b"}, gone)
	gone, _ = w.count(seen{Hung: []string{"a"}})
	require.Empty(t, gone, "it is counted anew")
}
