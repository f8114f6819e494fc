package approval

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Text is a result as the model gets to see it in a follow-up: how it ended and
// what shape it has, and of what the data said only so many rows as an
// administrator lets a model see. With none, nothing that was computed from the
// data is told: not the rows, not the value, not what was printed, and no name that
// the code gave to a table or a file.
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
		if rows == 0 { // its title and its columns may be values of the data
			fmt.Fprintf(&b, "table (%d rows, %d columns)\n", t.TotalRows, len(t.Columns))
			continue
		}
		fmt.Fprintf(&b, "table %s (%d rows, %d columns)\n", t.Title, t.TotalRows, len(t.Columns))
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
	if rows == 0 {
		r.countArtifacts(&b)
		return cut(b.String(), 4000)
	}
	for _, a := range r.Artifacts {
		fmt.Fprintf(&b, "%s: %s\n", a.Kind, a.Name)
	}
	return cut(b.String(), 4000)
}

// countArtifacts says how many files of which kind came out.
func (r Result) countArtifacts(b *strings.Builder) {
	n := map[string]int{}
	for _, a := range r.Artifacts {
		n[a.Kind]++
	}
	for _, kind := range slices.Sorted(maps.Keys(n)) {
		fmt.Fprintf(b, "%s: %d\n", kind, n[kind])
	}
}

// cut shortens a text to so many characters, and says so.
func cut(text string, max int) string {
	runes := []rune(text)
	if len(runes) <= max {
		return text
	}
	return string(runes[:max]) + fmt.Sprintf("… (%d characters more)", len(runes)-max)
}
