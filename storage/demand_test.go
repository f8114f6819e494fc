package storage

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/storage/queue"
)

func TestDemandIsWhatWaitsAndWhatWasApprovedLately(t *testing.T) {
	t.Parallel()
	b := setup(t)
	demand := func() queue.Demand {
		t.Helper()
		d, err := b.Demand(t.Context(), "box 1")
		require.NoError(t, err)
		return d
	}
	require.Zero(t, demand())
	require.Zero(t, demand().Here())
	for i := range 4 {
		b.pending(t, triggerOf(i))
	}
	b.approved(t, "approved")
	b.ask(t, "being written")
	require.Equal(t, queue.Demand{Waiting: 4, Fresh: 4, Approved: 1, Due: 1}, demand())
	require.NoError(t, b.exec(t, `UPDATE requests SET expires_at = clock_timestamp() - interval '1 minute' WHERE trigger = $1`, triggerOf(0)))
	require.Equal(t, 3, demand().Waiting, "its time is over")
	b.work(t, func(context.Context, steps.Wake) error { return nil }, queue.WorkOptions{Offers: "box 1"})
	eventually(t, func() bool { return demand().Replicas == 1 })
	d, err := b.Demand(t.Context(), "box 2")
	require.NoError(t, err)
	require.Zero(t, d.Replicas, "they have other boxes")
}

func TestAsManyRunsAreExpectedAsMayComeSoon(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		d          queue.Demand
		soon, here int
	}{
		{queue.Demand{}, 0, 0},
		{queue.Demand{Approved: 40}, 0, 0},
		{queue.Demand{Waiting: 20}, 1, 1},
		{queue.Demand{Waiting: 20, Due: 3}, 4, 4},
		{queue.Demand{Waiting: 20, Fresh: 5}, 5, 5},
		{queue.Demand{Waiting: 20, Fresh: 5, Approved: 12}, 12, 12},
		{queue.Demand{Waiting: 20, Fresh: 20, Approved: 40, Replicas: 1}, 20, 20},
		{queue.Demand{Waiting: 20, Fresh: 20, Replicas: 3}, 20, 7},
		{queue.Demand{Waiting: 1, Replicas: 5}, 1, 1},
	} {
		require.Equal(t, c.soon, c.d.Soon(), "%+v", c.d)
		require.Equal(t, c.here, c.d.Here(), "%+v", c.d)
	}
}
