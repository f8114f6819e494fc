package slacksim_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign"
	"countersign/internal/slacksim"
)

// chatting is a workspace whose app has an assistant view.
func chatting(t *testing.T) *slacksim.Sim {
	t.Helper()
	return slacksim.Start(t, slacksim.Options{Manifest: countersign.Manifest})
}

func TestAChatOfTheAssistantView(t *testing.T) {
	t.Parallel()
	sim := chatting(t)
	app := dial(t, sim)
	maya := sim.As(slacksim.Analyst)
	chat, err := maya.StartChat(slacksim.SalesData)
	require.NoError(t, err)
	require.Equal(t, "assistant_app_thread", chat.Subtype)
	require.Equal(t, "hello", read(t, app)["type"])
	events := func(kind string) object {
		for {
			e := read(t, app)
			if id, ok := e["envelope_id"]; ok {
				require.NoError(t, app.WriteJSON(object{"envelope_id": id}))
			}
			payload, _ := e["payload"].(object)
			if event, _ := payload["event"].(object); event["type"] == kind {
				return event["assistant_thread"].(object)
			}
		}
	}
	started := events("assistant_thread_started")
	require.Equal(t, slacksim.Analyst, started["user_id"])
	require.Equal(t, chat.Channel, started["channel_id"])
	require.Equal(t, chat.TS, started["thread_ts"])
	require.Equal(t, slacksim.SalesData, started["context"].(object)["channel_id"])
	require.NoError(t, chat.Look(slacksim.General))
	require.Equal(t, slacksim.General, events("assistant_thread_context_changed")["context"].(object)["channel_id"])

	prompts := func(n int) []object {
		all := []object{{"title": "Sum", "message": "What is the sum?"}, {"title": "Mean", "message": "m"}, {"title": "Rows", "message": "r"}, {"title": "Columns", "message": "c"}, {"title": "5", "message": "5"}}
		return all[:n]
	}
	set := func(method, ts string, more object) any {
		args := object{"channel_id": chat.Channel, "thread_ts": ts}
		for k, v := range more {
			args[k] = v
		}
		return call(t, sim, "assistant.threads."+method, args)["error"]
	}
	require.Nil(t, set("setSuggestedPrompts", chat.TS, object{"title": "Try", "prompts": prompts(4)}))
	require.Equal(t, "invalid_arguments", set("setSuggestedPrompts", chat.TS, object{"prompts": prompts(5)}), "four is the most")
	require.Equal(t, "invalid_arguments", set("setSuggestedPrompts", chat.TS, object{"prompts": []object{{"title": "x"}}}))
	require.Equal(t, "invalid_thread_ts", set("setSuggestedPrompts", "1.2", object{"prompts": prompts(1)}))
	require.Nil(t, set("setTitle", chat.TS, object{"title": "Sums"}))
	require.Equal(t, "invalid_arguments", set("setTitle", chat.TS, nil))
	require.Equal(t, "channel_not_found", call(t, sim, "assistant.threads.setTitle", object{"channel_id": "C1", "thread_ts": chat.TS, "title": "x"})["error"])
	plain, err := maya.Say(maya.DM(), "hello")
	require.NoError(t, err)
	require.Equal(t, "invalid_thread_ts", set("setTitle", plain.TS, object{"title": "x"}), "a thread of a direct message is no chat")

	said, err := chat.Prompt("Sum")
	require.NoError(t, err)
	require.Equal(t, "What is the sum?", said.Text)
	require.Equal(t, chat.TS, said.ThreadTS)
	_, err = chat.Prompt("nothing")
	require.Error(t, err)
	fresh, err := maya.Find(chat.Channel, chat.TS)
	require.NoError(t, err)
	require.Equal(t, "Sums", fresh.Chat.Title)
	require.Equal(t, "Sums", fresh.Text)
}

func TestAWorkspaceWithoutTheAssistantView(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]slacksim.Options{
		"feature_not_enabled": {Manifest: countersign.Manifest, NoAssistant: true},
		"missing_scope":       {Manifest: countersign.Manifest, Scopes: []string{"chat:write"}},
	} {
		sim := slacksim.Start(t, o)
		maya := sim.As(slacksim.Analyst)
		m, err := maya.Say(maya.DM(), "x")
		require.NoError(t, err)
		for _, method := range []string{"setTitle", "setSuggestedPrompts"} {
			require.Equal(t, name, call(t, sim, "assistant.threads."+method, object{"channel_id": m.Channel, "thread_ts": m.TS, "title": "x", "prompts": []object{}})["error"])
		}
		require.Nil(t, call(t, sim, "assistant.threads.setStatus", object{"channel_id": m.Channel, "thread_ts": m.TS, "status": "is thinking..."})["error"], "a status needs chat:write alone")
		_, err = maya.StartChat("")
		require.Equal(t, name == "feature_not_enabled", err != nil)
	}
}

func TestAManifestNamesTheAssistantViewWithWhatGoesWithIt(t *testing.T) {
	t.Parallel()
	manifest := string(countersign.Manifest)
	for without, says := range map[string]string{
		"  assistant_view:":         "need features.assistant_view",
		"    assistant_description": "no assistant_description",
		"      - assistant:write":   "needs the scope assistant:write",
	} {
		require.Contains(t, manifest, without)
		spoiled := manifest
		if without == "  assistant_view:" {
			spoiled = strings.Replace(spoiled, "    assistant_description", "    # ", 1)
		}
		if without == "    assistant_description" {
			spoiled = strings.Replace(spoiled, without, "    x: {} #", 1)
		} else {
			spoiled = strings.Replace(spoiled, without, "    #", 1)
		}
		_, err := slacksim.New(slacksim.Options{Manifest: []byte(spoiled)})
		require.ErrorContains(t, err, says, without)
	}
}
