package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
)

// Where it takes two, both approve on the card, one after the other. The first approval puts
// "This was not me" beside the code, which the second one must not take for Slack's doing.
func TestTwoReviewersApproveOnOneCard(t *testing.T) {
	t.Parallel()
	h := openLight(t, func(c *Config) { c.Quorum = 2 })
	h.share("sales.csv", "units\n3\n4\n")
	h.writes(`import pandas as pd
pd.read_csv("sales.csv")["units"].sum()`)
	root := h.ask("How many units in sales.csv?")
	card := h.cardOf("How many units in sales.csv?")
	require.NoError(t, h.ben.Click(card, "Approve"))
	card = h.becomes(card, "1 of 2 approvals")
	require.True(t, card.Has("This was not me"))
	require.NoError(t, h.priya.Click(card, "Approve"))
	h.reply(root)
	require.Equal(t, 2, value[int](h, `SELECT count(*) FROM decisions WHERE verdict = 'approve'`))
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM runs`))
	require.Empty(t, h.priya.Ephemerals(slacksim.CodeReview))
	require.NotContains(t, h.log.String(), "does not say what was sent")
	h.settled()
}
