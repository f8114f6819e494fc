package bot

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"countersign/approval"
)

// grid draws a table: as a table block where that can be, else as text in columns.
func (b *Bot) grid(p *page, g approval.Grid, block, files bool) {
	title := "Table"
	if g.Title != "" {
		title = capital(cut(approval.Plain(oneLine(g.Title)), 100))
	}
	room := min(shareTable, p.room()-400)
	if room < 700 || len(g.Columns) == 0 { // less than a heading may need
		where := "too much for this message."
		if files {
			where = "in the files above."
		}
		p.say(strong(title), words(fmt.Sprintf(": %s and %s, %s", count(g.TotalRows, "row"), count(len(g.Columns), "column"), where)))
		return
	}
	cells := fitted(g, room)
	for !block && len(cells) > 1 && utf8.RuneCountInString(columns(cells)) > room {
		cells = cells[:max(1, len(cells)*3/4)] // columns are padded, so fewer rows fit
	}
	shown := len(cells) - 1
	note := fmt.Sprintf(": %s", count(g.TotalRows, "row"))
	if shown < g.TotalRows || len(cells[0]) < len(g.Columns) {
		note = fmt.Sprintf(": the first %s of %s", thousands(shown), count(g.TotalRows, "row"))
		if len(cells[0]) < len(g.Columns) {
			note += fmt.Sprintf(" and %d of %s", len(cells[0]), count(len(g.Columns), "column"))
		}
		if files {
			note += ", the rest is in the files above"
		}
	}
	if !block {
		p.verbatim([]part{strong(title), words(note)}, columns(cells), "", spokenTable(cells, g.TotalRows))
		return
	}
	p.say(strong(title), words(note+"."))
	t := slack.NewTableBlock("")
	size := 0
	for _, row := range cells {
		var list []slack.TableCell
		for _, cell := range row {
			list = append(list, slack.NewTableRawTextCell(cell))
			size += utf8.RuneCountInString(cell)
		}
		t.AddRow(list...)
	}
	t.WithColumnSettings(settings(cells)...)
	p.add(t, size, escape(spokenTable(cells, g.TotalRows)))
}

// What Slack's table block holds, with its heading.
const (
	maxRows    = 100
	maxColumns = 20
	maxCell    = 100
)

// fitted cuts a table to so many characters: whole rows, the heading first. No
// cell is empty, which Slack refuses.
func fitted(g approval.Grid, room int) (rows [][]string) {
	used := 0
	for i, row := range append([][]string{g.Columns}, g.Rows...) {
		var cells []string
		for n := range min(len(g.Columns), maxColumns) {
			text := ""
			if n < len(row) {
				text = cut(oneLine(approval.Plain(row[n])), min(maxCell, max(8, room/maxColumns)))
			}
			if text == "" {
				text = " "
			}
			cells = append(cells, text)
			used += utf8.RuneCountInString(text) + 2
		}
		if i > 0 && used > room || i >= maxRows {
			break
		}
		rows = append(rows, cells)
	}
	return rows
}

// tableFiles tells whether tables came out as files, too.
func tableFiles(files []approval.Artifact) bool {
	return slices.ContainsFunc(files, func(a approval.Artifact) bool { return a.Kind == "table" && len(a.Data) > 0 })
}

// settings sets columns of numbers to the right.
func settings(rows [][]string) (list []slack.ColumnSetting) {
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

// columns writes a table in fixed width.
func columns(rows [][]string) string {
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
			cell = cut(cell, widths[n])
			line = append(line, cell+strings.Repeat(" ", widths[n]-utf8.RuneCountInString(cell)))
		}
		b.WriteString(strings.TrimRight(strings.Join(line, "  "), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// spokenTable is a table's beginning for those who hear it, and where it leaves off
// rows that others see, how much that is.
func spokenTable(rows [][]string, total int) string {
	const heard = 10
	var said []string
	if len(rows) > heard+1 {
		said = append(said, fmt.Sprintf("The first %d of %s:", heard, count(max(total, len(rows)-1), "row")))
	}
	for _, row := range rows[:min(heard+1, len(rows))] {
		said = append(said, cut(strings.Join(row, ", "), 200))
	}
	return strings.Join(said, "\n")
}
