package storage

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
	"countersign/storage/money"
)

func TestUsageAddsUpToTheLedger(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.done(t, "1") // a draft of one cent, a run of three millionths
	lost := b.running(t, "2")
	b.update(t, lost.ID, (*approval.Request).Lose)
	today := time.Now().UTC()
	list, err := b.Usage(t.Context(), today.Add(-day), today.Add(day))
	require.NoError(t, err)
	var sum budget.USD
	for _, u := range list {
		sum += u.Amount
		require.Equal(t, [3]string{team, asker, channel}, [3]string{u.Team, u.Asker, u.Project})
	}
	require.Equal(t, int(sum), b.count(t, `SELECT sum(amount) FROM settlements`))
	require.Equal(t, int(sum), b.count(t, `SELECT sum(amount) FROM charges`))
	byModel := map[string]money.Usage{}
	for _, u := range list {
		known := byModel[u.Model]
		known.Charges, known.Estimated, known.Amount = known.Charges+u.Charges, known.Estimated+u.Estimated, known.Amount+u.Amount
		known.InputTokens, known.CachedTokens, known.OutputTokens, known.BoxMS =
			known.InputTokens+u.InputTokens, known.CachedTokens+u.CachedTokens, known.OutputTokens+u.OutputTokens, known.BoxMS+u.BoxMS
		byModel[u.Model] = known
	}
	require.Equal(t, map[string]money.Usage{
		"small-1": {Charges: 2, Amount: 2 * budget.Cent, InputTokens: 200, CachedTokens: 20, OutputTokens: 40},
		"local":   {Charges: 2, Estimated: 1, Amount: budget.Cent + 3*budget.MicroDollar, BoxMS: 1500},
	}, byModel)

	earlier, err := b.Usage(t.Context(), today.AddDate(-1, 0, 0), today.AddDate(0, 0, -2))
	require.NoError(t, err)
	require.Empty(t, earlier)
	require.NotNil(t, r)
}

func TestADayOfUsageIsOneOfTheTeamsCalendar(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Australia/Lord_Howe") // half an hour of summer time
	require.NoError(t, err)
	b := setupWith(t, Options{Location: zone})
	r := b.ask(t, "t")
	for i := range 500 {
		at := time.Date(2026, 4, 1, 0, 0, 0, 0, zone).Add(time.Duration(i) * 37 * time.Minute) // over the end of summer time
		require.NoError(t, b.spend(t.Context(), r, fmt.Sprint(i), at, budget.USD(i)))
	}
	for date := 1; date <= 15; date++ {
		on := time.Date(2026, 4, date, 12, 0, 0, 0, zone)
		list, err := b.Usage(t.Context(), on, on)
		require.NoError(t, err)
		from, until := budget.Day.Range(on, zone)
		want, err := b.raw(t.Context(), teamScope, from, until)
		require.NoError(t, err)
		var got budget.USD
		for _, u := range list {
			require.Equal(t, on.Format(time.DateOnly), u.Day.Format(time.DateOnly))
			got += u.Amount
		}
		require.Equal(t, want, got, on)
	}
}

func TestUsageOnACalendarThatPostgresDoesNotKnowIsAnError(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Options{Location: time.FixedZone("Mars/Olympus", 1)})
	_, err := b.Usage(t.Context(), odd(), odd())
	require.ErrorContains(t, err, "on the calendar of Mars/Olympus")
}
