package review

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

func TestReadingTakesASecondALineAndTwoMinutesAtMost(t *testing.T) {
	t.Parallel()
	r := DefaultRules(approval.Policy{LineSeconds: 1, Hourly: 12})
	require.Equal(t, 30*time.Second, r.High.Reading(30))
	require.Equal(t, MostReading, r.High.Reading(500))
	require.Zero(t, r.Medium.Reading(500))
	require.Equal(t, 12, r.High.Hourly)
	require.Zero(t, r.Low.Hourly)
	require.Equal(t, 2, linesOf("x = 1\ny = 2\n"))
}

func TestAnApprovalIsNoFasterThanReading(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	terms := Terms{Tier: approval.High, Lines: 30, Reading: 30 * time.Second, Hourly: 2}
	why := func(err error) approval.Reason {
		t.Helper()
		var input *approval.InputError
		require.ErrorAs(t, err, &input)
		return input.Why
	}
	p := Pace{Opened: map[string]time.Time{"BEN": now.Add(-29500 * time.Millisecond)}}
	require.Equal(t, approval.WhyNotOpened, why(terms.CheckPace(approval.Approve, "PRIYA", p, now)).Code)
	require.Equal(t, approval.Reason{Code: approval.WhyTooSoon, Name: "high", Count: 30, Most: 1}, why(terms.CheckPace(approval.Approve, "BEN", p, now)))
	require.NoError(t, terms.CheckPace(approval.Approve, "BEN", p, now.Add(time.Second)))
	require.NoError(t, terms.CheckPace(approval.Reject, "PRIYA", p, now), "a no takes no reading")
	require.True(t, terms.Opens())
	require.False(t, Terms{}.Opens())
}

func TestOnePersonApprovesSoManyInAnHour(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	terms := Terms{Tier: approval.High, Hourly: 2}
	p := Pace{Lately: map[string][]time.Time{"BEN": {now.Add(-61 * time.Minute), now.Add(-50 * time.Minute), now.Add(-time.Minute)}, "PRIYA": {now.Add(-time.Minute)}}}
	var no *approval.NotAllowedError
	require.ErrorAs(t, terms.CheckPace(approval.Approve, "BEN", p, now), &no)
	require.Equal(t, approval.Reason{Code: approval.WhyManyApprovals, Name: "high", Count: 2, Most: 10}, no.Why)
	require.NoError(t, terms.CheckPace(approval.Approve, "PRIYA", p, now))
	require.NoError(t, terms.CheckPace(approval.Approve, "BEN", p, now.Add(10*time.Minute)))
	require.NoError(t, Terms{}.CheckPace(approval.Approve, "BEN", p, now))
}

func TestTheStricterPaceOfTwoHolds(t *testing.T) {
	t.Parallel()
	a, b := DefaultRules(approval.Policy{LineSeconds: 1, Hourly: 12}), DefaultRules(approval.Policy{LineSeconds: 3})
	require.Equal(t, TierRules{Approvals: 1, Typed: true, Slack: true, LineSeconds: 3, Hourly: 12}, a.stricter(b).High)
	b.High.Hourly = 5
	require.Equal(t, 5, a.stricter(b).High.Hourly)
	require.Equal(t, 5, b.stricter(a).High.Hourly)
	for _, wrong := range []TierRules{{Approvals: 1, LineSeconds: -1}, {Approvals: 1, LineSeconds: MaxLineSeconds + 1}, {Approvals: 1, Hourly: -1}} {
		r := a
		r.Medium = wrong
		var input *approval.InputError
		require.ErrorAs(t, r.Check(time.Now(), time.UTC), &input)
		require.Equal(t, approval.WhyPaceRange, input.Why.Code)
	}
}
