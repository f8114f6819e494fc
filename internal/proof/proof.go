// Package proof makes the tables of `make prove-...` from ordinary tests. Each promise
// that a test checks is a row. The rows of all packages go into one file, which the
// Makefile prints and counts.
//
// In `make prove-...` a proof tries every case; in the suite it tries a random tenth
// (Of, Draw).
package proof

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Whole says whether proofs try every case, as they do in `make prove-...`.
func Whole() bool { return os.Getenv("PROVE_REPORT") != "" }

// Of returns how many of the cases a proof tries: all of them, or a tenth.
//
// It rounds up, so that a proof of one case always tries it.
func Of(cases int) int {
	if Whole() {
		return cases
	}
	return (cases + 9) / 10
}

// Seed is the seed of a proof's random choices. The test prints it; PROVE_SEED repeats it.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("PROVE_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("PROVE_SEED=%d", seed)
	return seed
}

// Draw returns the cases that a proof tries, in order: all of them, or a random tenth.
//
// They keep their order, so that a log of a tenth reads like one of all.
func Draw[T any](t testing.TB, all []T) []T {
	t.Helper()
	if Whole() {
		return all
	}
	at := rand.New(rand.NewPCG(Seed(t), 10)).Perm(len(all))[:Of(len(all))]
	slices.Sort(at)
	drawn := make([]T, len(at))
	for i, n := range at {
		drawn[i] = all[n]
	}
	return drawn
}

// Check records whether a promise was kept, and fails the test if not. shown is the
// evidence beside it in the table ("80 of 80"). Without PROVE_REPORT no table is written.
//
// A row is a line of the file: "passed", the promise and the evidence, with tabs between.
func Check(t testing.TB, kept bool, promise, shown string, args ...any) {
	t.Helper()
	shown = fmt.Sprintf(shown, args...)
	word := "passed"
	if !kept {
		word = "FAILED"
		t.Errorf("%s: %s", promise, shown)
	}
	path := os.Getenv("PROVE_REPORT")
	if path == "" {
		return
	}
	if err := appendLine(path, strings.Join([]string{word, promise, shown}, "\t")); err != nil {
		t.Errorf("the row %q could not be written: %v", promise, err)
	}
}

// appendLine writes a line at once: packages are tested side by side.
func appendLine(path, line string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := file.WriteString(strings.ReplaceAll(line, "\n", " ") + "\n"); err != nil {
		_ = file.Close() // the write has failed already
		return err
	}
	return file.Close()
}
