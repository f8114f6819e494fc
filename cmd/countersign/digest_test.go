package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestADigestIsDueOnTheTeamsCalendar(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for name, c := range map[string]struct{ schedule, now, want string }{
		"mondays at nine, a week later":  {"0 9 * * 1", "2026-11-30T07:59:59Z", "2026-11-23T09:00:00+01:00"},
		"mondays at nine, to the second": {"0 9 * * 1", "2026-11-30T08:00:00Z", "2026-11-30T09:00:00+01:00"},
		"in summer":                      {"0 9 * * 1", "2026-07-06T07:30:00Z", "2026-07-06T09:00:00+02:00"},
		"over the change of the clock":   {"0 9 * * 1", "2026-10-26T07:59:00Z", "2026-10-19T09:00:00+02:00"},
		"every minute":                   {"* * * * *", "2026-11-24T12:00:30Z", "2026-11-24T13:00:00+01:00"},
		"once a month":                   {"@monthly", "2026-11-24T12:00:00Z", "2026-11-01T00:00:00+01:00"},
		"once a year":                    {"0 0 1 1 *", "2026-11-24T12:00:00Z", "2026-01-01T00:00:00+01:00"},
	} {
		schedule, err := readDigest(c.schedule)
		require.NoError(t, err, name)
		now, err := time.Parse(time.RFC3339, c.now)
		require.NoError(t, err)
		require.Equal(t, c.want, due(schedule, berlin)(now).Format(time.RFC3339), name)
	}
	never, err := readDigest("0 0 31 2 *")
	require.NoError(t, err)
	require.True(t, due(never, time.UTC)(time.Now()).IsZero())
	off, err := readDigest("off")
	require.NoError(t, err)
	require.Nil(t, due(off, time.UTC))
	for _, wrong := range []string{"weekly", "@every 1h", "0 9 * *"} {
		_, err := readDigest(wrong)
		require.Error(t, err, wrong)
	}
}
