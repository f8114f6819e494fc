package bot

import (
	"errors"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/money"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/budget"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// opened opens the form with /budget and chooses whose budget it is for.
func (b *bundle) opened(kind string) workspace.View {
	b.t.Helper()
	carla := b.as(slacksim.Admin)
	require.NoError(b.t, carla.Command(slacksim.SalesData, "/budget"))
	form, err := carla.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == ids.CallbackLimit })
	require.NoError(b.t, err)
	if kind == string(budget.User) {
		return form
	}
	require.NoError(b.t, carla.ClickView(form, ids.FieldKind, kind))
	form, err = carla.WaitView(b.ctx, func(v workspace.View) bool { return !strings.Contains(v.Words(), "Person") })
	require.NoError(b.t, err)
	return form
}

func TestTheFormSetsEveryKindOfBudget(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.threads = map[string]approval.Session{"s1": {ID: "s1", Channel: slacksim.SalesData, ThreadTS: "1763812800.000100"}}
	month := func(s budget.Scope) budget.Limit {
		return budget.Limit{Scope: s, Amount: 5 * budget.Dollar, Window: budget.Month}
	}
	link := "https://harbor-coffee.slack.com/archives/C0SALES/p1763812800000100"
	for _, tt := range []struct {
		kind, field, value string
		want               budget.Scope
	}{
		{"user", ids.FieldUser, slacksim.Analyst, sample.ScopeOf(budget.User, slacksim.Analyst)},
		{"project", ids.FieldProject, slacksim.SalesData, sample.ScopeOf(budget.Project, slacksim.SalesData)},
		{"session", ids.FieldThread, link, sample.ScopeOf(budget.Session, "s1")},
		{"team", "", "", sample.ScopeOf(budget.Team, slacksim.DefaultTeam.ID)},
		{"members", "", "", sample.ScopeOf(budget.Role, budget.Members)},
		{"admins", "", "", sample.ScopeOf(budget.Role, budget.Admins)},
	} {
		b.opened(tt.kind)
		form := slackperson.Fill(ids.FieldAmount, "$5")
		if tt.field != "" {
			form.And(tt.field, tt.value)
		}
		wrong, err := b.as(slacksim.Admin).Submit(form)
		require.NoError(t, err, tt.kind)
		require.Empty(t, wrong, tt.kind)
		require.NoError(t, b.as(slacksim.Admin).WaitNoView(b.ctx))
		set := b.service.changed()
		require.Equal(t, month(tt.want), set[len(set)-1], tt.kind)
	}
	b.told(slacksim.Admin, slacksim.SalesData, " is now $5 per month.")
}

func TestTheFormTakesAllTerms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.opened("team")
	_, err := b.as(slacksim.Admin).Submit(slackperson.Fill(ids.FieldAmount, "1,000.50").And(ids.FieldWindow, "in all, never resets").And(ids.FieldSoft, "70%").And(ids.FieldWarn, "95, 50 %95").
		And(ids.FieldDowngrade, "codestral-2508").And(ids.FieldWithout, "upload", "model mistral-medium-2508"))
	require.NoError(t, err)
	require.Empty(t, b.service.changed(), "50 %95 is no list of marks")
	_, err = b.as(slacksim.Admin).Submit(slackperson.Fill(ids.FieldAmount, "1,000.50").And(ids.FieldWindow, "in all, never resets").And(ids.FieldSoft, "70%").And(ids.FieldWarn, "95, 50%").
		And(ids.FieldDowngrade, "codestral-2508").And(ids.FieldWithout, "upload", "model mistral-medium-2508").And(ids.FieldReady, "0.02"))
	require.NoError(t, err)
	require.Equal(t, []budget.Limit{{Scope: sample.ScopeOf(budget.Team, slacksim.DefaultTeam.ID), Amount: 1000*budget.Dollar + 50*budget.Cent, Window: budget.None,
		Policy: budget.LimitPolicy{Soft: 70, Warn: []int{50, 95}, Downgrade: []budget.Downgrade{{To: "codestral-2508"}},
			Without: []budget.Ability{budget.Upload, budget.WithoutModel("mistral-medium-2508")}, Ready: 2 * budget.Cent}}}, b.service.changed())
}

func TestWhatIsWrongInTheBudgetFormIsSaidBesideIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	carla := b.as(slacksim.Admin)
	b.opened("session")
	for _, tt := range []struct {
		form        slackperson.Form
		field, says string
	}{
		{slackperson.Fill(ids.FieldAmount, "lots").And(ids.FieldThread, "https://x.slack.com/archives/C0SALES/p1763812800000100"), ids.FieldThread, "Nobody has asked me anything in that thread"},
		{slackperson.Fill(ids.FieldAmount, "5").And(ids.FieldThread, "team"), ids.FieldThread, "This is not the link of a thread."},
	} {
		wrong, err := carla.Submit(tt.form)
		require.NoError(t, err)
		require.Contains(t, wrong[tt.field], tt.says)
	}
	require.NoError(t, carla.CloseView())
	b.opened("team")
	for _, tt := range []struct {
		form        slackperson.Form
		field, says string
	}{
		{slackperson.Fill(ids.FieldAmount, "lots"), ids.FieldAmount, `"lots" is not a dollar amount.`},
		{slackperson.Fill(ids.FieldAmount, "5").And(ids.FieldReady, "a little"), ids.FieldReady, `"a little" is not a dollar amount.`},
		{slackperson.Fill(ids.FieldAmount, "5").And(ids.FieldSoft, "most"), ids.FieldSoft, "is not a share of a budget"},
		{slackperson.Fill(ids.FieldAmount, "5").And(ids.FieldWarn, "50, 200"), ids.FieldWarn, `"200" is not a share`},
	} {
		wrong, err := carla.Submit(tt.form)
		require.NoError(t, err)
		require.Contains(t, wrong[tt.field], tt.says)
	}
	b.service.fail(&approval.NotAllowedError{Who: slacksim.Admin, Why: approval.Words("Only administrators can change budgets.")})
	_, err := carla.Submit(slackperson.Fill(ids.FieldAmount, "5"))
	require.NoError(t, err)
	note, ok := carla.View()
	require.True(t, ok)
	require.Contains(t, note.Words(), "Only administrators can change budgets.")
	require.NoError(t, carla.CloseView())
	_, ok = carla.View()
	require.True(t, ok, "what was filled in is still there")
	b.service.fail(errors.New("the database is away"))
	_, err = carla.Submit(slackperson.Fill(ids.FieldAmount, "5"))
	require.Error(t, err, "not saved, so not answered")
	require.Empty(t, b.service.changed())
}

func TestABudgetIsEditedAndRemovedFromTheHome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	carla, team := b.as(slacksim.Admin), sample.ScopeOf(budget.Team, slacksim.DefaultTeam.ID)
	policy := budget.LimitPolicy{Warn: []int{50}, Downgrade: []budget.Downgrade{{From: "mistral-medium-2508", To: "codestral-2508"}}, Without: []budget.Ability{budget.LongRuns}}
	// As a command has said it of models that are not asked any more.
	policy.Downgrade, policy.Without = append(policy.Downgrade, budget.Downgrade{To: "retired"}), append(policy.Without, budget.WithoutModel("retired"))
	set := sample.OfTen(team, budget.Dollar, func(s *budget.Standing) { s.Limit.Policy = policy })
	b.service.limits, b.service.shown = []budget.Standing{set}, map[budget.Scope]budget.Standing{team: set}
	edit := func() workspace.View {
		t.Helper()
		require.NoError(t, carla.OpenHome())
		home, err := carla.WaitHome(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "The team's budget") })
		require.NoError(t, err)
		require.NoError(t, carla.ClickView(home, ids.ActionEditLimit))
		form, err := carla.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == ids.CallbackLimit })
		require.NoError(t, err)
		return form
	}
	require.Contains(t, edit().Words(), "The team's budget")
	b.service.change(func() { b.service.purse.limits = nil })
	_, err := carla.Submit(slackperson.Fill(ids.FieldAmount, "12"))
	require.NoError(t, err)
	require.Equal(t, []budget.Limit{{Scope: team, Amount: 12 * budget.Dollar, Window: budget.Month, Policy: policy}}, b.service.changed(), "what the form cannot say stays as it was")
	_, err = carla.WaitHome(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "The team has no budget") })
	require.NoError(t, err, "the Home shows it at once")

	b.service.change(func() { b.service.purse.limits = []budget.Standing{set} })
	require.NotEmpty(t, edit().Words())
	_, err = carla.Submit(slackperson.Fill(ids.FieldAmount, "12").And(ids.FieldDowngrade))
	require.NoError(t, err)
	changed := b.service.changed()
	require.Empty(t, changed[len(changed)-1].Policy.Downgrade, "none is chosen")

	form := edit()
	require.NoError(t, carla.ClickView(form, ids.ActionRemoveLimit))
	_, err = carla.WaitView(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "has been removed.") })
	require.NoError(t, err)
	require.Equal(t, []budget.Scope{team}, b.service.removals())
	require.NoError(t, carla.CloseView())

	form = edit()
	b.service.fail(&approval.InputError{Why: approval.Because(approval.WhyNoBudget)})
	require.NoError(t, carla.ClickView(form, ids.ActionRemoveLimit))
	_, err = carla.WaitView(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "none to remove") })
	require.NoError(t, err)
}

func TestBudgetButtonsOfOthersAndOfYesterday(t *testing.T) {
	t.Parallel()
	b := idle(t)
	cb := slack.InteractionCallback{User: slack.User{ID: slacksim.Analyst}, Team: slack.Team{ID: slacksim.DefaultTeam.ID}}
	_, err := b.bot.board.clicks[ids.ActionSetLimit](b.ctx, cb, &slack.BlockAction{})
	require.ErrorAs(t, err, new(*approval.NotAllowedError))
	// Nobody is told that they are no administrator because nobody could look.
	b.service.fail(errors.New("the database is away"))
	_, err = b.bot.board.clicks[ids.ActionSetLimit](b.ctx, cb, &slack.BlockAction{})
	require.ErrorContains(t, err, "the database is away")
	b.service.fail(nil)
	for _, value := range []string{"", "team", "team/", "nobody/U1"} {
		_, err := b.bot.board.clicks[ids.ActionEditLimit](b.ctx, cb, &slack.BlockAction{Value: value})
		require.ErrorAs(t, err, new(*approval.InputError), value)
	}
	_, err = b.bot.board.clicks[ids.ActionEditLimit](b.ctx, cb, &slack.BlockAction{Value: "team/T1"})
	require.ErrorContains(t, err, "This budget has been removed.")
	for _, kind := range []budget.ScopeKind{budget.User, budget.Session, budget.Project, budget.Team, budget.Role} {
		s, err := money.ParseScope("T1", money.ScopeValue(budget.Scope{Team: "T1", Kind: kind, ID: "X1"}))
		require.NoError(t, err)
		require.Equal(t, budget.Scope{Team: "T1", Kind: kind, ID: "X1"}, s)
	}
	b.service.models = b.service.models[:1]
	require.Len(t, money.SavingFields(budget.LimitPolicy{}, []string{"one"}), 1, "one model has no cheaper one")
}
