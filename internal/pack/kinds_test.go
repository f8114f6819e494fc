package pack

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// A kind that this package spelled otherwise than the program would never be met: the verifier would
// count no approval, or no break-glass, and say nothing.
func TestTheKindsOfEventAreTheSchemas(t *testing.T) {
	t.Parallel()
	schema, err := os.ReadFile("../../migrations/0001_events.sql")
	require.NoError(t, err)
	source, err := os.ReadFile("kinds.go")
	require.NoError(t, err)
	named := regexp.MustCompile(`(?m)^\tkind\w+ += "([^"]+)"$`).FindAllSubmatch(source, -1)
	require.Greater(t, len(named), 20)
	for _, kind := range named {
		require.Regexp(t, `(?m)^ +\('`+regexp.QuoteMeta(string(kind[1]))+`', '\{`, string(schema))
	}
}
