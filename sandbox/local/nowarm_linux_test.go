package local

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWithoutWaitingBoxesARunStillGetsOne(t *testing.T) {
	t.Parallel()
	s, err := New(Options{MaxWarm: -1, Dir: t.TempDir()})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	s.Prepare("r1")
	s.mu.Lock()
	require.Empty(t, s.spare)
	s.level()
	s.mu.Unlock()
	s.Discard("r1")
}
