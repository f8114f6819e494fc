package migrations

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhatIsReleasedStays holds the migrations of released versions: whoever changes one leaves behind every database
// that a released program has migrated. What is new comes with the next number, after all that is released.
func TestWhatIsReleasedStays(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("released.sha256")
	require.NoError(t, err)
	released, last := map[string]bool{}, ""
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		sum, name, ok := strings.Cut(line, "  ")
		require.True(t, ok, "a line is a sha256, two blanks and a file: %q", line)
		file, err := os.ReadFile(name)
		require.NoError(t, err, "%s was released and is gone", name)
		found := sha256.Sum256(file)
		require.Equal(t, sum, hex.EncodeToString(found[:]), "%s was released and has changed: put it back, and write the change as the next number", name)
		require.Greater(t, number(name), number(last), "%s comes before what is released: give it the next number", name)
		released[name], last = true, name
	}
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".sql") && f.Name() != "schema.sql" && !released[f.Name()] {
			require.Greater(t, number(f.Name()), number(last), "%s comes before what is released: give it the next number", f.Name())
		}
	}
}

// number is what a migration's name begins with.
func number(name string) string {
	n, _, _ := strings.Cut(name, "_")
	return n
}
