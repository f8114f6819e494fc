package proof

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// suite runs tools/suite with a Go that writes down what it is to test, and does not test it.
func suite(t *testing.T, breaks string) (ran []string, ok bool) {
	t.Helper()
	dir := t.TempDir()
	log, program := filepath.Join(dir, "log"), filepath.Join(dir, "go")
	script := `#!/bin/sh
case "$1 $2" in
"list ./...") printf 'countersign/%s\n' budget bot cmd/countersign sandbox/local storage storage/pg sandbox/e2b; exit ;;
"list "*) shift; for p in "$@"; do echo "countersign/${p#./}"; done; exit ;;
esac
echo "$SUITE_PART $*" >>"$LOG"
case "$SUITE_PART $*" in *"$BREAKS"*) exit 1 ;; esac
`
	syscall.ForkLock.RLock() // a child that still had the file open for writing would keep it from being run
	err := os.WriteFile(program, []byte(script), 0o755)
	syscall.ForkLock.RUnlock()
	require.NoError(t, err)
	cmd := exec.Command(filepath.Join("..", "..", "tools", "suite"), "-timeout", "2h")
	cmd.Env = append(os.Environ(), "GO="+program, "LOG="+log, "BREAKS="+breaks, "SUITE_PART=", "PROVE_SEED=7")
	out, err := cmd.CombinedOutput()
	data, readErr := os.ReadFile(log)
	require.NoError(t, readErr, "%s", out)
	require.Contains(t, string(out), "PROVE_SEED=7\n")
	for line := range strings.Lines(string(data)) {
		require.Contains(t, line, " -timeout 2h")
		words := strings.Fields(line)
		if words[0] == "test" {
			words = append([]string{"-"}, words...)
		}
		for _, word := range words[2:] {
			if p, cut := strings.CutPrefix(strings.TrimPrefix(word, "./"), "countersign/"); cut || p != word {
				ran = append(ran, words[0]+" "+p+" raced "+map[bool]string{true: "yes", false: "no"}[slices.Contains(words, "-race")])
			}
		}
	}
	slices.Sort(ran)
	return ran, err == nil
}

// Whoever is free takes the next job: each package is tested once, the end-to-end tests in their two parts, all but one of these
// under the race detector. What fails anywhere fails the suite, and the rest is tested nevertheless.
func TestASuiteTestsEachPackageOnce(t *testing.T) {
	all := []string{"- bot raced yes", "- budget raced yes", "- sandbox/e2b raced yes", "- sandbox/local raced yes", "- storage raced yes", "- storage/pg raced yes",
		"raced cmd/countersign raced yes", "rest cmd/countersign raced no"}
	ran, ok := suite(t, "nothing of it")
	require.True(t, ok)
	require.Equal(t, all, ran)
	for _, breaks := range []string{"rest test", "raced test", "sandbox/local", "countersign/budget", "./storage"} {
		ran, ok = suite(t, breaks)
		require.False(t, ok, breaks)
		require.Equal(t, all, ran, breaks)
	}
}
