package bot

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/money"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// command types a /budget and returns the private answer with these words.
func (b *bundle) command(who, text, words string) workspace.Message {
	b.t.Helper()
	require.NoError(b.t, b.as(who).Command(slacksim.SalesData, "/budget "+text))
	m, err := b.as(who).WaitEphemeral(b.ctx, slacksim.SalesData, func(m workspace.Message) bool { return strings.Contains(m.Text, words) })
	require.NoError(b.t, err)
	return m
}

func TestTheBudgetIsShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	own := sample.OfTen(sample.ScopeOf(budget.User, slacksim.Analyst), 2*budget.Dollar, sample.Unset, func(s *budget.Standing) { s.Held = 50 * budget.Cent })
	b.service.standing = []budget.Standing{own}
	told := b.command(slacksim.Analyst, "", "Your budget")
	require.Equal(t, "Your budget this month: 25% used\n$2 of $10 spent, $0.50 reserved for work in progress, $7.50 left. Resets on 1 December. "+
		"Default budget.\nThe team has no budget of its own.", told.Text)
	require.Contains(t, told.Words(), "████▓░░░░░░░░░░░░░░░")
	require.False(t, told.Has(ids.ActionEditLimit))
	b.command(slacksim.Analyst, "help", "For administrators")
	b.command(slacksim.Analyst, "raise", "You can write show, set")

	b.service.fail(&approval.NotAllowedError{Who: slacksim.Analyst, Why: approval.Words("Only administrators can look at other people's budgets.")})
	for _, text := range []string{"show @ben", "history", "top", "set @maya 100", "remove team"} {
		b.command(slacksim.Analyst, text, "Only administrators")
	}
	require.Empty(t, b.service.changed())
}

// Everybody sees what pays for a question that they ask here: a bar each for
// themselves, the channel and the team.
func TestWhoeverIsInAChannelSeesItsBudget(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.standing = []budget.Standing{sample.OfTen(sample.ScopeOf(budget.User, slacksim.Analyst), budget.Dollar),
		sample.OfTen(sample.ScopeOf(budget.Project, slacksim.SalesData), 2*budget.Dollar), sample.OfTen(sample.ScopeOf(budget.Team, slacksim.DefaultTeam.ID), 3*budget.Dollar)}
	told := b.command(slacksim.Analyst, "show <#"+slacksim.SalesData+"|sales-data>", "20% used")
	require.NotContains(t, told.Text, "30% used")
	told = b.command(slacksim.Analyst, "show", "Your budget this month: 10% used")
	require.Contains(t, told.Text, "The budget of <#"+slacksim.SalesData+"> this month: 20% used")
	require.Contains(t, told.Text, "The team's budget this month: 30% used")
}

func TestTheBudgetOfAThreadIsShownByItsLink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	of := sample.ScopeOf(budget.Session, "s123456789")
	b.service.threads = map[string]approval.Session{"s123456789": {ID: "s123456789", Channel: slacksim.SalesData, ThreadTS: "1763812800.000100"}}
	b.service.shown = map[budget.Scope]budget.Standing{of: sample.OfTen(of, 4*budget.Dollar)}
	const link = "https://harbor-coffee.slack.com/archives/C0SALES/p1763812800000100"
	for _, who := range []string{slacksim.Analyst, slacksim.Admin} {
		told := b.command(who, "show "+link, "40% used")
		require.Contains(t, told.Text, "|a thread> in <#C0SALES> this month: 40% used")
		require.Contains(t, told.Text, "$4 of $10 spent, $6 left.")
	}
	b.command(slacksim.Analyst, "show https://harbor-coffee.slack.com/archives/C0SALES/p1763812800000200", "Nobody has asked me anything in that thread")
}

func TestAdministratorsSeeEveryBudgetThatIsSet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.standing = []budget.Standing{sample.OfTen(sample.ScopeOf(budget.User, slacksim.Admin), 0, sample.Unset)}
	b.service.limits = []budget.Standing{
		sample.OfTen(sample.ScopeOf(budget.Role, budget.Members), 0),
		sample.OfTen(sample.ScopeOf(budget.Project, slacksim.SalesData), 1*budget.Dollar),
		sample.OfTen(sample.ScopeOf(budget.Session, "s123456789"), 9*budget.Dollar),
		sample.OfTen(sample.ScopeOf(budget.Team, slacksim.DefaultTeam.ID), 5*budget.Dollar),
	}
	b.service.threads = map[string]approval.Session{"s123456789": {ID: "s123456789", Channel: slacksim.SalesData, ThreadTS: "1763812800.000100"}}
	told := b.command(slacksim.Admin, "", "The team's budget")
	at := func(words string) int { return strings.Index(told.Text, words) }
	require.Less(t, at("Your budget this month"), at("The team's budget this month: 50% used"))
	require.Less(t, at("The team's"), at("/archives/C0SALES/p1763812800000100|a thread> in <#C0SALES> this month: 90% used, past 80%"))
	require.Less(t, at("90%"), at("The budget of <#C0SALES> this month: 10% used"))
	require.Less(t, at("10% used"), at("Everybody's default budget: $10 per month each, unless they have a budget of their own. Warned at 80%."))
	require.NotContains(t, told.Text, "s123456789", "names, not ids")
	require.True(t, told.Has(ids.ActionEditLimit))
	require.NoError(t, b.as(slacksim.Admin).CloseView(), "beside the form")
}

func TestTheBudgetIsSetAndRemoved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	team := sample.ScopeOf(budget.Team, slacksim.DefaultTeam.ID)
	told := b.command(slacksim.Admin, "set @maya 25 per week", "is now $25 per week")
	require.Equal(t, "The budget of <@U0MAYA> is now $25 per week. Warned at 80%.", told.Text)
	b.service.change(func() {
		b.service.shown = map[budget.Scope]budget.Standing{team: sample.OfTen(team, 0)}
	})
	told = b.command(slacksim.Admin, "set team 200 soft 70 warn 50, 95 downgrade codestral-2508 without upload, long runs", "The team's budget is now")
	require.Equal(t, "The team's budget is now $200 per month. Warned at 50%, 70% and 95%. Past 70%: codestral-2508 may write instead of a more expensive model, "+
		"no files are uploaded and runs take at most 30 seconds.\nBefore, it was $10 per month. Warned at 80%.", told.Text)
	b.service.change(func() {
		b.service.threads = map[string]approval.Session{"s1": {ID: "s1", Channel: "C0SALES", ThreadTS: "1763812800.000100"}}
	})
	b.command(slacksim.Admin, "set https://harbor-coffee.slack.com/archives/C0SALES/p1763812800000100 3", "a thread")
	b.command(slacksim.Admin, "set https://harbor-coffee.slack.com/archives/C0SALES/p1763812800000200 3", "Nobody has asked me anything in that thread")
	policy := budget.LimitPolicy{Soft: 70, Warn: []int{50, 95}, Downgrade: []budget.Downgrade{{To: "codestral-2508"}}, Without: []budget.Ability{budget.Upload, budget.LongRuns}}
	require.Equal(t, []budget.Limit{
		{Scope: sample.ScopeOf(budget.User, slacksim.Analyst), Amount: 25 * budget.Dollar, Window: budget.Week},
		{Scope: team, Amount: 200 * budget.Dollar, Window: budget.Month, Policy: policy},
		{Scope: sample.ScopeOf(budget.Session, "s1"), Amount: 3 * budget.Dollar, Window: budget.Month},
	}, b.service.changed())

	b.service.change(func() {
		b.service.shown = map[budget.Scope]budget.Standing{sample.ScopeOf(budget.User, slacksim.Analyst): sample.OfTen(sample.ScopeOf(budget.User, slacksim.Analyst), 0, sample.Unset)}
	})
	told = b.command(slacksim.Admin, "remove @maya", "has been removed")
	require.Contains(t, told.Text, "The default applies instead: $10 per month.")
	require.Equal(t, []budget.Scope{sample.ScopeOf(budget.User, slacksim.Analyst)}, b.service.removals())
	b.command(slacksim.Admin, "show #general", "is not set, so it limits nothing by itself")
}

func TestBudgetsExplainThemselves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya, team := sample.ScopeOf(budget.User, slacksim.Analyst), sample.ScopeOf(budget.Team, slacksim.DefaultTeam.ID)
	v := sample.View()
	weighed := []budget.Standing{sample.OfTen(maya, 9*budget.Dollar), sample.OfTen(team, budget.Dollar)}
	b.service.explained = &steps.Explanation{Request: v.Request, Steps: []steps.Weighing{
		{At: sample.Noon, Purpose: budget.ForDraft, Needed: 5 * budget.Cent, Model: "mistral-medium-2508", Standings: weighed, HoldID: "h", Settled: &steps.Settled{At: sample.Noon, Spent: budget.Cent}},
		{At: sample.Noon, Purpose: budget.ForInspect, Needed: budget.Cent, Model: "mistral-medium-2508", HoldID: "i", Settled: &steps.Settled{At: sample.Noon, Spent: 3 * budget.MicroDollar}},
		{At: sample.Noon, Purpose: budget.ForRun, Needed: 2 * budget.Dollar, Standings: weighed, Refused: true},
	}}
	told := b.command(slacksim.Analyst, "explain bcd23fg", "What this question cost")
	for _, words := range []string{"1. Writing the code (mistral-medium-2508), ", ": up to $0.05 was reserved, 1 cent was spent.",
		"- Your budget: $9 of $10 spent, $1 left. The least left.", "- The team's budget: $1 of $10 spent, $9 left.",
		"2. Inspecting the code, ", ": up to 1 cent was reserved, under 1 cent was spent.", "3. Running it, ", ": up to $2 was over budget. Refused by your budget."} {
		require.Contains(t, told.Text, words)
	}
	b.service.change(func() { b.service.explained = nil })
	b.command(slacksim.Analyst, "explain zzzz", "There is no question with the id zzzz here.")
}

func TestChangesAndSpendersAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := sample.ScopeOf(budget.User, slacksim.Analyst)
	b.command(slacksim.Admin, "history", "No budget has been changed yet.")
	b.service.change(func() {
		ten := map[string]any{"scope": maya, "amount": 10 * budget.Dollar, "window": "month"}
		b.service.history = []approval.Event{
			{At: sample.Noon, Actor: slacksim.Admin, Kind: "set limit", Data: ten},
			{At: sample.Noon, Actor: slacksim.Admin, Kind: "set limit", Data: map[string]any{"scope": maya, "amount": 20 * budget.Dollar, "window": "week", "before": ten}},
			{At: sample.Noon, Actor: slacksim.Admin, Kind: "removed limit", Data: map[string]any{"scope": maya, "before": ten}},
		}
		b.service.top = []steps.Spender{{ID: slacksim.Analyst, Amount: 3 * budget.Dollar}, {ID: slacksim.Reviewer, Amount: budget.Dollar}}
	})
	told := b.command(slacksim.Admin, "history @maya", "Changes")
	lines := strings.Split(told.Text, "\n")
	require.Len(t, lines, 4)
	require.Contains(t, lines[1], "<@U0CARLA>: The budget of <@U0MAYA> removed. Before, it was $10 per month.")
	require.Contains(t, lines[2], "set to $20 per week. Warned at 80%. Before, it was $10 per month.")
	require.Contains(t, lines[3], "set to $10 per month. Warned at 80%. Before, nothing was set.")

	told = b.command(slacksim.Admin, "top", "People, this month")
	require.Contains(t, told.Text, "- <@U0MAYA>: $3 (75%)\n- <@U0BEN>: $1 (25%)\n- Together: $4")
	b.service.change(func() { b.service.top = []steps.Spender{{ID: "2026-11-23", Amount: budget.Cent}} })
	b.command(slacksim.Admin, "top days last week", "Monday, 23 November")
	b.service.change(func() { b.service.top = []steps.Spender{{ID: "codestral-2508", Amount: budget.Cent}} })
	b.command(slacksim.Admin, "top models today", "codestral-2508")
	b.service.change(func() { b.service.top = nil })
	b.command(slacksim.Admin, "top channels yesterday", "nothing spent")
}

func TestEveryBudgetHasANameAndAState(t *testing.T) {
	t.Parallel()
	text := func(s budget.Standing) string {
		p := &kit.Page{}
		money.Standing(p, s, money.Whose(s.Limit.Scope, "U1"))
		return p.Text()
	}
	of := func(kind budget.ScopeKind, window budget.Window, spent budget.USD, policy budget.LimitPolicy) budget.Standing {
		return budget.Standing{Limit: budget.Limit{Scope: budget.Scope{Kind: kind, ID: "U1"}, Amount: budget.Dollar, Window: window, Policy: policy}, Spent: spent}
	}
	saves := budget.LimitPolicy{Downgrade: []budget.Downgrade{{From: "big", To: "small"}}, Without: []budget.Ability{budget.Network, budget.WithoutModel("huge")}}
	require.Equal(t, "The budget of the thread: 0% used\n$0 of $1 spent, $1 left.", text(of(budget.Session, budget.None, 0, saves)))
	require.Contains(t, text(of(budget.Project, budget.Day, 90*budget.Cent, budget.LimitPolicy{})), "The budget of <#U1> today: 90% used, past 80%\n")
	require.Contains(t, text(of(budget.Team, budget.Week, 90*budget.Cent, saves)), "The team's budget this week: 90% used, past its soft limit\n$0.90 of $1 spent, $0.10 left. "+
		"Past 80%: small may write instead of big, programs have no network and huge is not used.")
	require.Contains(t, text(of(budget.User, budget.Day, 2*budget.Dollar, saves)), "Your budget today: 100% used, used up\n$2 of $1 spent, $0 left. Nothing more can be started on it.")
	granted := of(budget.User, budget.Day, 0, budget.LimitPolicy{})
	granted.Limit.Extra, granted.Limit.Default, granted.Limit.Role = 5*budget.Dollar, true, budget.Reviewers
	require.Contains(t, text(granted), "$0 of $6 spent, $6 left. Includes a $5 top-up. Default for reviewers.")
}

func TestAsMuchIsShownAsSlackTakes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	policy := budget.LimitPolicy{Warn: []int{10, 20, 30, 40, 50, 60, 70, 90, 95}, Without: []budget.Ability{budget.Upload, budget.LongRuns, budget.Network}}
	for range 10 {
		policy.Downgrade = append(policy.Downgrade, budget.Downgrade{From: strings.Repeat("m", 60), To: strings.Repeat("n", 60)})
	}
	for n := range 60 {
		b.service.limits = append(b.service.limits, sample.OfTen(sample.ScopeOf(budget.User, fmt.Sprint("U", n)), 9*budget.Dollar, func(s *budget.Standing) { s.Limit.Policy = policy }))
		data := map[string]any{"scope": sample.ScopeOf(budget.User, slacksim.Analyst), "amount": 10, "window": "month", "policy": policy, "before": map[string]any{"amount": 10, "window": "month", "policy": policy}}
		b.service.history = append(b.service.history, approval.Event{At: sample.Noon, Actor: slacksim.Admin, Kind: "set limit", Data: data})
		b.service.explained = &steps.Explanation{Request: sample.View().Request}
	}
	for range 40 {
		step := steps.Weighing{At: sample.Noon, Purpose: budget.ForDraft, Needed: budget.Dollar, Model: strings.Repeat("m", 200)}
		for _, kind := range []budget.ScopeKind{budget.User, budget.Session, budget.Project, budget.Team} {
			step.Standings = append(step.Standings, sample.OfTen(sample.ScopeOf(kind, "U1"), 123_456_789, func(s *budget.Standing) { s.Held, s.Limit.Extra = 987_654_321, 1 }))
		}
		b.service.explained.Steps = append(b.service.explained.Steps, step)
	}
	for text, words := range map[string]string{"show": "budgets more, which are used less.", "history": "changes before that.", "explain bcd23fg": "steps more."} {
		require.NoError(t, b.as(slacksim.Admin).Command(slacksim.SalesData, "/budget "+text))
		b.told(slacksim.Admin, slacksim.SalesData, words)
	}
}
