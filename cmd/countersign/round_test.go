package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
)

func TestTheWholeRound(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.run()
	h.shareSamples()
	h.writes(`import pandas as pd
df = pd.read_csv("sales.csv")
df.groupby("product")["units"].sum().reset_index()`)
	root := h.ask("How many units per product in sales.csv?")
	require.NoError(t, h.ben.Click(h.card(root), "Approve"))
	reply := h.reply(root)
	require.Contains(t, h.bill(reply), "codestral-2508")
	require.NoError(t, h.maya.Click(reply, "Good"))
	require.Contains(t, value[string](h, `SELECT string_agg(data::text, '') FROM events WHERE kind = 'rated'`), `"good":true`)
	h.settled()
	require.Equal(t, "done", value[string](h, `SELECT state FROM requests`))
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM runs`))
	require.NotContains(t, h.log.String(), "panicked")

	var out lockedBuffer
	p := h.program
	p.out, p.args = &out, []string{value[string](h, `SELECT id FROM requests`)}
	require.NoError(t, audit(h.ctx, p))
	for _, kind := range []string{"asked", "held", "called", "drafted", "approved", "started", "finished", "settled", "none has been changed"} {
		require.Contains(t, out.String(), kind)
	}
	require.Contains(t, out.String(), slacksim.Reviewer)
}
