package draw

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/kit"
)

// grid draws a table: as a table block where that can be, else as text in columns.
// block is false where a workspace has refused table blocks; then the same rows stand as padded text. files
// tells that the tables come as CSV as well, which is what a cut table points to. A table block goes below the
// message (Slack appends it as an attachment), so its heading is a line of its own above.
func grid(p *kit.Page, g approval.Grid, block, files bool) {
	// A title comes out of a box, so it is made plain and cut like any of its words.
	title := "Table"
	if g.Title != "" {
		title = kit.Capital(kit.Cut(approval.Plain(kit.OneLine(g.Title)), 100))
	}
	// 400 characters stay free for what comes after the table.
	room := min(shareTable, p.Room()-400)
	if room < 700 || len(g.Columns) == 0 { // less than a heading may need
		where := "too much for this message."
		if files {
			where = "in the CSV."
		}
		p.Say(kit.Strong(title), kit.Words(fmt.Sprintf(": %s and %s, %s", kit.Count(g.TotalRows, "row"), kit.Count(len(g.Columns), "column"), where)))
		return
	}
	// Rounded for the eye alone. The CSV beside it has every digit.
	cells, rounded := kit.Figures(fitted(g, room), g.Numbers)
	// As text, each cell is padded to its column, so the table is longer than its cells together.
	for !block && len(cells) > 1 && utf8.RuneCountInString(kit.Columns(cells)) > room {
		cells = cells[:max(1, len(cells)*3/4)] // columns are padded, so fewer rows fit
	}
	shown := len(cells) - 1
	// How much there is, and how much of it is shown: a table that is cut must not look whole.
	note := fmt.Sprintf(": %s", kit.Count(g.TotalRows, "row"))
	if shown < g.TotalRows || len(cells[0]) < len(g.Columns) {
		note = fmt.Sprintf(": first %s of %s", kit.Thousands(shown), kit.Count(g.TotalRows, "row"))
		if len(cells[0]) < len(g.Columns) {
			note += fmt.Sprintf(" and %d of %s", len(cells[0]), kit.Count(len(g.Columns), "column"))
		}
		if files {
			note += "; all in the CSV"
		}
	}
	if rounded {
		note += ", rounded"
	}
	if !block {
		p.Verbatim([]kit.Part{kit.Strong(title), kit.Words(note)}, kit.Columns(cells), "", kit.SpokenTable(cells, g.TotalRows))
		return
	}
	p.Say(kit.Strong(title), kit.Words(note+"."))
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
	t.WithColumnSettings(kit.Settings(cells)...)
	p.Add(t, size, kit.Escape(kit.SpokenTable(cells, g.TotalRows)))
}

// What Slack's table block holds, with its heading: 100 rows of 20 cells. The length of a cell is ours: one long text
// would take the screen.
const (
	maxRows    = 100
	maxColumns = 20
	maxCell    = 100
)

// fitted cuts a table to so many characters: whole rows, the heading first. No
// cell is empty, which Slack refuses. The heading is there in any case: rows without it say nothing.
func fitted(g approval.Grid, room int) (rows [][]string) {
	used := 0
	for i, row := range append([][]string{g.Columns}, g.Rows...) {
		var cells []string
		for n := range min(len(g.Columns), maxColumns) {
			text := ""
			if n < len(row) {
				text = kit.Cut(kit.OneLine(approval.Plain(row[n])), min(maxCell, max(8, room/maxColumns)))
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
	return slices.ContainsFunc(files, func(a approval.Artifact) bool { return a.Kind == "table" })
}
