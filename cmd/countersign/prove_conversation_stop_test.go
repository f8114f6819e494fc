package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/proof"
	"countersign/internal/slacksim/workspace"
)

// cutShort holds what is left of a run that its asker has cancelled: a word in its thread that says
// what was spent, no box, and money that adds up.
func (h *house) cutShort(root, running workspace.Message) {
	t := h.t
	t.Helper()
	reply := h.reply(root)
	proof.Check(t, strings.Contains(reply.Words(), "while it ran. Its sandbox was used for"), "the answer says that it was cancelled, and what it used", "%s", reply.Words())
	require.NotContains(t, reply.Words(), "Fix it")
	require.NotContains(t, reply.Words(), "Verify")
	require.True(t, reply.Has("Ask again"))
	require.Contains(t, h.says(root, "Cancelled").Words()+h.thread(root), "while it ran")
	proof.Check(t, value[bool](h, `SELECT NOT s.estimated AND s.amount > 0 AND s.amount < h.amount FROM settlements s JOIN holds h ON h.id = s.hold_id WHERE h.purpose = 'run'`),
		"the seconds that it has used are charged, and the rest of the hold is free", "less than the hold, and no guess")
	require.Equal(t, "cancelled", value[string](h, `SELECT data::jsonb ->> 'outcome' FROM events WHERE kind = 'finished'`))
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM events WHERE kind = 'stopped'`), "pressed twice, it is said once")
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM runs WHERE stopped_by = 'U0MAYA' AND begun_at IS NOT NULL`), "it has had its one run")
	if _, err := h.maya.Find(running.Channel, running.TS); err == nil {
		require.NoError(t, h.maya.ClickOld(running, "Cancel"))
	}
	h.told(h.maya, root.Channel, "There is nothing to cancel")
	h.settled()
	h.addsUp()
	h.auditsHouse()
}

// Cancel reaches a program that runs, wherever its box is and whoever hears of the click.
func TestProveConversationAProgramThatRunsIsCancelled(t *testing.T) {
	t.Parallel()
	cloud := newCloud(t)
	for name, at := range map[string]func(*Config){"here": func(*Config) {}, "at E2B": atE2B(cloud)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, at)
			h.run()
			if name != "here" { // the click lands on either of them
				h.run()
			}
			h.share("sales.csv", "amount\n1\n")
			h.writes("import time\ntime.sleep(100)")
			root := h.ask("How long is ten minutes, in sales.csv?")
			h.approve(h.cardOf("How long is ten minutes"))
			running := h.says(root, "Running since")
			h.soon("its code has begun", func() bool { return value[int](h, `SELECT count(*) FROM runs WHERE begun_at IS NOT NULL`) == 1 })
			require.NoError(t, h.maya.Click(running, "Cancel"))
			require.NoError(t, h.maya.ClickOld(running, "Cancel"))
			h.cutShort(root, running)
			if name != "here" {
				require.Empty(t, cloud.Alive(), "its box is no more")
				require.Equal(t, 1, cloud.Starts(value[string](h, `SELECT id FROM requests`)))
			}
		})
	}
}

// The replica that watches the program dies before anybody presses Cancel: another one ends it.
func TestProveConversationAProgramIsCancelledAfterItsReplicaDied(t *testing.T) {
	t.Parallel()
	cloud := newCloud(t)
	h := open(t, atE2B(cloud))
	h.share("sales.csv", "amount\n1\n")
	h.writes("import time\ntime.sleep(100)")
	first := h.victim()
	root := h.ask("How long is ten minutes, in sales.csv?")
	h.approve(h.cardOf("How long is ten minutes"))
	running := h.says(root, "Running since")
	h.soon("its code has begun", func() bool { return value[int](h, `SELECT count(*) FROM runs WHERE begun_at IS NOT NULL`) == 1 })
	first.kill()
	require.NoError(t, h.sim.WaitSockets(h.patient(), 0))
	h.run()
	require.NoError(t, h.maya.Click(running, "Cancel"))
	h.cutShort(root, running)
	require.Empty(t, cloud.Alive(), "its box is no more")
}
