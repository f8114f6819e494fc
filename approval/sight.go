package approval

import "slices"

// Sight is what administrators let a model see of a channel's data. Each holds what those
// before it do.
type Sight string

// The sights.
const (
	Shape      Sight = ""           // names, types, patterns, counts; of results their shape
	Statistics Sight = "statistics" // distinct counts, ranges, frequent values; results of the thread, and messages of errors
	Samples    Sight = "samples"    // rows
)

// Sights lists all of them, the narrowest first.
func Sights() []Sight { return []Sight{Shape, Statistics, Samples} }

// ShownTo is what was said as a model may see it now: of results their shape, which is all that
// their message holds, or the head of each table where the channel's switch lets it.
func ShownTo(history []Message, sight Sight) []Message {
	history = slices.Clone(history)
	for i := range history {
		m := &history[i]
		if m.Result != nil && sight != Shape {
			m.Text = m.Result.Text(m.Code, shownRows)
		}
		m.Result, m.Code = nil, ""
	}
	return history
}

// shownRows is how much of each table of a result a model sees where it may see results.
const shownRows = 10
