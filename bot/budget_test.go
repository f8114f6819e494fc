package bot

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
	"countersign/internal/slacksim"
)

func TestBudgetsAreRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want order
		says string // when it cannot be read
	}{
		{"", order{verb: "show"}, ""},
		{"  show ", order{verb: "show"}, ""},
		{"HELP", order{verb: "help"}, ""},
		{"show <@U123|maya>", order{verb: "show", user: "U123"}, ""},
		{"set <@U123|maya> 25", order{verb: "set", user: "U123", amount: 25 * budget.Dollar, window: budget.Month}, ""},
		{"set <@W123> $1,000.50 per Week", order{verb: "set", user: "W123", amount: 1000*budget.Dollar + 50*budget.Cent, window: budget.Week}, ""},
		{"set TEAM 200 per day", order{verb: "set", amount: 200 * budget.Dollar, window: budget.Day}, ""},
		{"set team 0", order{verb: "set", window: budget.Month}, ""},
		{"raise", order{}, `I do not know "raise". There is show, set and help. For example: /budget set @user 25`},
		{"help me", order{}, "I do not know"},
		{"show @nobody", order{}, `"@nobody" is nobody I can find`},
		{"set", order{}, "Whose budget, and how much? For example: /budget set @user 25"},
		{"set maya 25", order{}, `"maya" is nobody I can find`},
		{"set <#C1|sales> 25", order{}, "not for a channel. For example: /budget set team 200 per month"},
		{"set #sales 25", order{}, "not for a channel"},
		{"set <@U123|maya>", order{}, "How much? For example: /budget set @user 25"},
		{"set team", order{}, "How much? For example: /budget set team 200 per month"},
		{"set team lots", order{}, `"lots" is not an amount of dollars. Write it like 25, 25.50 or $1,000. For example: /budget set team 200 per month`},
		{"set team -5", order{}, "not an amount"},
		{"set team 1,5", order{}, "not an amount"},
		{"set team 1e9", order{}, "not an amount"},
		{"set team 1000001", order{}, "the most is $1000000.00"},
		{"set team 5 per year", order{}, `I do not understand "per year". A budget is per day, per week or per month. For example: /budget set team 200 per week`},
		{"set team 5 a week", order{}, "I do not understand"},
		{"set <@U123|maya> 5 dollars", order{}, "I do not understand"},
	}
	for _, tt := range tests {
		got, err := parseBudget(tt.text)
		if tt.says != "" {
			var in *approval.InputError
			require.ErrorAs(t, err, &in, tt.text)
			require.Contains(t, in.Why, tt.says)
			continue
		}
		require.NoError(t, err, tt.text)
		require.Equal(t, tt.want, got, tt.text)
	}
}

func FuzzBudgetIsReadOrExplained(f *testing.F) {
	for _, seed := range []string{"", "set <@U1|x> 25", "set team 200 per week", "set team \xff", "show <@U1>", "set <@U1|" + strings.Repeat("x", 99) + "> 1.000000001", "set team 9223372036854775807"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseBudget(text)
		if err != nil {
			says, ok := known(err)
			require.True(t, ok)
			require.Contains(t, says, "For example: /budget ")
			require.Less(t, utf8.RuneCountInString(says), 400)
			return
		}
		require.Contains(t, []string{"show", "set", "help"}, o.verb)
		require.GreaterOrEqual(t, o.amount, budget.USD(0))
		require.LessOrEqual(t, o.amount, maxAmount)
		if o.verb == "set" {
			require.Contains(t, []budget.Window{budget.Day, budget.Week, budget.Month}, o.window)
		}
	})
}

func TestTheBudgetIsShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	team := slacksim.DefaultTeam.ID
	b.service.standing = []budget.Standing{
		{Limit: budget.Limit{Scope: budget.Scope{Team: team, Kind: budget.User, ID: slacksim.Analyst}, Amount: 10 * budget.Dollar, Window: budget.Month, Default: true},
			Spent: 2 * budget.Dollar, Held: 50 * budget.Cent, ResetsAt: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)},
	}
	require.NoError(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, "/budget"))
	told := b.told(slacksim.Analyst, slacksim.SalesData, "Your budget")
	require.Contains(t, told.Text, "Your budget: $7.50 of $10.00 left this month. $2.00 spent, $0.50 set aside for work under way. It starts anew <!date^")
	require.Contains(t, told.Text, "Nobody has set it, so it is the usual amount.")
	require.Contains(t, told.Text, "The team has no budget of its own")
	require.NoError(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, "/budget help"))
	b.told(slacksim.Analyst, slacksim.SalesData, "For administrators.")
	require.NoError(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, "/budget show @ben"))
	b.told(slacksim.Analyst, slacksim.SalesData, "Only administrators look at other people's budgets.")
	require.NoError(t, b.as(slacksim.Admin).Command(slacksim.SalesData, "/budget show @maya"))
	told = b.told(slacksim.Admin, slacksim.SalesData, "The budget of")
	require.Contains(t, told.Text, "The budget of <@"+slacksim.Analyst+">: ")
	require.NoError(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, "/budget raise"))
	b.told(slacksim.Analyst, slacksim.SalesData, "There is show, set and help.")
}

func TestTheBudgetIsSet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	team := slacksim.DefaultTeam.ID
	require.NoError(t, b.as(slacksim.Admin).Command(slacksim.SalesData, "/budget set @maya 25"))
	told := b.told(slacksim.Admin, slacksim.SalesData, "may now spend $25.00 per month")
	require.Contains(t, told.Text, "<@"+slacksim.Analyst+"> may now spend")
	require.NoError(t, b.as(slacksim.Admin).Command(slacksim.SalesData, "/budget set team 200 per week"))
	b.told(slacksim.Admin, slacksim.SalesData, "may now spend $200.00 per week")
	require.Equal(t, []budget.Limit{
		{Scope: budget.Scope{Team: team, Kind: budget.User, ID: slacksim.Analyst}, Amount: 25 * budget.Dollar, Window: budget.Month},
		{Scope: budget.Scope{Team: team, Kind: budget.Team, ID: team}, Amount: 200 * budget.Dollar, Window: budget.Week},
	}, b.service.limits)
	b.service.fail(&approval.NotAllowedError{Who: slacksim.Analyst, Why: "Only administrators change budgets."})
	require.NoError(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, "/budget set @maya 1000"))
	b.told(slacksim.Analyst, slacksim.SalesData, "Only administrators change budgets.")
}

func TestEveryBudgetHasAName(t *testing.T) {
	t.Parallel()
	text := func(s budget.Standing) string {
		p := &page{}
		p.say(standing(s, "U1")...)
		return p.text()
	}
	of := func(kind budget.ScopeKind, window budget.Window) budget.Standing {
		return budget.Standing{Limit: budget.Limit{Scope: budget.Scope{Kind: kind, ID: "X1"}, Amount: budget.Dollar, Window: window}}
	}
	require.Contains(t, text(of(budget.Session, budget.None)), "The budget of this thread: $1.00 of $1.00 left. $0.00 spent.")
	require.Contains(t, text(of(budget.Project, budget.Day)), "The budget of this channel: $1.00 of $1.00 left today.")
	require.Contains(t, text(of(budget.Team, budget.Week)), "The team's budget: ")
	over := of(budget.User, budget.Day)
	over.Spent = 2 * budget.Dollar
	require.Contains(t, text(over), "$0.00 of $1.00 left today. $2.00 spent.")
}
