// Package bench gathers the figures of `make bench`. A benchmark reports each figure by its name,
// with what was measured one after another, its goal and what it is held against, all from one run.
// The figures of all packages go into one file; Page draws them for people.
//
// Benchmarks that report are benchmarks only so that the suite does not run them: they measure by
// themselves, and b.N means nothing to them.
package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"testing"
	"time"
)

const (
	Milliseconds = "ms"
	Microseconds = "µs"
	PerSecond    = "/s"
	Times        = "times" // a ratio
	Count        = ""
)

// Figure is one figure of a run.
//
// All of its numbers have the one unit: what is measured in another is a figure of its own.
type Figure struct {
	Part    string    `json:"part"`              // the heading under which it stands
	Name    string    `json:"name"`              // says all that makes it differ from its neighbours
	Unit    string    `json:"unit"`              // of Value, Each, Goal and Against
	Value   float64   `json:"value"`             // what it came to
	Is      string    `json:"is,omitempty"`      // how Value follows from Each, such as "median of 10 rounds"
	Each    []float64 `json:"each,omitempty"`    // its history: what was measured, in that order
	Goal    *Goal     `json:"goal,omitempty"`    // nil: nobody has set one
	Against []Other   `json:"against,omitempty"` // what it is held against
}

// Other is what a figure is held against: the same, measured elsewhere or at another time.
type Other struct {
	Name  string    `json:"name"` // such as "Bolt, in this run"
	Value float64   `json:"value"`
	Each  []float64 `json:"each,omitempty"`
}

// Goal is the bound that a figure has to keep.
type Goal struct {
	Bound float64 `json:"bound"`
	Least bool    `json:"least,omitempty"` // the figure has to reach the bound; otherwise it must not pass it
	Why   string  `json:"why,omitempty"`   // where the bound comes from, such as "half of Bolt's"
}

// AtMost is the goal of a figure that must not pass the bound.
func AtMost(bound float64, why string) *Goal { return &Goal{Bound: bound, Why: why} }

// AtLeast is the goal of a figure that has to reach the bound.
func AtLeast(bound float64, why string) *Goal { return &Goal{Bound: bound, Least: true, Why: why} }

// Kept says whether the figure has reached its goal; without one it has.
//
// A figure that lies on its bound has kept it.
func (f Figure) Kept() bool {
	switch {
	case f.Goal == nil:
		return true
	case f.Goal.Least:
		return f.Value >= f.Goal.Bound
	default:
		return f.Value <= f.Goal.Bound
	}
}

// Report adds the figure to the file that BENCH_REPORT names, and logs it. It fails the
// benchmark where the figure has no name or no number: such a row would mean nothing.
// A goal that is missed fails nothing: the page says so.
func Report(tb testing.TB, f Figure) {
	tb.Helper()
	if err := f.check(); err != nil {
		tb.Errorf("a figure cannot be reported: %v", err)
		return
	}
	tb.Log(f.String())
	path := os.Getenv("BENCH_REPORT")
	if path == "" {
		return
	}
	if err := appendLine(path, f); err != nil {
		tb.Errorf("the figure %q could not be written: %v", f.Name, err)
	}
}

// check refuses what the page could not draw. A negative number is a mistake of whoever measured: nothing here is below zero.
func (f Figure) check() error {
	if f.Part == "" || f.Name == "" {
		return fmt.Errorf("part %q, name %q: both have to be given", f.Part, f.Name)
	}
	numbers := append([]float64{f.Value}, f.Each...)
	if f.Goal != nil {
		numbers = append(numbers, f.Goal.Bound)
	}
	for _, o := range f.Against {
		numbers = append(append(numbers, o.Value), o.Each...)
	}
	for _, n := range numbers {
		if math.IsNaN(n) || math.IsInf(n, 0) || n < 0 {
			return fmt.Errorf("%q: %v is no number that can be drawn", f.Name, n)
		}
	}
	return nil
}

// String is the figure in one line.
func (f Figure) String() string {
	s := fmt.Sprintf("%s: %s", f.Name, say(f.Value, f.Unit))
	for _, o := range f.Against {
		s += fmt.Sprintf("; %s %s", o.Name, say(o.Value, f.Unit))
	}
	if f.Goal != nil {
		s += "; " + f.goal()
	}
	return s
}

// appendLine writes a line at once: packages may be measured side by side.
func appendLine(path string, f Figure) error {
	line, err := json.Marshal(f)
	if err != nil {
		return err
	}
	// O_APPEND and one Write: a line of one process never lands inside of another's.
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := file.Write(append(line, '\n')); err != nil {
		_ = file.Close() // the write has failed already
		return err
	}
	return file.Close()
}

// Read reads what Report has written, in that order.
func Read(from io.Reader) ([]Figure, error) {
	var all []Figure
	lines := bufio.NewScanner(from)
	// A figure with a long history is a long line.
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var f Figure
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(all)+1, err)
		}
		if err := f.check(); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(all)+1, err)
		}
		all = append(all, f)
	}
	return all, lines.Err()
}

// Beside holds figures against those of the same name in another list, which is called by name.
func Beside(all, others []Figure, name string) {
	for i := range all {
		f := &all[i]
		if n := slices.IndexFunc(others, func(o Figure) bool { return o.Part == f.Part && o.Name == f.Name && o.Unit == f.Unit }); n >= 0 {
			f.Against = append([]Other{{Name: name, Value: others[n].Value, Each: others[n].Each}}, f.Against...)
		}
	}
}

// Quantile is the value below which that part of the values lies; 0.5 is the median. It is 0 of none. It is a value that was
// measured, never one between two.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// Median is the value in the middle.
func Median(values []float64) float64 { return Quantile(values, 0.5) }

// Millis are durations in Milliseconds, Micros in Microseconds.
func Millis(took []time.Duration) []float64 { return in(took, time.Millisecond) }
func Micros(took []time.Duration) []float64 { return in(took, time.Microsecond) }

// in are durations as numbers of a unit.
func in(took []time.Duration, unit time.Duration) []float64 {
	values := make([]float64, len(took))
	for i, d := range took {
		values[i] = float64(d) / float64(unit)
	}
	return values
}
