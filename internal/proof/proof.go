// Package proof makes the tables of `make prove-...` out of ordinary tests: each
// promise that a test has held against the program is a row. Every package's rows
// go into one file, which the Makefile shows and counts.
//
// There a proof runs whole; in the suite it tries a drawn tenth (Of, Draw).
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

// Whole tells that proofs run whole, which they do where a table is made.
func Whole() bool { return os.Getenv("PROVE_REPORT") != "" }

// Of is how many of so many cases a proof tries: all of them, or a tenth.
func Of(cases int) int {
	if Whole() {
		return cases
	}
	return (cases + 9) / 10
}

// Seed is what a proof draws by. It is printed; PROVE_SEED draws the same once more.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("PROVE_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("PROVE_SEED=%d", seed)
	return seed
}

// Draw is the cases that a proof tries, in their order: all of them, or a drawn tenth.
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

// Check holds a promise. What was shown for it ("80 of 80") stands beside it in
// the table. A promise that is not kept fails the test, too. Without PROVE_REPORT
// there is no table and all else is the same.
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
