package slacksim_test

import (
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/person"
)

func TestFavouredConnectionsGetWhatPeopleDo(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Timing: slacksim.Timing{Ack: 30 * time.Millisecond}})
	greeted := func() *websocket.Conn {
		conn := dial(t, st.sim)
		require.Equal(t, "hello", blockkit.Text(read(t, conn), "type"))
		return conn
	}
	first, second := greeted(), greeted()
	st.sim.Favour(1)
	var silent *person.Unanswered
	for range 3 {
		require.ErrorAs(t, st.sim.As(slacksim.Analyst).Command(slacksim.General, "/analyze x"), &silent)
		require.Equal(t, "slash_commands", blockkit.Text(read(t, second), "type"))
	}
	require.NoError(t, second.Close())
	require.NoError(t, st.sim.WaitSockets(within(t), 1))
	require.ErrorAs(t, st.sim.As(slacksim.Analyst).Command(slacksim.General, "/analyze y"), &silent)
	require.Equal(t, "operation_timeout", silent.Code, "there is no other one any more")
	require.Equal(t, "slash_commands", blockkit.Text(read(t, first), "type"))
}
