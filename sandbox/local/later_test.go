package local

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestABoxForLaterTakesNoCoreFromTheBoxOfARun(t *testing.T) {
	t.Parallel()
	s := own(t, Options{MaxWarm: 1})
	s.mu.Lock()
	s.booting = s.cpus.count() // boxes of other runs
	s.mu.Unlock()
	s.Prepare("a")
	require.Empty(t, s.waiting())
	s.mu.Lock()
	s.booting-- // one is ready, and the next run is there already
	s.mu.Unlock()
	boxID, err := s.Create(context.Background(), "b", s.seal())
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(boxID, "-1"), "the first box is the run's: %s", boxID)
	for len(s.waiting()) == 0 { // what is wanted for later follows by itself
		time.Sleep(time.Millisecond)
	}
	require.Len(t, s.waiting(), 1)
}

func TestABoxForLaterThatCannotBootIsNotTriedForEver(t *testing.T) {
	t.Parallel()
	runsc := filepath.Join(t.TempDir(), "runsc")
	require.NoError(t, os.WriteFile(runsc, []byte("#!/bin/sh\nexit 1\n"), 0o755))
	s := own(t, Options{Runsc: runsc, MaxWarm: 1})
	s.Prepare("a")
	failed := s.waiting()
	require.Len(t, failed, 1)
	require.Error(t, failed[0].bootErr)
	s.afterBoot(failed[0])
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Equal(t, 1, s.serial)
}
