package review

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign/approval"
)

func TestWhenNothingRuns(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	for _, tt := range []struct{ lines, now, until string }{
		{"last 2 days of the month", "2026-11-28 23:59", ""},
		{"last 2 days of the month", "2026-11-29 00:00", "2026-12-01 00:00"},
		{"last 2 days of the month", "2026-11-30 23:59", "2026-12-01 00:00"},
		{"last day of the month", "2027-02-27 12:00", ""},
		{"Last 1 days  of the month", "2027-02-28 12:00", "2027-03-01 00:00"},
		{"last 1 day of the month", "2028-02-28 12:00", ""}, // a leap year
		{"2026-12-24 to 2027-01-02", "2026-12-24 00:00", "2027-01-03 00:00"},
		{"2026-12-24 to 2027-01-02", "2027-01-02 23:59", "2027-01-03 00:00"},
		{"2026-12-24 to 2027-01-02", "2027-01-03 00:00", ""},
		{"2026-12-24", "2026-12-24 12:00", "2026-12-25 00:00"},
		{"Fri 16:00-24:00", "2026-11-27 15:59", ""},
		{"Fri 16:00-24:00", "2026-11-27 16:00", "2026-11-28 00:00"},
		{"fri 16:00-18:30", "2026-11-27 18:29", "2026-11-27 18:30"},
		{"Sat,Sun", "2026-11-28 09:00", "2026-11-30 00:00"},
		{"Mon-Fri 18:00-24:00|Mon-Fri 00:00-07:00|Sat-Sun", "2026-11-27 18:00", "2026-11-30 07:00"}, // one after another
		{"Fri-Mon", "2026-11-27 00:00", "2026-12-01 00:00"},                                         // across the end of the week
		{"Sun 02:00-03:00", "2026-10-25 02:30", "2026-10-25 03:00"},                                 // an hour that there is twice
		{"Sun", "2027-03-28 12:00", "2027-03-29 00:00"},                                             // a day of 23 hours
		{"", "2026-11-27 18:00", ""},
	} {
		now, err := time.ParseInLocation("2006-01-02 15:04", tt.now, zone)
		require.NoError(t, err)
		var rules Rules
		if tt.lines != "" {
			rules.Freezes = strings.Split(tt.lines, "|")
		}
		until, why := rules.Frozen(now.UTC(), zone)
		if tt.until == "" {
			require.Zero(t, until, "%s at %s", tt.lines, tt.now)
			require.Empty(t, why)
			continue
		}
		require.Equal(t, tt.until, until.Format("2006-01-02 15:04"), "%s at %s", tt.lines, tt.now)
		require.Equal(t, strings.Join(strings.Fields(rules.Freezes[0]), " "), why)
	}
}

// At the end of summer time an hour comes twice: it is over after the second.
func TestAFreezeInAnHourThatComesTwice(t *testing.T) {
	t.Parallel()
	rules := Rules{Freezes: []string{"Sun 01:00-02:30"}}
	for at, until := range map[string]string{"2026-10-25T00:10:00Z": "2026-10-25T01:30:00Z", "2026-10-25T01:10:00Z": "2026-10-25T01:30:00Z"} {
		now, err := time.Parse(time.RFC3339, at)
		require.NoError(t, err)
		end, _ := rules.Frozen(now, berlin(t))
		require.Equal(t, until, end.UTC().Format(time.RFC3339))
	}
}

func TestWhatIsNoFreeze(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"", "last", "last days of the month", "last 0 days of the month", "last 28 days of the month", "last 2 weeks of the month", "2026-13-01",
		"2026-12-24 2026-12-25", "2026-12-24 to", "2026-12-25 to 2026-12-24", "2026-12-24 to 2026-12-25 or so", "Friday", "Fri 16-24", "Fri 16:00-25:00", "Fri 24:00-24:00",
		"Fri 18:00-16:00", "Fri 16:00", "Fri 16:00-18:00 UTC", "Mon-", "always", "Mon--Fri"} {
		_, err := ParseFreeze(line)
		var in *approval.InputError
		require.ErrorAs(t, err, &in, line)
		require.Equal(t, approval.WhyBadFreeze, in.Why.Code)
	}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	require.ErrorContains(t, checkFreezes([]string{"Mon-Sun"}, now, nil), string(approval.WhyLongFreeze))
	require.ErrorContains(t, checkFreezes([]string{"Mon-Fri", "Sat,Sun"}, now, nil), string(approval.WhyLongFreeze))
	require.NoError(t, checkFreezes([]string{"Mon-Sun 00:00-23:00"}, now, nil))
	require.ErrorContains(t, checkFreezes(make([]string, 21), now, nil), string(approval.WhyManyFreezes))
	require.Error(t, checkFreezes([]string{"now and then"}, now, nil))
}

// Whatever is frozen thaws, at a moment at which it is not frozen, and just before
// which it is.
func TestAFreezeEndsWhereItSays(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	lines := []string{"last 2 days of the month", "last 5 days of the month", "2026-12-24 to 2027-01-02", "Fri 16:00-24:00", "Sat,Sun", "Mon-Fri 00:00-07:30", "2027-03-28", "Tue 01:15-02:45"}
	rapid.Check(t, func(t *rapid.T) {
		rules := Rules{Freezes: rapid.SliceOfN(rapid.SampledFrom(lines), 1, 5).Draw(t, "lines")}
		now := time.Unix(rapid.Int64Range(1764000000, 1830000000).Draw(t, "now"), 0)
		until, why := rules.Frozen(now, zone)
		require.Equal(t, until.IsZero(), why == "")
		if until.IsZero() {
			return
		}
		require.True(t, until.After(now))
		again, _ := rules.Frozen(until, zone)
		require.Zero(t, again)
		before, _ := rules.Frozen(until.Add(-time.Second), zone)
		require.True(t, before.Equal(until), "%s is not %s", before, until)
	})
}

// In Santiago the clocks go forward at midnight: the first instant of 6 September 2026 is one o'clock.
func TestADayOfAFreezeEndsWhenTheNextOneBegins(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/Santiago")
	require.NoError(t, err)
	next := time.Date(2026, 9, 6, 1, 0, 0, 0, zone)
	for _, line := range []string{"2026-09-05", "2026-09-01 to 2026-09-05", "Sat", "Sat 20:00-24:00"} {
		rules := Rules{Freezes: []string{line}}
		for _, before := range []time.Duration{time.Second, 30 * time.Minute, 90 * time.Minute} {
			until, _ := rules.Frozen(next.Add(-before), zone)
			require.True(t, until.Equal(next), "%s, %s before: %s", line, before, until)
		}
		until, _ := rules.Frozen(next, zone)
		require.Zero(t, until, line)
	}
}
