package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// Several questions of one thread wait for several decisions: none of them touches
// another, and buttons that were posted before a restart work after it.
func TestTheCardsOfOneThreadAreDecidedEachByItself(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	_, stop := h.run()
	root, err := h.maya.Say(slacksim.SalesData, "@countersign How many in case 0?")
	require.NoError(t, err)
	cards := []workspace.Message{h.cardOf("in case 0?")}
	for n := range 3 {
		_, err := h.maya.Reply(slacksim.SalesData, root.TS, fmt.Sprintf("@countersign How many in case %d?", n+1))
		require.NoError(t, err)
		cards = append(cards, h.cardOf(fmt.Sprintf("in case %d?", n+1)))
	}
	states := func() (all []string) {
		for n := range cards {
			all = append(all, h.row(fmt.Sprintf("in case %d?", n)).State)
		}
		return all
	}
	require.NoError(t, h.ben.Click(cards[2], "Approve"))
	h.soon("one has run", func() bool { return states()[2] == "done" })
	require.Equal(t, []string{"pending", "pending", "done", "pending"}, states())

	stop()
	require.NoError(t, h.sim.WaitSockets(h.ctx, 0))
	h.run()
	require.NoError(t, h.ben.Click(cards[1], "Reject"))
	wrong, err := h.ben.Submit(person.Fill("reason", "It is not needed."))
	require.NoError(t, err)
	require.Empty(t, wrong)
	h.becomes(cards[1], "Rejected")
	require.NoError(t, h.ben.Click(cards[0], "Approve"))
	h.soon("another has run", func() bool { return states()[0] == "done" })
	require.Equal(t, []string{"done", "rejected", "done", "pending"}, states())
	require.Equal(t, 3, value[int](h, `SELECT count(*) FROM decisions`))
	require.Equal(t, 2, value[int](h, `SELECT count(*) FROM runs`))
	still, err := h.ben.Find(cards[3].Channel, cards[3].TS)
	require.NoError(t, err)
	require.True(t, still.Has("Approve"))
	require.Len(t, h.ben.Messages(slacksim.CodeReview), 4, "one card for each")
}

// Only a person's press decides: not an app, though it were named as a reviewer,
// and not what anybody writes beside the card.
func TestWhatIsNoPersonsPressDecidesNothing(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)), func(c *Config) { c.Reviewers = append(c.Reviewers, slacksim.BotUser) })
	r, _ := h.run()
	h.ask("Who decides?")
	card := h.cardOf("Who decides?")
	_, err := r.service.Decide(h.ctx, steps.Ruling{RequestID: value[string](h, `SELECT id FROM requests`), Revision: 1,
		Digest: value[string](h, `SELECT digest FROM revisions`), Verdict: approval.Approve,
		Click: approval.Click{Team: slacksim.DefaultTeam.ID, User: slacksim.BotUser, Channel: card.Channel, ActionTS: "1.1", MessageTS: card.TS}})
	var no *approval.NotAllowedError
	require.ErrorAs(t, err, &no)
	require.Equal(t, approval.Because(approval.WhyApp), no.Why)
	for _, words := range []string{"Approve", "approve it, please", "https://example.com/approve?id=1"} {
		_, err := h.ben.Reply(slacksim.CodeReview, card.TS, words)
		require.NoError(t, err)
	}
	require.NoError(t, h.ben.Click(card, "Approve"))
	h.soon("it has run", func() bool {
		return value[string](h, `SELECT state FROM requests WHERE said(question) LIKE '%Who decides%'`) == "done"
	})
	require.Equal(t, slacksim.Reviewer, value[string](h, `SELECT string_agg(reviewer, ' ') FROM decisions`))
	require.NotZero(t, value[int](h, `SELECT count(*) FROM events WHERE kind = 'refused click' AND actor = $1`, slacksim.BotUser), "the attempt is on record")
}
