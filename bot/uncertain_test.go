package bot

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/slacksim"
)

// doubtful is a question whose call nobody knows the cost of.
func doubtful(v *steps.View) {
	v.Bill = nil
	v.Request.Holds = []approval.OpenHold{{Hold: budget.Hold{ID: "h", Purpose: budget.ForDraft, Amount: 2 * budget.Cent, At: noon}, Called: true, Risked: budget.Cent, UncertainAt: noon}}
}

func TestABillSaysWhatIsUncertainInPlainWords(t *testing.T) {
	t.Parallel()
	said := (&Bot{}).reply(sample(in(approval.Failed, "Mistral did not answer in time."), doubtful), true)
	for _, words := range []string{"Uncertain: it is not known yet what a call of mistral-medium-2508 cost. Up to $0.02 stays set aside for it, and is charged on ",
		" unless it is known before", "Total: $0.00"} {
		require.Contains(t, said.text(), words)
	}
	require.NotContains(t, (&Bot{}).reply(sample(in(approval.Failed, "No.")), true).text(), "Uncertain")
}

func TestABudgetTellsWorkUnderWayFromWhatIsUncertain(t *testing.T) {
	t.Parallel()
	s := ofTen(scopeOf(budget.User, slacksim.Analyst), budget.Dollar)
	s.Held, s.Uncertain = 3*budget.Cent, 2*budget.Cent
	require.Equal(t, "$1.00 of $10.00 spent, $0.01 set aside for work under way, $0.02 uncertain (a model did not say what its calls cost), $8.97 left.", figures(s))
	s.Uncertain = s.Held
	require.Equal(t, "$1.00 of $10.00 spent, $0.03 uncertain (a model did not say what its calls cost), $8.97 left.", figures(s))
}

func TestAnExplanationSaysThatACallIsUncertain(t *testing.T) {
	t.Parallel()
	title, _ := weighed(1, steps.Weighing{At: noon, Purpose: budget.ForDraft, Needed: 2 * budget.Cent, Model: "m", HoldID: "h", Uncertain: true}, "")
	p := &page{}
	p.say(title...)
	require.Contains(t, p.text(), "up to $0.02 stays set aside: it is uncertain what a call of the model has cost. After two days it counts as spent.")
}

func TestTheHousesOwnSpendingIsNobodys(t *testing.T) {
	t.Parallel()
	for _, by := range []steps.Ranking{steps.ByPeople, steps.ByChannels} {
		require.Equal(t, []part{words("Countersign's own checks")}, spender(by, steps.Spender{ID: approval.System}))
	}
	require.NotEqual(t, []part{words("Countersign's own checks")}, spender(steps.ByPeople, steps.Spender{ID: slacksim.Analyst}))
}
