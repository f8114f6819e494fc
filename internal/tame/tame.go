// Package tame keeps cells of a table from being computed by a spreadsheet.
package tame

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Cell puts an apostrophe before a cell that a spreadsheet would compute. It is the
// runner's rule (sandbox/runner/cells.py), but for numbers: those in our tables have no
// sign, so whatever begins with one is text.
func Cell(cell string) string {
	cell = strings.ToValidUTF8(cell, "\uFFFD")
	first := norm.NFKC.String(strings.TrimSpace(cell))
	if first != "" && strings.ContainsRune("=+-@", rune(first[0])) || strings.HasPrefix(cell, "\t") || strings.HasPrefix(cell, "\r") {
		return "'" + cell
	}
	return cell
}

// Row tames each cell of a row, those of ours as well: which one holds somebody's words may
// change, and nobody would think of it where it is written.
func Row(cells ...string) []string {
	for i, cell := range cells {
		cells[i] = Cell(cell)
	}
	return cells
}
