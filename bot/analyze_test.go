package bot

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/sample"
	"countersign/bot/kit"
	"countersign/internal/slacksim"
)

func TestWordsThatAreNoQuestionAreAnsweredInPrivate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	b.service.recent = []*approval.Request{{ID: "bcd23fg", Question: "Sales\nper month? <@U1> *bold*", State: approval.Pending, CreatedAt: sample.Noon}}
	b.service.views["bcd23fg"] = sample.View()
	tests := []struct{ line, says string }{
		{"/analyze help", "cancels a question. A program that runs is stopped."},
		{"/analyze HELP", "at most 20 MB each"},
		{"/analyze status", "Sales per month? <@U1> *bold*"},
		{"/analyze cancel", "Which one?"},
		{"/analyze cancel bcd23fg", "Cancelled: What were sales per month"},
		{"/analyze cancel nosuch1", "There is no such request here."},
	}
	for _, tt := range tests {
		require.NoError(t, maya.Command(slacksim.SalesData, tt.line))
		b.told(slacksim.Analyst, slacksim.SalesData, tt.says)
	}
	require.Len(t, b.service.taken, 1)
	require.Equal(t, approval.Click{Team: slacksim.DefaultTeam.ID, User: slacksim.Analyst, Channel: slacksim.SalesData}, b.service.taken[0])
	require.Empty(t, b.service.questions())
	status := b.told(slacksim.Analyst, slacksim.SalesData, "Your latest questions")
	require.Contains(t, status.Text, "&lt;@U1&gt;", "somebody's words mention nobody")

	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze cancel rates by month?"))
	b.told(slacksim.Analyst, slacksim.SalesData, "On it.")
	require.Len(t, b.service.questions(), 1)
}

func TestStatusOfSomebodyWhoHasNotAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, "/analyze status"))
	b.told(slacksim.Analyst, slacksim.SalesData, "You have not asked anything yet.")
}

func TestWhatTheServiceRefusesIsSaidInItsWords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, line := range []string{"/analyze How many?", "/analyze " + strings.Repeat("long ", 2000), "/analyze status", "/analyze cancel bcd23fg", "/budget", "/budget set team 5"} {
		b.service.fail(&approval.InputError{Why: approval.Words("No, because of " + line[:min(len(line), 30)])})
		require.NoError(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, line))
		b.told(slacksim.Analyst, slacksim.SalesData, "No, because of "+line[:min(len(line), 30)])
	}
	require.Empty(t, b.as(slacksim.Analyst).Notices())
}

func TestAFormThatSlackOpensNoMoreIsExplained(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w *slacksim.Options, _ *Options) { w.Timing.Trigger = time.Nanosecond })
	require.NoError(t, b.as(slacksim.Analyst).Command(slacksim.SalesData, "/analyze"))
	b.told(slacksim.Analyst, slacksim.SalesData, "Slack no longer lets me open the form")
}

func TestSlacksSpellingBecomesWhatWasTyped(t *testing.T) {
	t.Parallel()
	for sent, typed := range map[string]string{
		"a &lt; b &amp;&amp; c &gt; d":                     "a < b && c > d",
		"ask <@U123|maya> in <#C1|sales>":                  "ask @maya in #sales",
		"ask <@U123>":                                      "ask @U123",
		"see <https://x.example/a?b=1&amp;c=2|here>":       "see here",
		"see <https://x.example/>":                         "see https://x.example/",
		"write <mailto:a@b.example|a@b.example>":           "write a@b.example",
		"write <mailto:a@b.example>":                       "write a@b.example",
		"hey <!here> <!date^1^{date}|today> <!subteam^S1>": "hey @here today @subteam",
		"&amp;lt; stays":                                   "&lt; stays",
		"  spaces  ":                                       "spaces",
		"a < b":                                            "a < b",
	} {
		require.Equal(t, typed, kit.FromSlack(sent))
	}
	require.Equal(t, "how many?", kit.FromSlack(kit.WithoutMention("<@U0BOT|bot>, how many?", "U0BOT")))
}

func TestInADirectMessageWithTheBotACommandWorks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.Command(maya.DM(), "/analyze How many?"))
	b.told(slacksim.Analyst, maya.DM(), "On it.")
	require.Equal(t, maya.DM(), b.service.questions()[0].Project)
}
