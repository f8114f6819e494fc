package kit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const (
	cent   = 10_000_000
	dollar = 100 * cent
)

// of is a bar of ten dollars.
func of(spent, held int64) Bar { return Bar{Limit: 10 * dollar, Spent: spent, Held: held} }

func TestABarShowsAtAGlanceWhatIsLeft(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		of  Bar
		bar string
	}{
		{of(0, 0), "░░░░░░░░░░░░░░░░░░░░"},
		{of(1, 0), "█░░░░░░░░░░░░░░░░░░░"},
		{of(5*dollar, 0), "██████████░░░░░░░░░░"},
		{of(620*cent, 40*cent), "████████████▓░░░░░░░"},
		{of(10*dollar-1, 0), "███████████████████░"},
		{of(10*dollar-2, 1), "██████████████████▓░"},
		{of(10*dollar, 0), "████████████████████"},
		{of(9*dollar, 1*dollar), "██████████████████▓▓"},
		{of(1, 10*dollar), "█▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓"},
		{of(12*dollar, 0), "████████████████████"},
		{Bar{}, "████████████████████"},
	} {
		require.Equal(t, tt.bar, tt.of.picture(), "%v and %v", tt.of.Spent, tt.of.Held)
	}
	require.Empty(t, of(1, 1).Mrkdwn(), "nobody wants to hear twenty blocks")
}

func TestABarNeverLies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amount := func(name string) int64 { return rapid.Int64Range(0, 1e15).Draw(t, name) }
		b := Bar{Limit: amount("limit") + amount("extra"), Spent: amount("spent"), Held: amount("held")}
		left := b.Limit - b.Spent - b.Held
		picture := b.picture()
		count := func(cell string) int { return strings.Count(picture, cell) }
		require.Equal(t, barCells, count(cellSpent)+count(cellHeld)+count(cellLeft))
		require.Equal(t, left > 0, count(cellLeft) > 0, "a light cell is money left")
		require.Equal(t, b.Held > 0, count(cellHeld) > 0)
		if b.Spent > 0 || left <= 0 && b.Held == 0 {
			require.Positive(t, count(cellSpent))
		} else {
			require.Zero(t, count(cellSpent))
		}
	})
}
