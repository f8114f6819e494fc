package approval

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/budget"
)

func breakGlass(r *Request, p Policy, now time.Time) error {
	d := approvalOf(r, "R2")
	return BreakGlass(r, Glass{Revision: d.Revision, Digest: d.Digest, Person: "R2", Reason: "it cannot wait", Others: []string{"A1", "A2"}}, budget.Cent, p, now)
}

// It stands in the place of the quorum alone: what is sealed is what runs, and what is put anew before the reviewers has none.
func TestABrokenGlassIsOfOneVersion(t *testing.T) {
	t.Parallel()
	r := inState(t, Pending)
	p := testPolicy()
	p.Quorum = 3
	now := t0.Add(time.Minute)
	require.NoError(t, breakGlass(r, p, now))
	require.Nil(t, r.BrokenSeal(p))
	require.Empty(t, r.Decisions)
	require.Equal(t, []string{"A1", "A2", "R2"}, r.Changes.Notices[0].To)
	require.True(t, r.Changes.Notices[0].Admins)
	require.Len(t, r.Money().ForRun(), 1, "it is paid for")

	r.Glass.Digest = "another"
	require.NotEmpty(t, r.BrokenSeal(p))
	r.Glass.Digest = r.Revision.Digest
	r.Glass.Unsigned = true
	require.NotEmpty(t, r.BrokenSeal(p))
	r.Glass.Unsigned = false
	require.NoError(t, r.BreakSeal(&BrokenSealError{Why: []Reason{Because(WhyUnsigned)}}, r.Revision.Manifest, p, now))
	require.Equal(t, Pending, r.State)
	require.Nil(t, r.Glass)
}

func TestOthersLookAtABrokenGlass(t *testing.T) {
	t.Parallel()
	r := inState(t, Pending)
	now := t0.Add(time.Minute)
	var move *MoveError
	require.ErrorAs(t, LookAtGlass(r, 1, "A1", true, Click{}, now), &move)
	require.NoError(t, breakGlass(r, testPolicy(), now))
	var no *NotAllowedError
	require.ErrorAs(t, LookAtGlass(r, 1, "R2", true, Click{}, now), &no)
	require.ErrorAs(t, LookAtGlass(r, 1, r.Asker, true, Click{}, now), &no)
	require.ErrorAs(t, LookAtGlass(r, 2, "A1", true, Click{}, now), &move)
	r.Changes = Changes{}
	require.NoError(t, LookAtGlass(r, 1, "A1", true, Click{}, now))
	require.Len(t, r.Changes.Events, 1)
	r.Changes = Changes{}
	require.NoError(t, LookAtGlass(r, 1, "A1", false, Click{}, now))
	require.Empty(t, r.Changes.Events, "a person looks once")
}
