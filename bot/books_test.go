package bot

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

func TestTheBooksAreOpenedOnTheHome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := sample.View()
	b.service.change(func() {
		b.service.views[v.Request.ID], b.service.recent = v, []*approval.Request{v.Request}
		b.service.explained = &steps.Explanation{Request: v.Request}
		b.service.history = []approval.Event{{At: sample.Noon, Actor: slacksim.Admin, Kind: "set limit",
			Data: map[string]any{"scope": sample.ScopeOf(budget.User, slacksim.Analyst), "amount": 10 * budget.Dollar, "window": "month"}}}
		b.service.top = []steps.Spender{{ID: slacksim.Analyst, Amount: 3 * budget.Dollar}}
	})
	carla, maya := b.as(slacksim.Admin), b.as(slacksim.Analyst)
	require.NoError(t, carla.OpenHome())
	home := b.homeOf(carla, "Your questions")

	require.NoError(t, carla.ClickView(home, ids.ActionHistory))
	require.Contains(t, b.openedAs(carla, kit.CallbackNote).Words(), "set to $10 per month.")
	require.NoError(t, carla.CloseView())

	require.NoError(t, carla.ClickView(home, ids.ActionTop))
	require.Contains(t, b.openedAs(carla, ids.CallbackTop).Words(), "People")
	b.service.change(func() { b.service.top = []steps.Spender{{ID: "codestral-2508", Amount: budget.Cent}} })
	modal, _ := carla.View()
	require.NoError(t, carla.ClickView(modal, ids.FieldRanking, "Models"))
	_, err := carla.WaitView(b.ctx, func(v workspace.View) bool { return contains(v.Words(), "Models", "this month", "codestral-2508") })
	require.NoError(t, err)
	modal, _ = carla.View()
	require.NoError(t, carla.ClickView(modal, ids.FieldPeriod, "Last week"))
	_, err = carla.WaitView(b.ctx, func(v workspace.View) bool { return contains(v.Words(), "Models", "last week", "codestral-2508") })
	require.NoError(t, err, "what was chosen before stays chosen")
	require.NoError(t, carla.CloseView())

	require.NoError(t, carla.ClickView(home, ids.ActionExplain))
	b.openedAs(carla, ids.CallbackExplain)
	wrong, err := carla.Submit(slackperson.Fill(ids.FieldRequest, "not an id"))
	require.NoError(t, err)
	require.Contains(t, wrong[ids.FieldRequest], "is not the id of a question")
	_, err = carla.Submit(slackperson.Fill(ids.FieldRequest, v.Request.ID))
	require.NoError(t, err)
	require.Contains(t, b.openedAs(carla, kit.CallbackNote).Words(), "What this question cost")

	require.NoError(t, maya.OpenHome())
	home = b.homeOf(maya, "Your questions")
	for _, action := range []string{ids.ActionHistory, ids.ActionTop, ids.ActionExplain} {
		require.Error(t, maya.ClickView(home, action), "only for administrators")
	}
	require.NoError(t, maya.ClickView(home, ids.ActionWhy))
	require.Contains(t, b.openedAs(maya, kit.CallbackNote).Words(), "What this question cost")
}

// contains tells whether a text holds all of these words.
func contains(text string, all ...string) bool {
	return !slices.ContainsFunc(all, func(words string) bool { return !strings.Contains(text, words) })
}
