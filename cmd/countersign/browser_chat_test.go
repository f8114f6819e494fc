package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// A person opens a chat with the bot, presses what it suggests, sees what it does, and reads the
// answer there.
func TestAChatIsHeldInTheAssistantView(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.shareSamples()
	b := h.startBrowser()
	maya, ben := b.sit(slacksim.Analyst, slacksim.SalesData), b.sit(slacksim.Reviewer, slacksim.CodeReview)
	h.writes(toldProgram)
	root := h.ask("What was the revenue per month by region in sales.csv?")
	ben.click(message(h.card(root)) + " " + test("action-approve"))
	h.reply(root)
	h.settled()

	maya.goes("channel=" + h.maya.DM())
	maya.click(test("new-chat"))
	maya.sees(test("thread-title"), "New chat")
	maya.sees(test("prompts"), "per month in sales.csv?")
	maya.sees(test("prompts"), "What can you do?")
	maya.picture("chat-suggestions")
	h.writes(toldProgram)
	maya.click(test("prompt-0"))
	maya.misses(test("prompts"))
	var asked workspace.Message
	h.soon("the question stands in the chat", func() bool {
		for _, m := range h.maya.Messages(h.maya.DM()) {
			if m.Chat != nil && len(h.maya.Thread(m.Channel, m.TS)) > 1 {
				asked = m
				return true
			}
		}
		return false
	})
	maya.sees(test("thread-title"), "per month in sales.csv?")
	card := h.cardOf("per month in sales.csv?")
	maya.picture("chat-waits")
	ben.click(message(card) + " " + test("action-approve"))
	reply := h.says(asked, "Show code")
	h.settled()
	maya.sees(message(reply), "Revenue per month")
	maya.sees(test("thread"), "revenue-per-month.csv")
	maya.picture("chat-answer")
	require.Empty(t, h.sim.As(slacksim.Analyst).Notices())
}
