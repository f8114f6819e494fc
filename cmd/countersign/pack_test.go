package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"countersign/internal/checkpoint"
	"countersign/internal/pack"
	"countersign/storage/signing"
)

func TestAPackOfAWholeRoundHolds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := open(t, func(c *Config) { c.CheckpointFile = filepath.Join(dir, "checkpoints") })
	h.run()
	h.shareSamples()
	h.writes("import pandas as pd\ndf = pd.read_csv(\"sales.csv\")\ndf.groupby(\"product\")[\"units\"].sum().reset_index()")
	root := h.ask("How many units per product in sales.csv?")
	require.NoError(t, h.ben.Click(h.card(root), "Approve"))
	h.says(root, "Total")
	h.settled()

	var out lockedBuffer
	p := h.program
	path := filepath.Join(dir, "round.zip")
	p.out, p.args = &out, []string{"-o", path}
	require.NoError(t, makePack(h.ctx, p))
	require.Contains(t, out.String(), "1 of 1 requests")
	key, err := signing.Read(p.SigningKeyFile)
	require.NoError(t, err)
	line, err := key.Public()
	require.NoError(t, err)
	require.Contains(t, out.String(), "countersign-verify --key "+line+" round.zip")
	verifier, err := checkpoint.Verifier(line)
	require.NoError(t, err)
	r, err := pack.Verify(path, pack.Trust{Keys: []note.Verifier{verifier}})
	require.NoError(t, err)
	require.True(t, r.Shown(), r.Sentences())

	// The replica writes what it has seen beside the database.
	file := checkpoint.File{Path: p.CheckpointFile}
	require.Eventually(t, func() bool {
		last, err := file.Last()
		return err == nil && last != nil && last.Number == r.Checkpoint
	}, soon, 100*time.Millisecond)
	if pictures := os.Getenv("COUNTERSIGN_PICTURES"); pictures != "" {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(pictures, "round.zip"), text, 0o600))
	}
}
