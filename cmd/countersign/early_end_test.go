package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/budget"
	"countersign/sandbox/e2b/e2btest"
)

// The run has taken over the box that waited, cannot fill it, and ends it. Its replica dies right after: the next one runs the code in another
// box, and what the first one was there for since the approval is on the bill.
func TestAnEarlyBoxWhoseRunnerDiesOverItsEndIsPaid(t *testing.T) {
	t.Parallel()
	defer turn()()
	cloud := newCloud(t)
	h := open(t, atE2B(cloud))
	h.allows(2 * budget.Cent)
	v := h.victim()
	h.writes("print(41)")
	h.ask("Who pays?")
	card := h.cardOf("Who pays?")
	box := h.boxOf("Who pays?")
	// Nothing can be put into it, for a reason that may pass.
	cloud.Fail(e2btest.Write, e2btest.Fault{Status: http.StatusServiceUnavailable, Body: `{"code":503,"message":"no"}`, Times: -1})
	cloud.Fail(e2btest.Kill, e2btest.Fault{Do: v.kill, Effect: true})
	require.NoError(t, h.ben.Click(card, "Approve"))
	h.gone(v)
	require.False(t, cloud.Box(box).Alive)
	require.Zero(t, cloud.Box(box).Starts)
	cloud.Heal()
	h.run()
	h.soon("the run's end", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == 1 })
	require.NotEqual(t, box, value[string](h, `SELECT box_id FROM runs`))
	charges, _ := h.kept("Who pays?")
	require.Equal(t, 2, charges, "while reviewers read, and from the approval to its end")
	require.False(t, h.readyOf("Who pays?").Used)
	require.Zero(t, h.readyOf("Who pays?").Ending)
}
