package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/workspace"
)

// Rows of `make prove-slack` about what befalls a workspace over the years: tokens that die, an app that is installed anew,
// channels that are archived, deleted or get another id, people who leave, settings that let nobody edit or post.

// A token that dies while the bot runs ends nothing: what was asked is kept, whoever types a command is told, and with
// the next token all of it goes on. The bot is then another user, who may not change what the one before it wrote.
func TestProveSlackATokenThatDiesLosesNothing(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)), func(c *Config) { c.HTTPAddr = freePort(t) })
	_, stop := h.run()
	h.writes("print(1)", "print(2)")
	h.ask("What was asked before?")
	old := h.cardOf("What was asked before?")
	h.quiet()

	h.sim.Uninstall()
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze What is asked meanwhile?"))
	h.soon("the log says it", func() bool { return strings.Contains(h.log.String(), "Slack does not accept the bot's token any more") })
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze status"))
	told := h.told(h.maya, slacksim.SalesData, "What is asked meanwhile?")
	require.Contains(t, told.Words(), "Slack does not accept my token (account_inactive)", "beside what they asked for")
	status, _ := healthPage(h, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	stop()

	h.program.SlackBotToken = Secret(h.sim.Install())
	for _, channel := range []string{slacksim.SalesData, slacksim.CodeReview} {
		h.sim.Invite(channel, h.sim.BotNow())
	}
	h.run()
	h.approve(h.cardOf("What is asked meanwhile?"))
	// The old card is the one before it's: it still has its buttons, and what they decide stands on a new one.
	h.approve(old)
	for _, question := range []string{"What was asked before?", "What is asked meanwhile?"} {
		h.soon("it has run", func() bool { return h.row(question).State == "done" })
		_, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
			return m.TS > old.TS && !m.Has("Approve") && strings.Contains(m.Words(), "Approved") && strings.Contains(m.Words(), question)
		})
		require.NoError(t, err)
	}
	h.quiet()
	// The old card cannot be taken back, so a press there leads to what has become of it.
	require.NoError(t, h.ben.Click(old, "Approve"))
	h.told(h.ben, slacksim.CodeReview, "already")
	require.Equal(t, 1, h.row("What was asked before?").Runs)
	h.settled()
	proof.Check(t, !t.Failed(), "a bot's token that dies (account_inactive) and an app that is installed anew lose nothing", "two questions, one from before, one from meanwhile")
}

// Where the workspace lets nobody edit a message, what is new comes in a message of its own, also by direct message.
func TestProveSlackWhereNothingCanBeEditedNothingIsLost(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	root := h.ask("Who hears of it?")
	card := h.cardOf("Who hears of it?")
	h.says(root, "Waiting for a reviewer")
	h.sim.LimitEdits(-1)
	h.sim.SetChannel(slacksim.SalesData, func(c *workspace.Channel) { c.Posting = workspace.ReadOnly })
	h.approve(card)
	told, err := h.maya.WaitMessage(h.patient(), h.maya.DM(), func(m workspace.Message) bool {
		return strings.Contains(m.Text, "Here is the answer.") && m.Has("Details")
	})
	require.NoError(t, err, "the answer comes by direct message, though an earlier one cannot be rewritten: %v", h.maya.Messages(h.maya.DM()))
	require.Contains(t, told.Text, "do not let me post there")
	h.sim.SetChannel(slacksim.SalesData, func(c *workspace.Channel) { c.Posting = workspace.Anybody })
	require.Contains(t, h.reply(root).Text, "Here is the answer.", "it heals by itself")
	h.settled()
	proof.Check(t, !t.Failed(), "where messages can never be edited, answers and notices still arrive", "posted anew")
}

// A review channel is archived while cards wait there. Home leads to the code, and what was decided is shown once the
// channel is back, to which the bot has to be invited anew.
func TestProveSlackAnArchivedReviewChannelHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	root := h.ask("Who approves it?")
	card := h.cardOf("Who approves it?")
	h.quiet()
	h.sim.SetChannel(slacksim.CodeReview, func(c *workspace.Channel) { c.IsArchived = true })
	second := h.ask("Who sees this one?")
	h.says(second, "but the reviewers cannot see the code: the review channel is archived")
	h.decideWithoutCard("Who approves it?", "")
	require.Contains(t, h.reply(root).Text, "Here is the answer.")

	h.sim.Remove(slacksim.CodeReview, slacksim.BotUser)
	h.sim.SetChannel(slacksim.CodeReview, func(c *workspace.Channel) { c.IsArchived = false })
	h.says(second, "I am no longer in the review channel")
	h.sim.Invite(slacksim.CodeReview, slacksim.BotUser)
	require.False(t, h.becomes(card, "Approved").Has("Approve"))
	h.approve(h.cardOf("Who sees this one?"))
	require.Contains(t, h.reply(second).Text, "Here is the answer.")
	h.settled()
	proof.Check(t, !t.Failed(), "a review channel that is archived and brought back holds nobody up", "decided from Home, and shown afterwards")
}

// A channel that is deleted is never back, and neither is one whose id has changed.
func TestProveSlackAChannelThatIsGoneIsSaid(t *testing.T) {
	t.Parallel()
	for name, goes := range map[string]func(*slacksim.Sim){
		"deleted":    func(s *slacksim.Sim) { s.DeleteChannel(slacksim.SalesData) },
		"another id": func(s *slacksim.Sim) { s.Rename(slacksim.SalesData, "C0OTHER") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _, card := waiting(t)
			goes(h.sim)
			require.NoError(t, h.ben.Click(card, "Approve"))
			told := h.inDM(h.maya, "Your question is waiting.")
			require.Contains(t, told.Words(), "A channel that was deleted does not come back.")
			require.NoError(t, h.maya.Click(told, "End it"))
			h.state("withdrawn")
			h.inDM(h.maya, "Your question has ended")
			h.settled1(inQuestion)
			proof.Check(t, !t.Failed(), "a channel that is gone for good ("+name+") is said, and the question can be ended", "by direct message")
		})
	}
}

// Pages for people in place of JSON are outages like any other.
func TestProveSlackPagesOfAProxyAreOutages(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	for _, f := range []fault.Method{{Status: http.StatusBadGateway, Page: true}, {Page: true}, {Status: http.StatusServiceUnavailable, Page: true}} {
		for _, method := range []string{"chat.postMessage", "chat.update", "users.info", "conversations.info", "files.getUploadURLExternal", "files.completeUploadExternal", "views.open", "reactions.add"} {
			f.Method, f.Times = method, 2
			h.sim.Fail(f)
		}
	}
	root := h.ask("Does it get through?")
	h.approve(h.cardOf("Does it get through?"))
	require.Contains(t, h.reply(root).Text, "Here is the answer.")
	h.settled()
	proof.Check(t, !t.Failed(), "pages of a proxy in place of Slack's answers are waited out", "502, 503, 200")
}

// A question in a channel that another organisation has shared with us is heard: Slack names their workspace in the event.
func TestProveSlackAMentionInAChannelOfOthersIsHeard(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.sim.SetChannel(slacksim.Partners, func(c *workspace.Channel) { c.Team = "T0AGENCY" })
	h.writes("print(42)")
	root, err := h.maya.Say(slacksim.Partners, "@countersign What is 6 times 7?")
	require.NoError(t, err)
	h.approve(h.cardOf("What is 6 times 7?"))
	answer, err := h.maya.WaitReply(h.patient(), slacksim.Partners, root.TS, func(m workspace.Message) bool { return strings.Contains(m.Words(), "42") && m.Has("Details") })
	require.NoError(t, err)
	proof.Check(t, answer.BotID != "", "a mention in a channel that another organisation shares with ours is heard, whatever workspace Slack names", "asked, approved, answered")
}
