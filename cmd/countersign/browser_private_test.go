package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/bot/ids"
	"countersign/internal/slacksim"
)

// Maya asks for herself alone, reads the answer in her direct messages, shares it with everybody,
// and takes it back from both.
func TestAPrivateAnswerIsSharedAndTakenBackInTheBrowser(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.shareSamples()
	b := h.startBrowser()
	maya, ben := b.sit(slacksim.Analyst, slacksim.SalesData), b.sit(slacksim.Reviewer, slacksim.CodeReview)
	h.writes(toldProgram)
	maya.types(test("composer"), "/analyze")
	maya.enter()
	maya.until(fmt.Sprintf(`document.querySelector(%s)`, quoted(test("input-files"))))
	maya.types(test("action-question"), "What was the revenue per month by region in sales.csv?")
	maya.click(fmt.Sprintf("[data-testid^=%q]", "option-"+h.file("sales.csv")+"/"))
	maya.click(test("option-" + ids.FieldAlone))
	maya.sees(test("modal"), "Reviewers still see your question and the code, not the answer.")
	maya.picture("private-form")
	maya.click(test("modal-submit"))
	maya.misses(test("modal"))
	card := h.cardOf("What was the revenue")
	ben.sees(message(card), "The answer goes only to @Maya Lindqvist")
	ben.picture("private-card", message(card))
	ben.click(message(card) + " " + test("action-approve"))

	reply := h.inDM(h.maya, "\nShare\n")
	h.settled()
	maya.goes("channel=" + h.maya.DM() + "&thread_ts=" + reply.ThreadTS)
	maya.sees(test("thread"), "best region was")
	maya.sees(test("thread"), "revenue-per-month.csv")
	maya.picture("private-answer")
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

	maya.click(message(reply) + " " + test("action-"+ids.ActionTakeBack))
	maya.sees("body", "The record keeps the answer")
	maya.picture("take-back")
	maya.click(test("confirm-accept"))
	maya.sees(test("thread"), "Taken back by @Maya Lindqvist")
	maya.misses(message(reply))
	ben.sees(test("channel"), "Taken back by @Maya Lindqvist")
	require.NotContains(t, ben.reads(test("channel")), "best region was")
	maya.picture("taken-back")
	ben.picture("taken-back-there")
	require.Empty(t, h.shows(slacksim.General, "revenue-per-month.csv"))
	require.Empty(t, h.shows(slacksim.SalesData, "best region was"))
}
