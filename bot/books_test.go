package bot

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/books"
	"countersign/approval/steps"
	"countersign/bot/draw/home"
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
	wrong, err := carla.Submit(slackperson.Fill(ids.FieldRequest, "not-an-id!"))
	require.NoError(t, err)
	require.Contains(t, wrong[ids.FieldRequest], "is not the id of a question")
	_, err = carla.Submit(slackperson.Fill(ids.FieldRequest, " "+v.Request.ID+" ")) // as it was pasted
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

func TestOtherRulesAreTriedFromTheHome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.change(func() {
		b.service.outcome = books.Outcome{Since: sample.Noon, Until: sample.Noon, Versions: 3, Changes: []books.Changed{
			{Kind: books.OtherTier, RequestID: "k39jnxh", At: sample.Noon, Project: slacksim.SalesData, Asker: slacksim.Analyst, From: "low", To: "medium"}}}
	})
	carla := b.as(slacksim.Admin)
	require.NoError(t, carla.OpenHome())
	page := b.homeOf(carla, "Your questions")
	require.NoError(t, carla.ClickView(page, ids.ActionTry))
	require.Contains(t, b.openedAs(carla, ids.CallbackTry).Words(), "Nothing is saved")
	wrong, err := carla.Submit(slackperson.Fill(ids.FieldBudgets, "maya 5"))
	require.NoError(t, err)
	require.Contains(t, wrong[ids.FieldBudgets], "is no budget")
	b.sim.DelayAcks(500 * time.Millisecond) // Slack draws the ack after it has been told the outcome
	wrong, err = carla.Submit(slackperson.Form{ids.FieldBudgets: {"everybody $5 per month\n"}, home.TierField(ids.FieldNeeds, approval.Low): {"2"}})
	require.NoError(t, err)
	require.Empty(t, wrong)
	_, err = carla.WaitView(b.ctx, func(v workspace.View) bool {
		return contains(v.Words(), "1 version of another risk", "medium risk instead of low risk", "k39jnxh")
	})
	require.NoError(t, err)
	b.service.change(func() {
		require.Len(t, b.service.trials, 1)
		trial := b.service.trials[0]
		require.Equal(t, 2, trial.Rules(b.service.rules.Rules).Low.Approvals)
		require.Equal(t, budget.Role, trial.Budgets[0].Scope.Kind)
		require.InDelta(t, 30*24, trial.Until.Sub(trial.Since).Hours(), 2)
		require.Empty(t, b.service.wants, "nothing is set")
	})
}

func TestARankingOfThisMonthSaysThePace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.change(func() {
		b.service.top = []steps.Spender{{ID: slacksim.Analyst, Amount: 3 * budget.Dollar}}
		b.service.pace = budget.Pace{Spent: 3 * budget.Dollar, PerDay: 50 * budget.Cent, Days: 7, Projected: 9 * budget.Dollar, Until: sample.December}
	})
	m := b.command(slacksim.Admin, "top people this month", "At this pace about $9.00 by 30 November.")
	require.Contains(t, m.Text, "a day over the last 7 days")
}

// contains tells whether a text holds all of these words.
func contains(text string, all ...string) bool {
	return !slices.ContainsFunc(all, func(words string) bool { return !strings.Contains(text, words) })
}
