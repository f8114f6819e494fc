package local

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// laid puts files into a folder.
func laid(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func TestFreeMemoryIsThatOfTheNarrowestGroup(t *testing.T) {
	t.Parallel()
	machine := "MemTotal:       8388608 kB\nMemFree:          1024 kB\nMemAvailable:    6291456 kB\nHugePages_Total:       0\n"
	for _, c := range []struct {
		name        string
		own         string
		groups      map[string]string
		free, total int
	}{
		{"no group", "", nil, 6144, 8192},
		{"groups of the old kind say nothing", "4:memory:/x\n", map[string]string{"x/memory.max": "1"}, 6144, 8192},
		{"no limit", "0::/a/b\n", map[string]string{"a/b/memory.max": "max\n", "a/b/memory.current": "5"}, 6144, 8192},
		{"its own limit", "0::/a/b\n", map[string]string{"a/b/memory.max": "2147483648\n", "a/b/memory.current": "1073741824\n",
			"a/b/memory.stat": "anon 3\ninactive_file 104857600\nactive_file 7\n"}, 1124, 2048},
		{"that of a group above", "0::/a/b\n", map[string]string{"a/b/memory.max": "max\n", "a/memory.max": "1073741824", "a/memory.current": "1048576"}, 1023, 1024},
		{"of a container, which sees its own group as the root", "0::/\n", map[string]string{"memory.max": "1073741824", "memory.current": "2147483648"}, 0, 1024},
	} {
		free, total, ok := memory(laid(t, map[string]string{"meminfo": machine, "self/cgroup": c.own}), laid(t, c.groups))
		require.True(t, ok, c.name)
		require.Equal(t, []int{c.free, c.total}, []int{free, total}, c.name)
	}
	_, _, ok := memory(t.TempDir(), t.TempDir())
	require.False(t, ok, "nobody knows")
}
