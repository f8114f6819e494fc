package bot

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/ids"
	"countersign/budget"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
)

func TestAQuestionIsForTheModelThatItNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze --model codestral-2508 How many?"))
	_, err := maya.Say(slacksim.SalesData, "@countersign \u2014model codestral-2508 And now?")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(b.service.questions()) == 2 }, waitAtMost, tick)
	for i, text := range []string{"How many?", "And now?"} {
		q := b.service.questions()[i]
		require.Equal(t, "codestral-2508 "+text, q.Model+" "+q.Text)
	}
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze --model"))
	b.told(slacksim.Analyst, slacksim.SalesData, "Name the model, then ask.")
	b.service.fail(&approval.InputError{Why: approval.Reason{Code: approval.WhyModelBarred, Name: "m1", Other: "m2"}})
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze --model m1 How many?"))
	b.told(slacksim.Analyst, slacksim.SalesData, "m1 is not allowed in this channel.")
}

func TestTheFormSaysBesideTheModelWhyItIsNotAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze"))
	form := b.offered(maya)
	require.Contains(t, form.Words(), "codestral-2508 \u00b7 Mistral \u00b7 quick programs \u00b7 $0.30 in, $0.90 out")
	b.service.fail(&approval.InputError{Why: approval.Reason{Code: approval.WhyModelBarred, Name: "m1", Other: "m2"}})
	wrong, err := maya.Submit(slackperson.Fill(ids.FieldQuestion, "How many?").And(ids.FieldModel, "codestral-2508"))
	require.NoError(t, err)
	require.Contains(t, wrong[ids.FieldModel], "not allowed in this channel")
}

func TestAdministratorsChooseModels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.rules.Own = 4
	carla, atHome := carlas(b)
	require.Contains(t, atHome.Words(), "Mistral at api.mistral.ai")
	require.NoError(t, carla.ClickView(atHome, ids.ActionModels))
	b.openedAs(carla, ids.CallbackModels)
	wrong, err := carla.Submit(slackperson.Fill(ids.FieldMost, "five"))
	require.NoError(t, err)
	require.Contains(t, wrong[ids.FieldMost], "not an amount of dollars")
	b.service.change(func() {
		b.service.refuse = &approval.InputError{Why: approval.Reason{Code: approval.WhyFallbackDear, Name: "m", Amount: budget.Cent}}
	})
	wrong, err = carla.Submit(slackperson.Fill(ids.FieldMost, "0.001").And(ids.FieldFallback, "codestral-2508"))
	require.NoError(t, err)
	require.Contains(t, wrong[ids.FieldMost], "so it would never be used")
	b.service.change(func() { b.service.refuse = nil })
	_, err = carla.Submit(slackperson.Fill(ids.FieldMost, "0.05").And(ids.FieldFallback, "codestral-2508"))
	require.NoError(t, err)
	w := b.service.wishes()[0]
	require.Equal(t, &review.Models{Allowed: []string{"mistral-medium-2508", "codestral-2508"}, Fallback: "codestral-2508", Most: 5 * budget.Cent}, w.models)
	require.Equal(t, 4, w.base, "what somebody else has set meanwhile is not overwritten")
	require.Empty(t, w.id)

	require.NoError(t, carla.ClickView(atHome, ids.ActionLists))
	b.openedAs(carla, ids.CallbackLists)
	b.service.change(func() { b.service.rules.OwnModels = true })
	_, err = carla.Submit(slackperson.Fill(ids.FieldChannel, slacksim.SalesData))
	require.NoError(t, err)
	b.openedAs(carla, ids.CallbackModels)
	_, err = carla.Submit(slackperson.Fill(ids.FieldNone, ids.FieldNone))
	require.NoError(t, err)
	w = b.service.wishes()[1]
	require.Nil(t, w.models, "back to the workspace's list")
	require.Equal(t, slacksim.SalesData, w.id)
}
