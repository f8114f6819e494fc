package slacksim_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
)

// stream is a page that listens to /sim/events.
type stream struct {
	events chan struct {
		name string
		data object
	}
}

func listen(t *testing.T, sim *slacksim.Sim, as string) *stream {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, sim.URL()+"/sim/events?as="+as, http.NoBody)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	s := &stream{events: make(chan struct {
		name string
		data object
	}, 1000)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		in, name := bufio.NewScanner(resp.Body), ""
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			if event, ok := strings.CutPrefix(in.Text(), "event: "); ok {
				name = event
			}
			if line, ok := strings.CutPrefix(in.Text(), "data: "); ok {
				var data object
				if json.Unmarshal([]byte(line), &data) == nil {
					s.events <- struct {
						name string
						data object
					}{name, data}
				}
			}
		}
	}()
	t.Cleanup(func() { stop(); <-done; _ = resp.Body.Close() })
	s.next(t, "hello")
	return s
}

// next is the data of the next event of this name.
func (s *stream) next(t *testing.T, name string) object {
	t.Helper()
	limit := time.After(soon)
	for {
		select {
		case e := <-s.events:
			if e.name == name {
				return e.data
			}
		case <-limit:
			t.Fatalf("no event %q came", name)
		}
	}
}

// TestThePagePlaysARound does through the JSON API what the page does.
func TestThePagePlaysARound(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	sim := st.sim
	mine, theirs := listen(t, sim, slacksim.Analyst), listen(t, sim, slacksim.Reviewer)
	st.connect(t, 1)
	require.EqualValues(t, 1, mine.next(t, "connection")["sockets"])

	state, _ := page(t, sim, "/sim/state?as="+slacksim.Analyst, nil)
	require.Equal(t, "Maya Lindqvist", state["me"].(object)["real_name"])
	require.Contains(t, jsonOf(t, state), `"name":"sales-data"`)
	require.NotContains(t, jsonOf(t, state["channels"]), `"name":"code-review"`)
	require.Contains(t, jsonOf(t, state["apps"]), `"command":"/analyze"`)
	require.Contains(t, jsonOf(t, state["apps"]), `"callback_id":"analyze_message"`)

	out, status := page(t, sim, "/sim/command", object{"as": slacksim.Analyst, "channel": slacksim.SalesData, "text": "/analyze x"})
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, true, out["ok"])
	trigger := st.nextCommand(t).TriggerID
	call(t, sim, "views.open", object{"trigger_id": trigger, "view": modalOf("ask", inputBlock("q", object{"type": "plain_text_input"}))})
	view := mine.next(t, "view")["view"].(object)
	require.Equal(t, "ask", view["callback_id"])
	top, _ := page(t, sim, "/sim/view?as="+slacksim.Analyst, nil)
	require.Equal(t, view["id"], top["view"].(object)["id"])
	submit := func(typed string) object {
		out, status := page(t, sim, "/sim/view/submit", object{"as": slacksim.Analyst, "view_id": view["id"],
			"state": object{"values": object{"q": object{"a": object{"value": typed}}}}})
		require.Equal(t, http.StatusOK, status)
		return out
	}
	require.Equal(t, object{"ok": false, "errors": object{"q": "Please complete this required field."}}, submit(""))
	require.Equal(t, object{"ok": true}, submit("How many?"))
	require.Nil(t, mine.next(t, "view")["view"])
	st.nextClick(t)

	posted := call(t, sim, "chat.postMessage", object{"channel": slacksim.CodeReview, "text": "x", "blocks": []any{actions(pressable("approve", object{"value": "v"}))}})
	told := theirs.next(t, "message")
	require.Equal(t, "posted", told["change"])
	require.Equal(t, posted["ts"], told["ts"])
	list, _ := page(t, sim, "/sim/messages?as="+slacksim.Reviewer+"&channel="+slacksim.CodeReview, nil)
	card := list["messages"].([]any)[0].(object)
	block := card["blocks"].([]any)[0].(object)["block_id"]
	press := object{"as": slacksim.Reviewer, "channel": slacksim.CodeReview, "message_ts": card["ts"], "action": object{"block_id": block, "action_id": "approve"}}
	_, status = page(t, sim, "/sim/action", press)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "v", st.nextClick(t).ActionCallback.BlockActions[0].Value)
	call(t, sim, "chat.update", object{"channel": slacksim.CodeReview, "ts": card["ts"], "text": "done"})
	require.Equal(t, "updated", theirs.next(t, "message")["change"])
	out, status = page(t, sim, "/sim/action", press)
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, "no_such_action", out["error"])

	said, _ := page(t, sim, "/sim/message", object{"as": slacksim.Analyst, "channel": slacksim.General, "text": "hi @ben"})
	require.Equal(t, "posted", theirs.next(t, "message")["change"])
	state, _ = page(t, sim, "/sim/state?as="+slacksim.Reviewer, nil)
	require.Contains(t, jsonOf(t, state["channels"]), `"mentions":1`)
	page(t, sim, "/sim/read", object{"as": slacksim.Reviewer, "channel": slacksim.General})
	theirs.next(t, "state")
	state, _ = page(t, sim, "/sim/state?as="+slacksim.Reviewer, nil)
	require.NotContains(t, jsonOf(t, state["channels"]), `"mentions":1`)
	page(t, sim, "/sim/message/delete", object{"as": slacksim.Analyst, "channel": slacksim.General, "ts": said["ts"]})
	require.Equal(t, "deleted", theirs.next(t, "message")["change"])

	page(t, sim, "/sim/home/open", object{"as": slacksim.Analyst})
	st.next(t)
	call(t, sim, "views.publish", object{"user_id": slacksim.Analyst, "view": object{"type": "home", "blocks": []any{section("home")}}})
	mine.next(t, "home")
	home, _ := page(t, sim, "/sim/home?as="+slacksim.Analyst, nil)
	require.Equal(t, "home", home["view"].(object)["type"])
	page(t, sim, "/sim/shortcut", object{"as": slacksim.Analyst, "callback_id": "analyze_new"})
	require.Equal(t, "analyze_new", st.nextClick(t).CallbackID)

	log, _ := page(t, sim, "/sim/log?after=0&limit=1000", nil)
	all := jsonOf(t, log["entries"])
	require.Contains(t, all, `"name":"chat.postMessage"`)
	require.Contains(t, all, `"name":"slash_commands /analyze"`)
	require.NotContains(t, all, sim.BotToken())
	none, _ := page(t, sim, "/sim/log?after=1000000", nil)
	require.Empty(t, none["entries"])
}

func TestThePageIsToldWhenTheAppIsSilent(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	mine := listen(t, sim, slacksim.Analyst)
	page(t, sim, "/sim/command", object{"as": slacksim.Analyst, "channel": slacksim.General, "text": "/analyze x"})
	require.Equal(t, `/analyze failed with the error "dispatch_failed"`, mine.next(t, "notice")["text"])
}

func TestSubmittingToASilentAppIs502(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	call(t, st.sim, "views.open", object{"trigger_id": st.trigger(t), "view": modalOf("ask")})
	v, _ := st.sim.As(slacksim.Analyst).View()
	st.sim.RefuseSockets(true)
	st.sim.CloseSockets(1006)
	require.NoError(t, st.sim.WaitSockets(within(t), 0))
	out, status := page(t, st.sim, "/sim/view/submit", object{"as": slacksim.Analyst, "view_id": v.ID})
	require.Equal(t, http.StatusBadGateway, status)
	require.Equal(t, "app_did_not_respond", out["error"])
	require.Contains(t, out["message"], "trouble connecting")
}

func TestJSONAPIRefuses(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{Page: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })})
	cases := []struct {
		path   string
		body   object
		status int
		code   string
	}{
		{"/sim/state?as=U0NONE", nil, 404, "user_not_found"},
		{"/sim/events?as=U0NONE", nil, 404, "user_not_found"},
		{"/sim/messages?as=U0MAYA&channel=C0REVIEW", nil, 404, "channel_not_found"},
		{"/sim/nothing", nil, 404, "unknown_path"},
		{"/sim/command", object{"as": "U0MAYA", "channel": "C0GENERAL", "text": "/poem"}, 404, "unknown_command"},
		{"/sim/message", object{"as": "U0MAYA", "channel": "C0GENERAL"}, 400, "no_text"},
		{"/sim/message", object{"as": 1}, 400, "bad_json"},
		{"/sim/read", object{"as": "U0MAYA", "channel": "C0REVIEW"}, 404, "channel_not_found"},
		{"/sim/action", object{"as": "U0MAYA", "view_id": "V0"}, 404, "view_not_found"},
		{"/sim/action", object{"as": "U0SAM", "view_id": "V0"}, 403, "account_inactive"},
		{"/sim/view/close", object{"as": "U0SAM", "view_id": "V0"}, 403, "account_inactive"},
		{"/sim/faults", object{"drop_acks": "all"}, 400, "bad_json"},
		{"/sim/faults", object{"disconnect": "boredom"}, 400, "unknown_reason"},
	}
	for _, c := range cases {
		out, status := page(t, sim, c.path, c.body)
		require.Equal(t, c.status, status, "%v %v", c.path, out)
		require.Equal(t, c.code, out["error"], c.path)
		require.NotEmpty(t, out["message"])
	}
	resp, err := http.Post(sim.URL()+"/sim/message", "text/plain", strings.NewReader("{}"))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusForbidden, resp.StatusCode, "another site cannot set the header")
	_, status := page(t, sim, "/", nil)
	require.Equal(t, http.StatusTeapot, status, "every other path is the page's")
	state, _ := page(t, sim, "/sim/state", nil)
	require.Empty(t, state["channels"])
	require.NotContains(t, state, "me")
}

func TestFaultsByJSON(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Timing: slacksim.Timing{Ack: 10 * time.Second}})
	st.connect(t, 1)
	fault := func(body object) {
		t.Helper()
		out, status := page(t, st.sim, "/sim/faults", body)
		require.Equal(t, http.StatusOK, status, "%v", out)
	}
	maya := st.sim.As(slacksim.Analyst)
	fault(object{"method": object{"name": "auth.test", "status": 500, "times": 1}})
	_, _, status := callAs(t, st.sim, st.sim.BotToken(), "auth.test", object{})
	require.Equal(t, 500, status)
	fault(object{"drop_acks": -1, "duplicate": 0, "delay_acks_ms": 0, "delay_envelopes_ms": 0, "refuse_sockets": false, "reorder": false})
	require.Error(t, maya.Command(slacksim.General, "/analyze x"))
	fault(object{"clear": true})
	require.NoError(t, maya.Command(slacksim.General, "/analyze x"))
	fault(object{"disconnect": "refresh_requested"})
	require.NoError(t, st.sim.WaitConnections(within(t), 2))
	require.NoError(t, st.sim.WaitSockets(within(t), 1))
	fault(object{"close": 1001})
	require.NoError(t, st.sim.WaitConnections(within(t), 3))
	require.NoError(t, st.sim.WaitSockets(within(t), 1))
	fault(object{"half_open": true, "reorder": true})
	require.Error(t, maya.Command(slacksim.General, "/analyze x"))
	fault(object{"close": 1006})
}

func TestHandlerAloneLearnsItsAddress(t *testing.T) {
	t.Parallel()
	sim, err := slacksim.New(slacksim.Options{})
	require.NoError(t, err)
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(func() { require.NoError(t, sim.Close()) })
	require.Empty(t, sim.URL())
	resp, err := http.Get(server.URL + "/sim/state")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, server.URL, sim.URL())
}

func TestAPageThatIsTooSlowIsToldToReadAgain(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	mine := listen(t, sim, slacksim.Analyst)
	for range 900 {
		_, err := sim.As(slacksim.Reviewer).Say(slacksim.General, strings.Repeat("x", 100))
		require.NoError(t, err)
	}
	seen := 0
	limit := time.After(soon)
	for seen < 900 {
		select {
		case e := <-mine.events:
			if e.name == "message" {
				seen++
			}
			if e.name == "state" {
				return // it missed some, and knows
			}
		case <-limit:
			t.Fatalf("%d of 900 events came, and no word of the others", seen)
		}
	}
}
