package command

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

var (
	maya = Target{Kind: budget.User, Id: "U123"}
	team = Target{Kind: budget.Team}
)

// monthly is an order to set a budget per month, on these further terms.
func monthly(of Target, amount budget.USD, change ...func(*terms)) Order {
	o := Order{Verb: "set", Target: of, Terms: terms{Amount: amount, Window: budget.Month}}
	for _, c := range change {
		c(&o.Terms)
	}
	return o
}

func per(w budget.Window) func(*terms) { return func(t *terms) { t.Window = w } }

func TestBudgetsAreRead(t *testing.T) {
	t.Parallel()
	thread := Target{Kind: budget.Session, Channel: "C0SALES", Ts: "1763812800.000100"}
	policy := func(p budget.LimitPolicy) func(*terms) { return func(t *terms) { t.Policy = p } }
	tests := []struct {
		text string
		want Order
	}{
		{"", Order{}},
		{"  show ", Order{Verb: "show"}},
		{"HELP", Order{Verb: "help"}},
		{"show <@U123|maya>", Order{Verb: "show", Target: maya}},
		{"show <#C0SALES|sales-data>", Order{Verb: "show", Target: Target{Kind: budget.Project, Id: "C0SALES"}}},
		{"show <#C0SALES|>", Order{Verb: "show", Target: Target{Kind: budget.Project, Id: "C0SALES"}}},
		{"show <https://harbor-coffee.slack.com/archives/C0SALES/p1763812800000100>", Order{Verb: "show", Target: thread}},
		{"show https://harbor-coffee.slack.com/archives/C0SALES/p1763812800000100", Order{Verb: "show", Target: thread}},
		{"show <https://harbor-coffee.slack.com/archives/C0SALES/p1763812801000100?thread_ts=1763812800.000100&amp;cid=C0SALES>", Order{Verb: "show", Target: thread}},
		{"show <https://harbor-coffee.slack.com/archives/C0SALES/p1763812801000100?cid=C0SALES&thread_ts=1763812800.000100|that>", Order{Verb: "show", Target: thread}},
		{"show team", Order{Verb: "show", Target: team}},
		{"show Members", Order{Verb: "show", Target: Target{Kind: budget.Role, Id: "members"}}},
		{"remove admins", Order{Verb: "remove", Target: Target{Kind: budget.Role, Id: "admins"}}},
		{"history", Order{Verb: "history"}},
		{"history <@U123|maya>", Order{Verb: "history", Target: maya}},
		{"explain BCD23fg", Order{Verb: "explain", Request: "bcd23fg"}},
		{"top", Order{Verb: "top", By: "people", Period: "this month"}},
		{"top spenders", Order{Verb: "top", By: "people", Period: "this month"}},
		{"top Projects last week", Order{Verb: "top", By: "channels", Period: "last week"}},
		{"top yesterday", Order{Verb: "top", By: "people", Period: "yesterday"}},
		{"set <@U123|maya> 25", monthly(maya, 25*budget.Dollar)},
		{"set <@W123> $1,000.50 per Week", monthly(Target{Kind: budget.User, Id: "W123"}, 1000*budget.Dollar+50*budget.Cent, per(budget.Week))},
		{"set TEAM 200 per day", monthly(team, 200*budget.Dollar, per(budget.Day))},
		{"set team 200 in all", monthly(team, 200*budget.Dollar, per(budget.None))},
		{"set team 0", monthly(team, 0)},
		{"set reviewers 40", monthly(Target{Kind: budget.Role, Id: "reviewers"}, 40*budget.Dollar)},
		{"set team 200 ready 0.02 per day", monthly(team, 200*budget.Dollar, per(budget.Day), policy(budget.LimitPolicy{Ready: 2 * budget.Cent}))},
		{"set team 200 soft 90%", monthly(team, 200*budget.Dollar, policy(budget.LimitPolicy{Soft: 90}))},
		{"set team 200 warn at 95%,50 and 95%", monthly(team, 200*budget.Dollar, policy(budget.LimitPolicy{Warn: []int{50, 95}}))},
		{"set team 200 without long runs, upload and model big-model per day", monthly(team, 200*budget.Dollar, per(budget.Day),
			policy(budget.LimitPolicy{Without: []budget.Ability{budget.LongRuns, budget.Upload, budget.WithoutModel("big-model")}}))},
		{"set team 200 downgrade to small soft 70 downgrades", Order{}},
		{"set team 200 downgrade small, big to middle soft 70", monthly(team, 200*budget.Dollar,
			policy(budget.LimitPolicy{Soft: 70, Downgrade: []budget.Downgrade{{To: "small"}, {From: "big", To: "middle"}}}))},
	}
	for _, tt := range tests {
		got, err := ParseBudget(tt.text)
		if tt.want.Verb == "" && tt.text != "" {
			require.Error(t, err, tt.text)
			continue
		}
		require.NoError(t, err, tt.text)
		require.Equal(t, tt.want, got, tt.text)
	}
}

func TestAWrongBudgetGetsAnExampleOfTheRightOne(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, says, example string }{
		{"raise", `Unknown command "raise". You can write show, set, remove, history, explain, top or help.`, "set @user 25"},
		{"help me", `I do not understand "me" after help.`, "help"},
		{"show @nobody", `I cannot find "@nobody"`, "show @user"},
		{"show <@U1> <@U2>", "After show comes one of these: @user, #channel", "show @user"},
		{"show #nowhere", `I cannot find the channel "#nowhere"`, "show @user"},
		{"show <https://example.com/x>", "is not the link of a thread", "show @user"},
		{"set", "Whose budget, and how much?", "set @user 25"},
		{"set maya 25", `I cannot find "maya"`, "set @user 25"},
		{"set #sales 25", "I cannot find the channel", "set #channel 50 per week"},
		{"set <@U123|maya>", "How much?", "set @user 25"},
		{"set team", "How much?", "set team 200 per month"},
		{"set members lots", `"lots" is not a dollar amount. Write it like 25, 25.50 or $1,000.`, "set members 200 per month"},
		{"set team -5", "not a dollar amount", "set team 200 per month"},
		{"set team 1,5", "not a dollar amount", "set team 200 per month"},
		{"set team 1e9", "not a dollar amount", "set team 200 per month"},
		{"set team 1000001", "at most $1,000,000", "set team 200 per month"},
		{"set team 5 per year", `I do not understand "per year". A budget is per day, per week, per month or in all.`, exampleWindow},
		{"set team 5 per", `I do not understand "per ".`, exampleWindow},
		{"set team 5 in", "A budget is per day", "set team 200 in all"},
		{"set team 5 a week", `I do not understand "a week"`, exampleWindow},
		{"set <@U123|maya> 5 dollars", `I do not understand "dollars"`, exampleWindow},
		{"set team 5 per day in all", `You wrote "per" twice.`, exampleWindow},
		{"set team 5 soft soft", `"soft" is not a share of a budget`, exampleSoft},
		{"set team 5 soft 101%", "from 1% to 100%", exampleSoft},
		{"set team 5 warn", `"" is not a share`, exampleWarn},
		{"set team 5 warn 50,", `"" is not a share`, exampleWarn},
		{"set team 5 warn 1 and 2 and 3 and 4 and 5 and 6 and 7 and 8 and 9 and 10 and 11", "at most 10", exampleWarn},
		{"set team 5 downgrade", "Which model should write instead?", exampleDowngrade},
		{"set team 5 downgrade big to", "Which model should write instead?", exampleDowngrade},
		{"set team 5 downgrade soft 80%", "Which model should write instead?", exampleDowngrade},
		{"set team 5 ready", `"" is not a dollar amount`, exampleReady},
		{"set team 5 without", "You can name upload, long runs, network and model NAME.", exampleWithout},
		{"set team 5 without long", "You can name upload", exampleWithout},
		{"set team 5 without model", "You can name upload", exampleWithout},
		{"remove", "Whose budget? Say @user, #channel", "remove @user"},
		{"explain", "Its id is in the small print", "explain bcd23fg"},
		{"explain a!", `"a!" is not the id of a question`, "explain bcd23fg"},
		{"top cats", "I can add up people, channels, models or days, last month, last week, this month, this week, today or yesterday.", exampleTop},
	}
	for _, tt := range tests {
		_, err := ParseBudget(tt.text)
		var in *approval.InputError
		require.ErrorAs(t, err, &in, tt.text)
		require.Contains(t, in.Why.Said, tt.says)
		why, example, ok := strings.Cut(in.Why.Said, " For example: /budget ")
		require.True(t, ok, in.Why.Said)
		require.Equal(t, tt.example, example, why)
	}
}

// typed is what Slack makes of the placeholders that the examples use.
var typed = strings.NewReplacer("@user", "<@U1|maya>", "#channel", "<#C1|sales>")

func TestEveryExampleWorks(t *testing.T) {
	t.Parallel()
	for _, example := range []string{"set @user 25", "set #channel 50 per week", "set team 200 per month", "set members 200 per month", "set team 200 in all",
		"show @user", "remove @user", "history @user", "explain bcd23fg", "help", exampleTop, exampleWindow, exampleSoft, exampleWarn, exampleDowngrade, exampleWithout} {
		_, err := ParseBudget(typed.Replace(example))
		require.NoError(t, err, example)
	}
}

func FuzzBudgetIsReadOrExplained(f *testing.F) {
	for _, seed := range []string{"", "set <@U1|x> 25", "set team 200 per week soft 80% warn 1,2 and 3 downgrade a to b, c without upload, model x", "set team \xff", "show <@U1>", "top days today",
		"set <@U1|" + strings.Repeat("x", 99) + "> 1.000000001", "set team 9223372036854775807", "explain bcd23fg", "remove <https://x.slack.com/archives/C1/p1234567890123456>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := ParseBudget(text)
		if err != nil {
			var wrong *approval.InputError
			require.ErrorAs(t, err, &wrong)
			says := wrong.Why.Said
			require.Contains(t, says, "For example: /budget ")
			require.Less(t, utf8.RuneCountInString(says), 500)
			return
		}
		if o.Verb != "" {
			require.Contains(t, verbs, o.Verb)
		}
		require.GreaterOrEqual(t, o.Terms.Amount, budget.USD(0))
		require.LessOrEqual(t, o.Terms.Amount, maxAmount)
		switch o.Verb {
		case "set", "remove":
			require.NotEmpty(t, o.Target.Kind)
		case "top":
			require.Contains(t, Periods, o.Period)
		}
		if o.Verb == "set" {
			require.Contains(t, []budget.Window{budget.Day, budget.Week, budget.Month, budget.None}, o.Terms.Window)
			require.LessOrEqual(t, len(o.Terms.Policy.Warn), 10)
		}
	})
}

func TestPeriodsLieOnTheCalendar(t *testing.T) {
	t.Parallel()
	stockholm, err := time.LoadLocation("Europe/Stockholm")
	require.NoError(t, err)
	now := time.Date(2026, 11, 24, 15, 0, 0, 0, stockholm) // a Tuesday
	date := func(m time.Month, d int) time.Time { return time.Date(2026, m, d, 0, 0, 0, 0, stockholm) }
	for name, want := range map[string][2]time.Time{
		"today": {date(11, 24), date(11, 25)}, "yesterday": {date(11, 23), date(11, 24)},
		"this week": {date(11, 23), date(11, 30)}, "last week": {date(11, 16), date(11, 23)},
		"this month": {date(11, 1), date(12, 1)}, "last month": {date(10, 1), date(11, 1)},
	} {
		from, until := Periods[name].Around(now)
		require.Equal(t, want, [2]time.Time{from, until}, name)
	}
}
