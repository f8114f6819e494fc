package queue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPausesGrowUpToHalfAMinute(t *testing.T) {
	t.Parallel()
	var got []time.Duration
	for attempt := range 8 {
		got = append(got, pause(attempt))
	}
	require.Equal(t, []time.Duration{time.Second, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second,
		30 * time.Second, 30 * time.Second}, got)
	require.Equal(t, 30*time.Second, pause(1000))
}
