package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/sandbox/local"
)

// A slow start is not the end: what is asked while the sandbox is being tried out
// waits, and is answered when it has proven itself.
func TestAQuestionThatIsAskedWhileTheSandboxStartsIsAnswered(t *testing.T) {
	t.Parallel()
	runsc, err := local.FindRunsc()
	require.NoError(t, err)
	dir := t.TempDir()
	slow := filepath.Join(dir, "runsc")
	// It waits for somebody to open the gate, and is gVisor then.
	require.NoError(t, os.WriteFile(slow, fmt.Appendf(nil, "#!/bin/sh\nwhile ! [ -e %s/gate ]; do sleep 0.1; done\nexec %s \"$@\"\n", dir, runsc), 0o755))
	h := open(t, func(c *Config) { c.HTTPAddr, c.Runsc = freePort(t), slow })
	h.hasty = true
	h.run()
	status, body := healthPage(h, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body, `"sandbox":"starting"`)
	h.shareSamples()
	h.writes("1 + 1")
	root := h.ask("What is one and one, in sales.csv?")
	h.says(root, "The sandbox is starting; your question is waiting for it.")
	require.Empty(t, h.model.Requests(), "nothing is paid for before it can be inspected")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "gate"), nil, 0o600))
	require.NoError(t, h.ben.Click(h.card(root), "Approve"))
	h.reply(root)
	for !strings.Contains(body, `"sandbox":"ok"`) {
		require.NoError(t, h.ctx.Err())
		time.Sleep(10 * time.Millisecond)
		_, body = healthPage(h, "/readyz")
	}
	require.Empty(t, h.ben.Ephemerals(slacksim.CodeReview))
	h.settled()
}

func TestAnErrorOfTheDemoNamesPeopleAndChannels(t *testing.T) {
	t.Parallel()
	err := named(fmt.Errorf("no card: a message in %s for %s by %s: %w", slacksim.CodeReview, slacksim.Reviewer, slacksim.BotID, os.ErrNotExist))
	require.EqualError(t, err, "no card: a message in #code-review for Ben Osei by Countersign: file does not exist")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, named(nil))
}

func TestTheDemoSaysWhatItIsAtFromItsFirstSecond(t *testing.T) {
	t.Parallel()
	d := startDemo(t, dataDir(t), "-once")
	d.prints(t, "the demo. Everything happens on this machine.")
	require.NotContains(t, d.out.String(), "Maya", "it has only begun")
	for _, at := range []string{"starts the local Slack", "starts the database", "brings the database up to date", "lays the sandbox out", "tries the sandbox out", "Maya"} {
		d.prints(t, at)
	}
	d.stop()
	d.ends(t)
}
