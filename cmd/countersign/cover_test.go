package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCoverCountsTheProductAndWantsNinetyPercent(t *testing.T) {
	t.Parallel()
	cover := func(lines ...string) (out string, ok bool) {
		t.Helper()
		profile := filepath.Join(t.TempDir(), "coverage.out")
		require.NoError(t, os.WriteFile(profile, []byte("mode: atomic\n"+strings.Join(lines, "\n")+"\n"), 0o600))
		text, err := exec.Command("../../tools/cover", profile).CombinedOutput()
		return string(text), err == nil
	}
	support := []string{"countersign/codegen/mistraltest/a.go:1.1,2.2 50 0", "countersign/sandbox/e2b/e2btest/a.go:1.1,2.2 50 0",
		"countersign/internal/pglocal/pgtest/a.go:1.1,2.2 50 0", "countersign/internal/proof/a.go:1.1,2.2 50 0"}
	out, ok := cover(append(support,
		"countersign/budget/a.go:1.1,2.2 8 0", "countersign/budget/a.go:3.1,4.2 2 0",
		"countersign/budget/a.go:1.1,2.2 8 3", "countersign/internal/pglocal/a.go:1.1,2.2 10 1")...)
	require.True(t, ok, out)
	require.Equal(t, []string{"countersign/budget", "80.0", "%", "countersign/internal/pglocal", "100.0", "%", "in", "all", "90.0", "%", "of", "20", "statements"}, strings.Fields(out))

	out, ok = cover("countersign/budget/a.go:1.1,2.2 89 1", "countersign/budget/a.go:3.1,4.2 11 0")
	require.False(t, ok)
	require.True(t, strings.HasSuffix(out, "cover: less than 90 %\n"), out)
	_, ok = cover(support...)
	require.False(t, ok, "nothing is not enough")
}
