package approval

import (
	"fmt"
	"strings"
)

// Text is a result as the model gets to see it in a follow-up: what the asker
// saw, cut to a size that leaves room for more.
func (r Result) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "outcome: %s\n", r.Outcome)
	if r.Error != "" {
		fmt.Fprintf(&b, "error: %s\n", cut(r.Error, 500))
	}
	for _, t := range r.Tables {
		fmt.Fprintf(&b, "table %s (%d rows):\n%s\n", t.Title, t.TotalRows, strings.Join(t.Columns, " | "))
		for _, row := range t.Rows[:min(10, len(t.Rows))] {
			fmt.Fprintln(&b, cut(strings.Join(row, " | "), 300))
		}
	}
	if r.Value != "" {
		fmt.Fprintf(&b, "value: %s\n", cut(r.Value, 1000))
	}
	if r.Stdout != "" {
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
