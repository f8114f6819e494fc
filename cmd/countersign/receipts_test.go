package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/budget"
	"countersign/codegen/mistraltest"
	"countersign/internal/slacksim"
)

// total is what a receipt in Slack says.
var total = regexp.MustCompile(`Total: (\$[0-9.,]+)`)

// The receipts that people got in their threads, added up, are the month of the
// ledger: whatever became of a question, its bill was sent, and no cent is on two.
func TestTheMonthsReceiptsAddUpToTheLedger(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.run()
	h.shareSamples()
	question := "How many units per product in sales.csv?"
	roots := map[string]slacksim.Message{}

	h.writes("print(1)")
	roots["answered"] = h.ask(question)
	require.NoError(t, h.ben.Click(h.card(roots["answered"]), "Approve"))

	h.writes(`raise ValueError("no")`)
	roots["raised"] = h.ask(question)
	require.NoError(t, h.ben.Click(h.card(roots["raised"]), "Approve"))

	h.model.Next(mistraltest.Reply{Content: "I would rather not."})
	roots["in words"] = h.ask(question)

	h.writes("print((", "print(2)")
	roots["repaired and taken back"] = h.ask(question)
	h.card(roots["repaired and taken back"])
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze cancel "+value[string](h, `SELECT id FROM requests WHERE state = 'pending'`)))

	h.writes("print(3)")
	roots["rejected"] = h.ask(question)
	card := h.card(roots["rejected"])
	require.NoError(t, h.ben.Click(card, "Reject"))
	_, err := h.ben.Submit(slacksim.Fill("reason", "not now"))
	require.NoError(t, err)

	var receipts budget.USD
	for what, root := range roots {
		said := h.says(root, "Total:")
		found := total.FindStringSubmatch(said.Text)
		require.NotNil(t, found, "%s: %s", what, said.Text)
		amount, err := budget.ParseUSD(strings.TrimSuffix(found[1], "."))
		require.NoError(t, err, what)
		require.Positive(t, amount, what)
		receipts += amount
	}
	h.settled()
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
