package approval

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/budget"
)

func TestTheForecastIsToldOnceAWindow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
	from, until := budget.Month.Range(now, time.UTC)
	r := New(question(), "m1", 0, DefaultPolicy(), now)
	s := budget.Standing{Limit: budget.Limit{Scope: r.Scopes()[0], Amount: 10 * budget.Dollar, Window: budget.Month}, Spent: 5 * budget.Dollar, From: from, ResetsAt: until}
	list := Alerts(r, []budget.Standing{s}, now)
	require.Len(t, list, 1)
	require.Equal(t, NoticeForecast, list[0].Kind)
	require.Equal(t, "forecast of T1 user asker in month 2026-11-01 at 10000000000", list[0].Key)
	require.Equal(t, []string{"asker"}, list[0].To)
	require.Contains(t, string(list[0].Data), `"at":"2026-11-19T00:00:00Z"`)
	s.Spent += budget.Dollar
	require.Equal(t, list[0].Key, Alerts(r, []budget.Standing{s}, now.Add(time.Hour))[0].Key)
}

// question is what the asker asks unless a test changes it.
func question() Question {
	return Question{Team: "T1", Project: "C1", Asker: "asker", Text: "What were sales?", Trigger: NewID(8),
		Files: []File{{ID: "F1", Name: "sales.csv", Size: 8}}}
}
