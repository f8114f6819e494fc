//go:build linux

package local

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestABoxForLaterTakesNoTurnFromTheBoxOfARun(t *testing.T) {
	t.Parallel()
	s := own(t, Options{MaxWarm: 1, Machine: t.TempDir()})
	taken := s.takeAllCores(t)
	s.Prepare("a")
	s.mu.Lock()
	later := s.spare[0]
	s.mu.Unlock()
	waits(t, later, 1)
	seen := make(chan error, 1)
	go func() {
		_, err := s.Inspect(context.Background(), "1", nil)
		seen <- err
	}()
	waits(t, later, 2)
	// The next run takes the box that is on its way, and what is wanted for later begins anew, behind all others.
	made := make(chan error, 1)
	go func() {
		_, err := s.adopt("b")
		made <- err
	}()
	waits(t, later, 1)
	require.Equal(t, int32(forRun), later.urgent.Load())
	require.NoError(t, <-made)
	taken()
	require.Equal(t, later.id, create(t, s, "b"))
	require.NoError(t, <-seen)
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
	<-failed[0].done
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Equal(t, 1, s.serial)
}
