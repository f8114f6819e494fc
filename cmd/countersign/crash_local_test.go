package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestALocalRunDiesWithItsReplica: with gVisor on this machine nobody else can
// collect what a dead replica had started. It is lost, and says so.
func TestALocalRunDiesWithItsReplica(t *testing.T) {
	t.Parallel()
	h := open(t)
	dir, err := os.MkdirTemp("/tmp", "crash-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	h.share("sales.csv", "product,units\nbeans,3\n")
	h.writes("import time\ntime.sleep(60)\ntime.sleep(60)\nprint('it was never heard of')")
	v := h.victim("TMPDIR=" + dir)
	card := h.card(h.ask(asked))
	require.NoError(t, h.ben.Click(card, "Approve"))
	h.until("it runs", func() bool {
		return value[string](h, `SELECT state FROM requests`) == "running" && len(runscs(dir)) > 0
	})
	boxes := runscs(dir)
	left := entries(t, dir)
	require.NotEmpty(t, left)
	v.kill()
	h.until("the kernel ends the boxes with their replica", func() bool {
		for _, pid := range boxes {
			if _, err := os.Stat("/proc/" + pid); err == nil && strings.Contains(commandOf(pid), dir) {
				return false
			}
		}
		return len(runscs(dir)) == 0
	})
	require.NoError(t, h.sim.WaitSockets(h.patient(), 0))

	next := h.victim("TMPDIR=" + dir)
	for _, old := range left {
		require.NoDirExists(t, old, "the next one clears up")
	}
	began := time.Now()
	h.ended(1)
	t.Logf("over %.1f s after the other replica was there", time.Since(began).Seconds())
	require.Equal(t, "lost", value[string](h, `SELECT state FROM requests`))
	require.Contains(t, h.picture(), "will not be run again")
	require.NotContains(t, h.picture(), "it was never heard of")
	require.True(t, value[bool](h, `SELECT s.estimated AND s.amount = h.amount FROM settlements s JOIN holds h ON h.id = s.hold_id WHERE h.purpose = 'run'`),
		"the run is charged in full, and the bill says that it is a guess")
	h.truth(0)
	next.term()
	h.gone(next)
	require.NoError(t, next.err)
	require.Empty(t, entries(t, dir), "a replica that is told to stop leaves nothing")
}

// runscs are the processes of gVisor whose files lie in this folder.
func runscs(dir string) (pids []string) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range all {
		if pid := filepath.Base(process); strings.Contains(commandOf(pid), "--root="+dir) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func commandOf(pid string) string {
	data, _ := os.ReadFile("/proc/" + pid + "/cmdline") // it may have ended meanwhile
	return string(data)
}

// entries are the folders of the instances of the local sandbox.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "countersign-*", "*"))
	require.NoError(t, err)
	// The line and the list of fonts stay: all processes of this machine share them.
	return slices.DeleteFunc(found, func(path string) bool { return strings.Contains(path, "-machine/") })
}
