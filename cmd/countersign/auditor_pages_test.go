package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	pages "countersign/bot/draw/audit"
	"countersign/bot/ids"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// Slack lays three modals on one another and no fourth: from every page a request can be opened, and its code.
func TestAnAuditorTurnsPagesAndOpensWhatIsOnThem(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.share("sales.csv", "amount\n1\n")
	h.writes(slices.Repeat([]string{"print(1)"}, pages.Length+2)...)
	for n := range pages.Length + 2 {
		asker := []*person.Person{h.maya, h.carla}[n%2] // nobody may have more than twenty that are open
		require.NoError(t, asker.Command(slacksim.SalesData, fmt.Sprintf("/analyze Question %d about sales.csv?", n)))
	}
	jun := h.audits()
	h.soon("all have their code", func() bool {
		return value[int](h, `SELECT count(*) FROM requests WHERE state = 'pending'`) == pages.Length+2
	})
	h.soon("all has its place in the log", func() bool { return value[int](h, `SELECT count(*) FROM unlogged`) == 0 })
	first := h.looksFor(jun, person.Form{})
	require.NotContains(t, first.Words(), "Question 1 ")
	require.NotContains(t, first.Words(), "Newer ones")
	turned := func(action, words string) (page workspace.View) {
		t.Helper()
		open, _ := jun.View()
		require.NoError(t, jun.ClickView(open, action))
		page, err := jun.WaitView(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), words) })
		require.NoError(t, err)
		return page
	}
	require.NotContains(t, turned(ids.ActionFound, "Question 1 ").Words(), "Older ones")
	h.pushed(jun, ids.ActionRecord, "Request ")
	require.Contains(t, h.pushed(jun, ids.ActionWritten, "What was written").Words(), "print(1)")
	require.NoError(t, jun.CloseView())
	require.NoError(t, jun.CloseView())
	require.Contains(t, turned(ids.ActionNewer, fmt.Sprintf("Question %d ", pages.Length+1)).Words(), "Older ones")
}
