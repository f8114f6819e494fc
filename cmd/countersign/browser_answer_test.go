package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// toldProgram is a program that tells people what it found: a sentence, what it left out, a chart
// and a table.
const toldProgram = `from desk import answer, chart, left_out, load, money, note, table

sales = load("sales.csv")
known = sales.dropna(subset=["units", "price"])
left_out(len(sales) - len(known), "no number of units")
note("Revenue is units times price.")
known = known.assign(revenue=known["units"] * known["price"], month=known["date"].astype(str).str[:7])
months = known.pivot_table(index="month", columns="region", values="revenue", aggfunc="sum")
answer(f"Revenue was {money(known['revenue'].sum())}; the best region was {months.sum().idxmax()}.")
chart(months.plot(title="Revenue per month").figure)
table(months, "Revenue per month")`

// An answer is read as a person reads it: the sentence first, then what was left out, the
// chart, the table; the bill folded, the code one press away. A slip in a file's name and
// a program that breaks are mended by a press each.
func TestAnAnswerIsReadAsAPersonReadsIt(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.shareSamples()
	b := h.startBrowser()
	maya, ben := b.sit(slacksim.Analyst, slacksim.SalesData), b.sit(slacksim.Reviewer, slacksim.CodeReview)

	// The name of the file has a slip in it.
	h.writes(`raise ValueError("no such month")`)
	maya.types(test("composer"), "/analyze What was the revenue per month by region in salse.csv?")
	maya.enter()
	asked, err := h.maya.WaitMessage(h.patient(), h.maya.DM(), func(m workspace.Message) bool { return m.Has("Use sales.csv") })
	require.NoError(t, err, h.everything())
	maya.goes("channel=" + h.maya.DM())
	maya.sees(message(asked), "Did you mean sales.csv?")
	maya.picture("did-you-mean")
	maya.click(message(asked) + " " + test("action-meant"))
	maya.sees(test("ephemeral"), "Only visible to you")
	maya.goes("channel=" + slacksim.SalesData)
	root := h.opened("")
	require.Contains(t, root.Words(), "revenue per month by region in sales.csv?", "the question is kept, with the name that was meant")

	// The program breaks; a press has it fixed.
	card := h.card(root)
	ben.click(message(card) + " " + test("action-approve"))
	broken := h.reply(root)
	maya.click(test("replies-" + root.TS))
	maya.sees(message(broken), `line 1: raise ValueError("no such month")`) // the code, which was reviewed; the words of the error are in Details
	maya.picture("broken")
	h.writes(toldProgram)
	maya.click(message(broken) + " " + test("action-fix"))
	card = h.cardOf("Fix this, please")
	ben.sees(message(card), "Fix this, please")
	require.Equal(t, toldProgram, ben.code(message(card)))
	ben.click(message(card) + " " + test("action-approve"))
	reply, err := h.maya.WaitReply(h.patient(), root.Channel, root.TS, func(m workspace.Message) bool { return m.TS > broken.TS && m.Has("Show code") })
	require.NoError(t, err)
	h.settled()

	// In this order, and nothing twice.
	maya.sees(message(reply), "Revenue per month")
	maya.sees(test("thread"), "revenue-per-month.csv")
	text := maya.reads(test("thread"))
	text = text[strings.LastIndex(text, "Revenue was 1"):]
	order := []string{"Revenue was 1", "best region was", "Revenue is units times price · ", "Left out: 9 rows", "revenue-per-month.png", "2025-01", "Show code", "Details", "under 1 cent · $", "revenue-per-month.csv"}
	var at []int
	for _, words := range order {
		at = append(at, strings.Index(text, words))
		require.NotEqual(t, -1, at[len(at)-1], "%s: %s", words, text)
	}
	require.True(t, slices.IsSorted(at), "%v of %v: %s", at, order, text)
	require.NotContains(t, text, "tokens", "the bill is folded")
	require.NotContains(t, text, "from desk import", "and so is the code")
	shown := maya.reads(message(reply) + " table")
	require.Contains(t, shown, "7,198", "thousands are separated")
	require.NotContains(t, shown, ".", "and nobody reads the cents of thousands")
	maya.sees(test("channel")+" "+test("reactions"), "1")
	maya.picture("answer-wide")

	// Each is one press away.
	maya.click(message(reply) + " " + test("action-details"))
	maya.sees(test("modal"), "tokens in and")
	maya.sees(test("modal"), "Total: $")
	maya.picture("details")
	maya.click(test("modal-close"))
	maya.misses(test("modal"))
	maya.click(message(reply) + " " + test("action-show_code"))
	maya.sees(test("modal"), "Approved by @Ben Osei")
	require.Equal(t, toldProgram, maya.code(test("modal")))
	maya.picture("code")
	maya.click(test("modal-close"))
	maya.misses(test("modal"))
	maya.click(message(reply) + " " + test("action-good"))
	maya.sees("[data-ephemeral]", "Noted as good.")
	maya.do("holds a phone", chromedp.EmulateViewport(390, 844))
	evaluate[bool](maya, fmt.Sprintf(`(document.querySelector(%s).scrollIntoView(), true)`, quoted(message(reply))))
	maya.picture("answer-phone")
}

// Whoever opens the page finds the round that was played, with its thread beside it, also
// after a reload.
func TestThePageOpensWhereSomethingHappened(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.shareSamples()
	b := h.startBrowser()
	maya := b.sit(slacksim.Analyst, slacksim.SalesData)
	h.writes("41 + 1")
	root := h.ask("What is the answer in sales.csv?")
	require.NoError(t, h.ben.Click(h.card(root), "Approve"))
	h.reply(root)
	h.settled()
	for range 2 {
		maya.goes("")
		maya.sees(test("channel"), "sales-data")
		maya.sees(test("thread"), "Show code")
		maya.do("reloads", chromedp.Reload())
		maya.sees(test("thread"), "Show code")
	}
	maya.picture("opened")
}
