// Package proof makes the tables of `make prove-...` out of ordinary tests: each
// promise that a test has held against the program is a row. Every package's rows
// go into one file, which the Makefile shows and counts.
package proof

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

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
