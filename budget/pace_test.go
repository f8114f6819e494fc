package budget

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAPaceIsTheLastWeekCarriedToTheEndOfTheMonth(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	now := time.Date(2026, 11, 20, 15, 0, 0, 0, zone)
	on := func(month time.Month, day int, amount USD) DaySpent {
		return DaySpent{Day: time.Date(2026, month, day, 0, 0, 0, 0, zone), Amount: amount}
	}
	days := []DaySpent{on(10, 31, 99*Dollar), on(11, 2, 5*Dollar), on(11, 13, 3*Dollar), on(11, 16, 4*Dollar), on(11, 20, Dollar/2)}
	since := time.Date(2026, 3, 1, 0, 0, 0, 0, zone)
	p := PaceOf(days, since, now)
	require.Equal(t, Pace{Spent: 12*Dollar + Dollar/2, PerDay: Dollar, Days: 7, Projected: 12*Dollar + Dollar + 10*Dollar, Until: time.Date(2026, 12, 1, 0, 0, 0, 0, zone)}, p,
		"today costs what a day costs, and so do the ten that are left")
	days[4].Amount = 3 * Dollar
	require.Equal(t, 12*Dollar+3*Dollar+10*Dollar, PaceOf(days, since, now).Projected, "today has cost more already")

	p = PaceOf([]DaySpent{on(11, 19, 6*Dollar), on(11, 20, Dollar)}, time.Date(2026, 11, 18, 9, 0, 0, 0, zone), now)
	require.Equal(t, 2, p.Days, "the days before the first question are no cheap days")
	require.Equal(t, 3*Dollar, p.PerDay)
	require.Zero(t, PaceOf([]DaySpent{on(11, 20, Dollar)}, now.Add(-time.Hour), now).Projected, "of the first day nothing is projected")
	last := time.Date(2026, 11, 30, 23, 59, 0, 0, zone)
	p = PaceOf([]DaySpent{on(11, 30, Dollar)}, since, last)
	require.Equal(t, Dollar, p.Projected, "no day is left")
}

func TestASpikeIsThreeDeviationsAboveTheSameWeekday(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	day := time.Date(2026, 11, 10, 18, 0, 0, 0, zone) // a Tuesday; summer time has ended since the first of the four
	since := time.Date(2026, 10, 13, 12, 0, 0, 0, zone)
	spent := func(today USD, tuesdays ...USD) []DaySpent {
		list := []DaySpent{{Day: day, Amount: today}, {Day: day.AddDate(0, 0, -1), Amount: 500 * Dollar}} // what a Monday cost is not asked
		for i, amount := range tuesdays {
			list = append(list, DaySpent{Day: day.AddDate(0, 0, -7*(i+1)), Amount: amount})
		}
		return list
	}
	// Mean 10, deviations 2: sigma is 2.309 dollars.
	usual := []USD{8 * Dollar, 12 * Dollar, 8 * Dollar, 12 * Dollar}
	_, is := SpikeOf(spent(16*Dollar+90*Cent, usual...), since, day)
	require.False(t, is)
	s, is := SpikeOf(spent(16*Dollar+93*Cent, usual...), since, day)
	require.True(t, is)
	require.Equal(t, 10*Dollar, s.Usual)
	require.InDelta(t, 2.309, float64(s.Sigma)/float64(Dollar), 0.001)
	require.Equal(t, "2026-11-10", s.Day.Format(time.DateOnly))

	_, is = SpikeOf(spent(99*Dollar, usual...), since.AddDate(0, 0, 1), day)
	require.False(t, is, "the four weeks are not whole")
	_, is = SpikeOf(spent(99*Cent), since, day)
	require.False(t, is, "after four weeks of nothing a cent is none")
	_, is = SpikeOf(spent(Dollar), since, day)
	require.True(t, is)
}
