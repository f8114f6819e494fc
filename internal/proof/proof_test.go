package proof

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASuiteTriesADrawnTenthAndAProofAll(t *testing.T) {
	all := make([]int, 95)
	for i := range all {
		all[i] = i
	}
	t.Setenv("PROVE_REPORT", "")
	t.Setenv("PROVE_SEED", "7")
	drawn := Draw(t, all)
	require.Len(t, drawn, 10)
	require.True(t, slices.IsSorted(drawn))
	require.Equal(t, drawn, Draw(t, all), "the same seed draws the same")
	t.Setenv("PROVE_SEED", "8")
	require.NotEqual(t, drawn, Draw(t, all))
	require.Equal(t, 1, Of(1))
	t.Setenv("PROVE_REPORT", "somewhere")
	require.Equal(t, all, Draw(t, all))
	require.Equal(t, 95, Of(95))
}
