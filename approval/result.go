package approval

import (
	"fmt"
	"strings"
)

// Text is a result as the model gets to see it in a follow-up: how it ended and
// what shape it has, and of what the data said only so many rows as an
// administrator lets a model see. With none, nothing that was computed from the
// data is told: not the rows, not the value, not what was printed.
func (r Result) Text(rows int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "outcome: %s\n", r.Outcome)
	if name, _, _ := strings.Cut(r.Error, ":"); name != "" {
		if rows > 0 {
			name = r.Error
		}
		fmt.Fprintf(&b, "error: %s\n", cut(name, 500))
	}
	for _, t := range r.Tables {
		fmt.Fprintf(&b, "table %s (%d rows, %d columns)\n", t.Title, t.TotalRows, len(t.Columns))
		if rows == 0 {
			continue // the columns of a result may be values of the data
		}
		fmt.Fprintln(&b, cut(strings.Join(t.Columns, " | "), 300))
		for _, row := range t.Rows[:min(rows, len(t.Rows))] {
			fmt.Fprintln(&b, cut(strings.Join(row, " | "), 300))
		}
	}
	if rows > 0 && r.Value != "" {
		fmt.Fprintf(&b, "value: %s\n", cut(r.Value, 1000))
	}
	if rows > 0 && r.Stdout != "" {
		fmt.Fprintf(&b, "printed:\n%s\n", cut(r.Stdout, 1000))
	}
	for _, a := range r.Artifacts {
		fmt.Fprintf(&b, "%s: %s\n", a.Kind, a.Name)
	}
	return cut(b.String(), 4000)
}

// cut shortens a text to so many characters, and says so.
func cut(text string, max int) string {
	runes := []rune(text)
	if len(runes) <= max {
		return text
	}
	return string(runes[:max]) + fmt.Sprintf("… (%d characters more)", len(runes)-max)
}
