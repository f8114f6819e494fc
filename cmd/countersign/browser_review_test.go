package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/bot/ids"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// longProgram has so many lines, reads the sales and ends with their number.
func longProgram(n int) string {
	var code strings.Builder
	code.WriteString("import pandas as pd\n\nsales = pd.read_csv(\"sales.csv\")\n")
	for i := 4; i < n; i++ {
		switch i % 10 {
		case 0:
			code.WriteString("\n")
		case 1:
			fmt.Fprintf(&code, "# Step %d: one more month\n", i/10)
		default:
			fmt.Fprintf(&code, "month_%03d = sales[sales[\"date\"].str.startswith(\"2025-%02d\")][\"units\"].sum()\n", i, i%12+1)
		}
	}
	code.WriteString("len(sales)")
	return code.String()
}

// dangerous does what no question about sales needs.
const dangerous = `import os
import subprocess
import pandas as pd

sales = pd.read_csv("sales.csv")
for name in os.listdir("."):
    print(name)
print(subprocess.run(["id"], capture_output=True).stdout)
handler = getattr(os, "sys" + "tem")
sales.groupby("region")["units"].sum()`

func TestEveryKindOfCardIsFitToDecideOn(t *testing.T) {
	t.Parallel()
	h := openLight(t, func(c *Config) { c.MistralMaxTokens = 8192 }) // 400 lines are a long answer
	h.shareSamples()
	b := h.startBrowser()
	ben, priya := b.sit(slacksim.Reviewer, slacksim.CodeReview), b.sit(slacksim.SecondReviewer, slacksim.CodeReview)
	question := "What was the revenue per month by region in sales.csv?"

	// Short code: decided where it stands. Priya wants it changed first.
	h.writes(revenue)
	root := h.ask(question)
	card := h.card(root)
	ben.wide(982)
	ben.sees(message(card), "Low risk")
	ben.picture("card-short", message(card))
	priya.click(message(card) + " " + test("action-request_changes"))
	priya.sees(test("modal"), "What should be different?")
	priya.picture("changes")
	h.writes(strings.Replace(revenue, ".round(2)", ".round(0)", 1))
	priya.types(test("modal")+" textarea", "Round to whole dollars, please.")
	priya.click(test("modal-submit"))
	priya.misses(test("modal"))
	h.says(root, "Changes requested")
	former := card
	card = h.card2(root, "1 line added")
	ben.sees(message(former), "Superseded by revision 2")
	ben.misses(message(former) + " " + test("action-approve"))
	ben.sees(message(card), "1 line added, 1 removed since revision 1")
	ben.sees(message(card), "Round to whole dollars, please.")
	ben.picture("card-second", message(card))
	ben.wide(1440)
	ben.click(message(card) + " " + test("action-open_diff"))
	ben.sees(test("modal"), "What changed")
	ben.picture("diff")
	ben.click(test("modal-close"))
	ben.misses(test("modal"))
	ben.click(message(card) + " " + test("action-approve"))
	ben.sees(message(card), "Approved by @Ben Osei")
	h.reply(root)
	ben.wide(982)
	ben.picture("card-decided", message(card))
	ben.wide(1440)

	// 400 lines: in parts, every line once.
	h.writes(longProgram(400))
	root = h.ask(question)
	card = h.card2(root, "Review code")
	ben.wide(982)
	ben.picture("card-long", message(card))
	ben.wide(1440)
	ben.click(message(card) + " " + test("action-open_review"))
	ben.sees(test("modal"), "Part 5 of")
	require.Equal(t, longProgram(400), ben.code(test("modal")))
	ben.picture("review-long")
	ben.click(test("modal-close"))
	ben.misses(test("modal"))

	// Dangers: the modal, and the digest typed.
	h.writes(dangerous)
	root = h.ask(question)
	card = h.card2(root, "Review and approve")
	ben.wide(982)
	ben.sees(message(card), "High risk")
	ben.sees(message(card), "Danger")
	ben.picture("card-danger", message(card))
	ben.wide(1440)
	ben.click(message(card) + " " + test("action-open_review"))
	ben.sees(test("modal"), "Review the code")
	ben.picture("review-danger")
	ben.types(test("action-typed"), "abcdeg")
	ben.click(test("modal-submit"))
	ben.until(fmt.Sprintf(`document.querySelector(%s)`, quoted(test("error-typed"))))
	ben.picture("review-typed-wrong")
	require.Equal(t, "pending", value[string](h, `SELECT state FROM requests ORDER BY created_at DESC LIMIT 1`))
	ben.click(test("modal-close"))
	ben.misses(test("modal"))

	// Ben edits it instead; Priya reads what he has changed.
	ben.pick(message(card), "Edit the code")
	ben.sees(test("modal"), "somebody else must approve it")
	ben.picture("edit")
	ben.do("empties the field", chromedp.Focus(chromedp.CSS(test("action-code_1"))), chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.KeyEvent(kb.Delete))
	ben.types(test("action-code_1"), "import pandas as pd\n\nsales = pd.read_csv(\"sales.csv\")\nsales.groupby(\"region\")[\"units\"].sum()")
	ben.click(test("modal-submit"))
	ben.misses(test("modal"))
	card = h.card2(root, "so somebody else must approve it")
	priya.sees(message(card), "Written by @Ben Osei, so somebody else must approve it.")
	priya.wide(982)
	priya.picture("card-edited", message(card))
	priya.wide(1440)

	// The queue, and how administrators rule.
	ben.goes("home=A0ANALYZE")
	ben.sees(test("home"), "Waiting for you")
	ben.picture("home-reviewer")
	carla := b.sit(slacksim.Admin, "home=A0ANALYZE")
	carla.sees(test("home"), "Reviews")
	carla.picture("home-admin")
	carla.click(test("home") + " " + test("action-open_rules"))
	carla.sees(test("modal"), "Low risk: extra steps")
	carla.picture("rules")
	carla.click(test("modal-close"))
	carla.misses(test("modal"))
	carla.click(test("home") + " " + test("action-open_people"))
	carla.sees(test("modal"), "from the server's settings")
	carla.picture("people")
}

func TestACardThatNobodyDecidesOnSaysSoHonestly(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	r, _ := h.run()
	h.shareSamples()
	ben := h.startBrowser().sit(slacksim.Reviewer, slacksim.CodeReview)
	h.writes(revenue)
	root := h.ask("What was the revenue per month by region in sales.csv?")
	card, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool { return m.TS > root.TS })
	require.NoError(t, err)
	// Half of the wait is over, and however long a sweep takes here, the other half is not.
	require.NoError(t, h.database(func(conn *pgx.Conn) error {
		_, err := conn.Exec(h.ctx, `SET session_replication_role = replica; UPDATE revisions SET at = at - interval '2 hours'; SET session_replication_role = origin`)
		return err
	}))
	h.shorten("clock_timestamp() + interval '90 minutes'")
	h.soon("he is reminded", func() bool {
		return r.sweep(h.ctx) == nil && value[bool](h, `SELECT reminded_at IS NOT NULL FROM requests`)
	})
	h.shorten("clock_timestamp()")
	h.soon("it expires", func() bool {
		return r.sweep(h.ctx) == nil && value[string](h, `SELECT state FROM requests`) == "expired"
	})
	h.says(root, "Expired")
	ben.wide(982)
	ben.sees(message(card), "Expired: nobody decided")
	ben.misses(message(card) + " " + test("action-approve"))
	ben.picture("card-expired", message(card))
	_, err = h.ben.WaitMessage(h.patient(), h.ben.DM(), func(m workspace.Message) bool {
		return strings.Contains(m.Text, "waiting for a reviewer") || strings.Contains(m.Text, "Nothing left to do here")
	})
	require.NoError(t, err, "he was reminded")
	ben.wide(1440)
	ben.goes("channel=" + h.ben.DM())
	ben.picture("reminder")
}

// A reviewer finds their way when five hundred wait, and reads what is not theirs
// to decide, and why.
func TestAQueueOfFiveHundredIsReadPageByPage(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.shareSamples()
	h.writes(revenue)
	question := "What was the revenue per month by region in sales.csv?"
	h.card(h.ask(question))
	h.crowd(499)
	h.writes(dangerous) // his own, and the riskiest
	require.NoError(t, h.ben.Command(slacksim.SalesData, "/analyze "+question))
	h.soon("it waits", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'pending'`) == 501 })
	ben := h.startBrowser().sit(slacksim.Reviewer, "home=A0ANALYZE")
	ben.sees(test("home"), "Page 1 of 50, 500 requests in all")
	ben.do("makes the window high enough for a page", chromedp.EmulateViewport(1440, 1300))
	ben.picture("home-500-first")
	ben.click(test("home") + " " + test("action-q_next"))
	ben.sees(test("home"), "Page 2 of 50")
	ben.picture("home-500-second")
	ben.click(test("home") + " " + test("action-q_mine"))
	ben.click(test("option-all"))
	ben.sees(test("home"), "Page 1, more than 500 requests in all")
	ben.sees(test("home"), "You asked this question, so somebody else has to review the code.")
	ben.picture("home-500-all")
}

// pick chooses from a card's menu.
func (x *tab) pick(within, entry string) {
	x.h.t.Helper()
	x.entry(within, ids.ActionMore, entry)
}

// others chooses from an answer's menu.
func (x *tab) others(within, entry string) {
	x.h.t.Helper()
	x.entry(within, ids.ActionOthers, entry)
}

// entry opens a menu of three dots and chooses from it.
func (x *tab) entry(within, menu, entry string) {
	x.h.t.Helper()
	x.click(within + " " + test("action-"+menu))
	x.until(fmt.Sprintf(`[...document.querySelectorAll('[role=menuitem]')].some(e => e.innerText.includes(%s))`, quoted(entry)))
	evaluate[bool](x, fmt.Sprintf(`([...document.querySelectorAll('[role=menuitem]')].find(e => e.innerText.includes(%s)).click(), true)`, quoted(entry)))
}
