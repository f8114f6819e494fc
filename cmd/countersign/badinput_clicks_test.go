package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

func TestAClickOnAnOldCardGetsATruthfulAnswer(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.ask("Old or new?")
	card := h.cardOf("Old or new?")

	other := card // as if another revision had been on the card
	other.Blocks = with(card.Blocks, "approve", func(seal string) string {
		fields := strings.Split(seal, "/")
		fields[2] = strings.Repeat("0", 64)
		return strings.Join(fields, "/")
	})
	require.NoError(t, h.ben.ClickOld(other, "Approve"))
	h.told(h.ben, slacksim.CodeReview, "This card is out of date. Nothing has changed. Please use the latest card.")
	other.Blocks = with(card.Blocks, "approve", func(string) string { return "v0-button" })
	require.NoError(t, h.ben.ClickOld(other, "Approve"))
	h.told(h.ben, slacksim.CodeReview, "I do not recognise this button. It may be from an older version of this app; please look for a newer card.")
	require.Equal(t, "pending", h.row("Old or new?").State)
	require.Zero(t, h.row("Old or new?").Decisions)

	require.NoError(t, h.ben.Click(card, "Approve"))
	require.NoError(t, h.priya.ClickOld(card, "Approve"), "Priya's Slack has not heard of it yet")
	h.told(h.priya, slacksim.CodeReview, "This is already approved. Nothing has changed.")
	require.NoError(t, h.priya.ClickOld(card, "Reject"))
	_, open := h.priya.View()
	require.False(t, open, "nobody is asked for a reason that would do nothing")
	h.becomes(card, "Approved and run")
	gone, err := h.ben.Find(card.Channel, card.TS)
	require.NoError(t, err)
	require.NotContains(t, gone.Actions(), "approve")
	require.Error(t, h.ben.Click(card, "Approve"), "its buttons are gone")
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM runs`))
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM decisions`))
	h.settled()
}

// with is a copy of blocks in which one button has another value.
func with(blocks []blockkit.Block, action string, change func(value string) string) []blockkit.Block {
	var copied []blockkit.Block
	for _, b := range blocks {
		list, _ := b["elements"].([]any)
		var elements []any
		for _, e := range list {
			body, ok := e.(map[string]any)
			if ok && body["action_id"] == action {
				fresh := map[string]any{}
				for k, v := range body {
					fresh[k] = v
				}
				fresh["value"] = change(body["value"].(string))
				e = fresh
			}
			elements = append(elements, e)
		}
		fresh := blockkit.Block{}
		for k, v := range b {
			fresh[k] = v
		}
		fresh["elements"] = elements
		copied = append(copied, fresh)
	}
	return copied
}

func TestADoubleClickCountsOnce(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	root := h.ask("Twice?")
	card := h.cardOf("Twice?")
	h.sim.Duplicate(1) // Slack sends the click on both connections
	require.NoError(t, h.ben.ClickOld(card, "Approve"))
	require.NoError(t, h.ben.ClickOld(card, "Approve"), "and a nervous finger presses again")
	h.told(h.ben, slacksim.CodeReview, "This is already approved. Nothing has changed.")
	h.reply(root)
	require.Len(t, h.ben.Ephemerals(slacksim.CodeReview), 1, "the repeated delivery is no second click: %q", private(h.ben, slacksim.CodeReview))
	require.Equal(t, row{State: "done", Attempts: 1, Runs: 1, Decisions: 1, Charges: 3, Holds: 3}, h.row("Twice?"))
	h.settled()
}

func TestOnlyReviewersOtherThanTheAskerDecide(t *testing.T) {
	t.Parallel()
	h := openLight(t, func(c *Config) {
		// Reviews happen where everybody can see the card, and the guest was named by mistake.
		c.ReviewChannel, c.Reviewers = slacksim.SalesData, append(c.Reviewers, slacksim.Guest, slacksim.Deactivated)
	})
	require.NoError(t, h.ben.Command(slacksim.SalesData, "/analyze Ben asks?"))
	card := h.cardOf("Ben asks?")
	theo, jun := h.sim.As(slacksim.Guest), h.sim.As(slacksim.OtherAnalyst)
	for who, why := range map[*person.Person]string{
		h.ben:   "You asked this question, so somebody else has to review the code.",
		theo:    "Guests cannot decide.",
		jun:     "Only the people who are named as reviewers can decide. Nothing has changed.",
		h.carla: "Only the people who are named as reviewers can decide. Nothing has changed.",
	} {
		for _, button := range []string{"Approve", "Reject"} {
			last := ""
			for _, m := range who.Ephemerals(slacksim.SalesData) {
				last = m.TS
			}
			require.NoError(t, who.Click(card, button))
			_, err := who.WaitEphemeral(h.patient(), slacksim.SalesData, func(m workspace.Message) bool { return m.TS > last && strings.Contains(m.Words(), why) })
			require.NoError(t, err, "%s on %s", who.ID(), button)
			_, open := who.View()
			require.False(t, open, "no form for %s", who.ID())
		}
	}
	require.Error(t, h.sim.As(slacksim.Deactivated).Click(card, "Approve"), "who has left cannot even click")
	r := h.row("Ben asks?")
	require.Equal(t, row{State: "pending", Attempts: 1, Charges: 2, Holds: 2}, r)
	require.Equal(t, 8, value[int](h, `SELECT count(*) FROM events WHERE kind = 'refused click'`), "each of them is on record")
	require.NoError(t, h.priya.Click(card, "Approve"))
	h.becomes(card, "Approved and run")
	h.settled()
}

func TestARejectionTakesAReasonAndPassesItOn(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	root := h.ask("Reject me?")
	card := h.cardOf("Reject me?")
	require.NoError(t, h.ben.Click(card, "Reject"))
	wrong, err := h.ben.Submit(person.Fill("reason", "  "))
	require.NoError(t, err)
	require.NotEmpty(t, wrong["reason"], "a reason is wanted")
	const reason = "It reads *all* of <sales.csv> & `more`."
	wrong, err = h.ben.Submit(person.Fill("reason", reason))
	require.NoError(t, err)
	require.Empty(t, wrong)
	require.NoError(t, h.ben.WaitNoView(h.patient()))
	reply := h.reply(root)
	require.Contains(t, reply.Words(), ": "+reason)
	require.Contains(t, reply.Text, "Rejected by <@"+slacksim.Reviewer+">: It reads *all* of &lt;sales.csv&gt; &amp; `more`.")
	now := h.becomes(card, "Rejected by")
	require.Contains(t, now.Words(), reason)
	require.Empty(t, now.Actions())
	require.Equal(t, row{State: "rejected", Attempts: 1, Decisions: 1, Charges: 2, Holds: 2}, h.row("Reject me?"))
	require.Equal(t, reason, value[string](h, `SELECT said(reason) FROM decisions`))
	h.settled()
}

func TestLongCodeIsDecidedWhereAllOfItIsShown(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	var long []string
	for i := range 200 {
		long = append(long, "total = "+strings.Repeat("1 + ", 8)+"0  # step", strings.Repeat("#", i%40))
	}
	long = append(long, "total")
	h.writes(strings.Join(long, "\n"))
	root := h.ask("A long one?")
	card := h.cardOf("A long one?")
	require.Contains(t, card.Words(), "too long for a card, open it to read.")
	require.False(t, card.Has("Approve"), "no Approve beside code that is not whole")
	require.NoError(t, h.carla.Click(card, "Review code (401 lines)"))
	h.told(h.carla, slacksim.CodeReview, "Only the people who are named as reviewers can decide. Nothing has changed.")
	require.NoError(t, h.ben.Click(card, "Review code (401 lines)"))
	form, ok := h.ben.View()
	require.True(t, ok)
	read := form.Words()
	for _, line := range []string{"Part 1 of", "lines 1 to 73 of 401", "  1  total = 1 + ", "401  total", "Review the code"} {
		require.True(t, strings.Contains(read, line), line)
	}
	wrong, err := h.ben.Submit(nil)
	require.NoError(t, err)
	require.Empty(t, wrong)
	require.Contains(t, h.reply(root).Words(), "8")
	require.Equal(t, row{State: "done", Attempts: 1, Runs: 1, Decisions: 1, Charges: 3, Holds: 3}, h.row("A long one?"))
	h.settled()
}
