package signing

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAKeyIsMadeOnceAndKeptForItsOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "below", "key")
	keys := make(chan *Key, 8)
	for range cap(keys) {
		go func() {
			k, err := Open(path)
			if err != nil {
				t.Error(err)
			}
			keys <- k
		}()
	}
	first := <-keys
	for range cap(keys) - 1 {
		require.Equal(t, first.Name(), (<-keys).Name(), "whoever comes second takes the key of the first")
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1)

	require.NoError(t, os.Chmod(path, 0o640))
	_, err = Read(path)
	require.ErrorContains(t, err, "chmod 600 "+path)
	require.NoError(t, os.WriteFile(path, []byte("no key"), 0o600))
	require.NoError(t, os.Chmod(path, 0o600))
	_, err = Open(path)
	require.ErrorContains(t, err, "holds no signing key", "what is there is not written over")
}

func TestASignatureIsOfOneHashByOneTrustedKey(t *testing.T) {
	t.Parallel()
	mine, err := New(nil)
	require.NoError(t, err)
	other, err := New(nil)
	require.NoError(t, err)
	ring, mark := mine.Ring(), mine.Sign("abc")
	for range 2 { // what it remembers is what it has verified
		require.True(t, ring.Vouches(mine.Name(), "abc", mark))
		require.False(t, ring.Vouches(mine.Name(), "abd", mark))
		require.False(t, ring.Vouches(other.Name(), "abc", other.Sign("abc")), "nobody trusts this key")
		require.False(t, ring.Vouches(other.Name(), "abc", mark))
		require.False(t, ring.Vouches("no key", "abc", mark))
		require.False(t, ring.Vouches(mine.Name(), "abc", "no signature"))
	}
	ring.Add(other.Name())
	require.True(t, ring.Vouches(other.Name(), "abc", other.Sign("abc")))
}

func TestANewKeyTrustsTheFormerOnes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	first, err := Open(path)
	require.NoError(t, err)
	second, err := New(first)
	require.NoError(t, err)
	third, err := New(second)
	require.NoError(t, err)
	require.NoError(t, third.Replace(path))
	read, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, third.Name(), read.Name())
	for _, k := range []*Key{first, second, third} {
		require.True(t, read.Ring().Vouches(k.Name(), "abc", k.Sign("abc")))
	}
	require.False(t, first.Ring().Trusts(third.Name()))
}
