package bot

import (
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
)

func TestAdministratorsSayWhatIsHiddenAndKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.rules.Version = 3
	b.service.rules.Rules.Privacy = &review.Privacy{Hide: "Project Falcon", Keep: review.Keep{Code: 90}}
	carla, atHome := carlas(b)
	require.NoError(t, carla.ClickView(atHome, ids.ActionPrivacy))
	b.openedAs(carla, ids.CallbackPrivacy)
	refused, err := carla.Submit(slackperson.Fill(ids.FieldKeepResults, "a year"))
	require.NoError(t, err)
	require.Contains(t, refused[ids.FieldKeepResults], "number of days")
	why := approval.Reason{Code: approval.WhyBadHide, Count: 2, Said: "is shorter than 4 signs"}
	b.service.change(func() { b.service.refuse = &approval.InputError{Why: why} })
	refused, err = carla.Submit(slackperson.Fill(ids.FieldKeepResults, "365").And(ids.FieldHide, "Project Falcon\nabc"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{ids.FieldHide: reasons.Words(why)}, refused)
	b.service.change(func() { b.service.refuse = nil })
	_, err = carla.Submit(slackperson.Fill(ids.FieldKeepResults, "365"))
	require.NoError(t, err)
	require.NoError(t, carla.WaitNoView(b.ctx))
	w := b.service.wishes()[0]
	require.Equal(t, "set privacy", w.what)
	require.Contains(t, w.id, "Code:90 Results:365", "what stood there stays")
	require.Equal(t, 3, w.base)
}

func TestAdministratorsHaveAPersonsQuestionsForgottenOrKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	carla, atHome := carlas(b)
	for _, step := range []struct{ choice, want, says string }{
		{"erase", "erase " + slacksim.Analyst, "is deleted once another administrator asks for the same"},
		{"hold", "hold true " + slacksim.Analyst, "On legal hold"},
		{"end", "hold false " + slacksim.Analyst, "has ended"},
	} {
		require.NoError(t, carla.ClickView(atHome, ids.ActionTheirs))
		b.openedAs(carla, ids.CallbackTheirs)
		_, err := carla.Submit(slackperson.Fill(ids.FieldPerson, slacksim.Analyst).And(ids.FieldWhat, step.choice))
		require.NoError(t, err)
		require.Contains(t, b.openedAs(carla, kit.CallbackNote).Words(), step.says)
		require.NoError(t, carla.CloseView())
		all := b.service.wishes()
		w := all[len(all)-1]
		require.Equal(t, step.want, w.what+" "+w.id)
	}
	require.NoError(t, carla.ClickView(atHome, ids.ActionTheirs))
	b.openedAs(carla, ids.CallbackTheirs)
	why := approval.Because(approval.WhyOnLegalHold)
	b.service.change(func() { b.service.refuse = &approval.InputError{Why: why} })
	refused, err := carla.Submit(slackperson.Fill(ids.FieldPerson, slacksim.Analyst).And(ids.FieldWhat, "erase"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{ids.FieldPerson: reasons.Words(why)}, refused)
}

func TestAChoiceThatIsNoneEndsNoLegalHold(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"", "release"} {
		fields := map[string]map[string]slack.BlockAction{ids.FieldWhat: {ids.FieldWhat: {SelectedOption: slack.OptionBlockObject{Value: what}}}}
		// There is no service behind it: whatever were asked of it would panic.
		a, err := (&keepers{}).submitTheirs(t.Context(), slack.InteractionCallback{View: slack.View{State: &slack.ViewState{Values: fields}}})
		require.NoError(t, err)
		require.Equal(t, beside(ids.FieldWhat, "Please choose what is to be done."), a)
	}
}
