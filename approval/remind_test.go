package approval

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOpinionsAreBounded(t *testing.T) {
	t.Parallel()
	r := inState(t, Pending)
	for i := range maxOpinions {
		require.NoError(t, Turn{r}.AskOpinion(string(rune('a'+i)), "R1", Click{}, t0))
	}
	var in *InputError
	require.ErrorAs(t, Turn{r}.AskOpinion("z", "R1", Click{}, t0), &in)
	r.Decisions = []Decision{{Reviewer: "R2", Verdict: Approve}}
	require.ErrorAs(t, Turn{r}.Assign("R2", "R1", Click{}, t0), &in)
	require.Equal(t, WhyTheyDecided, in.Why.Code)
	r.Revision.Author = "R3"
	require.ErrorAs(t, Turn{r}.Assign("R3", "R1", Click{}, t0), &in)
	require.Equal(t, WhyTheyWrote, in.Why.Code)
}
