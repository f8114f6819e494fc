package local

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
)

// Bars of progress go to stderr, where nothing is seen of them but here, and one of them may have filled what is kept of it.
func TestTheLastLineIsTakenFromStderrToo(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{
		"as it comes":                 "",
		"where the end alone is kept": `sys.stderr.write("\r%s" % ("█" * 400_000))` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			boxID := create(t, shared, freshID())
			code := "import sys, time\nprint('row 1')\n" + before + `sys.stderr.write("\r 37%|███▋      | 37/100 [00:03<00:06, 10.02it/s]")
sys.stderr.flush()
time.sleep(500)
`
			require.NoError(t, shared.Start(t.Context(), boxID, job(code, roomy)))
			ctx, heard := context.WithCancel(t.Context())
			_, err := shared.Result(steps.WithLines(ctx, func(line string) {
				if line == "37%|███▋ | 37/100 [00:03<00:06, 10.02it/s]" {
					heard()
				}
			}), boxID)
			require.True(t, errors.Is(err, context.Canceled), "%v", err)
			require.NoError(t, shared.Kill(t.Context(), boxID))
		})
	}
}
