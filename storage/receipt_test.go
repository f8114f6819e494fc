package storage

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
	"countersign/internal/pglocal/pgtest"
)

// Many replicas find receipts that are due at the same moment, again and again: each of them
// gets into one digest of its person.
func TestEachReceiptGetsIntoOneDigest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second, err := Open(t.Context(), pgtest.Serve(b.url), Options{Key: testKey}) // another replica
	require.NoError(t, err)
	defer second.Close()
	approve := func(trigger, who string) string {
		r := b.pending(t, trigger)
		b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
			return r.Decide(decision(r, who, approval.Approve), budget.Cent, b.policy, now)
		})
		return "approved " + r.ID + " 1 " + who
	}
	given := ReceiptsOf(b.DB)
	keys := []string{approve("t1", "REVA"), approve("t2", "REVA"), approve("t3", "REVB")}
	n, _, err := b.Notice(t.Context(), keys[1])
	require.NoError(t, err)
	for who, first := range map[string]bool{"REVA": false, "REVC": true} {
		was, err := given.FirstApproval(t.Context(), n.RequestID, who, n.At)
		require.NoError(t, err)
		require.Equal(t, first, was, who)
	}
	list, err := given.Given(t.Context(), team, "REVA", 10)
	require.NoError(t, err)
	require.Len(t, list, 2)

	for _, key := range keys {
		require.NoError(t, given.Hold(t.Context(), key))
	}
	before := time.Now().Add(time.Hour)
	var all sync.WaitGroup
	for i := range 8 {
		given := []Receipts{ReceiptsOf(b.DB), ReceiptsOf(second)}[i%2]
		all.Go(func() {
			if err := given.Gather(t.Context(), before, "today"); err != nil {
				t.Errorf("gather: %v", err)
			}
		})
	}
	all.Wait()
	require.Equal(t, 2, b.count(t, `SELECT count(*) FROM notices WHERE kind = 'receipts'`), "one for each person")
	require.Equal(t, 3, b.count(t, `SELECT sum(jsonb_array_length(data -> 'given')) FROM notices WHERE kind = 'receipts'`))
	require.Equal(t, 2, b.count(t, `SELECT count(*) FROM river_job WHERE args ->> 'request_id' LIKE 'receipts %'`), "and one job")
	require.Zero(t, b.count(t, `SELECT count(*) FROM notices WHERE held AND digest IS NULL`))

	// What comes late for the digest of a name waits for the next.
	late := approve("t4", "REVA")
	require.NoError(t, given.Hold(t.Context(), late))
	require.NoError(t, given.Gather(t.Context(), before, "today"))
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM notices WHERE held AND digest IS NULL`))
	require.NoError(t, given.Gather(t.Context(), before, "tomorrow"))
	n, _, err = b.Notice(t.Context(), late)
	require.NoError(t, err)
	require.True(t, n.Held)
	require.Equal(t, "receipts "+n.Team+" REVA tomorrow", n.Digest)
}
