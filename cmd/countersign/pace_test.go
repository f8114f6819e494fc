package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/codegen/mistraltest"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// Slack takes one message a second and channel, after a short burst. What comes
// faster waits, is posted once, and nothing is lost. The pauses here are a fifth of
// Slack's; with Slack's own it takes half a minute.
func TestTwentyCardsAtOnceAllArriveAtSlacksPace(t *testing.T) {
	t.Parallel()
	h := openAt(t, 5, 200*time.Millisecond, func(c *Config) { c.Runsc = "/nonexistent" })
	h.model.Answer(func(mistraltest.Request) mistraltest.Reply {
		return mistraltest.Reply{Content: "```python\n1 + 1\n```\n"}
	})
	h.bench(instant{}, 4)
	h.share("sales.csv", "month,amount\n2025-01,5\n")
	const n = 20
	for i := range n { // quicker than Slack takes what they lead to, and an ack waits for no post
		require.NoError(t, h.maya.Command(slacksim.SalesData, fmt.Sprintf("/analyze What is number %d in sales.csv?", i)))
	}
	var cards []string
	_, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
		if m.Has("Approve") && !slices.Contains(cards, m.TS) {
			cards = append(cards, m.TS)
		}
		return len(cards) == n
	})
	require.NoError(t, err, "%d cards came", len(cards))
	require.Equal(t, n, value[int](h, `SELECT count(*) FROM requests WHERE state = 'pending'`))
	for _, channel := range []string{slacksim.SalesData, slacksim.CodeReview} {
		var roots int
		for _, m := range h.ben.Messages(channel) {
			if m.BotID != "" && !m.Ephemeral {
				roots++
			}
		}
		require.Equal(t, n, roots, "each once, in %s", channel)
	}
}
