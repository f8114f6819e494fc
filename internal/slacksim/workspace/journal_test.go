package workspace

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestJournalKeepsTheLatest(t *testing.T) {
	t.Parallel()
	var j journal
	for range MaxEntries + 5 {
		j.Add(Entry{Name: "x"})
	}
	all := j.After(0, MaxEntries*2)
	require.Len(t, all, MaxEntries)
	require.Equal(t, 6, all[0].N)
	require.Equal(t, MaxEntries+5, all[MaxEntries-1].N)
	require.Len(t, j.After(0, 3), 3)
	require.Equal(t, MaxEntries+4, j.After(MaxEntries+3, 100)[0].N)
	require.Contains(t, Detail(func() {}), "unsupported type")
}

func TestDetailIsCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	for n := range 4 {
		shown := Cut(strings.Repeat("x", n) + strings.Repeat("é", maxDetail))
		require.True(t, utf8.ValidString(shown))
		require.LessOrEqual(t, len(shown), maxDetail+len("…"))
	}
}
