package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/bot/ids"
	"countersign/codegen/mistraltest"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// bestRegion is a program for a conversation's first turn, and bestByUnits for its second.
const (
	bestRegion = `from desk import answer, left_out, load, money, note

sales = load("sales.csv")
known = sales.dropna(subset=["units", "price"])
left_out(len(sales) - len(known), "no number of units")
note("Revenue is units times price.")
revenue = (known["units"] * known["price"]).groupby(known["region"]).sum()
answer(f"{revenue.idxmax()} sold for the most: {money(revenue.max())}.")`
	bestByUnits = `from desk import answer, load

units = load("sales.csv").groupby("product")["units"].sum()
answer(f"{units.idxmax()} sold best: {units.max():,.0f} units.")`
)

// A conversation of three turns. Maya chooses a model in the form; in the thread she goes on, and
// picks one of the answers to what the model asks; then she asks for herself alone, reads the answer
// in her direct messages, shares it with everybody, and takes it back from both.
func TestAConversationOfThreeTurnsIsHeldInTheBrowser(t *testing.T) {
	t.Parallel()
	h := openLight(t, twoModels)
	h.shareSamples()
	b := h.startBrowser()
	maya, ben := b.sit(slacksim.Analyst, slacksim.SalesData), b.sit(slacksim.Reviewer, slacksim.CodeReview)
	approves := func(question string, sees ...string) {
		t.Helper()
		card := h.cardOf(question)
		for _, words := range sees {
			ben.sees(message(card), words)
		}
		ben.picture(fmt.Sprintf("talk-card-%d", value[int](h, `SELECT count(*) FROM requests`)), message(card))
		ben.click(message(card) + " " + test("action-approve"))
	}
	form := func(question string) {
		t.Helper()
		maya.types(test("composer"), "/analyze")
		maya.enter()
		maya.until(fmt.Sprintf(`document.querySelector(%s)`, quoted(test("input-files"))))
		maya.types(test("action-question"), question)
		maya.click(fmt.Sprintf("[data-testid^=%q]", "option-"+h.file("sales.csv")+"/"))
	}

	// The first turn: through the form, by the model that she chooses there.
	h.model.Next(mistraltest.Reply{Content: "Adds up units times price per region, and names the largest sum.\n\n```python\n" + bestRegion + "\n```\n"})
	form("Which region sold for the most in sales.csv?")
	maya.choose(ids.FieldModel, "codestral-2508")
	maya.picture("talk-form")
	maya.click(test("modal-submit"))
	maya.misses(test("modal"))
	root := h.opened("")
	approves("Which region sold for the most", "codestral-2508")
	first := h.reply(root)
	require.Equal(t, "codestral-2508", h.model.Requests()[0].Model)
	maya.click(test("replies-" + root.TS))
	maya.sees(message(first), "sold for the most: ")
	maya.picture("talk-first")

	// The second: in the thread, about what was said. The model asks, and she picks an answer.
	h.model.Next(mistraltest.Reply{Content: "```question\nShould revenue or units decide which product sold best?\n- Revenue\n- Units\n```"},
		mistraltest.Reply{Content: "Adds up the units of each product, and names the one with the most.\n\n```python\n" + bestByUnits + "\n```\n"})
	maya.types(test("thread-composer"), "@countersign And which product sold best?")
	maya.enter()
	asked := h.says(root, "the model asks you")
	maya.sees(message(asked), "Should revenue or units decide")
	maya.picture("talk-asked")
	maya.click(message(asked) + " " + test("action-"+ids.ActionChoose2))
	approves("And which product sold best?", "The model asked the asker", "Units")
	maya.sees(message(asked), "answered: Units")
	calls := h.model.Requests()
	require.Len(t, calls, 3)
	require.Equal(t, "codestral-2508", calls[2].Model, "the model that she chose goes on")
	require.Contains(t, h.asked(), "Which region sold for the most", "a follow-up knows what was said")
	require.Contains(t, h.asked(), "The asker answers: Units")
	second, err := h.maya.WaitReply(h.patient(), root.Channel, root.TS, func(m workspace.Message) bool { return m.TS > asked.TS && m.Has("Show code") })
	require.NoError(t, err)
	maya.sees(message(second), "sold best: ")
	maya.picture("talk-second")

	// The third: for herself alone.
	h.model.Next(mistraltest.Reply{Content: "Adds up revenue per month and region, and draws a line for each region.\n\n```python\n" + toldProgram + "\n```\n"})
	form("What was the revenue per month by region in sales.csv?")
	maya.click(test("option-" + ids.FieldAlone))
	maya.sees(test("modal"), "Reviewers still see your question and the code, not the answer.")
	maya.picture("private-form")
	maya.click(test("modal-submit"))
	maya.misses(test("modal"))
	approves("What was the revenue", "The answer goes only to @Maya Lindqvist")
	reply := h.inDM(h.maya, "\nShare\n")
	h.settled()
	require.NotContains(t, h.asked(), "sold best", "and a private question knows nothing of it")
	maya.goes("channel=" + h.maya.DM() + "&thread_ts=" + reply.ThreadTS)
	maya.sees(test("thread"), "best region was")
	maya.sees(test("thread"), "revenue-per-month.csv")
	maya.picture("private-answer")
	require.Empty(t, h.shows(slacksim.SalesData, "best region was"), "it stands in no channel")

	// She shares it.
	maya.click(message(reply) + " " + test("action-"+ids.ActionShare))
	maya.choose(ids.FieldChannel, slacksim.General)
	maya.picture("share-form")
	maya.click(test("modal-submit"))
	maya.misses(test("modal"))
	ben.goes("channel=" + slacksim.General)
	ben.sees(test("channel"), "shares an answer to")
	ben.sees(test("channel"), "best region was")
	h.soon("its files are in the thread", func() bool { return len(h.shows(slacksim.General, "revenue-per-month.csv")) > 0 })
	h.quiet()
	ben.picture("shared")

	// And takes it back.
	maya.others(message(reply), "Take back")
	maya.sees(test("modal"), "The record keeps the answer")
	maya.picture("take-back")
	maya.click(test("modal-submit"))
	maya.sees(test("thread"), "Taken back by @Maya Lindqvist")
	maya.misses(message(reply))
	ben.sees(test("channel"), "Taken back by @Maya Lindqvist")
	require.NotContains(t, ben.reads(test("channel")), "best region was")
	maya.picture("taken-back")
	ben.picture("taken-back-there")
	require.Empty(t, h.shows(slacksim.General, "revenue-per-month.csv"))
	require.Empty(t, h.shows(slacksim.SalesData, "best region was"))
	h.quiet()
	require.Equal(t, 2, value[int](h, `SELECT count(*) FROM sessions`), "the thread, and what is hers alone")
	h.addsUp()
}
