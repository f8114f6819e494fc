package slacksim_test

import (
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/workspace"
)

// said is the code with which a call is refused, or empty.
func said(t *testing.T, sim *slacksim.Sim, method string, args object) string {
	t.Helper()
	code, _ := call(t, sim, method, args)["error"].(string)
	return code
}

func TestAnAppIsUninstalledAndInstalledAnew(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	old := call(t, sim, "chat.postMessage", object{"channel": slacksim.SalesData, "text": "before"})["ts"]
	direct := call(t, sim, "chat.postMessage", object{"channel": slacksim.Analyst, "text": "before"})["channel"]
	first := sim.BotToken()
	sim.Uninstall()
	require.Equal(t, "account_inactive", said(t, sim, "auth.test", object{}))
	goesOn, _, _ := callAs(t, sim, sim.AppToken(), "apps.connections.open", object{})
	require.Equal(t, true, goesOn["ok"], "the app itself goes on")
	require.NotEqual(t, first, sim.Install())
	who := call(t, sim, "auth.test", object{})
	require.Equal(t, sim.BotNow(), who["user_id"])
	require.NotEqual(t, slacksim.BotUser, who["user_id"])
	require.NotEqual(t, slacksim.BotID, who["bot_id"])
	require.Equal(t, "not_in_channel", said(t, sim, "chat.postMessage", object{"channel": slacksim.SalesData, "text": "after"}))
	sim.Invite(slacksim.SalesData, sim.BotNow())
	require.Equal(t, "cant_update_message", said(t, sim, "chat.update", object{"channel": slacksim.SalesData, "ts": old, "text": "after"}))
	require.Equal(t, "cant_delete_message", said(t, sim, "chat.delete", object{"channel": slacksim.SalesData, "ts": old}))
	require.Equal(t, "channel_not_found", said(t, sim, "chat.postMessage", object{"channel": direct, "text": "after"}))
	require.NotEqual(t, direct, call(t, sim, "chat.postMessage", object{"channel": slacksim.Analyst, "text": "after"})["channel"], "another bot user has other direct messages")
}

func TestTokensDie(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	for _, code := range []string{"token_revoked", "token_expired"} {
		sim.Revoke(sim.BotToken(), code)
		require.Equal(t, code, said(t, sim, "chat.postMessage", object{"channel": slacksim.SalesData, "text": "x"}))
	}
	sim.Revoke(sim.BotToken(), "")
	require.Empty(t, said(t, sim, "auth.test", object{}))
}

func TestChannelsAreRestrictedArchivedDeletedAndGetOtherIDs(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	root := call(t, sim, "chat.postMessage", object{"channel": slacksim.SalesData, "text": "x"})["ts"].(string)
	post := func(thread string) string {
		return said(t, sim, "chat.postMessage", object{"channel": slacksim.SalesData, "text": "x", "thread_ts": thread})
	}
	for how, want := range map[workspace.Posting][2]string{
		workspace.ReadOnly:   {"restricted_action_read_only_channel", "restricted_action_read_only_channel"},
		workspace.ThreadOnly: {"restricted_action_thread_only_channel", ""},
		workspace.RootsOnly:  {"", "restricted_action_non_threadable_channel"},
		workspace.Anybody:    {"", ""},
	} {
		sim.SetChannel(slacksim.SalesData, func(c *workspace.Channel) { c.Posting = how })
		require.Equal(t, want, [2]string{post(""), post(root)}, how)
	}
	sim.SetChannel(slacksim.SalesData, func(c *workspace.Channel) { c.Posting = workspace.Anybody })
	sim.LockThread(slacksim.SalesData, root, true)
	require.Equal(t, [2]string{"", "restricted_action_thread_locked"}, [2]string{post(""), post(root)})
	sim.LockThread(slacksim.SalesData, root, false)
	require.Empty(t, post(root))

	edit := func() string {
		return said(t, sim, "chat.update", object{"channel": slacksim.SalesData, "ts": root, "text": "y"})
	}
	sim.LimitEdits(time.Hour)
	require.Empty(t, edit())
	sim.LimitEdits(-1)
	require.Equal(t, "edit_window_closed", edit())
	sim.LimitEdits(0)
	sim.SetChannel(slacksim.SalesData, func(c *workspace.Channel) { c.IsArchived = true })
	require.Equal(t, []string{"is_archived", "is_inactive"}, []string{post(""), edit()}, "each method has its own word for it")
	sim.SetChannel(slacksim.SalesData, func(c *workspace.Channel) { c.IsArchived = false })

	sim.Rename(slacksim.SalesData, "C0OTHER")
	require.Equal(t, "channel_not_found", post(""))
	require.Empty(t, said(t, sim, "chat.update", object{"channel": "C0OTHER", "ts": root, "text": "z"}), "its messages went along")
	sim.DeleteChannel("C0OTHER")
	require.Equal(t, "channel_not_found", said(t, sim, "chat.postMessage", object{"channel": "C0OTHER", "text": "x"}))
}

func TestProxiesAnswerWithPages(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Scopes: []string{"users:read"}})
	for _, status := range []int{0, 502} {
		st.sim.Fail(fault.Method{Method: "users.info", Status: status, Page: true})
		_, err := st.api.GetUserInfoContext(within(t), slacksim.Analyst)
		require.Error(t, err)
		require.NotErrorAs(t, err, new(slack.SlackErrorResponse), "no code of Slack's")
	}
}
