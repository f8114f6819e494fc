package bench

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAFigureThatIsHeldAgainstNothingHasNoBar(t *testing.T) {
	t.Parallel()
	bars := func(f Figure) int {
		var page strings.Builder
		require.NoError(t, Page(&page, About{}, []Figure{f}))
		return strings.Count(page.String(), `class="fill"`)
	}
	f := Figure{Part: "Money", Name: "holds", Value: 3}
	require.Zero(t, bars(f), "one bar alone is always full")
	f.Goal = AtMost(2, "")
	require.Equal(t, 1, bars(f))
	f.Against = []Other{{Name: "Bolt", Value: 1}}
	require.Equal(t, 2, bars(f))
}
