package bot

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/sample"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
)

// TestWhatIsOverIsNotDrawnOverByWhoHung: Slack does not let a message of rich text alone get its buttons back, so what a
// replica drew of a moment that is over stays undone; nor does it bring back a message that was deleted since.
func TestWhatIsOverIsNotDrawnOverByWhoHung(t *testing.T) {
	t.Parallel()
	b := idle(t)
	before := sample.View(sample.In(approval.Running))
	b.publish(before, steps.SurfaceRoot, steps.SurfaceProgress)
	after := sample.View(sample.In(approval.Done))
	after.Posts, after.Session = maps.Clone(before.Posts), before.Session
	b.publish(after, steps.SurfaceProgress, steps.SurfaceReply)
	was := b.read(slacksim.Analyst, after.Posts[steps.SurfaceProgress]).Text
	stale := before.Posts[steps.SurfaceProgress]
	stale.Shown = "drawn before"
	before.Posts[steps.SurfaceProgress] = stale
	calls := len(b.sim.Calls("chat.postMessage"))
	post, err := b.bot.Publish(b.ctx, before, steps.SurfaceProgress)
	require.ErrorIs(t, err, steps.ErrOvertaken)
	require.Equal(t, stale, post)

	reply := after.Posts[steps.SurfaceReply]
	_, _, err = b.bot.publishing.api.DeleteMessageContext(b.ctx, reply.Channel, reply.TS)
	require.NoError(t, err)
	reply.Shown = "drawn before"
	after.Posts[steps.SurfaceReply] = reply
	_, err = b.bot.Publish(b.ctx, after, steps.SurfaceReply)
	require.ErrorIs(t, err, steps.ErrOvertaken)
	require.Len(t, b.sim.Calls("chat.postMessage"), calls, "in no other form either")
	require.Equal(t, was, b.read(slacksim.Analyst, after.Posts[steps.SurfaceProgress]).Text)
}

// TestWhatIsDoubtedIsDrawnOnceMoreAndNeverPostedAnewForThatAlone: it shows what it should, as far as anybody can tell.
func TestWhatIsDoubtedIsDrawnOnceMoreAndNeverPostedAnewForThatAlone(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot, steps.SurfaceProgress)
	first := v.Posts[steps.SurfaceProgress]
	doubted := first
	doubted.Shown = steps.FoundInSlack + first.Shown
	for _, code := range []string{"", "message_not_found", "edit_window_closed"} {
		if code != "" {
			b.sim.Fail(fault.Method{Method: "chat.update", Error: code})
		}
		updates, posts := len(b.sim.Calls("chat.update")), len(b.sim.Calls("chat.postMessage"))
		v.Posts[steps.SurfaceProgress] = doubted
		post, err := b.bot.Publish(b.ctx, v, steps.SurfaceProgress)
		require.NoError(t, err)
		require.Equal(t, first, post)
		require.Len(t, b.sim.Calls("chat.update"), updates+1)
		require.Len(t, b.sim.Calls("chat.postMessage"), posts)
	}
}
