package budget

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func policed(spent USD, p LimitPolicy) Standing {
	s := standing(User, 10*Dollar, spent, 0)
	s.Limit.Policy = p
	return s
}

func TestTheStateOfABudgetIsDerived(t *testing.T) {
	t.Parallel()
	gentle, strict := LimitPolicy{Warn: []int{50, 95}}, LimitPolicy{Soft: 60, Without: []Ability{Upload}}
	for name, c := range map[string]struct {
		standing Standing
		want     State
	}{
		"fresh":                        {policed(0, LimitPolicy{}), Active},
		"just below":                   {policed(8*Dollar-1, LimitPolicy{}), Active},
		"the soft limit warns":         {policed(8*Dollar, LimitPolicy{}), Warned},
		"an early mark":                {policed(5*Dollar, gentle), Warned},
		"consequences":                 {policed(6*Dollar, strict), Degraded},
		"a mark is no consequence":     {policed(5*Dollar, LimitPolicy{Warn: []int{10}, Downgrade: []Downgrade{{To: "m"}}}), Warned},
		"nothing left":                 {policed(10*Dollar, strict), Stopped},
		"all of it held":               {standing(User, Dollar, 0, Dollar), Stopped},
		"nothing to begin with":        {standing(User, 0, 0, 0), Stopped},
		"what is granted makes room":   {Standing{Limit: Limit{Amount: 10 * Dollar, Extra: 5 * Dollar}, Spent: 10 * Dollar}, Active},
		"and may be used up in turn":   {Standing{Limit: Limit{Amount: 10 * Dollar, Extra: 5 * Dollar}, Spent: 15 * Dollar}, Stopped},
		"more than the limit was ever": {Standing{Limit: Limit{Amount: Dollar}, Spent: 3 * Dollar}, Stopped},
	} {
		require.Equal(t, c.want, c.standing.State(), name)
	}
	require.Equal(t, []int{50, 80}, policed(9*Dollar, gentle).Reached())
	require.Equal(t, []int{60}, LimitPolicy{Soft: 60, Warn: []int{60}}.Marks(), "the same mark is one")
}

func TestMarksAreExactWhateverTheAmount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hard := USD(rapid.Int64Range(1, math.MaxInt64).Draw(t, "hard"))
		spent := USD(rapid.Int64Range(0, int64(hard)).Draw(t, "spent"))
		mark := rapid.IntRange(1, 100).Draw(t, "mark")
		// hard*mark/100, rounded up, without leaving 64 bits.
		need := hard/100*USD(mark) + (hard%100*USD(mark)+99)/100
		require.Equal(t, spent > 0 && spent >= need, Standing{Limit: Limit{Amount: hard}, Spent: spent}.reached(mark))
	})
}

func TestAPolicyThatCannotBeIsSaidInWords(t *testing.T) {
	t.Parallel()
	for words, p := range map[string]LimitPolicy{
		"101% is no share":               {Soft: 101},
		"-5% is no share":                {Warn: []int{-5}},
		"names another, cheaper model":   {Downgrade: []Downgrade{{From: "a", To: "a"}}},
		`"breathing" cannot be switched`: {Without: []Ability{"breathing"}},
		`"model " cannot be switched`:    {Without: []Ability{WithoutModel("")}},
	} {
		require.ErrorContains(t, p.Validate(), words)
	}
	require.NoError(t, LimitPolicy{Soft: 100, Warn: []int{1}, Downgrade: []Downgrade{{To: "m"}}, Without: []Ability{Upload, LongRuns, Network, WithoutModel("x")}}.Validate())
	require.NoError(t, LimitPolicy{}.Validate())
}

func TestADowngradeIsAllowedCheaperAndFits(t *testing.T) {
	t.Parallel()
	costs := map[string]USD{"large": 90 * Cent, "medium": 50 * Cent, "small": 10 * Cent, "dear": 2 * Dollar}
	worst := func(model string) (USD, error) {
		if c, ok := costs[model]; ok {
			return c, nil
		}
		return 0, &UnknownPriceError{What: model}
	}
	choose := func(model string, standings ...Standing) string {
		to, _, ok := Cheaper(standings, model, worst)
		require.Equal(t, ok, to != "")
		return to
	}
	down := func(d ...Downgrade) LimitPolicy { return LimitPolicy{Downgrade: d} }
	require.Empty(t, choose("large", policed(7*Dollar, down(Downgrade{"large", "small"}))), "it is not past the soft limit")
	require.Equal(t, "small", choose("large", policed(8*Dollar, down(Downgrade{"large", "small"}))))
	require.Equal(t, "small", choose("large", policed(8*Dollar, down(Downgrade{"", "small"}))), "any model")
	require.Empty(t, choose("medium", policed(8*Dollar, down(Downgrade{"large", "small"}))), "it is about another model")
	require.Empty(t, choose("large", policed(8*Dollar, down(Downgrade{"large", "dear"}))), "it has to be cheaper")
	require.Empty(t, choose("small", policed(8*Dollar, down(Downgrade{"", "small"}))), "it is that already")
	require.Empty(t, choose("large", policed(8*Dollar, down(Downgrade{"large", "gone"}))), "nobody knows what it costs")
	require.Empty(t, choose("gone", policed(8*Dollar, down(Downgrade{"gone", "small"}))))
	chain := down(Downgrade{"large", "medium"}, Downgrade{"medium", "small"}, Downgrade{"small", "large"})
	require.Equal(t, "medium", choose("large", policed(8*Dollar, chain)), "the first of a chain")
	tight := policed(8*Dollar, chain)
	tight.Held = 2*Dollar - 20*Cent
	require.Equal(t, "small", choose("large", tight), "the first that fits")
	other := standing(Team, 10*Dollar, 10*Dollar-20*Cent, 0)
	require.Equal(t, "small", choose("large", policed(8*Dollar, chain), other), "everywhere")
	other.Limit.Policy.Without = []Ability{WithoutModel("small")}
	require.Empty(t, choose("large", policed(8*Dollar, chain), other), "and nobody has switched it off")
}

func TestTheForecastIsAStraightLine(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	at := func(days float64, spent USD) (string, bool) {
		s := Standing{Limit: Limit{Amount: 10 * Dollar, Window: Month}, Spent: spent, From: from, ResetsAt: from.AddDate(0, 1, 0)}
		when, ok := Forecast(s, from.Add(time.Duration(days*24)*time.Hour))
		return when.Format(time.DateOnly), ok
	}
	when, ok := at(9, 5*Dollar)
	require.True(t, ok)
	require.Equal(t, "2026-11-19", when, "at this pace the month ends on the 19th")
	for name, c := range map[string]struct {
		days  float64
		spent USD
	}{"too early": {2, 5 * Dollar}, "it lasts": {15, 5 * Dollar}, "nothing spent": {15, 0}, "used up": {15, 10 * Dollar},
		"a crumb": {29, 1}, "the window is over": {30, 9 * Dollar}} {
		_, ok := at(c.days, c.spent)
		require.False(t, ok, name)
	}
	day := Standing{Limit: Limit{Amount: Dollar, Window: Day}, Spent: 90 * Cent, From: from, ResetsAt: from.AddDate(0, 0, 1)}
	_, ok = Forecast(day, from.Add(5*time.Hour))
	require.False(t, ok, "before six hours there is no pace")
	_, ok = Forecast(day, from.Add(7*time.Hour))
	require.True(t, ok)
	_, ok = Forecast(Standing{Limit: Limit{Amount: Dollar, Window: None}, Spent: 90 * Cent}, from)
	require.False(t, ok, "what never ends has no pace")
}

func TestAModelIsFreeAgainWhenEveryBudgetThatSavesBeginsAnew(t *testing.T) {
	t.Parallel()
	day, month := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	saves := Standing{Limit: Limit{Amount: 10 * Dollar, Policy: LimitPolicy{Downgrade: []Downgrade{{From: "large", To: "small"}}}}, Spent: 8 * Dollar, ResetsAt: day}
	off := Standing{Limit: Limit{Amount: 10 * Dollar, Policy: LimitPolicy{Without: []Ability{WithoutModel("large")}}}, Spent: 8 * Dollar, ResetsAt: month}
	full := Standing{Limit: Limit{Amount: Dollar}, Spent: Dollar, ResetsAt: month}
	at, ok := FreeFrom("large", Dollar, []Standing{saves})
	require.True(t, ok)
	require.Equal(t, day, at)
	for _, other := range []Standing{off, full} {
		at, ok = FreeFrom("large", Dollar, []Standing{saves, other})
		require.True(t, ok)
		require.Equal(t, month, at, "the last of them")
	}
	saves.ResetsAt = time.Time{}
	_, ok = FreeFrom("large", Dollar, []Standing{saves, off})
	require.False(t, ok, "one of them never does")
	_, ok = FreeFrom("medium", Dollar, []Standing{saves})
	require.False(t, ok, "it may be used now")
}

func TestWaitingHelpsOnlyWhereEveryBudgetBeginsAnew(t *testing.T) {
	t.Parallel()
	day, month := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	full := func(amount USD, reset time.Time) Standing {
		return Standing{Limit: Limit{Amount: amount}, Spent: amount, ResetsAt: reset}
	}
	roomy := Standing{Limit: Limit{Amount: 100 * Dollar}}
	at, ok := FitsFrom(Dollar, []Standing{full(Dollar, day), full(2*Dollar, month), roomy})
	require.True(t, ok)
	require.Equal(t, month, at, "the last of them")
	_, ok = FitsFrom(Dollar, []Standing{full(Dollar, day), full(Dollar, time.Time{})})
	require.False(t, ok, "one of them never does")
	_, ok = FitsFrom(Dollar+1, []Standing{full(Dollar, day)})
	require.False(t, ok, "it is smaller than the work")
	_, ok = FitsFrom(Dollar, []Standing{roomy})
	require.False(t, ok, "it fits now")
	granted := full(Dollar, day)
	granted.Limit.Extra, granted.Spent = Dollar, 2*Dollar
	_, ok = FitsFrom(Dollar+Cent, []Standing{granted})
	require.False(t, ok, "what was granted on top is gone by then")
	granted.Limit.Rests = true
	_, ok = FitsFrom(Dollar, []Standing{granted})
	require.False(t, ok, "a workspace that rests waits for an administrator")
	_, ok = FreeFrom("large", Dollar, []Standing{granted})
	require.False(t, ok, "nor is a model free again")
}

func TestABoxWaitsForTheLeastThatABudgetAllowsAndForNoneThatSaves(t *testing.T) {
	t.Parallel()
	allows := func(ready USD) Standing {
		return Standing{Limit: Limit{Amount: Dollar, Policy: LimitPolicy{Ready: ready}}}
	}
	saves := allows(Cent)
	saves.Spent = 80 * Cent
	for _, tt := range []struct {
		standings []Standing
		most      USD
	}{{nil, 0}, {[]Standing{allows(0)}, 0}, {[]Standing{allows(0), allows(2 * Cent), allows(Cent)}, Cent}, {[]Standing{allows(Cent), saves}, 0}} {
		require.Equal(t, tt.most, Ready(tt.standings))
	}
	require.Error(t, LimitPolicy{Ready: -1}.Validate())
}
