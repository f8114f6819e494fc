package main

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/checkpoint"
)

// signed is a checkpoint with a key of its own.
func signed(t *testing.T, number int64) (checkpoint.Checkpoint, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	by, err := checkpoint.Signer(private)
	require.NoError(t, err)
	c := checkpoint.Checkpoint{Number: number, Size: 10 * number, Root: bytes.Repeat([]byte{byte(number)}, 32), At: time.Date(2026, 11, 27, 1, 0, 0, 0, time.UTC)}
	text, err := c.Sign(by)
	require.NoError(t, err)
	return c, text
}

func TestCheckpointsComeFromAFileOrAreWrittenIn(t *testing.T) {
	t.Parallel()
	one, first := signed(t, 1)
	two, second := signed(t, 2)
	pasted := "Checkpoint 1 of the audit log: 10 entries.\n" + first + "\nCountersign  10:00\nCheckpoint 2 of the audit log: 20 entries.\r\n" + strings.ReplaceAll(second, "\n", "\r\n")
	path := filepath.Join(t.TempDir(), "kept.txt")
	require.NoError(t, os.WriteFile(path, []byte(pasted), 0o600))
	for kept, in := range map[string]string{path: "", "-": pasted} {
		trust, of, err := brings([]string{"--checkpoint", kept, "november.zip"}, strings.NewReader(in))
		require.NoError(t, err)
		require.Equal(t, "november.zip", of)
		require.Equal(t, []checkpoint.Checkpoint{one, two}, trust.Checkpoints)
	}
	var out, faults bytes.Buffer
	require.Equal(t, 3, run([]string{"--checkpoint", "-", "november.zip"}, strings.NewReader("Checkpoint 1"), &out, &faults))
	require.Contains(t, faults.String(), "has no checkpoint in it")
	faults.Reset()
	require.Equal(t, 3, run([]string{"--checkpoint", "-"}, strings.NewReader(pasted), &out, &faults))
	require.Contains(t, faults.String(), "which pack?")
	faults.Reset()
	require.Equal(t, 3, run([]string{filepath.Join(t.TempDir(), "none.zip")}, strings.NewReader(""), &out, &faults))
	require.Contains(t, faults.String(), "no such file")
	require.Empty(t, out.String())
}
