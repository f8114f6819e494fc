package local

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
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

// Where runsc itself does not start, each try makes a socket for the witness: none may stay.
func TestABoxThatIsNotLaunchedLeavesNothing(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "cs")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.Remove(dir)) })
	s, err := New(Options{Dir: dir, MaxWarm: -1, Runsc: filepath.Join(dir, "no-runsc")})
	require.NoError(t, err)
	s.patience = soon
	_, err = s.Create(context.Background(), freshID(), approval.Manifest{Sandbox: Kind, Template: s.Template()})
	require.Error(t, err)
	left, err := filepath.Glob(filepath.Join(s.home.dir, "w*"))
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, s.Close())
}
