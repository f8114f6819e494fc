package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// A review channel that has lost the bot keeps nobody from hearing what became of
// the question, and what waits appears when the bot is let in again.
func TestAReviewChannelWithoutTheBotIsSaidAndMended(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.sim.Remove(slacksim.CodeReview, slacksim.BotUser)
	root := h.ask("Who reads this?")
	h.says(root, "Waiting, but the reviewers cannot see the code: I am no longer in the review channel. The administrators have been told")
	withdrawn := h.ask("Who reads that?")
	require.NoError(t, h.maya.Click(h.says(withdrawn, "I am no longer in the review channel"), "Cancel"))
	require.Contains(t, h.reply(withdrawn).Text, "Cancelled, and nothing ran.", "the bill comes without the card")

	told, err := h.carla.WaitMessage(h.patient(), h.carla.DM(), func(m workspace.Message) bool {
		return strings.Contains(m.Text, "I am no longer in the channel")
	})
	require.NoError(t, err)
	require.Contains(t, told.Text, "I cannot post in the review channel <#"+slacksim.CodeReview+">: ")
	require.Contains(t, told.Words(), "/invite @countersign")
	require.Len(t, h.carla.Messages(h.carla.DM()), 1, "told once, not for every question")

	h.sim.Invite(slacksim.CodeReview, slacksim.BotUser)
	card := h.cardOf("Who reads this?")
	h.says(root, "Waiting for a reviewer")
	require.NoError(t, h.ben.Click(card, "Approve"))
	require.Contains(t, h.reply(root).Text, "Here is the answer.")
	require.Equal(t, row{State: "done", Attempts: 1, Runs: 1, Decisions: 1, Charges: 3, Holds: 3}, h.row("Who reads this?"))
	h.settled()
}

// A channel of the asker's that has lost the bot leaves the card as true as ever. What
// was approved waits until the bot is back: prove_slack_away_test.go has the rest.
func TestAnAskersChannelWithoutTheBotLeavesTheCardTrue(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	root := h.ask("Does it come back?")
	card := h.cardOf("Does it come back?")
	h.says(root, "Waiting for a reviewer")
	h.sim.Remove(slacksim.SalesData, slacksim.BotUser)
	require.NoError(t, h.ben.Click(card, "Approve"))
	decided := h.becomes(card, "Approved")
	require.False(t, decided.Has("Approve"))
	require.Contains(t, h.becomes(card, "It cannot start yet.").Words(), "cannot read its files or answer there")
	require.Equal(t, "approved", h.row("Does it come back?").State)
	h.sim.Invite(slacksim.SalesData, slacksim.BotUser)
	require.Contains(t, h.reply(root).Text, "Here is the answer.", "nothing is lost")
	h.settled()
}
