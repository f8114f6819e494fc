package budget

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same calendar on every machine

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	require.NoError(t, err)
	return loc
}

func TestRangeOfEachWindow(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		zone, at    string
		window      Window
		from, until string
	}{
		"a day":                                     {"UTC", "2026-11-22T12:00:00Z", Day, "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"},
		"the first instant belongs to its day":      {"UTC", "2026-11-22T00:00:00Z", Day, "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"},
		"the last instant belongs to its day":       {"UTC", "2026-11-22T23:59:59.999999999Z", Day, "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"},
		"the day is the team's, not Greenwich's":    {"Europe/Berlin", "2026-11-22T23:30:00Z", Day, "2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z"},
		"a week begins on Monday":                   {"UTC", "2026-11-23T00:00:00Z", Week, "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"},
		"Sunday ends the week":                      {"UTC", "2026-11-22T23:00:00Z", Week, "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"},
		"a week over the end of a month":            {"UTC", "2026-12-01T08:00:00Z", Week, "2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z"},
		"a week over the end of a year":             {"UTC", "2026-01-01T08:00:00Z", Week, "2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z"},
		"the last day of a long month":              {"UTC", "2026-01-31T23:59:59Z", Month, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"},
		"the last day of February":                  {"UTC", "2026-02-28T12:00:00Z", Day, "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z"},
		"February of a leap year":                   {"UTC", "2028-02-29T12:00:00Z", Month, "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"},
		"the leap day":                              {"UTC", "2028-02-29T12:00:00Z", Day, "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"},
		"no leap day in 2100":                       {"UTC", "2100-02-28T12:00:00Z", Day, "2100-02-28T00:00:00Z", "2100-03-01T00:00:00Z"},
		"December":                                  {"UTC", "2026-12-31T23:59:59Z", Month, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		"Berlin loses an hour":                      {"Europe/Berlin", "2026-03-29T10:00:00Z", Day, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		"Berlin gains an hour":                      {"Europe/Berlin", "2026-10-25T10:00:00Z", Day, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
		"Berlin's October":                          {"Europe/Berlin", "2026-10-25T10:00:00Z", Month, "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"},
		"New York loses an hour":                    {"America/New_York", "2026-03-08T12:00:00Z", Day, "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"},
		"New York gains an hour":                    {"America/New_York", "2026-11-01T12:00:00Z", Day, "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},
		"New York's week over the change":           {"America/New_York", "2026-11-01T12:00:00Z", Week, "2026-10-26T04:00:00Z", "2026-11-02T05:00:00Z"},
		"Santiago has no midnight":                  {"America/Santiago", "2026-09-06T12:00:00Z", Day, "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"},
		"the day before ends where that one starts": {"America/Santiago", "2026-09-05T12:00:00Z", Day, "2026-09-05T04:00:00Z", "2026-09-06T04:00:00Z"},
		"Santiago's longest day":                    {"America/Santiago", "2026-04-04T12:00:00Z", Day, "2026-04-04T03:00:00Z", "2026-04-05T04:00:00Z"},
		"Santiago's week from the missing midnight": {"America/Santiago", "2026-09-06T12:00:00Z", Week, "2026-08-31T04:00:00Z", "2026-09-07T03:00:00Z"},
		"Amman had two midnights":                   {"Asia/Amman", "2021-10-28T21:30:00Z", Day, "2021-10-28T21:00:00Z", "2021-10-29T22:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, err := time.Parse(time.RFC3339Nano, tt.at)
			require.NoError(t, err)
			from, until := tt.window.Range(at, zone(t, tt.zone))
			require.Equal(t, tt.from, from.UTC().Format(time.RFC3339Nano))
			require.Equal(t, tt.until, until.UTC().Format(time.RFC3339Nano))
		})
	}
}

func TestNoWindowHasNoBounds(t *testing.T) {
	t.Parallel()
	for _, w := range []Window{None, ""} {
		from, until := w.Range(noon, time.UTC)
		require.True(t, from.IsZero())
		require.True(t, until.IsZero())
	}
}

func TestWindowsTileTheCalendar(t *testing.T) {
	t.Parallel()
	var zones []*time.Location
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "America/Havana", "Asia/Beirut",
		"Africa/Cairo", "Asia/Amman", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham", "America/Asuncion", "Atlantic/Azores"} {
		zones = append(zones, zone(t, name))
	}
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		w := rapid.SampledFrom([]Window{Day, Week, Month}).Draw(t, "window")
		at := time.Unix(rapid.Int64Range(day("2000-01-01").Unix(), day("2060-01-01").Unix()).Draw(t, "at"), 0)
		from, until := w.Range(at, loc)
		require.False(t, at.Before(from), "%s is before %s", at.In(loc), from)
		require.True(t, at.Before(until), "%s is not before %s", at.In(loc), until)
		again, end := w.Range(from, loc)
		require.True(t, from.Equal(again))
		require.True(t, until.Equal(end))
		next, _ := w.Range(until, loc)
		require.True(t, until.Equal(next), "a gap or an overlap at %s", until)
		require.NotEqual(t, from.In(loc).Day(), from.Add(-1).In(loc).Day(), "%s is not the start of a day", from)
	})
}

func TestScopesAreLockedInOneOrder(t *testing.T) {
	t.Parallel()
	want := []Scope{
		{"T1", User, "U1"}, {"T1", User, "U2"}, {"T2", User, "U1"},
		{"T1", Session, "S1"}, {"T2", Session, "S0"},
		{"T1", Project, "C1"}, {"T1", Project, "C2"},
		{"T1", Team, "T1"}, {"T2", Team, "T2"},
	}
	got := slices.Clone(want)
	rand.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
	slices.SortFunc(got, func(a, b Scope) int {
		switch {
		case a.Less(b):
			return -1
		case b.Less(a):
			return 1
		}
		return 0
	})
	require.Equal(t, want, got)
	for i, a := range want {
		for j, b := range want {
			require.Equal(t, i < j, a.Less(b), "%s before %s", a, b)
		}
	}
	require.Equal(t, "project C1", Scope{"T1", Project, "C1"}.String())
}

func standing(kind ScopeKind, limit, spent, held USD) Standing {
	return Standing{Limit: Limit{Scope: Scope{"T", kind, "X"}, Amount: limit, Window: Month}, Spent: spent, Held: held}
}

func TestCheckNamesTheTightestBudgetThatCannotBearIt(t *testing.T) {
	t.Parallel()
	roomy, tight := standing(User, 10*Dollar, Dollar, Dollar), standing(Team, 5*Dollar, 2*Dollar, Dollar)
	require.NoError(t, Check(Dollar, nil), "no limit anywhere")
	require.NoError(t, Check(2*Dollar, []Standing{roomy, tight}), "to the last cent")
	err := Check(2*Dollar+1, []Standing{roomy, tight})
	var exceeded *ExceededError
	require.ErrorAs(t, err, &exceeded)
	require.Equal(t, tight, exceeded.Standing)
	require.Equal(t, 2*Dollar+1, exceeded.Needed)
	require.EqualError(t, err, "budget of team X: $2.000000001 needed, $2.00 left")

	err = Check(0, []Standing{standing(User, Dollar, 2*Dollar, 0)})
	require.ErrorAs(t, err, &exceeded, "an overdrawn budget bears nothing")
	require.Equal(t, -Dollar, exceeded.Standing.Left())
}

func TestTightestHasTheLeastLeftAndTiesGoToTheFirstInLockOrder(t *testing.T) {
	t.Parallel()
	_, ok := Tightest(nil)
	require.False(t, ok)
	user, session, team := standing(User, 3*Dollar, 0, 0), standing(Session, 5*Dollar, Dollar, Dollar), standing(Team, 9*Dollar, 0, 6*Dollar)
	for _, order := range [][]Standing{{user, session, team}, {team, session, user}, {session, team, user}} {
		got, ok := Tightest(order)
		require.True(t, ok)
		require.Equal(t, user, got)
	}
	got, _ := Tightest([]Standing{standing(User, 9*Dollar, 0, 0), team})
	require.Equal(t, team, got)
}

func TestSoftLimitIsReachedAtEightyPercentOfWhatIsSpent(t *testing.T) {
	t.Parallel()
	require.False(t, standing(User, 10*Dollar, 8*Dollar-1, 0).Soft())
	require.True(t, standing(User, 10*Dollar, 8*Dollar, 0).Soft())
	require.False(t, standing(User, 10*Dollar, 5*Dollar, 5*Dollar).Soft(), "what is held may come back")
	require.False(t, standing(User, 0, 0, 0).Soft(), "nothing is no share of nothing")
	require.True(t, standing(User, 1<<62, 1<<62-1<<59, 0).Soft(), "no amount is too large to compare")
}

func TestWhoHasNoLimitGetsTheDefault(t *testing.T) {
	t.Parallel()
	scope := Scope{"T", User, "U"}
	require.Equal(t, Limit{Scope: scope, Amount: 10 * Dollar, Window: Month, Default: true}, DefaultUserLimit(scope))
}

func TestExceededWordsSayWhichBudgetWhatIsLeftAndWhenItResets(t *testing.T) {
	t.Parallel()
	resets := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		standing Standing
		want     string
	}{
		"user": {Standing{Limit: Limit{Scope: Scope{"T", User, "U"}, Amount: 10 * Dollar, Window: Month}, Spent: 9 * Dollar, ResetsAt: resets},
			"Your budget of $10.00 per month has $1.00 left, and this could cost up to $1.24. It resets on Tuesday, 1 December 2026. An administrator can raise it."},
		"thread": {Standing{Limit: Limit{Scope: Scope{"T", Session, "S"}, Amount: 2 * Dollar, Window: None}, Held: 2*Dollar - 1},
			"The budget of this thread of $2.00 has $0.00 left, and this could cost up to $1.24. An administrator can raise it."},
		"channel": {Standing{Limit: Limit{Scope: Scope{"T", Project, "C"}, Amount: Dollar, Window: Week}, Spent: Dollar, ResetsAt: resets.AddDate(0, 0, 6)},
			"The budget of this channel of $1.00 per week has $0.00 left, and this could cost up to $1.24. It resets on Monday, 7 December 2026. An administrator can raise it."},
		"team, overdrawn": {Standing{Limit: Limit{Scope: Scope{"T", Team, "T"}, Amount: Dollar, Window: Day}, Spent: 2 * Dollar, ResetsAt: resets},
			"The team's budget of $1.00 per day has $0.00 left, and this could cost up to $1.24. It resets on Tuesday, 1 December 2026. An administrator can raise it."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, reader := range []string{"R", ""} {
				require.Equal(t, strings.Replace(tt.want, "Your budget", "The asker's budget", 1),
					(&ExceededError{Standing: tt.standing, Needed: Dollar + 23*Cent + 1}).Words(reader))
			}
			require.Equal(t, tt.want, (&ExceededError{Standing: tt.standing, Needed: Dollar + 23*Cent + 1}).Words("U"))
		})
	}
}
