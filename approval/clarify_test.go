package approval

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign/budget"
)

func TestWhatAModelSaysUnreviewedIsPlainAndShort(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Which year?":                              "Which year?",
		" Which\nyear? \x00":                       `Which year? \u{0}`,
		"Ask <@U123> or <!channel> or @here":       "Ask or or here",
		"See https://evil.example/x?y=1 now":       "See (link left out) now",
		"See HTTP://1.2.3.4 and www.evil.example":  "See (link left out) and (link left out)",
		"mailto:a@b.example or evil.example/login": "(link left out) or (link left out)",
		"Is it sales.csv or sales_2.csv?":          "Is it sales.csv or sales_2.csv?",
		"Units: above 1/2 or km/h, ratio 3:4?":     "Units: above 1/2 or km/h, ratio 3:4?",
	} {
		require.Equal(t, want, Unreviewed(text, 300), text)
	}
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 40).Draw(t, "most")
		said := Unreviewed(rapid.String().Draw(t, "text")+rapid.SampledFrom([]string{"", "<@U1>", "https://a.b/c", "@channel"}).Draw(t, "bait"), most)
		if utf8.RuneCountInString(said) > most || strings.ContainsAny(said, "\n@") || strings.Contains(said, "://") {
			t.Fatalf("%q", said)
		}
	})
	c, ok := NewClarification("Which?", []string{"a", "a", "", "b", "c", "d", "e"})
	require.True(t, ok)
	require.Equal(t, []string{"a", "b", "c", "d"}, c.Choices)
	_, ok = NewClarification("<@U1> \n", nil)
	require.False(t, ok)
	require.Len(t, NextQuestions([]string{"1?", "2?", "3?", "4?"}), MostNext)
}

func TestAModelAsksTwiceInARowAtMost(t *testing.T) {
	t.Parallel()
	p := testPolicy()
	r := inState(t, Drafting)
	settled := func() { r.Money().Settle(budget.Settlement{HoldID: r.Holds[0].ID, At: t0}) }
	settled()
	ask := func(now time.Time) error {
		return Talk{r}.Ask(Clarification{Question: "Which year?", Choices: []string{"2023", "2024"}}, "m1", p, now)
	}
	require.NoError(t, ask(t0))
	require.Empty(t, r.Holds, "nothing is held while it waits")
	first := Talk{r}.Open().Key()
	var move *MoveError
	require.ErrorAs(t, Talk{r}.Answer("other", "2024", "", budget.Cent, p, t0), &move)
	require.Equal(t, WhyOtherDoubt, move.Why.Code)
	require.NoError(t, Talk{r}.Answer(first, "2024", "message C 1", budget.Cent, p, t0.Add(time.Second)))
	require.Equal(t, Drafting, r.State)
	require.Nil(t, Talk{r}.Open())
	require.Equal(t, []Clarification{{Question: "Which year?", Choices: []string{"2023", "2024"}, AskedAt: t0, Said: "2024", SaidAt: t0.Add(time.Second)}}, Clarified(r.Changes.Messages))
	require.NoError(t, r.Money().Call(budget.Cent, budget.Cent/10, Addressee{}, p, t0), "it is paid anew")
	settled()
	require.NoError(t, ask(t0.Add(2*time.Second)))
	require.ErrorAs(t, Talk{r}.Answer(first, "2023", "", budget.Cent, p, t0), &move, "a late press answers nothing else")
	require.NoError(t, Talk{r}.Answer(Talk{r}.Open().Key(), "all of it", "", budget.Cent, p, t0.Add(3*time.Second)))
	require.ErrorAs(t, ask(t0.Add(4*time.Second)), &move)
	require.Equal(t, Drafting, r.State)

	require.NoError(t, r.Drafted(testRevision(), p, t0.Add(5*time.Second)))
	require.Zero(t, Talk{r}.InARow(), "a program is between")
}
