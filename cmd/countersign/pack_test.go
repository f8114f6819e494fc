package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"countersign/internal/checkpoint"
	"countersign/internal/pack"
	"countersign/storage"
)

// A pack of before and after a new key is checked by both, and the command that is printed names both.
func TestAPackNamesEachKeyThatHasSignedIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	p, said := h.program, &bytes.Buffer{}
	p.out = said
	packed := func() (path string, keys []note.Verifier) {
		path = filepath.Join(t.TempDir(), "pack.zip")
		p.args = []string{"-o", path}
		said.Reset()
		require.NoError(t, makePack(h.ctx, p))
		for _, found := range regexp.MustCompile(`--key (\S+)`).FindAllStringSubmatch(said.String(), -1) {
			key, err := checkpoint.Verifier(found[1])
			require.NoError(t, err)
			keys = append(keys, key)
		}
		return path, keys
	}
	path, keys := packed()
	require.Len(t, keys, 1)
	r, err := pack.Verify(path, pack.Trust{Keys: keys})
	require.NoError(t, err)
	require.True(t, r.Shown(), r.Sentences())

	p.args = nil
	require.NoError(t, newKey(h.ctx, p))
	path, keys = packed()
	require.Len(t, keys, 2)
	require.Contains(t, said.String(), "needs all of these keys from somebody other than you")
	r, err = pack.Verify(path, pack.Trust{Keys: keys})
	require.NoError(t, err)
	require.True(t, r.Shown(), r.Sentences())
	_, err = pack.Verify(path, pack.Trust{Keys: keys[:1]})
	require.ErrorContains(t, err, "it is not signed by the key that you named")

	// What begins after the new key takes that one alone.
	db, signed, stop, err := openSigned(h.ctx, p)
	require.NoError(t, err)
	defer stop()
	last, err := storage.Log(db).Checkpoints(h.ctx, -1)
	require.NoError(t, err)
	lines, err := signers(h.ctx, storage.Log(db), signed.Key, last[0].Size)
	require.NoError(t, err)
	present, err := signed.Key.Public()
	require.NoError(t, err)
	require.Equal(t, []string{present}, lines)
}
