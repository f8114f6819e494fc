package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
)

// twoModels are a model and a cheaper one.
func twoModels(c *Config) {
	c.MistralModel, c.MistralModels = "mistral-large-2512", []string{"codestral-2508"}
}

func TestMoneyIsSetRefusedAskedForGrantedAndSeenInTheBrowser(t *testing.T) {
	t.Parallel()
	h := openLight(t, twoModels)
	h.shareSamples()
	b := h.startBrowser()
	carla, maya, ben := b.sit(slacksim.Admin, slacksim.SalesData), b.sit(slacksim.Analyst, slacksim.SalesData), b.sit(slacksim.Reviewer, slacksim.CodeReview)

	// Carla gives Maya little, in the form that /budget alone opens.
	carla.types(test("composer"), "/budget")
	carla.enter()
	carla.sees(test("modal"), "Set a budget")
	carla.choose("user", slacksim.Analyst)
	carla.types(test("action-amount"), "lots")
	carla.click(test("modal-submit"))
	carla.sees(test("error-amount"), "not a dollar amount")
	carla.retypes("amount", "0.03")
	carla.choose("downgrade", "codestral-2508")
	carla.click(test("modal") + " " + test("action-downgrade")) // the list closes
	carla.picture("money-form")
	carla.click(test("modal-submit"))
	carla.misses(test("modal"))
	carla.sees("[data-ephemeral]", "is now $0.03 per month")
	carla.picture("money-set")

	// Maya asks, and is told in private that her question is kept.
	question := "How many rows does sales.csv have?"
	maya.types(test("composer"), "/analyze "+question)
	maya.enter()
	root := h.opened("")
	maya.sees("[data-ephemeral]", "Your question is saved, but over budget.")
	maya.click(test("replies-" + root.TS))
	maya.sees(test("thread"), "Paused: over budget")
	maya.sees(test("thread"), "░░░░")
	maya.sees(test("thread"), "Use codestral-2508 (at most ")
	maya.sees(test("thread"), "Ask for $0.01 more")
	maya.picture("money-blocked")
	require.Zero(t, len(h.model.Requests()), "nothing is called that nobody pays for")

	// She asks for more, with a reason.
	maya.click(test("thread") + " " + test("action-more_money"))
	maya.sees(test("modal"), "Ask for more budget")
	maya.retypes("amount", "5")
	maya.types(test("action-reason"), "The board meets tomorrow.")
	maya.picture("money-ask")
	maya.click(test("modal-submit"))
	maya.misses(test("modal"))
	maya.sees(test("thread"), "asked the administrators for $5 more")

	// Carla grants it where she is asked: in her direct messages.
	h.writes("import pandas as pd\n\nlen(pd.read_csv(\"sales.csv\"))")
	carla.goes("channel=" + h.carla.DM())
	asked := `[data-testid^="message-"]:has([data-testid="action-grant"])`
	carla.sees(asked, "The board meets tomorrow.")
	carla.picture("money-topup")
	carla.click(asked + " " + test("action-grant"))
	carla.sees(test("modal"), "Until when may it be spent?")
	carla.picture("money-grant")
	carla.click(test("modal-submit"))
	carla.misses(test("modal"))
	carla.sees(`[data-testid^="message-"]`, "Granted by")
	carla.misses(asked)
	carla.picture("money-granted")

	// It continues on its own: nobody types it again.
	card := h.card(root)
	ben.sees(message(card), question)
	ben.sees(message(card), "expected for the run, at most")
	ben.picture("money-card", message(card))
	ben.click(message(card) + " " + test("action-approve"))
	ben.sees(message(card), "Approved by @Ben Osei")
	maya.sees(test("thread"), "500")
	maya.click(test("thread") + " " + test("action-details"))
	maya.sees(test("modal"), "The run cost ")
	maya.click(test("modal-close"))
	maya.misses(test("modal"))
	maya.picture("money-answer")
	h.settled()

	// Both see on their Home how it stands.
	maya.goes("home=A0ANALYZE")
	maya.sees(test("home"), "of $5.03 spent")
	maya.sees(test("home"), "Includes a $5 top-up.")
	maya.picture("money-home")
	carla.goes("home=A0ANALYZE")
	carla.sees(test("home"), "The budget of @Maya Lindqvist")
	carla.picture("money-home-admin")
	carla.click(test("home") + " " + test("action-edit_limit"))
	carla.sees(test("modal"), "Edit a budget")
	carla.picture("money-edit")
	require.Contains(t, carla.reads(test("modal")), strings.Repeat("░", 10))
}

// choose picks an option of a list in the open form.
func (x *tab) choose(field, option string) {
	x.h.t.Helper()
	x.click(test("modal") + " " + test("action-"+field))
	x.click(test("option-" + option))
}

// retypes replaces what a field of the open form holds.
func (x *tab) retypes(field, text string) {
	x.h.t.Helper()
	at := test("modal") + " " + test("action-"+field)
	evaluate[bool](x, fmt.Sprintf(`(e => { e.focus(); e.select(); return true })(document.querySelector(%s))`, quoted(at)))
	x.types(at, text)
}
