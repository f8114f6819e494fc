package steps

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
)

// Each wait that runs out says which it was.
func TestWhatHasExpiredSaysWhatDidNotHappen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Quorum = 2
	expire := func(id string) *approval.Request {
		b.store.pass(b.request(id).ExpiresAt.Sub(b.store.now()))
		require.NoError(t, b.Sweep(t.Context()))
		r := b.request(id)
		require.Equal(t, approval.Expired, r.State)
		return r
	}
	r := expire(b.pending().ID)
	require.Equal(t, "nobody decided in time", reasons.Lapsed(r.Reason))
	r, err := b.Decide(t.Context(), ruling(b.pending(), "R1", approval.Approve))
	require.NoError(t, err)
	r = expire(r.ID)
	require.Equal(t, "Too few people decided in time: it had 1 of the 2 approvals that it takes. Ask again if you still need it.", reasons.Words(r.Reason))
	require.Equal(t, "too few people decided in time", reasons.Lapsed(r.Reason))
	r, err = b.Decide(t.Context(), ruling(b.pending(), "R1", approval.Approve))
	require.NoError(t, err)
	r, err = b.Decide(t.Context(), ruling(r, "R2", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, "it was approved, but not started in time", reasons.Lapsed(expire(r.ID).Reason))
	require.Equal(t, "the code could not be written in time", reasons.Lapsed(expire(b.ask().ID).Reason))
}
