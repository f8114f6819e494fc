package approval

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// marked spells a diff the way people know it.
func marked(lines []DiffLine) (spelling string) {
	for _, l := range lines {
		spelling += fmt.Sprintf("%c%s\n", l.Op, l.Text)
	}
	return spelling
}

func TestADiffShowsWhatChanged(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ old, new, want string }{
		"nothing":      {"a\nb\n", "a\nb\n", " a\n b\n"},
		"both empty":   {"", "", ""},
		"from nothing": {"", "a\n", "+a\n"},
		"to nothing":   {"a\n", "", "-a\n"},
		"a line":       {"a\nb\nc\n", "a\nx\nc\n", " a\n-b\n+x\n c\n"},
		"one more":     {"a\nc\n", "a\nb\nc\n", " a\n+b\n c\n"},
		"moved":        {"a\nb\nc\n", "b\nc\na\n", "-a\n b\n c\n+a\n"},
		"white space":  {"if x:\n    y\n", "if x:\n  y\n", " if x:\n-    y\n+  y\n"},
		"empty lines":  {"a\n\n\nb\n", "a\n\nb\n", " a\n \n-\n b\n"},
	} {
		require.Equal(t, tt.want, marked(Diff(tt.old, tt.new)), name)
	}
	require.Equal(t, []DiffLine{{Same, "a", 1, 1}, {Removed, "b", 2, 0}, {Added, "x", 0, 2}, {Same, "c", 3, 3}}, Diff("a\nb\nc\n", "a\nx\nc\n"))
}

// Both texts can be read off a diff, whatever they are, and no diff of short
// texts is longer than it has to be.
func TestADiffHoldsBothTexts(t *testing.T) {
	t.Parallel()
	text := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "", "  a"}), 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "old"), text.Draw(t, "new")
		var old, new []string
		same := 0
		lines := Diff(strings.Join(a, "\n")+"\n", strings.Join(b, "\n")+"\n")
		for _, l := range lines {
			if l.Op != Added {
				old = append(old, l.Text)
				require.Equal(t, len(old), l.Old)
			}
			if l.Op != Removed {
				new = append(new, l.Text)
				require.Equal(t, len(new), l.New)
			}
			if l.Op == Same {
				same++
			}
		}
		if len(a) == 0 {
			a = []string{""} // one line, which is empty
		}
		if len(b) == 0 {
			b = []string{""}
		}
		require.Equal(t, a, old)
		require.Equal(t, b, new)
		require.EqualValues(t, common(a, b)[0][0], same)
	})
}

func TestADiffOfLargeTextsIsBounded(t *testing.T) {
	t.Parallel()
	var a, b strings.Builder
	for i := range MaxCode / 4 {
		fmt.Fprintf(&a, "a%d\n", i)
		fmt.Fprintf(&b, "b%d\n", i)
	}
	require.Len(t, Diff("same\n"+a.String()+"end\n", "same\n"+b.String()+"end\n"), 2*(MaxCode/4)+2)
}

func TestTheNearestApprovedCodeIsFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	approve := func(code, channel string) *Request {
		q := question()
		q.Project = channel
		b.writer.script = append(b.writer.script, writes(code))
		r, err := b.Ask(t.Context(), q)
		require.NoError(t, err)
		require.Empty(t, b.work())
		r = b.request(r.ID)
		if channel != "never" {
			_, err = b.Decide(t.Context(), ruling(r, "R1", Approve))
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
	require.ErrorIs(t, err, ErrNotFound)
}

func TestLinesAreAlikeWhereverTheyStand(t *testing.T) {
	t.Parallel()
	require.Equal(t, 100, alike("a\n\nb\n", "b\na\n"))
	require.Equal(t, 50, alike("a\nb\n", "a\nc\n"))
	require.Zero(t, alike("\n", "\n"))
	require.Equal(t, 66, alike("a\na\n", "a\n"))
}
