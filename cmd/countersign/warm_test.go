package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
	"countersign/sandbox/e2b/e2btest"
)

// TestAClickWaitsForNoBoot has a box wait for each of two questions that wait for their reviewers, though this
// replica has heard of neither, and takes boxes back from what nobody approves.
func TestAClickWaitsForNoBoot(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *Config) { c.WarmBoxes, c.HTTPAddr = asNeeded, freePort(t) })
	_, stop := h.run()
	h.shareSamples()
	h.writes("print('a chart of sales')")
	var cards []workspace.Message
	for range 2 {
		cards = append(cards, h.card(h.ask("How many units per region in sales.csv?")))
	}
	stop() // and with it the hints that it has heard, and its boxes
	r, _ := h.run()
	h.soon("a box for each of the two", func() bool { return r.warm.Warm().Ready == 2 })
	require.NoError(t, h.ben.Click(cards[0], "Approve"))
	h.soon("the first run's end", func() bool {
		return value[string](h, `SELECT string_agg(state, ' ' ORDER BY created_at) FROM requests`) == "done pending"
	})
	require.Equal(t, 1, r.warm.Warm().Claimed)
	require.Zero(t, r.warm.Warm().Cold)

	h.soon("a box for the other one, and no more", func() bool { w := r.warm.Warm(); return w.Ready == 1 && w.Booting == 0 })
	_, body := healthPage(h, "/readyz")
	require.Contains(t, body, "1 box waits, about 140 MB of memory. So far 1 runs had one, 0 waited for a boot,")
	_, body = healthPage(h, "/metrics")
	require.Contains(t, body, "countersign_warm_boxes 1\n")
	require.Contains(t, body, "countersign_warm_boxes_megabytes 140\n")
	require.Contains(t, body, "countersign_warm_boxes_claimed_total 1\n")

	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze cancel "+value[string](h, `SELECT id FROM requests WHERE state = 'pending'`)))
	h.soon("no box for nobody", func() bool { return r.warm.Warm().Ready+r.warm.Warm().Booting == 0 })
}

// TestABoxAtE2BThatOutlivesItsRunIsOnTheBill has E2B refuse to end a box for a while.
func TestABoxAtE2BThatOutlivesItsRunIsOnTheBill(t *testing.T) {
	t.Parallel()
	cloud := newCloud(t)
	h := open(t, atE2B(cloud))
	r, _ := h.run()
	h.shareSamples()
	h.writes("print('a chart of sales')")
	card := h.card(h.ask("How many units per region in sales.csv?"))
	cloud.Fail(e2btest.Kill, e2btest.Fault{Status: 401, Body: unauthorized, Times: -1})
	require.NoError(t, h.ben.Click(card, "Approve"))
	h.soon("a run that ended two seconds ago", func() bool {
		return value[int](h, `SELECT count(*) FROM runs WHERE finished_at < clock_timestamp() - interval '2 seconds'`) == 1
	})
	require.Len(t, cloud.Alive(), 1)
	cloud.Heal()
	const late = `SELECT count(*) FROM holds h JOIN settlements s ON s.hold_id = h.id WHERE h.purpose = 'run'`
	id, box := value[string](h, `SELECT id FROM requests`), value[string](h, `SELECT box_id FROM runs`)
	h.soon("the box's end", func() bool {
		_, err := r.needs(h.ctx, id, box) // what a sweep asks, and whoever repeats the run does
		require.NoError(t, err)
		return len(cloud.Alive()) == 0
	})
	h.soon("its seconds on the bill", func() bool { return value[int](h, late) == 2 })
	require.GreaterOrEqual(t, value[int](h, `SELECT c.box_ms FROM holds h JOIN charges c ON c.hold_id = h.id WHERE h.purpose = 'run' ORDER BY h.at DESC LIMIT 1`), 2000)
	h.settled()
}
