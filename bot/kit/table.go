package kit

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// Settings sets columns of numbers to the right.
func Settings(rows [][]string) (list []slack.ColumnSetting) {
	for n := range rows[0] {
		align := slack.ColumnAlignmentLeft
		if len(rows) > 1 {
			align = slack.ColumnAlignmentRight
		}
		for _, row := range rows[1:] {
			if !numeric(row[n]) {
				align = slack.ColumnAlignmentLeft
			}
		}
		list = append(list, slack.ColumnSetting{Align: align})
	}
	return list
}

// numeric tells of a cell that reads best from the right; one without a value does not object.
func numeric(text string) bool {
	text = strings.TrimSpace(text)
	return text == "" || text == "–" || strings.Trim(text, "0123456789.,-+%$eE") == "" && strings.ContainsAny(text, "0123456789")
}

// Columns writes a table in fixed width.
func Columns(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for n, cell := range row {
			widths[n] = min(30, max(widths[n], utf8.RuneCountInString(cell)))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line []string
		for n, cell := range row {
			cell = Cut(cell, widths[n])
			line = append(line, cell+strings.Repeat(" ", widths[n]-utf8.RuneCountInString(cell)))
		}
		b.WriteString(strings.TrimRight(strings.Join(line, "  "), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// SpokenTable is a table's beginning for those who hear it, and where it leaves off
// rows that others see, how much that is.
func SpokenTable(rows [][]string, total int) string {
	const heard = 10
	var said []string
	if len(rows) > heard+1 {
		said = append(said, fmt.Sprintf("First %d of %s:", heard, Count(max(total, len(rows)-1), "row")))
	}
	for _, row := range rows[:min(heard+1, len(rows))] {
		said = append(said, Cut(strings.Join(row, ", "), 200))
	}
	return strings.Join(said, "\n")
}
