package bot

import (
	"slices"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/sample"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// heard waits until the service has been asked so many questions.
func (b *bundle) heard(n int) []approval.Question {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return len(b.service.questions()) >= n }, waitAtMost, tick)
	q := b.service.questions()
	require.Len(b.t, q, n)
	return q
}

func TestAMentionBeginsAThreadAndGoesOnInIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	root, err := maya.Say(slacksim.SalesData, "@countersign what were sales in May?")
	require.NoError(t, err)
	q := b.heard(1)
	require.Equal(t, "what were sales in May?", q[0].Text)
	require.Equal(t, root.TS, q[0].ThreadTS)
	require.Equal(t, "message "+slacksim.SalesData+" "+root.TS, q[0].Trigger)
	require.False(t, q[0].Follow)
	require.Equal(t, []string{"sales.csv"}, b.finds(q[0]))

	_, err = maya.Reply(slacksim.SalesData, root.TS, "@countersign and in June?")
	require.NoError(t, err)
	q = b.heard(2)
	require.Equal(t, root.TS, q[1].ThreadTS)
	require.Equal(t, "and in June?", q[1].Text)
	require.True(t, q[1].Follow)
	require.Empty(t, b.finds(q[1]), "a follow-up keeps the files of its thread, which the service knows")

	_, err = maya.Reply(slacksim.SalesData, root.TS, "@countersign and in sales.csv of June?")
	require.NoError(t, err)
	require.Equal(t, []string{"sales.csv"}, b.finds(b.heard(3)[2]), "unless it names some")
}

func TestFilesOnAMentionAreItsInputs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	b.share(slacksim.SalesData, "old.csv", "a\n1\n")
	_, err := maya.Share(slacksim.SalesData, "@countersign sum this", "new.csv", []byte("a\n1\n"))
	require.NoError(t, err)
	q := b.heard(1)
	require.Len(t, q[0].Files, 1)
	require.Equal(t, "new.csv", q[0].Files[0].Name)
	require.Equal(t, []string{"new.csv"}, b.finds(q[0]))
	_, err = maya.Share(slacksim.SalesData, "@countersign sum this", "photo.png", png)
	require.NoError(t, err)
	b.told(slacksim.Analyst, slacksim.SalesData, "I cannot read photo.png. I read CSV, TSV, XLSX, ODS, JSON")
}

func TestInADirectMessageNoMentionIsNeeded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	_, err := maya.Share(maya.DM(), "sum this", "new.csv", []byte("a\n1\n"))
	require.NoError(t, err)
	q := b.heard(1)
	require.Equal(t, maya.DM(), q[0].Project)
	require.Equal(t, "new.csv", q[0].Files[0].Name)
}

func TestAMentionWithoutAQuestionIsAskedBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const hint = "What would you like to know? Write it in the same message, for example: What were sales per month in sales.csv?"
	maya := b.as(slacksim.Analyst)
	_, err := maya.Say(slacksim.SalesData, "@countersign")
	require.NoError(t, err)
	b.told(slacksim.Analyst, slacksim.SalesData, hint)
	_, err = maya.Share(maya.DM(), "", "new.csv", []byte("a\n1\n"))
	require.NoError(t, err)
	b.told(slacksim.Analyst, maya.DM(), hint)
	require.Empty(t, b.service.questions())
}

func TestMentionsAnswerTheWordsThatCommandsDo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := sample.View()
	b.service.views[v.Request.ID] = v
	for line, says := range map[string]string{"help": "Ask a question about data.", "status": "You have not asked anything yet.", "cancel bcd23fg": "Cancelled"} {
		_, err := b.as(slacksim.Analyst).Say(slacksim.SalesData, "@countersign "+line)
		require.NoError(t, err)
		b.told(slacksim.Analyst, slacksim.SalesData, says)
	}
	b.service.fail(&approval.InputError{Why: approval.Words("What would you like to know?")})
	_, err := b.as(slacksim.Analyst).Say(slacksim.SalesData, "@countersign "+strings.Repeat("very ", 700)+"long?")
	require.NoError(t, err)
	b.told(slacksim.Analyst, slacksim.SalesData, "What would you like to know?")
}

// What would be small talk or an order elsewhere answers the model that has just asked. The ways out stay orders.
func TestAWordAnswersWhatAModelHasAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	root, err := maya.Say(slacksim.SalesData, "Sales")
	require.NoError(t, err)
	say := func(words string) {
		t.Helper()
		_, err := maya.Reply(root.Channel, root.TS, "@countersign "+words)
		require.NoError(t, err)
	}
	say("great, thanks")
	_, err = maya.WaitReply(b.ctx, root.Channel, root.TS, func(m workspace.Message) bool { return strings.Contains(m.Words(), "welcome") })
	require.NoError(t, err)
	say("status")
	b.told(slacksim.Analyst, slacksim.SalesData, "You have not asked anything yet.")
	require.Empty(t, b.service.questions())
	b.service.change(func() { b.service.awaits = true })
	for n, words := range []string{"great, thanks", "status", "Reviews"} {
		say(words)
		require.Eventually(t, func() bool { return len(b.service.questions()) == n+1 }, waitAtMost, tick)
		require.Equal(t, words, b.service.questions()[n].Text)
	}
	say("help")
	b.told(slacksim.Analyst, slacksim.SalesData, "Ask a question about data.")
	require.Len(t, b.service.questions(), 3)
}

// Slack tells of an edited message whether it had mentioned the bot before or not. Nothing is asked twice, and nobody waits in vain.
func TestWhoEditsAMessageIsToldThatItIsNotReadAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	asked, err := maya.Say(slacksim.SalesData, "@countersign how many?")
	require.NoError(t, err)
	b.heard(1)
	require.NoError(t, maya.Edit(asked, "@countersign how many in May?"))
	b.told(slacksim.Analyst, slacksim.SalesData, "You edited a message. I only read")
	forgot, err := maya.Say(slacksim.General, "how many?")
	require.NoError(t, err)
	require.NoError(t, maya.Edit(forgot, "@countersign how many?"))
	b.told(slacksim.Analyst, slacksim.General, "send a new message")
	direct, err := maya.Say(maya.DM(), "how many?")
	require.NoError(t, err)
	b.heard(2)
	require.NoError(t, maya.Edit(direct, "how many in June?"))
	b.told(slacksim.Analyst, maya.DM(), "You edited a message. I only read")
	b.heard(2)
	// The message that began a thread stands in the channel, and so does the word about it: in the thread nobody would see it.
	reply, err := maya.Reply(slacksim.SalesData, asked.TS, "by the way")
	require.NoError(t, err)
	for ts, in := range map[string]string{asked.TS: "", reply.TS: asked.TS} {
		a, err := b.bot.asking.hear(b.ctx, spoken{team: "T1", channel: slacksim.SalesData, user: slacksim.Analyst, ts: ts, thread: asked.TS, edited: true})
		require.NoError(t, err)
		before := maya.Ephemerals(slacksim.SalesData)
		a.after(b.ctx)
		fresh := slices.DeleteFunc(maya.Ephemerals(slacksim.SalesData), func(m workspace.Message) bool {
			return slices.ContainsFunc(before, func(had workspace.Message) bool { return had.TS == m.TS })
		})
		require.Len(t, fresh, 1)
		require.Equal(t, in, fresh[0].ThreadTS)
	}
	// A link that Slack has unfolded, and the bot's own messages, change as well.
	for name, e := range map[string]*slackevents.MessageEvent{
		"unfolded":                {ChannelType: "im", SubType: slack.MsgSubTypeMessageChanged, Message: &slack.Msg{User: "U1", Text: "x"}, PreviousMessage: &slack.Msg{User: "U1", Text: "x"}},
		"of long ago":             {ChannelType: "im", SubType: slack.MsgSubTypeMessageChanged, Message: &slack.Msg{User: "U1", Text: "x", Edited: &slack.Edited{}}, PreviousMessage: &slack.Msg{User: "U1", Text: "x"}},
		"a bot's":                 {ChannelType: "im", SubType: slack.MsgSubTypeMessageChanged, Message: &slack.Msg{User: "U1", BotID: "B1", Text: "y", Edited: &slack.Edited{}}, PreviousMessage: &slack.Msg{Text: "x"}},
		"deleted, with replies":   {ChannelType: "im", SubType: slack.MsgSubTypeMessageChanged, Message: &slack.Msg{User: "USLACKBOT", SubType: "tombstone", Text: "This message was deleted.", Edited: &slack.Edited{}}, PreviousMessage: &slack.Msg{User: "U1", Text: "x", Edited: &slack.Edited{}}},
		"deleted, by its subtype": {ChannelType: "im", SubType: slack.MsgSubTypeMessageChanged, Message: &slack.Msg{User: "U1", SubType: "tombstone", Text: "This message was deleted.", Edited: &slack.Edited{}}, PreviousMessage: &slack.Msg{User: "U1", Text: "x"}},
		"deleted, by its user":    {ChannelType: "im", SubType: slack.MsgSubTypeMessageChanged, Message: &slack.Msg{User: "USLACKBOT", Text: "This message was deleted.", Edited: &slack.Edited{}}, PreviousMessage: &slack.Msg{User: "U1", Text: "x"}},
		"elsewhere":               {ChannelType: "channel", SubType: slack.MsgSubTypeMessageChanged, Message: &slack.Msg{User: "U1", Text: "y", Edited: &slack.Edited{}}, PreviousMessage: &slack.Msg{Text: "x"}},
	} {
		a, err := b.bot.asking.hear(b.ctx, messaged("T1", e))
		require.NoError(t, err, name)
		require.Nil(t, a.after, name)
	}
}

// "Also send as direct message" has Slack tell of a reply by another name, in place of the usual one.
func TestAReplyThatIsAlsoSentToItsChannelIsHeard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	for n, channel := range []string{maya.DM(), slacksim.SalesData} {
		root, err := maya.Say(channel, "@countersign what were sales in May?")
		require.NoError(t, err)
		b.heard(2*n + 1)
		require.NoError(t, slackperson.Broadcast(maya, channel, root.TS, "@countersign and in June?"))
		q := b.heard(2*n + 2)[2*n+1]
		require.Equal(t, root.TS, q.ThreadTS)
		require.True(t, q.Follow)
	}
	me := messaged("T1", &slackevents.MessageEvent{User: "U1", ChannelType: "im", SubType: slack.MsgSubTypeMeMessage, Text: "asks how many"})
	require.False(t, me.ignore, "by /me")
}

// Of a file of Slack Connect a message says nothing but its id; of a link, where it leads.
func TestFilesOfWhichAMessageSaysLittle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	send := func(name string, change func(id string)) {
		f, err := maya.Upload(name, []byte("a\n1\n"))
		require.NoError(t, err)
		change(f.ID)
		_, err = maya.Say(slacksim.SalesData, "@countersign sum this", f.ID)
		require.NoError(t, err)
	}
	send("theirs.csv", b.sim.ForeignFile)
	q := b.heard(1)
	require.Len(t, q[0].Files, 1)
	require.Equal(t, []string{"theirs.csv"}, b.finds(q[0]), "Slack is asked, once nobody waits")
	send("photo.png", b.sim.ForeignFile)
	_, err := b.bot.Find(b.ctx, search(b.heard(2)[1]))
	require.ErrorContains(t, err, "I cannot read photo.png")
	send("plan.csv", b.sim.LinkedFile)
	b.told(slacksim.Analyst, slacksim.SalesData, "plan.csv is a link to a file somewhere else. Please upload the file itself.")
	for _, mode := range []string{"tombstone", "hidden_by_limit"} {
		_, err := carried(slack.File{ID: "F1", Mode: mode})
		require.ErrorContains(t, err, "has been deleted, or Slack does not show it any more")
	}
	b.heard(2)
}

func TestMessagesThatAreNotForTheBotAreLeftAlone(t *testing.T) {
	t.Parallel()
	b := idle(t)
	for name, s := range map[string]spoken{
		"a bot's mention":        mentioned("T1", &slackevents.AppMentionEvent{User: "U1", BotID: "B1", Text: "x"}),
		"an edited one of a bot": mentioned("T1", &slackevents.AppMentionEvent{User: "U1", BotID: "B1", Edited: &slackevents.Edited{}, Text: "x"}),
		"nobody's mention":       mentioned("T1", &slackevents.AppMentionEvent{Text: "x"}),
		"a channel's message":    messaged("T1", &slackevents.MessageEvent{User: "U1", ChannelType: "channel", Text: "x"}),
		"a bot's direct message": messaged("T1", &slackevents.MessageEvent{User: "U1", ChannelType: "im", BotID: "B1", Text: "x"}),
		"a deleted message":      messaged("T1", &slackevents.MessageEvent{User: "U1", ChannelType: "im", SubType: slack.MsgSubTypeMessageDeleted, Text: "x"}),
		"the bot's own":          messaged("T1", &slackevents.MessageEvent{User: slacksim.BotUser, ChannelType: "im", Text: "x"}),
	} {
		a, err := b.bot.asking.hear(b.ctx, s)
		require.NoError(t, err, name)
		require.Nil(t, a.after, name)
	}
	require.Empty(t, b.service.questions())
}
