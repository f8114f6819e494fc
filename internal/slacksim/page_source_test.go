package slacksim_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The page has tests of its own (src/**/*.test.ts), which vitest runs.
func TestThePagesOwnTests(t *testing.T) {
	t.Parallel()
	node := nodeFor(t)
	install(t, node, "page", "vitest")
	ctx, stop := context.WithTimeout(context.Background(), soon)
	defer stop()
	vitest := exec.CommandContext(ctx, node, filepath.Join("node_modules", "vitest", "vitest.mjs"), "run", "--no-color")
	vitest.Dir = "page"
	out, err := vitest.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Regexp(t, `Tests +\d+ passed`, string(out))
}
