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

func TestTheHousesOwnSpendingIsNobodys(t *testing.T) {
	t.Parallel()
	for _, by := range []steps.Ranking{steps.ByPeople, steps.ByChannels} {
		require.Equal(t, []kit.Part{kit.Words("Countersign's own checks")}, spender(by, steps.Spender{ID: approval.System}))
	}
	require.NotEqual(t, []kit.Part{kit.Words("Countersign's own checks")}, spender(steps.ByPeople, steps.Spender{ID: slacksim.Analyst}))
}
