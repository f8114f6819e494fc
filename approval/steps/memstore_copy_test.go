package steps

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// The twin has to be trusted, so what the others rely on is shown here.
func TestTheTwinStoresAllOfAnUpdateOrNothing(t *testing.T) {
	t.Parallel()
	m := newMemStore(&faults{})
	r := approval.New(approval.Question{Team: "T", Asker: "U", Project: "C", Trigger: "1"}, "m", budget.Dollar, approval.DefaultPolicy(), m.now())
	stored, created, err := m.Ask(t.Context(), r, approval.Session{Team: "T", Channel: "C"})
	require.NoError(t, err)
	require.True(t, created)
	again, created, err := m.Ask(t.Context(), approval.New(approval.Question{Team: "T", Trigger: "1"}, "m", 1, approval.DefaultPolicy(), m.now()), approval.Session{})
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, stored.ID, again.ID)

	before := deepCopy(m.requests[r.ID])
	no := errors.New("no")
	_, err = m.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		r.Holds[0].Called = true
		require.NoError(t, r.Fail("x", now))
		return no
	})
	require.ErrorIs(t, err, no)
	require.Equal(t, before, m.requests[r.ID])
	require.Len(t, m.events[r.ID], 3) // asked, held, weighed
	require.Len(t, m.jobs, 1)         // find

	_, err = m.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		holdFor(r, budget.ForRun, 10*budget.Dollar, now)
		return nil
	})
	var exceeded *budget.ExceededError
	require.ErrorAs(t, err, &exceeded)
	require.Equal(t, before, m.requests[r.ID])
}
