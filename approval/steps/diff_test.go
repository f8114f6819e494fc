package steps

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

func TestTheNearestApprovedCodeIsFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	approve := func(code, channel string) *approval.Request {
		q := question()
		q.Project = channel
		b.writer.script = append(b.writer.script, writes(code))
		r, err := b.Ask(t.Context(), q)
		require.NoError(t, err)
		require.Empty(t, b.work())
		r = b.request(r.ID)
		if channel != "never" {
			_, err = b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
			require.NoError(t, err)
			require.Empty(t, b.work())
		}
		return r
	}
	const base = "import pandas as pd\nsales = pd.read_csv('sales.csv')\nprint(sales.groupby('region').sum())\n"
	approve("print('quite different')\n", "C1")
	near := approve(strings.Replace(base, "sum", "mean", 1), "C1")
	approve(base, "C2")
	approve(base, "never")
	r := approve(base, "C1")
	got, err := b.Nearest(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, near.ID, got.RequestID)
	require.Equal(t, 66, got.Alike)
	require.Equal(t, near.Revision.Code, got.Code)
	other := approve("x = 1\ny = 2\nx + y\n", "C1")
	got, err = b.Nearest(t.Context(), other.ID)
	require.NoError(t, err)
	require.Nil(t, got, "nothing is alike")
	got, err = b.Nearest(t.Context(), b.ask().ID)
	require.NoError(t, err)
	require.Nil(t, got, "nothing has been written")
	_, err = b.Nearest(t.Context(), "none")
	require.ErrorIs(t, err, approval.ErrNotFound)
}

func TestLinesAreAlikeWhereverTheyStand(t *testing.T) {
	t.Parallel()
	require.Equal(t, 100, alike("a\n\nb\n", "b\na\n"))
	require.Equal(t, 50, alike("a\nb\n", "a\nc\n"))
	require.Zero(t, alike("\n", "\n"))
	require.Equal(t, 66, alike("a\na\n", "a\n"))
}
