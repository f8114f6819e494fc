package bot

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

func TestTheBooksAreOpenedOnTheHome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := sample()
	b.service.change(func() {
		b.service.views[v.Request.ID], b.service.recent = v, []*approval.Request{v.Request}
		b.service.explained = &steps.Explanation{Request: v.Request}
		b.service.history = []approval.Event{{At: noon, Actor: slacksim.Admin, Kind: "set limit",
			Data: map[string]any{"scope": scopeOf(budget.User, slacksim.Analyst), "amount": 10 * budget.Dollar, "window": "month"}}}
		b.service.top = []steps.Spender{{ID: slacksim.Analyst, Amount: 3 * budget.Dollar}}
	})
	carla, maya := b.as(slacksim.Admin), b.as(slacksim.Analyst)
	require.NoError(t, carla.OpenHome())
	home := b.homeOf(carla, "Your questions")

	require.NoError(t, carla.ClickView(home, actionHistory))
	require.Contains(t, b.openedAs(carla, callbackNote).Words(), "set to $10.00 per month.")
	require.NoError(t, carla.CloseView())

	require.NoError(t, carla.ClickView(home, actionTop))
	require.Contains(t, b.openedAs(carla, callbackTop).Words(), "People")
	b.service.change(func() { b.service.top = []steps.Spender{{ID: "codestral-2508", Amount: budget.Cent}} })
	modal, _ := carla.View()
	require.NoError(t, carla.ClickView(modal, fieldRanking, "Models"))
	_, err := carla.WaitView(b.ctx, func(v workspace.View) bool { return contains(v.Words(), "Models", "this month", "codestral-2508") })
	require.NoError(t, err)
	modal, _ = carla.View()
	require.NoError(t, carla.ClickView(modal, fieldPeriod, "Last week"))
	_, err = carla.WaitView(b.ctx, func(v workspace.View) bool { return contains(v.Words(), "Models", "last week", "codestral-2508") })
	require.NoError(t, err, "what was chosen before stays chosen")
	require.NoError(t, carla.CloseView())

	require.NoError(t, carla.ClickView(home, actionExplain))
	b.openedAs(carla, callbackExplain)
	wrong, err := carla.Submit(slackperson.Fill(fieldRequest, "not an id"))
	require.NoError(t, err)
	require.Contains(t, wrong[fieldRequest], "is not the id of a question")
	_, err = carla.Submit(slackperson.Fill(fieldRequest, v.Request.ID))
	require.NoError(t, err)
	require.Contains(t, b.openedAs(carla, callbackNote).Words(), "What was decided about money for")

	require.NoError(t, maya.OpenHome())
	home = b.homeOf(maya, "Your questions")
	for _, action := range []string{actionHistory, actionTop, actionExplain} {
		require.Error(t, maya.ClickView(home, action), "only for administrators")
	}
	require.NoError(t, maya.ClickView(home, actionWhy))
	require.Contains(t, b.openedAs(maya, callbackNote).Words(), "What was decided about money for")
}

// contains tells whether a text holds all of these words.
func contains(text string, all ...string) bool {
	return !slices.ContainsFunc(all, func(words string) bool { return !strings.Contains(text, words) })
}
