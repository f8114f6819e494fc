package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/books"
	"countersign/budget"
)

func TestDaysAndBookingsAreTheLedger(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Options{Location: proofZone()})
	b.done(t, "1")
	b.pending(t, "2")
	from, until := budget.Month.Range(time.Now(), proofZone())
	total, err := b.raw(t.Context(), teamScope, from, until)
	require.NoError(t, err)
	require.Positive(t, total)
	days, err := b.Days(t.Context(), team, from, until)
	require.NoError(t, err)
	require.Len(t, days, 1)
	require.Equal(t, total, days[0].Amount)
	require.Equal(t, time.Now().In(proofZone()).Format(time.DateOnly), days[0].Day.Format(time.DateOnly))
	none, err := b.Days(t.Context(), team, from.AddDate(0, -1, 0), from)
	require.NoError(t, err)
	require.Empty(t, none)

	var sum budget.USD
	kinds := map[budget.ChargeKind]bool{}
	today := time.Now().In(proofZone())
	require.NoError(t, b.Bookings(t.Context(), today, today, func(one budget.Booking) error {
		require.Equal(t, team, one.Team)
		require.LessOrEqual(t, one.Amount, one.Held)
		sum, kinds[one.Kind] = sum+one.Amount, true
		return nil
	}))
	require.Equal(t, total, sum, "every charge is printed once")
	require.True(t, kinds[budget.Tokens] && kinds[budget.Box])
	stop := approval.ErrNotFound
	require.ErrorIs(t, b.Bookings(t.Context(), today, today, func(budget.Booking) error { return stop }), stop)
}

func TestThePastIsReadAsItWasSealedAndPaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	done := b.done(t, "1")
	b.setUserLimit(t, budget.Cent, budget.Month)
	refused := b.refused(t, "3")
	since := time.Now().Add(-time.Hour)
	h := History{b.DB}
	versions, err := h.Versions(t.Context(), team, since, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.NotEmpty(t, versions)
	v := versions[0]
	require.Equal(t, done.ID, v.RequestID)
	require.Equal(t, []any{done.Revision.Number, done.Asker, done.Project, done.Revision.Manifest.CostCap, done.Revision.Tier(), true, done.Revision.Findings},
		[]any{v.Number, v.Asker, v.Project, v.Cap, v.Tier, v.Ran, v.Findings})
	require.Positive(t, v.Given)
	require.False(t, v.Forgotten)
	b.erasers(t, done.Asker)
	_, err = b.Forget(t.Context(), done.ID, nil, "ADMIN", "erasure")
	require.NoError(t, err)
	versions, err = h.Versions(t.Context(), team, since, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.True(t, versions[0].Forgotten, "nobody can grade it any more")
	payments, err := h.Payments(t.Context(), team, since, time.Now().Add(time.Hour))
	require.NoError(t, err)
	var spent budget.USD
	var last *books.Payment
	for i, p := range payments {
		spent += p.Spent
		if p.Refused != nil {
			last = &payments[i]
		}
	}
	total, err := b.raw(t.Context(), teamScope, since, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, total, spent)
	require.NotNil(t, last)
	require.Equal(t, refused.ID, last.RequestID)
	require.Equal(t, userScope, *last.Refused)
	require.Positive(t, last.Amount)
}
