package money

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestASpanIsCutWithoutGapOrOverlap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(0, int64(3*day)).Draw(t, "from")))
		until := from.Add(time.Duration(rapid.Int64Range(1, int64(3*day)).Draw(t, "length")))
		if rapid.Bool().Draw(t, "aligned") {
			from, until = from.Truncate(quarter), ceil(until, quarter)
		}
		s := spanOf(from, until)
		pieces := [][2]time.Time{{s.quartersFrom, s.daysFrom}, {s.daysFrom, s.daysUntil}, {s.daysUntil, s.quartersUntil}}
		var covered time.Duration
		for _, p := range append(pieces, s.edges()...) {
			require.False(t, p[1].Before(p[0]))
			if p[0].Before(p[1]) {
				require.False(t, p[0].Before(from) || p[1].After(until), "%v is not within %v to %v", p, from, until)
			}
			covered += p[1].Sub(p[0])
		}
		require.Equal(t, until.Sub(from), covered)
		for _, piece := range s.edges() {
			require.Less(t, piece[1].Sub(piece[0]), 2*quarter)
		}
	})
}
