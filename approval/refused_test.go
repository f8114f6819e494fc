package approval

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/budget"
)

// Drafts that were refused are shown beside the one that was not, as long as somebody may
// have to decide on it; the model that writes anew is told nothing of them.
func TestRefusedDraftsAreKeptAsLongAsTheyAreReadBesideACard(t *testing.T) {
	t.Parallel()
	drafted := func() *Request {
		r := inState(t, Drafting)
		r.Refused = []Refusal{{Code: "bad(", Reason: "line 1: no"}}
		require.NoError(t, r.Drafted(testRevision(), testPolicy(), t0))
		require.Len(t, r.Refused, 1)
		return r
	}
	r := drafted()
	wish := approvalOf(r, "R1")
	wish.Verdict, wish.Reason = Rewrite, "Round it."
	require.NoError(t, r.Decide(wish, budget.Cent, testPolicy(), t0))
	require.Empty(t, r.Refused, "they say nothing of the next version")
	r = drafted()
	require.NoError(t, r.Withdraw(r.Asker, t0))
	require.Empty(t, r.Refused, "nobody decides any more")
	r = drafted()
	require.NoError(t, r.TakeEdit(Edit{By: "R1", Code: "print(2)\n"}, r.Revision.Number, r.Revision.Digest, budget.Cent, testPolicy(), t0))
	require.Len(t, r.Refused, 1, "the version before may come back")
	edited := testRevision()
	edited.Author = "R1"
	require.NoError(t, r.Drafted(edited, testPolicy(), t0))
	require.Empty(t, r.Refused, "a person wrote this one")
}

func TestStatesAreFinalUnlessSomethingIsToCome(t *testing.T) {
	t.Parallel()
	for _, state := range allStates() {
		require.Equal(t, len(matrix[state]) == 0, state.Final(), state)
	}
}
