package slacksim_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

func TestCommandIsAnsweredInItsAck(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	ctx, maya := within(t), st.sim.As(slacksim.Analyst)
	answer := func(payload any) { st.acks(func(socketmode.Event) (any, bool) { return payload, true }) }

	answer(object{"text": "for you"})
	require.NoError(t, maya.Command(slacksim.Random, "/budget"))
	m, err := maya.WaitEphemeral(ctx, slacksim.Random, func(m workspace.Message) bool { return m.Text == "for you" })
	require.NoError(t, err, "a command works where the bot is not")
	require.Len(t, maya.Ephemerals(slacksim.Random), 1)
	require.Empty(t, st.sim.As(slacksim.Reviewer).Messages(slacksim.Random))
	require.NoError(t, maya.Delete(m))
	require.Empty(t, maya.Ephemerals(slacksim.Random))

	answer(object{"text": "for all", "response_type": "in_channel"})
	require.NoError(t, maya.Command(slacksim.General, "/budget show"))
	all := st.sim.As(slacksim.Reviewer).Messages(slacksim.General)
	require.Equal(t, "/budget show", all[0].Text, "the command itself is shown too")
	require.Equal(t, "for all", all[1].Text)

	answer(object{"blocks": []any{section("")}})
	require.ErrorContains(t, maya.Command(slacksim.General, "/budget"), "invalid_command_response")
	answer(object{"response_type": "in_channel"})
	require.NoError(t, maya.Command(slacksim.General, "/budget"), "nothing to show")
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	as := st.sim.As
	code := func(err error) string {
		t.Helper()
		var refused *person.Refusal
		require.ErrorAs(t, err, &refused)
		return refused.Code
	}
	require.Equal(t, "user_not_found", code(as("U0NONE").Command(slacksim.General, "/analyze x")))
	require.Equal(t, "user_not_found", code(as(slacksim.BotUser).OpenHome()))
	require.Equal(t, "account_inactive", code(as(slacksim.Deactivated).Command(slacksim.General, "/analyze x")))
	require.Equal(t, "unknown_command", code(as(slacksim.Analyst).Command(slacksim.General, "/poem")))
	require.Equal(t, "not_in_channel", code(as(slacksim.Guest).Command(slacksim.General, "/analyze x")))
	require.Equal(t, "channel_not_found", code(as(slacksim.Analyst).Command(slacksim.CodeReview, "/analyze x")))
	require.Equal(t, "unknown_shortcut", code(as(slacksim.Analyst).Shortcut("none")))
	require.Equal(t, "message_not_found", code(as(slacksim.Analyst).MessageShortcut(workspace.Message{Channel: slacksim.General, TS: "1.2"}, "analyze_message")))
	require.Equal(t, "channel_not_found", code(as(slacksim.Analyst).MessageShortcut(workspace.Message{Channel: slacksim.CodeReview}, "analyze_message")))
	require.Equal(t, "view_not_found", code(as(slacksim.Analyst).CloseView()))
	_, err := as(slacksim.Analyst).Submit(nil)
	require.Equal(t, "view_not_found", code(err))
	_, err = as(slacksim.Analyst).Say(slacksim.General, "  ")
	require.Equal(t, "no_text", code(err))
	_, err = as(slacksim.Analyst).Reply(slacksim.General, "1.2", "x")
	require.Equal(t, "thread_not_found", code(err))
	m, err := as(slacksim.Analyst).Say(slacksim.General, "mine")
	require.NoError(t, err)
	require.Equal(t, "cant_delete_message", code(as(slacksim.Reviewer).Delete(m)))
	require.Equal(t, "no_such_action", code(as(slacksim.Reviewer).Click(m, "approve")))
	require.NoError(t, as(slacksim.Analyst).Delete(m))
	require.Equal(t, "message_not_found", code(as(slacksim.Analyst).Delete(m)))
	require.Equal(t, "message_not_found", code(as(slacksim.Analyst).ClickOld(buttonOn(m), "go")))
	require.Equal(t, "channel_not_found", code(as(slacksim.Analyst).Delete(workspace.Message{Channel: slacksim.CodeReview})))
	st.sim.Change(slacksim.Analyst, func(u *workspace.User) { u.Deleted = true })
	require.Equal(t, "account_inactive", code(as(slacksim.Analyst).OpenHome()))
	require.Empty(t, as(slacksim.Guest).Thread(slacksim.General, ""))
}

func buttonOn(m workspace.Message) workspace.Message {
	m.Blocks = []blockkit.Block{{"type": "actions", "elements": []any{map[string]any{"type": "button", "action_id": "go"}}}}
	return m
}

// post posts blocks and returns the message as the analyst sees it.
func (st *stage) post(t *testing.T, blocks ...any) workspace.Message {
	t.Helper()
	out := call(t, st.sim, "chat.postMessage", object{"channel": slacksim.General, "text": "x", "blocks": blocks})
	require.Equal(t, true, out["ok"], "%v", out)
	m, err := st.sim.As(slacksim.Analyst).Find(slacksim.General, out["ts"].(string))
	require.NoError(t, err)
	return m
}

func TestMenusReportWhatWasChosen(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	maya := st.sim.As(slacksim.Analyst)
	m := st.post(t, actions(
		object{"type": "overflow", "action_id": "more", "options": []any{object{"text": plainText("View all"), "value": "all"}}},
		object{"type": "static_select", "action_id": "pick", "options": options(3, 1)},
		object{"type": "checkboxes", "action_id": "tick", "options": options(3, 1), "initial_options": options(1, 1)},
		object{"type": "users_select", "action_id": "who"},
		object{"type": "multi_users_select", "action_id": "crowd"},
		object{"type": "datepicker", "action_id": "day", "initial_date": "2026-01-01"},
	))
	press := func(action string, choice ...string) *slack.BlockAction {
		t.Helper()
		require.NoError(t, maya.Click(m, action, choice...))
		return st.nextClick(t).ActionCallback.BlockActions[0]
	}
	require.Equal(t, "all", press("more", "View all").SelectedOption.Value)
	require.Equal(t, "2", press("pick", "2").SelectedOption.Value)
	require.Len(t, press("tick", "1", "2").SelectedOptions, 2)
	require.Empty(t, press("tick").SelectedOptions)
	require.Equal(t, "U0BEN", press("who", "U0BEN").SelectedUser)
	require.Equal(t, []string{"U0BEN", "U0JUN"}, press("crowd", "U0BEN", "U0JUN").SelectedUsers)
	require.Equal(t, "2026-02-03", press("day", "2026-02-03").SelectedDate)
	require.NoError(t, maya.Click(m, "pick", "1"))
	click := st.nextClick(t)
	require.Equal(t, "1", click.BlockActionState.Values[click.ActionCallback.BlockActions[0].BlockID]["pick"].SelectedOption.Value)
	require.Equal(t, "2026-01-01", click.BlockActionState.Values[click.ActionCallback.BlockActions[0].BlockID]["day"].SelectedDate)
	for _, wrong := range []string{"more", "pick", "tick"} {
		require.ErrorContains(t, maya.Click(m, wrong, "nothing of the kind"), "not offered")
	}
	quietApp := slacksim.Start(t, slacksim.Options{Manifest: []byte("{oauth_config: {scopes: {bot: ['chat:write']}}, settings: {socket_mode_enabled: true}}")})
	out := call(t, quietApp, "chat.postMessage", object{"channel": slacksim.General, "blocks": []any{actions(pressable("go", nil))}})
	m.TS = out["ts"].(string)
	require.ErrorContains(t, quietApp.As(slacksim.Analyst).Click(m, "go"), "interactivity")
	require.ErrorContains(t, quietApp.As(slacksim.Analyst).Shortcut("analyze_new"), "no such shortcut")
	require.Equal(t, "not_enabled", call(t, quietApp, "views.publish", object{})["error"])
	require.NoError(t, quietApp.As(slacksim.Analyst).OpenHome(), "nobody is told")
}

func TestShortcuts(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	maya := st.sim.As(slacksim.Analyst)
	require.NoError(t, maya.Shortcut("analyze_new"))
	global := st.nextClick(t)
	require.Equal(t, slack.InteractionTypeShortcut, global.Type)
	require.Equal(t, "analyze_new", global.CallbackID)
	m := st.post(t, section("look at this"))
	require.NoError(t, maya.MessageShortcut(m, "analyze_message"))
	on := st.nextClick(t)
	require.Equal(t, slack.InteractionTypeMessageAction, on.Type)
	require.Equal(t, m.TS, on.Message.Timestamp)
	require.Equal(t, slacksim.General, on.Channel.ID)
}

func TestEventsOfMessages(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	ctx, maya := within(t), st.sim.As(slacksim.Analyst)
	root, err := maya.Say(slacksim.SalesData, "no mention")
	require.NoError(t, err)
	f, err := maya.Upload("sales.csv", []byte("a\n"))
	require.NoError(t, err)
	said, err := maya.Reply(slacksim.SalesData, root.TS, "@analyze and @nobody: a < b", f.ID)
	require.NoError(t, err)
	require.Equal(t, "<@U0ANALYZE> and @nobody: a &lt; b", said.Text)
	mention, ok := st.nextInner(t).(*slackevents.AppMentionEvent)
	require.True(t, ok)
	require.Equal(t, root.TS, mention.ThreadTimeStamp)
	require.Equal(t, said.TS, mention.TimeStamp)
	require.Equal(t, f.ID, mention.Files[0].ID)
	_, err = maya.Say(slacksim.Random, "<@U0ANALYZE> is not here")
	require.NoError(t, err)

	_, err = maya.Say(maya.DM(), "hello")
	require.NoError(t, err)
	direct, ok := st.nextInner(t).(*slackevents.MessageEvent)
	require.True(t, ok)
	require.Equal(t, "im", direct.ChannelType)
	_, ts, err := st.api.PostMessageContext(ctx, slacksim.Analyst, slack.MsgOptionText("hello yourself", false))
	require.NoError(t, err)
	own := st.nextInner(t).(*slackevents.MessageEvent)
	require.Equal(t, slacksim.BotID, own.BotID, "an app hears itself")
	_, _, _, err = st.api.UpdateMessageContext(ctx, maya.DM(), ts, slack.MsgOptionText("goodbye", false))
	require.NoError(t, err)
	require.Equal(t, "message_changed", st.nextInner(t).(*slackevents.MessageEvent).SubType)
	_, _, err = st.api.DeleteMessageContext(ctx, maya.DM(), ts)
	require.NoError(t, err)
	require.Equal(t, "message_deleted", st.nextInner(t).(*slackevents.MessageEvent).SubType)
	shared, err := maya.Share(maya.DM(), "", "more.csv", []byte("a\n"))
	require.NoError(t, err)
	evt := st.nextInner(t).(*slackevents.MessageEvent)
	require.Equal(t, "file_share", evt.SubType)
	require.Equal(t, shared.TS, evt.TimeStamp)
}

func TestEphemeralsMayNotArrive(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	ctx, maya := within(t), st.sim.As(slacksim.Analyst)
	root, err := maya.Say(slacksim.General, "root")
	require.NoError(t, err)
	whisper := func(to, thread string) {
		t.Helper()
		_, err := st.api.PostEphemeralContext(ctx, slacksim.General, to, slack.MsgOptionText("psst", false), slack.MsgOptionTS(thread))
		require.NoError(t, err)
	}
	whisper(slacksim.Analyst, root.TS)
	require.Empty(t, maya.Ephemerals(slacksim.General), "nobody has answered in the thread")
	_, err = maya.Reply(slacksim.General, root.TS, "reply")
	require.NoError(t, err)
	whisper(slacksim.Analyst, root.TS)
	require.Len(t, maya.Ephemerals(slacksim.General), 1)
	require.Len(t, maya.Thread(slacksim.General, root.TS), 3)
	require.Len(t, maya.Messages(slacksim.General), 1)
	st.sim.Change(slacksim.Reviewer, func(u *workspace.User) { u.Deleted = true })
	whisper(slacksim.Reviewer, "")
	require.Empty(t, st.sim.As(slacksim.Reviewer).Ephemerals(slacksim.General))
	e := maya.Ephemerals(slacksim.General)[0]
	require.Equal(t, "message_not_found", call(t, st.sim, "chat.update", object{"channel": e.Channel, "ts": e.TS, "text": "x"})["error"], "an ephemeral message cannot be updated")
	for range 250 {
		whisper(slacksim.Analyst, "")
	}
	require.Len(t, maya.Ephemerals(slacksim.General), 200, "the client keeps so many")
}

func TestResponseURL(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	ctx, maya := within(t), st.sim.As(slacksim.Analyst)
	post := func(url string, body any) (string, int) {
		t.Helper()
		said, isText := body.(string)
		if !isText {
			said = jsonOf(t, body)
		}
		resp, err := http.Post(url, "application/json", strings.NewReader(said))
		require.NoError(t, err)
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return string(data), resp.StatusCode
	}
	require.NoError(t, maya.Command(slacksim.Random, "/analyze x"))
	url := st.nextCommand(t).ResponseURL
	out, status := post(url, object{"text": "one"})
	require.Equal(t, "ok", out)
	require.Equal(t, http.StatusOK, status)
	first := maya.Ephemerals(slacksim.Random)[0]
	post(url, object{"text": "changed", "replace_original": true})
	require.Equal(t, "changed", maya.Ephemerals(slacksim.Random)[0].Text)
	require.Equal(t, first.TS, maya.Ephemerals(slacksim.Random)[0].TS)
	post(url, object{"text": "for all", "response_type": "in_channel"})
	require.Equal(t, "for all", st.sim.As(slacksim.Reviewer).Messages(slacksim.Random)[0].Text)
	for body, code := range map[string]string{`{"text":""}`: "no_text", `{`: "invalid_payload", `{"blocks":[{}]}`: "invalid_blocks"} {
		out, status = post(url, body)
		require.Contains(t, out, code)
		require.Equal(t, http.StatusBadRequest, status, "and it does not count")
	}
	post(url, object{"delete_original": true})
	require.Empty(t, maya.Ephemerals(slacksim.Random))
	post(url, object{"text": "gone already", "replace_original": true})
	require.Empty(t, maya.Ephemerals(slacksim.Random))
	out, status = post(url, object{"text": "six"})
	require.Contains(t, out, "used_url")
	require.Equal(t, http.StatusNotFound, status)
	out, _ = post(st.sim.URL()+"/response/none", object{"text": "x"})
	require.Contains(t, out, "expired_url")
	st.sim.Fail(fault.Method{Method: "response_url", Status: 500})
	_, status = post(url, object{"text": "x"})
	require.Equal(t, http.StatusInternalServerError, status)
	st.sim.Fail(fault.Method{Method: "response_url", Cut: true})
	_, err := http.Post(url, "application/json", strings.NewReader("{}"))
	require.Error(t, err)

	m := st.post(t, actions(pressable("go", nil)))
	require.NoError(t, maya.Click(m, "go"))
	url = st.nextClick(t).ResponseURL
	_, _, err = st.api.PostMessageContext(ctx, "", slack.MsgOptionReplaceOriginal(url), slack.MsgOptionText("replaced", false))
	require.NoError(t, err)
	_, err = maya.WaitChange(ctx, m, func(m workspace.Message) bool { return m.Text == "replaced" })
	require.NoError(t, err)
	_, _, err = st.api.PostMessageContext(ctx, "", slack.MsgOptionResponseURL(url, slack.ResponseTypeEphemeral), slack.MsgOptionText("only you", false))
	require.NoError(t, err)
	_, err = maya.WaitEphemeral(ctx, slacksim.General, func(m workspace.Message) bool { return m.Text == "only you" })
	require.NoError(t, err)
	_, _, err = st.api.PostMessageContext(ctx, "", slack.MsgOptionDeleteOriginal(url))
	require.NoError(t, err)
	_, err = maya.Find(slacksim.General, m.TS)
	require.Error(t, err)
	_, status = post(url, object{"delete_original": true})
	require.Equal(t, http.StatusOK, status, "there is nothing to delete any more")
	long := strings.Repeat("x", 2900)
	var six []any
	for range 6 {
		six = append(six, section(long))
	}
	_, status = post(url, object{"blocks": six})
	require.Equal(t, http.StatusOK, status, "the total of all blocks does not count here")
}

func TestResponseURLExpires(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Timing: slacksim.Timing{Response: time.Nanosecond}})
	st.connect(t, 1)
	require.NoError(t, st.sim.As(slacksim.Analyst).Command(slacksim.General, "/analyze x"))
	_, _, err := st.api.PostMessageContext(within(t), "", slack.MsgOptionResponseURL(st.nextCommand(t).ResponseURL, "ephemeral"), slack.MsgOptionText("late", false))
	require.ErrorContains(t, err, "404")
}

func TestClicksOnEphemeralMessages(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	ctx, maya := within(t), st.sim.As(slacksim.Analyst)
	_, err := st.api.PostEphemeralContext(ctx, slacksim.General, slacksim.Analyst, slack.MsgOptionText("x", false), slack.MsgOptionBlocks(buttons("ok")))
	require.NoError(t, err)
	require.NoError(t, maya.Click(maya.Ephemerals(slacksim.General)[0], "ok"))
	click := st.nextClick(t)
	require.True(t, click.Container.IsEphemeral)
	require.Empty(t, click.Message.Timestamp, "Slack does not send it back")
	_, _, err = st.api.PostMessageContext(ctx, "", slack.MsgOptionReplaceOriginal(click.ResponseURL), slack.MsgOptionText("thanks", false))
	require.NoError(t, err)
	require.Equal(t, "thanks", maya.Ephemerals(slacksim.General)[0].Text)
}

func TestStatusLineOfAThread(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{Timing: slacksim.Timing{Status: 10 * time.Millisecond}})
	m, err := sim.As(slacksim.Analyst).Say(slacksim.General, "x")
	require.NoError(t, err)
	page := listen(t, sim, slacksim.Analyst)
	set := func(channel, ts, status string) any {
		return call(t, sim, "assistant.threads.setStatus", object{"channel_id": channel, "thread_ts": ts, "status": status})["error"]
	}
	require.Equal(t, "invalid_thread_ts", set(slacksim.General, "1.2", "x"))
	require.Equal(t, "not_in_channel", set(slacksim.Random, "1.2", "x"))
	require.Nil(t, set(slacksim.General, m.TS, "is thinking..."))
	require.Equal(t, "is thinking...", page.next(t, "status")["status"])
	require.Equal(t, "", page.next(t, "status")["status"], "it clears itself")
	require.Nil(t, set(slacksim.General, m.TS, "is writing..."))
	require.Equal(t, "is writing...", page.next(t, "status")["status"])
	call(t, sim, "chat.postMessage", object{"channel": slacksim.General, "thread_ts": m.TS, "text": "done"})
	require.Equal(t, "", page.next(t, "status")["status"], "an answer clears it")
	require.Equal(t, "done", fmt.Sprint(sim.As(slacksim.Analyst).Thread(slacksim.General, m.TS)[1].Text))
}
