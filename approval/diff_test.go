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
		require.Equal(t, common(a, b), same)
	})
}

// common is how many lines two texts have in common, in order.
func common(a, b []string) int {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	row := make([]int, len(b)+1)
	for _, x := range a {
		left := 0 // of the row before
		for j, y := range b {
			up := row[j+1]
			if x == y {
				row[j+1] = left + 1
			} else {
				row[j+1] = max(up, row[j])
			}
			left = up
		}
	}
	return row[len(b)]
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
