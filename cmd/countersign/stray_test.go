package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
)

// TestASecondCardGoesThoughWhoeverWasToldOfItHasEnded: Slack has their word for it, and tells nobody else.
func TestASecondCardGoesThoughWhoeverWasToldOfItHasEnded(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	r, stop := h.run()
	h.ask("Who stands twice?")
	card := h.cardOf("Who stands twice?")
	v, err := r.db.View(h.ctx, value[string](h, `SELECT id FROM requests`))
	require.NoError(t, err)
	delete(v.Posts, steps.SurfaceCard)
	second, err := r.bot.Publish(h.ctx, v, steps.SurfaceCard) // by somebody who dies before they have remembered it
	require.NoError(t, err)
	h.soon("a replica is told of it", func() bool { return value[int](h, `SELECT count(*) FROM sightings WHERE ts = '`+second.TS+`'`) == 1 })
	stop()
	_, err = h.carla.Find(second.Channel, second.TS)
	require.NoError(t, err, "whoever posted it may be about to remember it")
	h.exec(`UPDATE sightings SET at = at - interval '6 minutes', due_at = due_at - interval '6 minutes'`)
	r, _ = h.run()
	h.soon("another one deletes it", func() bool {
		require.NoError(t, r.sweep(h.ctx))
		_, err := h.carla.Find(second.Channel, second.TS)
		return err != nil
	})
	h.approve(h.becomes(card, "Who stands twice?"))
	h.ended(1)
	h.truth(0)
}
