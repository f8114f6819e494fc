package bench

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
)

//go:embed page.html
var page string

// About says where and when a run was measured.
type About struct {
	When, Machine, Version string
}

// Page writes the figures as one page: no script, and nothing that has to be fetched, so that it can be kept and opened
// years later. Parts stand in the order in which they were reported first.
func Page(to io.Writer, about About, all []Figure) error {
	t, err := template.New("bench").Parse(page)
	if err != nil {
		return err
	}
	type part struct {
		Name    string
		Figures []drawn
	}
	var parts []part
	var kept, missed, open int
	for _, f := range all {
		i := slices.IndexFunc(parts, func(p part) bool { return p.Name == f.Part })
		if i < 0 {
			i, parts = len(parts), append(parts, part{Name: f.Part})
		}
		parts[i].Figures = append(parts[i].Figures, draw(f))
		switch {
		case f.Goal == nil:
			open++
		case f.Kept():
			kept++
		default:
			missed++
		}
	}
	return t.Execute(to, map[string]any{"About": about, "Parts": parts, "Kept": kept, "Missed": missed, "Open": open})
}

// drawn is a figure as the page needs it.
type drawn struct {
	Name, Value, Is, Goal, Verdict string
	Bars                           []bar
	GoalAt                         float64 // where on the bars the goal lies, in percent
	HasGoal                        bool
	Histories                      []history
}

// Compares tells whether there is anything to hold the figure against: one bar alone says nothing.
func (d drawn) Compares() bool { return d.HasGoal || len(d.Bars) > 1 }

// bar is a figure, or what it is held against, as a bar; Own marks the figure itself.
type bar struct {
	Name, Value string
	Width       float64 // in percent
	Own         bool
}

// history is what was measured, as columns from left to right.
type history struct {
	Name, Low, High, Each string
	Columns               []column
	Width                 int
}

// column is one measured value of a history, in the coordinates of its picture.
type column struct {
	X, Y, H float64
	Says    string
}

// draw puts all that is compared on one scale, the goal included: its line must lie on the page also where nobody reaches it.
func draw(f Figure) drawn {
	d := drawn{Name: f.Name, Value: say(f.Value, f.Unit), Is: f.Is, Verdict: "none"}
	most := f.Value
	for _, o := range f.Against {
		most = max(most, o.Value)
	}
	if f.Goal != nil {
		most, d.HasGoal, d.Goal, d.Verdict = max(most, f.Goal.Bound), true, f.goal(), "kept"
		if !f.Kept() {
			d.Verdict = "missed"
		}
	}
	if most == 0 {
		most = 1
	}
	d.Bars = []bar{{Name: "ours", Value: d.Value, Width: 100 * f.Value / most, Own: true}}
	for _, o := range f.Against {
		d.Bars = append(d.Bars, bar{Name: o.Name, Value: say(o.Value, f.Unit), Width: 100 * o.Value / most})
	}
	if f.Goal != nil {
		d.GoalAt = 100 * f.Goal.Bound / most
	}
	// Histories beside one another have one scale, or a fast one would look like a slow one.
	top := slices.Max(append([]float64{0}, f.Each...))
	for _, o := range f.Against {
		top = slices.Max(append([]float64{top}, o.Each...))
	}
	if h, ok := columns("", f.Each, f.Unit, top); ok {
		d.Histories = append(d.Histories, h)
	}
	for _, o := range f.Against {
		if h, ok := columns(o.Name, o.Each, f.Unit, top); ok {
			d.Histories = append(d.Histories, h)
		}
	}
	return d
}

// How a history is drawn, in the units of its picture.
const (
	mostColumns = 50
	columnWidth = 5
	tall        = 40.0
)

// columns draws a history. Where there are more values than columns, a column is the largest of
// those that lie beside one another, so that no slow one is lost.
func columns(name string, each []float64, unit string, top float64) (history, bool) {
	if len(each) < 2 {
		return history{}, false
	}
	if top == 0 {
		top = 1
	}
	h := history{Name: name, Low: say(slices.Min(each), unit), High: say(slices.Max(each), unit)}
	together := (len(each) + mostColumns - 1) / mostColumns
	h.Each = fmt.Sprintf("%s measured", thousands(strconv.Itoa(len(each))))
	if together > 1 {
		h.Each += fmt.Sprintf(", a column is the largest of %d", together)
	}
	for group := range slices.Chunk(each, together) {
		v := slices.Max(group)
		// At least one unit high: what was measured is seen to have been.
		high := max(1, tall*v/top)
		h.Columns = append(h.Columns, column{X: float64(len(h.Columns) * columnWidth), Y: tall - high, H: high, Says: say(v, unit)})
	}
	h.Width = len(h.Columns) * columnWidth
	return h, true
}

// goal is the bound in words.
func (f Figure) goal() string {
	word := "at most"
	if f.Goal.Least {
		word = "at least"
	}
	s := fmt.Sprintf("%s %s", word, say(f.Goal.Bound, f.Unit))
	if f.Goal.Why != "" {
		s += " (" + f.Goal.Why + ")"
	}
	return s
}

// say writes a number with three digits that mean something, and its unit.
func say(v float64, unit string) string {
	var s string
	switch {
	case v == float64(int64(v)) || v >= 1000:
		s = thousands(strconv.FormatFloat(v, 'f', 0, 64))
	case v >= 100:
		s = strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		s = strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 0.01:
		s = strconv.FormatFloat(v, 'f', 2, 64)
	default:
		s = strconv.FormatFloat(v, 'g', 2, 64)
	}
	switch unit {
	case Count:
		return s
	case PerSecond:
		return s + unit
	default:
		return s + " " + unit
	}
}

// thousands groups digits as people read them.
func thousands(digits string) string {
	var parts []string
	for len(digits) > 3 {
		parts = append([]string{digits[len(digits)-3:]}, parts...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, parts...), ",")
}
