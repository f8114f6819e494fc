package habits

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func TestWhoApprovesFasterThanAnybodyReadsIsNamed(t *testing.T) {
	t.Parallel()
	at := func(days int) time.Time { return monday.AddDate(0, 0, -days) }
	d := Weigh([]Given{
		{RequestID: "old", Asker: "A", Reviewer: "B", Lines: 100, Took: time.Second, At: at(8)},
		{RequestID: "quick", Asker: "A", Reviewer: "B", Lines: 100, Took: 49 * time.Second, At: at(3)},
		{RequestID: "read", Asker: "A", Reviewer: "B", Lines: 100, Took: 50 * time.Second, At: at(3)},
		{RequestID: "long", Asker: "A", Reviewer: "C", Lines: 4000, Took: 2 * time.Minute, At: at(2)},
		{RequestID: "later", Asker: "A", Reviewer: "C", Lines: 100, Took: 0, At: monday},
	}, monday.Add(-Week), monday)
	require.Equal(t, 3, d.Approvals)
	require.Equal(t, []Fast{{Reviewer: "B", Approvals: 2, Count: 1, Requests: []string{"quick"}}}, d.Fast)
	require.Empty(t, d.Pairs)
}

func TestTwoWhoApproveNearlyOnlyEachOtherAreNamed(t *testing.T) {
	t.Parallel()
	var all []Given
	give := func(n int, reviewer, asker string) {
		for range n {
			all = append(all, Given{RequestID: "x", Asker: asker, Reviewer: reviewer, Lines: 10, Took: time.Hour, At: monday.Add(-3 * Week)})
		}
	}
	give(8, "B", "A")
	give(2, "B", "C")
	give(5, "A", "B")
	give(9, "D", "E") // nobody in return
	give(4, "E", "D")
	require.Equal(t, []Pair{{One: "A", Other: "B", Given: 5, Of: 5, Back: 8, OfAll: 10}}, Weigh(all, monday.Add(-Week), monday).Pairs)
	give(1, "B", "C") // 8 of 11 are fewer than eight of ten
	require.Empty(t, Weigh(all, monday.Add(-Week), monday).Pairs)
}

type kept struct{ list []Given }

func (k kept) Given(context.Context, string, time.Time, time.Time) ([]Given, error) {
	return k.list, nil
}

func TestTheDigestIsSaidOnceAndAdministratorsAndAuditorsAskForIt(t *testing.T) {
	t.Parallel()
	due := time.Now().UTC().Truncate(time.Hour)
	var said []approval.Notice
	o := &Observer{Ports{Store: kept{[]Given{{RequestID: "r", Asker: "A", Reviewer: "B", Lines: 9, At: due.Add(-time.Hour)}}},
		Teams: func(context.Context) (map[string]time.Time, error) {
			return map[string]time.Time{"T1": due.Add(-Week), "NEW": due.Add(time.Minute)}, nil
		},
		Known: func(_ context.Context, key string) (bool, error) {
			return len(said) > 0 && said[0].Key == key, nil
		},
		Notify: func(_ context.Context, n approval.Notice) error { said = append(said, n); return nil },
		Due: func(now time.Time) time.Time {
			if now.Before(due) {
				return due.Add(-Week)
			}
			return due
		}}}
	require.NoError(t, o.TellHabits(t.Context()))
	require.NoError(t, o.TellHabits(t.Context()))
	require.Len(t, said, 1)
	require.True(t, said[0].Admins)
	require.Equal(t, approval.NoticeHabits, said[0].Kind)

	o.Ports.Sees = func(_ context.Context, _, who string) error {
		if who == "AUDITOR" {
			return nil
		}
		return &approval.NotAllowedError{Who: who, Why: approval.Because(approval.WhyAuditorsOnly)}
	}
	_, err := o.ReviewHabits(t.Context(), approval.Click{Team: "T1", User: "B"})
	require.ErrorAs(t, err, new(*approval.NotAllowedError))
	d, err := o.ReviewHabits(t.Context(), approval.Click{Team: "T1", User: "AUDITOR"})
	require.NoError(t, err)
	require.Equal(t, 1, d.Fast[0].Count)
}
