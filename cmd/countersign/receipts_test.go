package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/codegen/mistraltest"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
	"countersign/sandbox/e2b/e2btest"
)

// total is what a receipt in Slack says.
var total = regexp.MustCompile(`Total: (\$[0-9.,]+)`)

// The receipts that people got in their threads, added up, are the month of the
// ledger: whatever became of a question, its bill was sent, and no cent is on two.
func TestTheMonthsReceiptsAddUpToTheLedger(t *testing.T) {
	t.Parallel()
	cloud := newCloud(t)
	h := open(t, atE2B(cloud))
	r, _ := h.run()
	h.shareSamples()
	roots := map[string]workspace.Message{}
	ask := func(fate string, programs ...string) workspace.Message {
		h.writes(programs...)
		roots[fate] = h.ask("How many units per product in sales.csv, when this is " + fate + "?")
		return h.cardOf("when this is " + fate + "?")
	}
	id := func(fate string) string {
		return value[string](h, `SELECT id FROM requests WHERE strpos(said(question), $1) > 0`, "when this is "+fate+"?")
	}
	approves := func(card workspace.Message) { require.NoError(t, h.ben.Click(card, "Approve")) }
	takesBack := func(fate string) {
		require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze cancel "+id(fate)))
	}
	limit := budget.Limit{Scope: budget.Scope{Team: slacksim.DefaultTeam.ID, Kind: budget.User, ID: slacksim.Analyst}, Amount: budget.Cent / 100, Window: budget.Month}
	broke := func(during func()) { // nothing fits into Maya's budget
		require.NoError(t, r.service.SetLimit(h.ctx, slacksim.Admin, limit))
		during()
		require.NoError(t, r.service.RemoveLimit(h.ctx, slacksim.Admin, limit.Scope))
	}

	approves(ask("answered", "print(1)"))
	approves(ask("raised", `raise ValueError("no")`))
	h.model.Next(mistraltest.Reply{Content: "I would rather not."})
	roots["in words"] = h.ask("How many units per product in sales.csv, in words?")
	h.reply(roots["in words"])
	ask("repaired and taken back", "print((", "print(2)")
	takesBack("repaired and taken back")

	require.NoError(t, h.ben.Click(ask("rejected", "print(3)"), "Reject"))
	_, err := h.ben.Submit(person.Fill("reason", "not now"))
	require.NoError(t, err)

	card := ask("rewritten", "print(4)", "print(5)")
	require.NoError(t, h.ben.Click(card, "Request changes"))
	_, err = h.ben.Submit(person.Fill("reason", "five, please"))
	require.NoError(t, err)
	require.NoError(t, h.priya.Click(h.card(card), "Approve"), "it is what Ben wished")

	card = ask("edited", "print(6)")
	_, err = r.service.Edit(h.ctx, steps.Ruling{RequestID: id("edited"), Revision: 1, Digest: value[string](h, `SELECT digest FROM revisions WHERE request_id = $1`, id("edited")),
		Click: approval.Click{Team: slacksim.DefaultTeam.ID, User: slacksim.SecondReviewer, ActionTS: "edit"}}, "print(7)")
	require.NoError(t, err)
	approves(h.card(card))

	card = ask("voided", "print(8)")
	h.quiet() // or the fault is another run's, which starts late
	cloud.Fail(e2btest.Start, e2btest.Fault{Status: http.StatusInsufficientStorage, Body: `{"code":507,"message":"no space left"}`})
	approves(card)
	require.Contains(t, h.reply(roots["voided"]).Text, "do not fit on the box's disk")

	approves(ask("lost", "import time\ntime.sleep(60)"))
	h.soon("the code starts", func() bool { return cloud.Starts(id("lost")) == 1 })
	cloud.End(value[string](h, `SELECT box_id FROM runs WHERE request_id = $1`, id("lost")))

	ask("expired", "print(9)")
	value[string](h, `UPDATE requests SET expires_at = clock_timestamp() WHERE id = $1 RETURNING id`, id("expired"))
	require.NoError(t, r.sweep(h.ctx))

	card = ask("blocked before its run", "print(10)")
	broke(func() {
		approves(card)
		h.says(roots["blocked before its run"], "Paused: over budget")
		takesBack("blocked before its run")
		h.reply(roots["blocked before its run"])

		root := h.ask("How many units per product in sales.csv, when this is blocked at once?")
		h.says(root, "Paused: over budget")
		takesBack("blocked at once")
		h.says(root, "Cancelled. Nothing ran.")
		for _, m := range h.maya.Thread(root.Channel, root.TS) {
			require.False(t, m.Has("Details"), "it has cost nothing, and has no bill")
		}
	})

	card = ask("blocked and goes on", "print(11)")
	broke(func() {
		approves(card)
		h.says(roots["blocked and goes on"], "Paused: over budget")
	})
	require.NoError(t, h.maya.Click(h.says(roots["blocked and goes on"], "Paused: over budget"), "Try again"))
	h.says(roots["blocked and goes on"], "Waiting for a reviewer")
	approves(h.becomes(card, "Approve"))

	var receipts budget.USD
	for what, root := range roots {
		bill := h.bill(h.reply(root))
		found := total.FindStringSubmatch(bill)
		require.NotNil(t, found, "%s: %s", what, bill)
		amount, err := budget.ParseUSD(strings.TrimSuffix(found[1], "."))
		require.NoError(t, err, what)
		require.Positive(t, amount, what)
		receipts += amount
	}
	fates := map[string]int{}
	for _, state := range column[string](h, `SELECT state FROM requests`) {
		fates[state]++
	}
	require.Equal(t, map[string]int{"done": 5, "failed": 2, "withdrawn": 3, "rejected": 1, "lost": 1, "expired": 1}, fates, "every way in which a request can end")
	h.settled()
	receipts += budget.USD(value[int64](h, `SELECT coalesce(sum(amount), 0) FROM settlements WHERE request_id IS NULL`)) // serve's own self-test
	require.Equal(t, receipts, budget.USD(value[int64](h, `SELECT sum(amount) FROM settlements`)), "the ledger")
	require.Equal(t, receipts, budget.USD(value[int64](h, `SELECT sum(spent) FROM balances WHERE kind = 'team' AND grain = 'day'`)), "the team's balance")

	var out lockedBuffer
	p := h.program
	p.out, p.args = &out, []string{"--format", "json"}
	require.NoError(t, spending(h.ctx, p))
	var rows []struct {
		USD string `json:"usd"`
	}
	require.NoError(t, json.Unmarshal([]byte(out.String()), &rows), out.String())
	var used budget.USD
	for _, row := range rows {
		amount, err := budget.ParseUSD(row.USD)
		require.NoError(t, err)
		used += amount
	}
	require.Equal(t, receipts, used, "countersign usage")
}
