package approval

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Statements make the kind of the verdict, so the two must go on being spelled alike.
func TestTheEndOfAnOfferIsToldByItsVerdict(t *testing.T) {
	t.Parallel()
	require.Len(t, HandEvents, 4)
	for verdict, kind := range HandEvents {
		require.Equal(t, string(verdict)+" hand-over", kind)
	}
}
