package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/proof"
	"countersign/internal/slacksim"
)

// How Countersign is delivered: as a program, as images, as a service. Each plays one run against the local
// Slack, from outside: a question, its card, an approval, the answer. `make prove-operations` names those
// that this machine can start (tools/operations says by which commands); the suite has this very program.

// ways are how replicas are started, by the names that tools/operations knows. In the cloud means that their code runs
// at E2B, and not where they are.
var ways = map[string]struct {
	replicas int
	cloud    bool
}{"program": {1, true}, "released": {1, true}, "emulated": {1, true}, "serve": {1, true}, "compose": {2, true}, "local": {1, false}, "unit": {1, false}}

func TestProveOperationsWhatIsDeliveredPlaysARun(t *testing.T) {
	chosen := strings.Fields(os.Getenv("PROVE_WAYS"))
	if len(chosen) == 0 {
		chosen = []string{"program"}
	}
	for _, way := range chosen {
		proof.Check(t, t.Run(way, func(t *testing.T) { playedBy(t, way) }), "delivered: "+way, "plays a run")
	}
}

// playedBy has a replica that is started that way play a run.
func playedBy(t *testing.T, way string) {
	var change []func(*Config)
	about, known := ways[way]
	require.True(t, known, way)
	if about.cloud {
		_, there := cloud(t)
		change = append(change, there)
	}
	h := open(t, change...)
	h.shareSamples()
	h.writes("from desk import load, answer\n\nsales = load(\"sales.csv\")\nanswer(f\"{len(sales)} rows of sales.csv were read.\")")
	var v *victim
	if way == "program" {
		v = h.victim()
	} else {
		settings := filepath.Join(t.TempDir(), "env")
		require.NoError(t, os.WriteFile(settings, []byte(strings.Join(set(h.environ()), "\n")+"\n"), 0o600))
		v = h.start(exec.Command("../../tools/operations", "start", way, settings), os.Environ()...)
	}
	// Containers, a database and systemd take their time; one that has ended is not waited for.
	connected, cancel := context.WithCancel(h.patient())
	defer cancel()
	go func() {
		select {
		case <-v.dead:
			cancel()
		case <-connected.Done():
		}
	}()
	require.NoError(t, h.sim.WaitSockets(connected, 2*about.replicas), "it does not connect")
	root := h.ask("How many rows has sales.csv?")
	card := h.card(root)
	require.Contains(t, card.Words(), "sales.csv")
	h.approve(card)
	h.says(root, "rows of sales.csv were read.")
	v.term()
	select {
	case <-v.dead:
	case <-time.After(2 * time.Minute):
		t.Errorf("it does not end when it is told to: %s", h.log)
	}
	require.NoError(t, h.sim.WaitSockets(h.patient(), 0))
	require.Len(t, h.sim.As(slacksim.Reviewer).Messages(slacksim.CodeReview), 1, "one card")
}

// set are the settings that say something: an empty one in a file would hide what the way itself sets.
func set(all []string) (list []string) {
	for _, s := range all {
		if !strings.HasSuffix(s, "=") {
			list = append(list, s)
		}
	}
	return list
}
