package kit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign/budget"
)

// of is a standing of a budget of ten dollars.
func of(spent, held budget.USD) budget.Standing {
	return budget.Standing{Limit: budget.Limit{Amount: 10 * budget.Dollar}, Spent: spent, Held: held}
}

func TestABarShowsAtAGlanceWhatIsLeft(t *testing.T) {
	t.Parallel()
	tests := []struct {
		of        budget.Standing
		bar, says string
	}{
		{of(0, 0), "░░░░░░░░░░░░░░░░░░░░", "0%"},
		{of(1, 0), "█░░░░░░░░░░░░░░░░░░░", "under 1%"},
		{of(5*budget.Dollar, 0), "██████████░░░░░░░░░░", "50%"},
		{of(620*budget.Cent, 40*budget.Cent), "████████████▓░░░░░░░", "66%"},
		{of(10*budget.Dollar-1, 0), "███████████████████░", "99%"},
		{of(10*budget.Dollar-2, 1), "██████████████████▓░", "99%"},
		{of(10*budget.Dollar, 0), "████████████████████", "100%"},
		{of(9*budget.Dollar, 1*budget.Dollar), "██████████████████▓▓", "100%"},
		{of(1, 10*budget.Dollar), "█▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓", "100%"},
		{of(12*budget.Dollar, 0), "████████████████████", "100%"},
		{budget.Standing{}, "████████████████████", "100%"},
	}
	for _, tt := range tests {
		require.Equal(t, tt.bar, Bar{tt.of}.picture(), "%v and %v", tt.of.Spent, tt.of.Held)
	}
	for _, tt := range tests[:len(tests)-1] {
		require.Equal(t, tt.says, Percent(tt.of))
	}
	require.Empty(t, Bar{of(1, 1)}.Mrkdwn(), "nobody wants to hear twenty blocks")
}

func TestABarNeverLies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amount := func(name string) budget.USD { return budget.USD(rapid.Int64Range(0, 1e15).Draw(t, name)) }
		s := budget.Standing{Limit: budget.Limit{Amount: amount("limit"), Extra: amount("extra")}, Spent: amount("spent"), Held: amount("held")}
		picture := Bar{s}.picture()
		count := func(cell string) int { return strings.Count(picture, cell) }
		require.Equal(t, barCells, count(cellSpent)+count(cellHeld)+count(cellLeft))
		require.Equal(t, s.Left() > 0, count(cellLeft) > 0, "a light cell is money left")
		require.Equal(t, s.Held > 0, count(cellHeld) > 0)
		if s.Spent > 0 || s.Left() <= 0 && s.Held == 0 {
			require.Positive(t, count(cellSpent))
		} else {
			require.Zero(t, count(cellSpent))
		}
	})
}
