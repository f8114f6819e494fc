package slacksim_test

import (
	"testing"

	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
)

// In these tests Slack waits for as long as a test may take: a wait ends because it is
// known that no ack comes, or never.
func TestAWaitEndsWhenItIsKnownThatNoAckComes(t *testing.T) {
	t.Parallel()
	always := func(socketmode.Event) (any, bool) { return nil, true }
	for name, silence := range map[string]struct {
		app func(socketmode.Event) (any, bool)
		end func(sim *slacksim.Sim, evt socketmode.Event)
	}{
		"the app has given the envelope up": {never, func(sim *slacksim.Sim, evt socketmode.Event) { sim.GiveUp(evt.Request.EnvelopeID) }},
		"the last connection is gone": {never, func(sim *slacksim.Sim, _ socketmode.Event) {
			sim.RefuseSockets(true)
			sim.CloseSockets(1006)
		}},
		"the ack was dropped": {always, func(*slacksim.Sim, socketmode.Event) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := setup(t, slacksim.Options{Hasty: true, Timing: slacksim.Timing{Ack: soon}})
			st.acks(silence.app)
			st.connect(t, 1)
			st.sim.DropAcks(1)
			ended := make(chan error, 1)
			go func() { ended <- st.sim.As(slacksim.Analyst).Command(slacksim.General, "/analyze x") }()
			silence.end(st.sim, st.next(t))
			var silent *person.Unanswered
			require.ErrorAs(t, <-ended, &silent)
			require.Equal(t, "operation_timeout", silent.Code)
			require.Equal(t, 1, st.sim.Counts().Unacked)
		})
	}
}

func TestAnEnvelopeThatIsAnsweredCannotBeGivenUp(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Hasty: true})
	st.acks(func(evt socketmode.Event) (any, bool) { return nil, true })
	st.connect(t, 1)
	require.NoError(t, st.sim.As(slacksim.Analyst).Command(slacksim.General, "/analyze x"))
	st.sim.GiveUp(st.next(t).Request.EnvelopeID)
	st.sim.GiveUp("unknown")
	require.Equal(t, 1, st.sim.Counts().Acked)
	require.Zero(t, st.sim.Counts().Unacked)
}
