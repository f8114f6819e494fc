package slacksim_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/sockets"
	"countersign/internal/slacksim/workspace"
)

// never acknowledges nothing.
func never(socketmode.Event) (any, bool) { return nil, false }

// dial opens a bare Socket Mode connection, past hello.
func dial(t *testing.T, sim *slacksim.Sim) *websocket.Conn {
	t.Helper()
	conn, resp, err := websocket.DefaultDialer.Dial(ticket(t, sim), nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	t.Cleanup(func() { _ = conn.Close() }) // some tests close it themselves
	return conn
}

func ticket(t *testing.T, sim *slacksim.Sim) string {
	t.Helper()
	out, _, _ := callAs(t, sim, sim.AppToken(), "apps.connections.open", object{})
	require.Equal(t, true, out["ok"])
	return out["url"].(string)
}

func read(t *testing.T, conn *websocket.Conn) object {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(soon)))
	var m object
	require.NoError(t, conn.ReadJSON(&m))
	return m
}

func TestTicketsWorkOnce(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	url := ticket(t, sim)
	conn, resp, err := websocket.DefaultDialer.Dial(url, nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	hello := read(t, conn)
	require.Equal(t, "hello", hello["type"])
	require.EqualValues(t, 1, hello["num_connections"])
	for _, again := range []string{url, url + "x", strings.Split(url, "?")[0]} {
		_, resp, err = websocket.DefaultDialer.Dial(again, nil)
		require.ErrorIs(t, err, websocket.ErrBadHandshake)
		require.Equal(t, http.StatusForbidden, resp.StatusCode)
	}
	require.NoError(t, conn.Close())

	late := slacksim.Start(t, slacksim.Options{Timing: slacksim.Timing{Ticket: time.Nanosecond}})
	for range 2 {
		_, resp, err = websocket.DefaultDialer.Dial(ticket(t, late), nil)
		require.ErrorIs(t, err, websocket.ErrBadHandshake, "it has expired")
		require.NoError(t, resp.Body.Close())
	}
	plain, err := http.Get(strings.Replace(ticket(t, sim), "ws://", "http://", 1))
	require.NoError(t, err)
	require.NoError(t, plain.Body.Close())
	require.Equal(t, http.StatusBadRequest, plain.StatusCode)
}

func TestAtMostTenSockets(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	for range 10 {
		require.Equal(t, "hello", read(t, dial(t, sim))["type"])
	}
	require.NoError(t, sim.WaitSockets(within(t), 10))
	one := dial(t, sim)
	out := read(t, one)
	require.Equal(t, "disconnect", out["type"])
	require.Equal(t, "too_many_websockets", out["reason"])
	ended, stop := context.WithCancel(context.Background())
	stop()
	require.ErrorContains(t, sim.WaitSockets(ended, 3), "there are 10")
}

func TestServerPingsAndAnswersPings(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{Timing: slacksim.Timing{Ping: 10 * time.Millisecond}})
	conn := dial(t, sim)
	pings, pongs := make(chan string, 100), make(chan string, 1)
	conn.SetPingHandler(func(data string) error {
		select {
		case pings <- data:
		default:
		}
		return nil
	})
	conn.SetPongHandler(func(data string) error { pongs <- data; return nil })
	go func() {
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				return
			}
		}
	}()
	for range 3 {
		<-pings
	}
	require.NoError(t, conn.WriteControl(websocket.PingMessage, []byte("mine"), time.Now().Add(time.Second)))
	require.Equal(t, "mine", <-pongs)
}

func TestEnvelopesGoToAnySocket(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{Timing: slacksim.Timing{Ack: 20 * time.Millisecond}})
	a, b := dial(t, sim), dial(t, sim)
	read(t, a)
	read(t, b)
	for range 2 {
		require.Error(t, sim.As(slacksim.Analyst).Command(slacksim.General, "/analyze x"), "nobody acknowledges")
	}
	require.Equal(t, "slash_commands", read(t, a)["type"])
	require.Equal(t, "slash_commands", read(t, b)["type"])
}

func TestReconnectAfterEveryKindOfLoss(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*slacksim.Sim){
		"warning":             func(s *slacksim.Sim) { s.Disconnect("warning") },
		"refresh_requested":   func(s *slacksim.Sim) { s.Disconnect("refresh_requested") },
		"link_disabled":       func(s *slacksim.Sim) { s.Disconnect("link_disabled") },
		"broken":              func(s *slacksim.Sim) { s.CloseSockets(1006) },
		"closed":              func(s *slacksim.Sim) { s.CloseSockets(1001) },
		"old age":             func(*slacksim.Sim) {},
		"refused for a while": func(s *slacksim.Sim) { s.RefuseSockets(true); s.CloseSockets(1006); s.RefuseSockets(false) },
	}
	for name, lose := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := slacksim.Options{Timing: slacksim.Timing{Warning: 50 * time.Millisecond}}
			if name == "old age" {
				o.Timing.Lifetime = 100 * time.Millisecond
			}
			st := setup(t, o)
			st.connect(t, 1)
			lose(st.sim)
			require.NoError(t, st.sim.WaitConnections(within(t), 2))
			require.NoError(t, st.sim.WaitSockets(within(t), 1))
			require.Eventually(t, func() bool {
				return st.sim.As(slacksim.Analyst).Command(slacksim.General, "/analyze still there?") == nil
			}, soon, 10*time.Millisecond, "an envelope may be lost with a connection, but not for long")
		})
	}
}

func TestHalfOpenConnectionIsNoticedByTheClient(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Timing: slacksim.Timing{Ping: 20 * time.Millisecond, Ack: 50 * time.Millisecond}})
	ctx, stop := context.WithCancel(context.Background())
	client := socketmode.New(st.api, socketmode.OptionPingInterval(time.Second))
	done := make(chan struct{})
	go func() { defer close(done); _ = client.RunContext(ctx) }()
	go st.serve(ctx, client)
	t.Cleanup(func() { stop(); <-done })
	require.NoError(t, st.sim.WaitSockets(within(t), 1))
	st.sim.HalfOpen()
	var silent *person.Unanswered
	require.ErrorAs(t, st.sim.As(slacksim.Analyst).Command(slacksim.General, "/analyze x"), &silent)
	require.Equal(t, "operation_timeout", silent.Code, "it looked alive")
	require.NoError(t, st.sim.WaitConnections(within(t), 2), "no pings came, so the client went elsewhere")
}

func TestCommandWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Timing: slacksim.Timing{Ack: 30 * time.Millisecond}})
	ctx, maya := within(t), st.sim.As(slacksim.Analyst)
	var silent *person.Unanswered
	require.ErrorAs(t, maya.Command(slacksim.General, "/analyze x"), &silent)
	require.Equal(t, "dispatch_failed", silent.Code, "there is no socket at all")
	st.acks(never)
	st.connect(t, 1)
	require.ErrorAs(t, maya.Command(slacksim.General, "/analyze x"), &silent)
	require.Equal(t, `/analyze failed with the error "operation_timeout"`, silent.Message)
	_, err := maya.WaitNotice(ctx, "operation_timeout")
	require.NoError(t, err)
	require.Len(t, maya.Notices(), 2)
	require.Zero(t, st.sim.Counts().Redelivered, "commands are not sent again")
	require.Equal(t, 1, st.sim.Counts().Unacked)
	require.Equal(t, 1, st.sim.Counts().Undelivered)
}

func TestClickWithoutAnAnswerWarns(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Timing: slacksim.Timing{Ack: 30 * time.Millisecond}})
	st.acks(never)
	st.connect(t, 1)
	out := call(t, st.sim, "chat.postMessage", object{"channel": slacksim.General, "blocks": []any{actions(pressable("go", nil))}})
	maya := st.sim.As(slacksim.Analyst)
	m, err := maya.Find(slacksim.General, out["ts"].(string))
	require.NoError(t, err)
	require.Error(t, maya.Click(m, "go"))
	require.Equal(t, "warning", maya.Notices()[0].Level)
	require.Contains(t, maya.Notices()[0].Text, "Press")
	require.Error(t, maya.Shortcut("analyze_new"))
	require.Error(t, maya.MessageShortcut(m, "analyze_message"))
}

func TestEventsAreSentAgainUntilAcknowledged(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Timing: slacksim.Timing{Ack: 5 * time.Second, Retries: []time.Duration{0, time.Millisecond, time.Millisecond}}})
	st.acks(func(evt socketmode.Event) (any, bool) { return nil, evt.Request.RetryAttempt >= 2 })
	st.connect(t, 1)
	_, err := st.sim.As(slacksim.Analyst).Say("D0MAYA", "hello")
	require.NoError(t, err)
	ids, envelopes := map[string]bool{}, map[string]bool{}
	for attempt := range 3 {
		evt := st.next(t)
		require.Equal(t, attempt, evt.Request.RetryAttempt)
		require.Equal(t, map[bool]string{false: "", true: "timeout"}[attempt > 0], evt.Request.RetryReason)
		ids[evt.Data.(slackevents.EventsAPIEvent).Data.(*slackevents.EventsAPICallbackEvent).EventID] = true
		envelopes[evt.Request.EnvelopeID] = true
	}
	require.NoError(t, st.sim.WaitCounts(within(t), func(c sockets.Counts) bool { return c.Acked == 1 }))
	require.Len(t, ids, 1, "the same event_id")
	require.Len(t, envelopes, 3, "in new envelopes")
}

func TestEventsWaitForASocketAndAreGivenUp(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Timing: slacksim.Timing{Retries: []time.Duration{0, 5 * time.Second}}})
	_, err := st.sim.As(slacksim.Analyst).Say("D0MAYA", "anybody there?")
	require.NoError(t, err)
	require.NoError(t, st.sim.WaitCounts(within(t), func(c sockets.Counts) bool { return c.Undelivered == 3 && c.Abandoned == 1 }))
	_, err = st.sim.As(slacksim.Analyst).Say("D0MAYA", "and now?")
	require.NoError(t, err)
	require.NoError(t, st.sim.WaitCounts(within(t), func(c sockets.Counts) bool { return c.Undelivered == 5 }))
	require.Equal(t, 1, st.sim.Counts().Abandoned, "the first of them")
	st.connect(t, 1)
	message, ok := st.nextInner(t).(*slackevents.MessageEvent)
	require.True(t, ok)
	require.Equal(t, "and now?", message.Text)
}

func TestAcksThatAreTooLargeLateOrNonsense(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{Timing: slacksim.Timing{Ack: 50 * time.Millisecond}})
	conn := dial(t, sim)
	read(t, conn)
	go func() {
		for {
			var envelope object
			if conn.ReadJSON(&envelope) != nil {
				return
			}
			_ = conn.WriteJSON(object{"envelope_id": envelope["envelope_id"], "payload": object{"text": strings.Repeat("x", 21_000)}})
			_ = conn.WriteJSON(object{"envelope_id": "unknown"})
			_ = conn.WriteMessage(websocket.TextMessage, []byte("nonsense"))
		}
	}()
	require.ErrorContains(t, sim.As(slacksim.Analyst).Command(slacksim.General, "/analyze x"), "operation_timeout")
	require.NoError(t, sim.WaitCounts(within(t), func(c sockets.Counts) bool { return c.OversizeAcks == 1 && c.LateAcks == 1 }))
}

func TestFaultsOfEnvelopes(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Timing: slacksim.Timing{Ack: 10 * time.Second}})
	st.connect(t, 2)
	maya := st.sim.As(slacksim.Analyst)
	st.sim.Duplicate(1)
	require.NoError(t, maya.Command(slacksim.General, "/analyze twice"))
	first, second := st.next(t), st.next(t)
	require.Equal(t, first.Request.EnvelopeID, second.Request.EnvelopeID)
	require.NoError(t, st.sim.WaitCounts(within(t), func(c sockets.Counts) bool { return c.LateAcks == 1 }))

	st.sim.DropAcks(1)
	require.ErrorContains(t, maya.Command(slacksim.General, "/analyze lost"), "operation_timeout")
	require.Equal(t, "lost", st.nextCommand(t).Text, "the app has it all the same")

	st.sim.DelayAcks(10 * time.Millisecond)
	st.sim.DelayEnvelopes(10 * time.Millisecond)
	require.NoError(t, maya.Command(slacksim.General, "/analyze slow"))
	st.nextCommand(t)
	st.sim.Heal()

	st.sim.Reorder()
	held := make(chan error, 1)
	go func() { held <- maya.Command(slacksim.General, "/analyze first") }()
	require.NoError(t, st.sim.WaitHeld(within(t)))
	require.NoError(t, maya.Command(slacksim.General, "/analyze second"))
	require.NoError(t, <-held)
	got := []string{st.nextCommand(t).Text, st.nextCommand(t).Text}
	require.ElementsMatch(t, []string{"first", "second"}, got)
}

func TestFaultsOfMethods(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	ctx := within(t)
	post := func() error {
		_, _, err := st.api.PostMessageContext(ctx, slacksim.General, slack.MsgOptionText("x", false))
		return err
	}
	st.sim.Fail(fault.Method{Method: "chat.postMessage", RetryAfter: 2 * time.Second})
	var limited *slack.RateLimitedError
	require.ErrorAs(t, post(), &limited)
	require.Equal(t, 2*time.Second, limited.RetryAfter)
	st.sim.Fail(fault.Method{Method: "chat.postMessage", Status: 503, Times: 2})
	require.ErrorContains(t, post(), "503")
	require.ErrorContains(t, post(), "503")
	st.sim.Fail(fault.Method{Method: "*", Error: "fatal_error", Delay: time.Millisecond})
	require.ErrorContains(t, post(), "fatal_error")
	require.NoError(t, post())

	before := len(st.sim.As(slacksim.Analyst).Messages(slacksim.General))
	called := make(chan struct{})
	st.sim.Fail(fault.Method{Method: "chat.postMessage", Cut: true, After: true, Do: func() { close(called) }})
	require.ErrorContains(t, post(), "EOF", "the caller cannot know that it was posted")
	<-called
	require.Len(t, st.sim.As(slacksim.Analyst).Messages(slacksim.General), before+1)

	// The caller gives up when the fault has its call: before that, the next call would meet it.
	given, giveUp := context.WithCancel(ctx)
	st.sim.Fail(fault.Method{Method: "chat.postMessage", Hang: true, Do: giveUp})
	_, _, err := st.api.PostMessageContext(given, slacksim.General, slack.MsgOptionText("x", false))
	require.ErrorIs(t, err, context.Canceled)
	given, giveUp = context.WithCancel(ctx)
	go func() {
		defer giveUp()
		_, err := st.sim.As(slacksim.Analyst).WaitMessage(ctx, slacksim.General, func(m workspace.Message) bool { return m.Text == "late" })
		assert.NoError(t, err)
	}()
	st.sim.Fail(fault.Method{Method: "chat.postMessage", Delay: time.Hour, After: true})
	_, _, err = st.api.PostMessageContext(given, slacksim.General, slack.MsgOptionText("late", false))
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, post())
}

func TestCloseEndsWhatHangs(t *testing.T) {
	t.Parallel()
	sim, err := slacksim.New(slacksim.Options{Logger: quiet})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ln, err := sim.Listen("127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- sim.Serve(ctx, ln) }()
	conn := dial(t, sim)
	read(t, conn)
	_, err = sim.As(slacksim.Analyst).Say("D0MAYA", "an event that nobody acknowledges")
	require.NoError(t, err)
	waiting := make(chan error, 1)
	go func() {
		_, err := sim.As(slacksim.Analyst).WaitMessage(context.Background(), slacksim.General, func(workspace.Message) bool { return false })
		waiting <- err
	}()
	sim.Fail(fault.Method{Method: "auth.test", Hang: true})
	sim.Fail(fault.Method{Method: "api.test", Delay: time.Hour})
	hanging := make(chan error, 2)
	for _, method := range []string{"auth.test", "api.test"} {
		go func() {
			resp, err := http.Get(sim.APIURL() + method)
			if err == nil {
				err = resp.Body.Close()
			}
			hanging <- err
		}()
	}
	require.Eventually(t, func() bool { return sim.Counts().Envelopes == 1 }, soon, time.Millisecond)
	stop()
	require.NoError(t, <-ended)
	require.ErrorContains(t, <-waiting, "closed")
	for range 2 {
		<-hanging // with an error or, when the request came too late, without
	}
	_, err = net.Dial("tcp", ln.Addr().String())
	require.Error(t, err)
}
