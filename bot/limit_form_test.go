package bot

import (
	"errors"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
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
	form, err := carla.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == callbackLimit })
	require.NoError(b.t, err)
	if kind == string(budget.User) {
		return form
	}
	require.NoError(b.t, carla.ClickView(form, fieldKind, kind))
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
		{"user", fieldUser, slacksim.Analyst, scopeOf(budget.User, slacksim.Analyst)},
		{"project", fieldProject, slacksim.SalesData, scopeOf(budget.Project, slacksim.SalesData)},
		{"session", fieldThread, link, scopeOf(budget.Session, "s1")},
		{"team", "", "", scopeOf(budget.Team, slacksim.DefaultTeam.ID)},
		{"members", "", "", scopeOf(budget.Role, budget.Members)},
		{"admins", "", "", scopeOf(budget.Role, budget.Admins)},
	} {
		b.opened(tt.kind)
		form := slackperson.Fill(fieldAmount, "$5")
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
	b.told(slacksim.Admin, slacksim.SalesData, " is now $5.00 per month.")
}

func TestTheFormTakesAllTerms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.opened("team")
	_, err := b.as(slacksim.Admin).Submit(slackperson.Fill(fieldAmount, "1,000.50").And(fieldWindow, "in all, without starting anew").And(fieldSoft, "70%").And(fieldWarn, "95, 50 %95").
		And(fieldDowngrade, "codestral-2508").And(fieldWithout, "upload", "model mistral-medium-2508"))
	require.NoError(t, err)
	require.Empty(t, b.service.changed(), "50 %95 is no list of marks")
	_, err = b.as(slacksim.Admin).Submit(slackperson.Fill(fieldAmount, "1,000.50").And(fieldWindow, "in all, without starting anew").And(fieldSoft, "70%").And(fieldWarn, "95, 50%").
		And(fieldDowngrade, "codestral-2508").And(fieldWithout, "upload", "model mistral-medium-2508"))
	require.NoError(t, err)
	require.Equal(t, []budget.Limit{{Scope: scopeOf(budget.Team, slacksim.DefaultTeam.ID), Amount: 1000*budget.Dollar + 50*budget.Cent, Window: budget.None,
		Policy: budget.LimitPolicy{Soft: 70, Warn: []int{50, 95}, Downgrade: []budget.Downgrade{{To: "codestral-2508"}},
			Without: []budget.Ability{budget.Upload, budget.WithoutModel("mistral-medium-2508")}}}}, b.service.changed())
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
		{slackperson.Fill(fieldAmount, "lots").And(fieldThread, "https://x.slack.com/archives/C0SALES/p1763812800000100"), fieldThread, "Nobody has asked me anything in that thread"},
		{slackperson.Fill(fieldAmount, "5").And(fieldThread, "team"), fieldThread, "This is not the link of a thread."},
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
		{slackperson.Fill(fieldAmount, "lots"), fieldAmount, `"lots" is not an amount of dollars.`},
		{slackperson.Fill(fieldAmount, "5").And(fieldSoft, "most"), fieldSoft, "is not a share of a budget"},
		{slackperson.Fill(fieldAmount, "5").And(fieldWarn, "50, 200"), fieldWarn, `"200" is not a share`},
	} {
		wrong, err := carla.Submit(tt.form)
		require.NoError(t, err)
		require.Contains(t, wrong[tt.field], tt.says)
	}
	b.service.fail(&approval.NotAllowedError{Who: slacksim.Admin, Why: "Only administrators change budgets."})
	_, err := carla.Submit(slackperson.Fill(fieldAmount, "5"))
	require.NoError(t, err)
	note, ok := carla.View()
	require.True(t, ok)
	require.Contains(t, note.Words(), "Only administrators change budgets.")
	require.NoError(t, carla.CloseView())
	_, ok = carla.View()
	require.True(t, ok, "what was filled in is still there")
	b.service.fail(errors.New("the database is away"))
	_, err = carla.Submit(slackperson.Fill(fieldAmount, "5"))
	require.Error(t, err, "not saved, so not answered")
	require.Empty(t, b.service.changed())
}

func TestABudgetIsEditedAndRemovedFromTheHome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	carla, team := b.as(slacksim.Admin), scopeOf(budget.Team, slacksim.DefaultTeam.ID)
	policy := budget.LimitPolicy{Warn: []int{50}, Downgrade: []budget.Downgrade{{From: "mistral-medium-2508", To: "codestral-2508"}}, Without: []budget.Ability{budget.LongRuns}}
	set := ofTen(team, budget.Dollar, func(s *budget.Standing) { s.Limit.Policy = policy })
	b.service.limits, b.service.shown = []budget.Standing{set}, map[budget.Scope]budget.Standing{team: set}
	edit := func() workspace.View {
		t.Helper()
		require.NoError(t, carla.OpenHome())
		home, err := carla.WaitHome(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "The team's budget") })
		require.NoError(t, err)
		require.NoError(t, carla.ClickView(home, actionEditLimit))
		form, err := carla.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == callbackLimit })
		require.NoError(t, err)
		return form
	}
	require.Contains(t, edit().Words(), "The team's budget")
	b.service.change(func() { b.service.purse.limits = nil })
	_, err := carla.Submit(slackperson.Fill(fieldAmount, "12"))
	require.NoError(t, err)
	require.Equal(t, []budget.Limit{{Scope: team, Amount: 12 * budget.Dollar, Window: budget.Month, Policy: policy}}, b.service.changed(), "what the form cannot say stays as it was")
	_, err = carla.WaitHome(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "The team has no budget") })
	require.NoError(t, err, "the Home shows it at once")

	b.service.change(func() { b.service.purse.limits = []budget.Standing{set} })
	require.NotEmpty(t, edit().Words())
	_, err = carla.Submit(slackperson.Fill(fieldAmount, "12").And(fieldDowngrade))
	require.NoError(t, err)
	changed := b.service.changed()
	require.Empty(t, changed[len(changed)-1].Policy.Downgrade, "none is chosen")

	form := edit()
	require.NoError(t, carla.ClickView(form, actionRemoveLimit))
	_, err = carla.WaitView(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "has been removed.") })
	require.NoError(t, err)
	require.Equal(t, []budget.Scope{team}, b.service.removals())
	require.NoError(t, carla.CloseView())

	form = edit()
	b.service.fail(&approval.InputError{Why: "Nobody has set a budget there, so there is none to remove."})
	require.NoError(t, carla.ClickView(form, actionRemoveLimit))
	_, err = carla.WaitView(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "none to remove") })
	require.NoError(t, err)
}

func TestBudgetButtonsOfOthersAndOfYesterday(t *testing.T) {
	t.Parallel()
	b := idle(t)
	cb := slack.InteractionCallback{User: slack.User{ID: slacksim.Analyst}, Team: slack.Team{ID: slacksim.DefaultTeam.ID}}
	_, err := b.bot.clickSetLimit(b.ctx, cb, &slack.BlockAction{})
	require.ErrorAs(t, err, new(*approval.NotAllowedError))
	for _, value := range []string{"", "team", "team/", "nobody/U1"} {
		_, err := b.bot.clickEditLimit(b.ctx, cb, &slack.BlockAction{Value: value})
		require.ErrorAs(t, err, new(*approval.InputError), value)
	}
	_, err = b.bot.clickEditLimit(b.ctx, cb, &slack.BlockAction{Value: "team/T1"})
	require.ErrorContains(t, err, "removed in the meantime")
	for _, kind := range []budget.ScopeKind{budget.User, budget.Session, budget.Project, budget.Team, budget.Role} {
		s, err := parseScope("T1", scopeValue(budget.Scope{Team: "T1", Kind: kind, ID: "X1"}))
		require.NoError(t, err)
		require.Equal(t, budget.Scope{Team: "T1", Kind: kind, ID: "X1"}, s)
	}
	b.service.models = b.service.models[:1]
	require.Len(t, b.bot.savingFields(budget.LimitPolicy{}), 1, "one model has no cheaper one")
}
