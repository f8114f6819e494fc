package slacksim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// moreScopes are those of the methods that only other apps call.
var moreScopes = []string{"chat:write", "users:read", "users:read.email", "users.profile:read", "reactions:write", "pins:write", "team:read", "channels:read", "channels:history", "commands"}

func TestWhatOtherAppsCallIsAnsweredInSlacksWay(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{PostBurst: -1, Scopes: moreScopes})
	sales := slacksim.SalesData
	ask := func(method string, args object) map[string]any { return call(t, sim, method, args) }
	root := fmt.Sprint(ask("chat.postMessage", object{"channel": sales, "text": "root"})["ts"])
	at := object{"channel": sales, "timestamp": root}
	with := func(o object, key string, value any) object {
		next := object{key: value}
		for k, v := range o {
			if k != key {
				next[k] = v
			}
		}
		return next
	}
	soonAt := time.Now().Add(time.Hour).Unix()
	later := object{"channel": sales, "text": "later", "post_at": soonAt}
	stream := object{"channel": sales, "thread_ts": root, "recipient_team_id": slacksim.DefaultTeam.ID, "recipient_user_id": slacksim.Analyst}
	for _, tt := range []struct {
		method string
		args   object
		want   string // the error; empty when it works
	}{
		{"users.lookupByEmail", object{"email": "maya@harbor-coffee.example"}, ""},
		{"users.lookupByEmail", object{"email": "sam@harbor-coffee.example"}, "users_not_found"},
		{"users.lookupByEmail", object{}, "users_not_found"},
		{"users.profile.get", object{"user": slacksim.Analyst}, ""},
		{"users.profile.get", object{}, ""},
		{"users.profile.get", object{"user": "U0NOBODY"}, "user_not_found"},
		{"chat.scheduleMessage", later, ""},
		{"chat.scheduleMessage", with(later, "post_at", 1), "time_in_past"},
		{"chat.scheduleMessage", with(later, "post_at", "soon"), "invalid_time"},
		{"chat.scheduleMessage", with(later, "post_at", time.Now().Add(121*24*time.Hour).Unix()), "time_too_far"},
		{"chat.scheduleMessage", with(later, "text", ""), "no_text"},
		{"chat.scheduleMessage", with(later, "text", strings.Repeat("x", 40_001)), "msg_too_long"},
		{"chat.scheduleMessage", with(later, "channel", slacksim.Random), "not_in_channel"},
		{"chat.scheduleMessage", with(later, "thread_ts", "1.2"), "thread_not_found"},
		{"chat.scheduleMessage", with(later, "blocks", []any{object{"type": "nothing"}}), "invalid_blocks"},
		{"reactions.add", with(at, "name", "eyes"), ""},
		{"reactions.add", with(at, "name", "eyes"), "already_reacted"},
		{"reactions.add", with(at, "name", "thumbsup::skin-tone-3"), ""},
		{"reactions.add", with(at, "name", "no such"), "invalid_name"},
		{"reactions.add", object{"channel": sales, "name": "eyes"}, "no_item_specified"},
		{"reactions.add", object{"channel": sales, "timestamp": "1.2", "name": "eyes"}, "message_not_found"},
		{"reactions.add", object{"channel": slacksim.Random, "timestamp": root, "name": "eyes"}, "not_in_channel"},
		{"pins.add", at, ""},
		{"pins.add", at, "already_pinned"},
		{"pins.add", with(at, "timestamp", "1.2"), "message_not_found"},
		{"pins.add", object{"channel": sales}, "no_item_specified"},
		{"team.info", object{}, ""},
		{"team.info", object{"team": "T0OTHER"}, "team_not_found"},
		{"auth.teams.list", object{}, ""},
		{"chat.startStream", with(stream, "recipient_team_id", ""), "missing_recipient_team_id"},
		{"chat.startStream", with(stream, "recipient_user_id", ""), "missing_recipient_user_id"},
		{"chat.startStream", with(stream, "thread_ts", ""), "invalid_arguments"},
		{"chat.startStream", with(stream, "thread_ts", "1.2"), "thread_not_found"},
		{"chat.startStream", with(stream, "channel", slacksim.Random), "not_in_channel"},
		{"chat.startStream", with(stream, "markdown_text", strings.Repeat("x", 12_001)), "msg_too_long"},
		{"chat.startStream", with(stream, "chunks", "no list"), "invalid_chunks"},
		{"chat.startStream", with(stream, "chunks", []any{object{"type": "nothing"}}), "invalid_chunks"},
		{"chat.startStream", with(stream, "chunks", []any{object{"type": "task_update"}}), "invalid_chunks"},
		{"chat.startStream", with(stream, "chunks", []any{object{"type": "blocks", "blocks": 1}}), "invalid_chunks"},
		{"chat.startStream", with(stream, "chunks", []any{object{"type": "blocks", "blocks": []any{object{"type": "nothing"}}}}), "invalid_blocks"},
		{"chat.appendStream", object{"channel": sales, "ts": root, "markdown_text": "x"}, "message_not_in_streaming_state"},
		{"chat.appendStream", object{"channel": sales, "ts": "1.2"}, "message_not_found"},
		{"chat.stopStream", object{"channel": sales, "ts": root}, "message_not_in_streaming_state"},
		{"chat.stopStream", object{"channel": sales, "ts": root, "blocks": []any{object{"type": "nothing"}}}, "invalid_blocks"},
		{"conversations.teleport", object{}, "unknown_method"},
		{"files.upload", object{}, "unknown_method"},
		{"rtm.connect", object{}, "unknown_method"},
	} {
		got := ask(tt.method, tt.args)
		if tt.want == "" {
			require.Equal(t, true, got["ok"], "%s %v: %v", tt.method, tt.args, got)
		} else {
			require.Equal(t, tt.want, got["error"], "%s %v", tt.method, tt.args)
		}
	}
	mine, err := sim.As(slacksim.Analyst).Say(sales, "mine")
	require.NoError(t, err)
	require.Equal(t, "message_not_owned_by_app", ask("chat.appendStream", object{"channel": sales, "ts": mine.TS, "markdown_text": "x"})["error"])
	scopeless := slacksim.Start(t, slacksim.Options{})
	require.Equal(t, "missing_scope", call(t, scopeless, "users.lookupByEmail", object{"email": "maya@harbor-coffee.example"})["error"])
}

func TestAStreamIsOneMessageThatGrows(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{PostBurst: -1})
	maya := sim.As(slacksim.Analyst)
	root, err := maya.Say(slacksim.SalesData, "How many?")
	require.NoError(t, err)
	begun := call(t, sim, "chat.startStream", object{"channel": slacksim.SalesData, "thread_ts": root.TS, "recipient_team_id": slacksim.DefaultTeam.ID,
		"recipient_user_id": slacksim.Analyst, "markdown_text": "It is "})
	at := func(more object) object {
		more["channel"], more["ts"] = begun["channel"], begun["ts"]
		return more
	}
	require.Equal(t, "streaming_state_conflict", call(t, sim, "chat.update", at(object{"text": "no"}))["error"])
	require.Equal(t, true, call(t, sim, "chat.appendStream", at(object{"markdown_text": "forty-"}))["ok"])
	require.Equal(t, true, call(t, sim, "chat.appendStream", at(object{"chunks": []any{object{"type": "markdown_text", "text": "two"},
		object{"type": "task_update", "id": "1", "title": "Counting", "status": "complete"}, object{"type": "plan_update", "title": "Done"},
		object{"type": "blocks", "blocks": []any{object{"type": "divider"}}}}}))["ok"])
	ended := call(t, sim, "chat.stopStream", at(object{"markdown_text": ".", "blocks": []any{object{"type": "divider"}}, "metadata": object{"event_type": "done", "event_payload": object{"n": 42}}}))
	require.Equal(t, true, ended["ok"], ended)
	message := ended["message"].(map[string]any)
	require.Equal(t, "It is forty-two.", message["text"])
	require.Len(t, message["blocks"], 2)
	thread := maya.Thread(slacksim.SalesData, root.TS)
	require.Len(t, thread, 2)
	require.Equal(t, "It is forty-two.", thread[1].Text)
	require.Equal(t, "message_not_in_streaming_state", call(t, sim, "chat.appendStream", at(object{"markdown_text": "x"}))["error"])
	require.Equal(t, true, call(t, sim, "chat.update", at(object{"text": "Forty-two."}))["ok"], "it is a message like the others")
}

func TestAScheduledMessageComesAtItsTime(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	schedule := func(seconds int64) map[string]any {
		return call(t, sim, "chat.scheduleMessage", object{"channel": slacksim.SalesData, "text": "it is time", "post_at": time.Now().Unix() + seconds})
	}
	require.Equal(t, "time_in_past", schedule(0)["error"])
	got := schedule(1)
	for ahead := int64(2); got["error"] == "time_in_past"; ahead *= 2 { // the second was over before the call was there
		got = schedule(ahead)
	}
	require.Equal(t, true, got["ok"], got)
	require.Regexp(t, "^Q", got["scheduled_message_id"])
	_, err := sim.As(slacksim.Analyst).WaitMessage(within(t), slacksim.SalesData, func(m workspace.Message) bool { return m.Text == "it is time" })
	require.NoError(t, err)
}
