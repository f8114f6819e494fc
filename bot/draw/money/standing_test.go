package money

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/sample"
	"countersign/bot/kit"
	"countersign/budget"
	"countersign/internal/slacksim"
)

func TestABudgetTellsWorkUnderWayFromWhatIsUncertain(t *testing.T) {
	t.Parallel()
	s := sample.OfTen(sample.ScopeOf(budget.User, slacksim.Analyst), budget.Dollar)
	s.Held, s.Uncertain = 3*budget.Cent, 2*budget.Cent
	require.Equal(t, "$1 of $10 spent, 1 cent reserved for work in progress, $0.02 uncertain (a model did not say what its calls cost), $8.97 left.", figures(s))
	s.Uncertain = s.Held
	require.Equal(t, "$1 of $10 spent, $0.03 uncertain (a model did not say what its calls cost), $8.97 left.", figures(s))
}

func TestAnExplanationSaysThatACallIsUncertain(t *testing.T) {
	t.Parallel()
	title, _ := weighed(1, steps.Weighing{At: sample.Noon, Purpose: budget.ForDraft, Needed: 2 * budget.Cent, Model: "m", HoldID: "h", Uncertain: true}, "")
	p := &kit.Page{}
	p.Say(title...)
	require.Contains(t, p.Text(), "up to $0.02 stays reserved: it is not known yet what a call to the model cost. After two days it counts as spent.")
	title, _ = weighed(2, steps.Weighing{At: sample.Noon, Purpose: budget.ForInspect, Needed: 2 * budget.Cent, Model: "m", HoldID: "i", Uncertain: true}, "")
	p.Say(title...)
	require.Contains(t, p.Text(), "2. Inspecting the code, ")
	require.Contains(t, p.Text(), "up to $0.02 stays reserved: it is not known yet what it cost. After two days it counts as spent.")
}

func TestAnExplanationSaysThatTheProvidersUsageToldACost(t *testing.T) {
	t.Parallel()
	title, _ := weighed(1, steps.Weighing{At: sample.Noon, Purpose: budget.ForDraft, Needed: 2 * budget.Cent, Model: "m", HoldID: "h", Uncertain: true,
		Settled: &steps.Settled{At: sample.Noon, Spent: budget.Cent, UsageOf: "2026-11-26"}}, "")
	p := &kit.Page{}
	p.Say(title...)
	require.Contains(t, p.Text(), "up to $0.02 was reserved, 1 cent was spent: by what its provider says was used on 2026-11-26, at the highest price of input.")
}

func TestTheHousesOwnSpendingIsNobodys(t *testing.T) {
	t.Parallel()
	for _, by := range []steps.Ranking{steps.ByPeople, steps.ByChannels} {
		require.Equal(t, []kit.Part{kit.Words("Countersign's own checks")}, Spender(by, steps.Spender{ID: approval.System}))
	}
	require.NotEqual(t, []kit.Part{kit.Words("Countersign's own checks")}, Spender(steps.ByPeople, steps.Spender{ID: slacksim.Analyst}))
}

func TestAShareIsSaidAsItIs(t *testing.T) {
	t.Parallel()
	of := func(spent, held budget.USD) budget.Standing {
		return budget.Standing{Limit: budget.Limit{Amount: 10 * budget.Dollar}, Spent: spent, Held: held}
	}
	for _, tt := range []struct {
		of   budget.Standing
		says string
	}{
		{of(0, 0), "0%"},
		{of(1, 0), "under 1%"},
		{of(5*budget.Dollar, 0), "50%"},
		{of(620*budget.Cent, 40*budget.Cent), "66%"},
		{of(10*budget.Dollar-1, 0), "99%"},
		{of(10*budget.Dollar-2, 1), "99%"},
		{of(10*budget.Dollar, 0), "100%"},
		{of(9*budget.Dollar, 1*budget.Dollar), "100%"},
		{of(1, 10*budget.Dollar), "100%"},
		{of(12*budget.Dollar, 0), "100%"},
	} {
		require.Equal(t, tt.says, percent(tt.of))
	}
	topped := of(budget.Dollar, budget.Cent)
	topped.Limit.Extra = budget.Dollar
	require.Equal(t, kit.Bar{Limit: int64(11 * budget.Dollar), Spent: int64(budget.Dollar), Held: int64(budget.Cent)}, bar(topped), "what was granted on top is there to be spent")
}
