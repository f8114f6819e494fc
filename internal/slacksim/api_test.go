package slacksim_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	cases := map[string]struct{ token, method, code string }{
		"no token":                     {"", "auth.test", "not_authed"},
		"a wrong token":                {"xoxb-other", "auth.test", "invalid_auth"},
		"the app token for a message":  {sim.AppToken(), "chat.postMessage", "not_allowed_token_type"},
		"the bot token for a socket":   {sim.BotToken(), "apps.connections.open", "not_allowed_token_type"},
		"the bot token for a manifest": {sim.BotToken(), "apps.manifest.validate", "not_allowed_token_type"},
		"an unknown method":            {sim.BotToken(), "chat.shout", "unknown_method"},
		"none needed":                  {"", "api.test", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, _, status := callAs(t, sim, c.token, c.method, object{})
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, c.code == "", out["ok"])
			if c.code != "" {
				require.Equal(t, c.code, out["error"])
			}
		})
	}
	out, header, _ := callAs(t, sim, sim.BotToken(), "auth.test", object{})
	require.Equal(t, slacksim.BotUser, out["user_id"])
	require.Equal(t, slacksim.BotID, out["bot_id"])
	require.Contains(t, header.Get("X-OAuth-Scopes"), "chat:write")
	out, header, _ = callAs(t, sim, sim.AppToken(), "auth.test", object{})
	require.Equal(t, "A0ANALYZE", out["app_id"])
	require.Equal(t, "connections:write", header.Get("X-OAuth-Scopes"))
	require.Equal(t, slacksim.DefaultTeam.ID, form(t, sim, "auth.test", url.Values{})["team_id"], "the token may stand in the form")
	inForm, err := http.PostForm(sim.APIURL()+"apps.connections.open", url.Values{"token": {sim.AppToken()}})
	require.NoError(t, err)
	require.NoError(t, inForm.Body.Close())
	require.Equal(t, "not_authed", sim.Calls("apps.connections.open")[0].Error, "it takes its token in the header only")
	require.Equal(t, "broken", call(t, sim, "api.test", object{"error": "broken"})["error"])
}

func TestBodiesThatAreBroken(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	for media, code := range map[string]string{
		"application/json": "invalid_json", "multipart/form-data; boundary=x": "invalid_form_data",
		"application/x-www-form-urlencoded": "invalid_form_data",
	} {
		r, err := http.NewRequest(http.MethodPost, sim.APIURL()+"auth.test", strings.NewReader("{%zz"))
		require.NoError(t, err)
		r.Header.Set("Content-Type", media)
		body, _, _ := send(t, r)
		require.Equal(t, code, body["error"], media)
	}
}

func TestMissingScopeSaysWhichOne(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Scopes: []string{"commands"}})
	_, _, err := st.api.PostMessageContext(within(t), slacksim.General, slack.MsgOptionText("x", false))
	var refused slack.SlackErrorResponse
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "missing_scope", refused.Err)
	require.Equal(t, "chat:write", refused.Needed)
	require.Equal(t, "commands", refused.Provided)
	require.Equal(t, "missing_scope", call(t, st.sim, "conversations.info", object{"channel": slacksim.General})["error"])
}

func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	sim, err := slacksim.New(slacksim.Options{})
	require.NoError(t, err)
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "example.com:80", "[::]:0"} {
		_, err := sim.Listen(addr)
		require.ErrorContains(t, err, "loopback", addr)
		require.ErrorContains(t, sim.Run(context.Background(), addr), "loopback")
	}
	require.NoError(t, sim.Close())
	require.NoError(t, sim.Close(), "closing twice is harmless")

	sim = slacksim.Start(t, slacksim.Options{})
	_, err = sim.Listen(strings.TrimPrefix(sim.URL(), "http://"))
	require.ErrorContains(t, err, "address already in use")
	r, err := http.NewRequest(http.MethodGet, sim.URL()+"/sim/state", http.NoBody)
	require.NoError(t, err)
	r.Host = "evil.example:80"
	_, _, status := send(t, r)
	require.Equal(t, http.StatusForbidden, status, "a name that a stranger pointed at this machine")
}

func TestPostingRules(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	root := call(t, sim, "chat.postMessage", object{"channel": "#general", "text": "root"})
	require.Equal(t, true, root["ok"])
	ts := root["ts"]
	cases := map[string]struct {
		method string
		args   object
		code   string
	}{
		"by id":                   {"chat.postMessage", object{"channel": slacksim.General, "text": "x"}, ""},
		"to a person":             {"chat.postMessage", object{"channel": slacksim.Analyst, "text": "x"}, ""},
		"into a thread":           {"chat.postMessage", object{"channel": slacksim.General, "text": "x", "thread_ts": ts}, ""},
		"into no thread":          {"chat.postMessage", object{"channel": slacksim.General, "text": "x", "thread_ts": "1.2"}, ""},
		"nowhere":                 {"chat.postMessage", object{"channel": "C0NONE", "text": "x"}, "channel_not_found"},
		"where the bot is not":    {"chat.postMessage", object{"channel": slacksim.Random, "text": "x"}, "not_in_channel"},
		"nothing":                 {"chat.postMessage", object{"channel": slacksim.General}, "no_text"},
		"blocks that are none":    {"chat.postMessage", object{"channel": slacksim.General, "blocks": "{"}, "invalid_blocks_format"},
		"attachments not objects": {"chat.postMessage", object{"channel": slacksim.General, "attachments": []any{1}}, "invalid_attachments"},
		"attachments not a list":  {"chat.postMessage", object{"channel": slacksim.General, "attachments": "{"}, "invalid_attachments"},
		"an attachment's block":   {"chat.postMessage", object{"channel": slacksim.General, "attachments": []any{object{"blocks": []any{section("")}}}}, "invalid_blocks"},
		"4,000 in an update":      {"chat.update", object{"channel": slacksim.General, "ts": ts, "text": strings.Repeat("x", 4000)}, ""},
		"4,001 in an update":      {"chat.update", object{"channel": slacksim.General, "ts": ts, "text": strings.Repeat("x", 4001)}, "msg_too_long"},
		"an update of nothing":    {"chat.update", object{"channel": slacksim.General, "ts": "1.2", "text": "x"}, "message_not_found"},
		"an update to nothing":    {"chat.update", object{"channel": slacksim.General, "ts": ts}, "no_text"},
		"an update elsewhere":     {"chat.update", object{"channel": slacksim.Random, "ts": ts, "text": "x"}, "not_in_channel"},
		"a wrong update":          {"chat.update", object{"channel": slacksim.General, "ts": ts, "blocks": []any{object{}}}, "invalid_blocks"},
		"a link to nothing":       {"chat.getPermalink", object{"channel": slacksim.General, "message_ts": "1.2"}, "message_not_found"},
		"a link to nowhere":       {"chat.getPermalink", object{"channel": "C0NONE", "message_ts": ts}, "channel_not_found"},
		"deleting nothing":        {"chat.delete", object{"channel": slacksim.General, "ts": "1.2"}, "message_not_found"},
		"a whisper to a stranger": {"chat.postEphemeral", object{"channel": slacksim.CodeReview, "user": slacksim.Analyst, "text": "x"}, "user_not_in_channel"},
		"a whisper to nobody":     {"chat.postEphemeral", object{"channel": slacksim.General, "user": "U0NONE", "text": "x"}, "user_not_found"},
		"a whisper of nothing":    {"chat.postEphemeral", object{"channel": slacksim.General, "user": slacksim.Analyst}, "no_text"},
		"a whisper too long":      {"chat.postEphemeral", object{"channel": slacksim.General, "user": slacksim.Analyst, "text": strings.Repeat("x", 4001)}, "msg_too_long"},
		"a whisper elsewhere":     {"chat.postEphemeral", object{"channel": slacksim.Random, "user": slacksim.Analyst, "text": "x"}, "not_in_channel"},
		"a wrong whisper":         {"chat.postEphemeral", object{"channel": slacksim.General, "user": slacksim.Analyst, "blocks": []any{object{}}}, "invalid_blocks"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := call(t, sim, c.method, c.args)
			require.Equal(t, c.code == "", out["ok"], "%v", out)
			if c.code != "" {
				require.Equal(t, c.code, out["error"])
			}
		})
	}
	long := call(t, sim, "chat.postMessage", object{"channel": slacksim.General, "text": strings.Repeat("x", 40_001)})
	require.Equal(t, "message_truncated", long["warning"])
}

func TestWhatSlackStores(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	ctx := within(t)
	odd := "a < b & `c` ``` <@U1> :smile: \u202e"
	code := &slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(odd, nil)}}
	_, ts, stored, err := st.api.PostMessageWithResponseContext(ctx, slacksim.General, slack.MsgOptionText("x", false),
		slack.MsgOptionBlocks(slack.NewRichTextBlock("", code), slack.NewSectionBlock(plain("hello"), nil, nil)),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "request", EventPayload: map[string]any{"id": "r1"}}))
	require.NoError(t, err)
	block, ok := stored.Blocks.BlockSet[0].(*slack.RichTextBlock)
	require.True(t, ok)
	require.NotEmpty(t, block.BlockID, "Slack gives every block an id")
	shown, ok := block.Elements[0].(*slack.RichTextPreformatted)
	require.True(t, ok)
	text, ok := shown.Elements[0].(*slack.RichTextSectionTextElement)
	require.True(t, ok)
	require.Equal(t, odd, text.Text)
	raw := call(t, st.sim, "chat.postMessage", object{"channel": slacksim.General, "blocks": []any{section("x"), actions(pressable("", nil))}})
	require.Contains(t, jsonOf(t, raw), `"verbatim":false`, "Slack writes its defaults out")
	require.Contains(t, jsonOf(t, raw), `"emoji":true`)
	require.NotContains(t, jsonOf(t, raw), `"action_id":""`, "and every element has an id")
	require.Equal(t, "r1", stored.Metadata.EventPayload["id"])

	_, _, _, err = st.api.UpdateMessageContext(ctx, slacksim.General, ts, slack.MsgOptionText("only text", false))
	require.NoError(t, err)
	m, err := st.sim.As(slacksim.Analyst).Find(slacksim.General, ts)
	require.NoError(t, err)
	require.Empty(t, m.Blocks, "an update with text alone takes the blocks away")
	require.Equal(t, "only text", m.Words())
	require.NotNil(t, m.Edited)
	require.Equal(t, "request", m.Metadata["event_type"], "metadata stays when an update has none")
	require.Equal(t, "Analyze", m.Username)

	out := call(t, st.sim, "chat.postMessage", object{"channel": slacksim.General, "blocks": []any{rich(preformatted("x"))}})
	mismatch := call(t, st.sim, "chat.update", object{"channel": slacksim.General, "ts": out["ts"], "blocks": []any{section("x")}})
	require.Equal(t, "block_mismatch", mismatch["error"])
	require.Equal(t, true, call(t, st.sim, "chat.delete", object{"channel": slacksim.General, "ts": out["ts"]})["ok"])
	_, err = st.sim.As(slacksim.Analyst).Find(slacksim.General, fmt.Sprint(out["ts"]))
	require.Error(t, err)
}

func TestOthersMessagesCannotBeChanged(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	m, err := sim.As(slacksim.Analyst).Say(slacksim.General, "mine")
	require.NoError(t, err)
	require.Equal(t, "cant_update_message", call(t, sim, "chat.update", object{"channel": m.Channel, "ts": m.TS, "text": "x"})["error"])
	require.Equal(t, "cant_delete_message", call(t, sim, "chat.delete", object{"channel": m.Channel, "ts": m.TS})["error"])
}

func TestThreadsCountTheirReplies(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Scopes: []string{"chat:write", "channels:history", "channels:read"}})
	ctx, maya := within(t), st.sim.As(slacksim.Analyst)
	root, err := maya.Say(slacksim.General, "root")
	require.NoError(t, err)
	first, err := maya.Reply(slacksim.General, root.TS, "first")
	require.NoError(t, err)
	_, second, err := st.api.PostMessageContext(ctx, slacksim.General, slack.MsgOptionText("second", false), slack.MsgOptionTS(first.TS), slack.MsgOptionBroadcast())
	require.NoError(t, err, "a reply to a reply goes to the root's thread")

	roots := maya.Messages(slacksim.General)
	require.Len(t, roots, 2, "the root, and the reply that was also sent to the channel")
	require.Equal(t, 2, roots[0].ReplyCount)
	require.Equal(t, []string{slacksim.Analyst, slacksim.BotUser}, roots[0].ReplyUsers)
	require.Equal(t, second, roots[0].LatestReply)
	require.Len(t, maya.Thread(slacksim.General, root.TS), 3)

	replies, more, cursor, err := st.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{ChannelID: slacksim.General, Timestamp: root.TS, Limit: 2})
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, root.TS, replies[0].Timestamp)
	require.Equal(t, 2, replies[0].ReplyCount)
	replies, more, _, err = st.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{ChannelID: slacksim.General, Timestamp: root.TS, Limit: 2, Cursor: cursor})
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, "second", replies[len(replies)-1].Text)
	history, err := st.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: slacksim.General, Oldest: root.TS})
	require.NoError(t, err)
	require.Len(t, history.Messages, 1, "oldest is not part of it")
	history, err = st.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: slacksim.General, Oldest: root.TS, Latest: root.TS, Inclusive: true})
	require.NoError(t, err)
	require.Len(t, history.Messages, 1)

	require.NoError(t, maya.Delete(first))
	require.Equal(t, "thread_not_found", call(t, st.sim, "conversations.replies", object{"channel": slacksim.General, "ts": "1.2"})["error"])
	require.Equal(t, "not_in_channel", call(t, st.sim, "conversations.history", object{"channel": slacksim.Random})["error"])
	require.Equal(t, "missing_scope", call(t, st.sim, "conversations.history", object{"channel": slacksim.CodeReview})["error"])
	require.Equal(t, "channel_not_found", call(t, st.sim, "conversations.history", object{"channel": "C0NONE"})["error"])
	require.Equal(t, "invalid_cursor", call(t, st.sim, "conversations.history", object{"channel": slacksim.General, "cursor": "x"})["error"])
	link, err := st.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: slacksim.General, Ts: second})
	require.NoError(t, err)
	require.Contains(t, link, "thread_ts="+root.TS)
}

func TestPermalinksLeadToThePage(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	maya := sim.As(slacksim.Analyst)
	root, err := maya.Say(slacksim.General, "root")
	require.NoError(t, err)
	reply, err := maya.Reply(slacksim.General, root.TS, "reply")
	require.NoError(t, err)
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for m, want := range map[string]string{root.TS: "/?channel=C0GENERAL&ts=" + root.TS, reply.TS: "/?channel=C0GENERAL&ts=" + reply.TS + "&thread_ts=" + root.TS} {
		link := call(t, sim, "chat.getPermalink", object{"channel": slacksim.General, "message_ts": m})["permalink"]
		resp, err := client.Get(fmt.Sprint(link))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, resp.Header.Get("Location"))
	}
	for _, path := range []string{"p1", "pxxxxxxxxxx", "p1111111111111111"} {
		resp, err := client.Get(sim.URL() + "/archives/C0GENERAL/" + path)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusNotFound, resp.StatusCode)
	}
}

func TestOneMessageASecondAfterABurst(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{PostBurst: 2})
	ctx := within(t)
	for range 2 {
		_, _, err := st.api.PostMessageContext(ctx, slacksim.General, slack.MsgOptionText("x", false))
		require.NoError(t, err)
	}
	_, _, err := st.api.PostMessageContext(ctx, slacksim.General, slack.MsgOptionText("x", false))
	var limited *slack.RateLimitedError
	require.ErrorAs(t, err, &limited)
	_, _, err = st.api.PostMessageContext(ctx, slacksim.SalesData, slack.MsgOptionText("x", false))
	require.NoError(t, err, "each channel has its own allowance")
	_, header, status := callAs(t, st.sim, st.sim.BotToken(), "chat.postMessage", object{"channel": slacksim.General, "text": "x"})
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Equal(t, "1", header.Get("Retry-After"))
}

// A thread outlives its first message as soon as somebody has answered there; before that, what is meant for it gets into
// the channel, and only the answer shows it (slack-go/slack#1571).
func TestAThreadWhoseFirstMessageIsDeleted(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{PostBurst: -1})
	maya := sim.As(slacksim.Analyst)
	reply := func(ts string) object {
		out := call(t, sim, "chat.postMessage", object{"channel": slacksim.SalesData, "text": "x", "thread_ts": ts})
		require.Equal(t, true, out["ok"])
		return out["message"].(object)
	}
	answered, err := maya.Say(slacksim.SalesData, "one")
	require.NoError(t, err)
	require.Equal(t, answered.TS, reply(answered.TS)["thread_ts"])
	require.NoError(t, maya.Delete(answered))
	require.Equal(t, answered.TS, reply(answered.TS)["thread_ts"])
	place, err := maya.Find(slacksim.SalesData, answered.TS)
	require.NoError(t, err)
	require.Equal(t, "tombstone", place.Subtype)
	require.Equal(t, "This message was deleted.", place.Text)
	alone, err := maya.Say(slacksim.SalesData, "two")
	require.NoError(t, err)
	require.NoError(t, maya.Delete(alone))
	require.Nil(t, reply(alone.TS)["thread_ts"])
}
