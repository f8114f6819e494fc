package kit

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// Settings sets columns of numbers to the right.
func Settings(rows [][]string) (list []slack.ColumnSetting) {
	for n := range rows[0] {
		// To the right only if every cell of the column is a number.
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

// keys are words in a heading of numbers that are no amounts: nobody adds them up, and a
// separator would only make them strange.
var keys = regexp.MustCompile(`(?i)(^|[^a-z])(id|ids|year|yr|jahr|zip|plz|postcode|code|key|no|nr|num|number|phone|account|iban|sku|ean|isbn)($|[^a-z])`)

// Figures writes the columns of numbers of a table as people read them: no more decimals
// than tell something, thousands separated. The first row is the heading. rounded tells
// that digits were left away.
func Figures(rows [][]string, numbers []bool) (out [][]string, rounded bool) {
	for _, row := range rows {
		out = append(out, slices.Clone(row))
	}
	for n := range rows[0] {
		// By the column's type as the program had it, not by how its cells look: "007" is a text.
		if n >= len(numbers) || !numbers[n] || keys.MatchString(rows[0][n]) {
			continue
		}
		var cells []string
		for _, row := range rows[1:] {
			cells = append(cells, strings.TrimSpace(row[n]))
		}
		decimals, ok := scale(cells)
		for i, cell := range cells {
			x, err := strconv.ParseFloat(cell, 64)
			if !ok || err != nil {
				continue
			}
			text := cell
			if strings.Contains(cell, ".") {
				text = strconv.FormatFloat(x, 'f', decimals, 64)
				now, _ := strconv.ParseFloat(text, 64) // it was written a line above
				rounded = rounded || now != x
			}
			out[i+1][n] = grouped(text)
		}
	}
	return out, rounded
}

// scale is how many decimals a column of numbers takes. ok is false for one that stays as
// it is: something in it is no plain number, or all of it looks like years.
func scale(cells []string) (decimals int, ok bool) {
	least, most, years := math.Inf(1), 0.0, true
	for _, cell := range cells {
		if cell == "" || cell == "–" {
			continue
		}
		x, err := strconv.ParseFloat(cell, 64)
		if err != nil || strings.ContainsAny(cell, "eE") || math.IsInf(x, 0) {
			return 0, false
		}
		_, part, _ := strings.Cut(cell, ".")
		decimals = max(decimals, len(part))
		// 2,024 would be read as an amount.
		years = years && part == "" && 1900 <= x && x <= 2100
		if x = math.Abs(x); x > 0 {
			least, most = min(least, x), max(most, x)
		}
	}
	switch {
	// Where the smallest number has two digits and the largest four, decimals tell nobody anything.
	case most >= 1000 && least >= 10:
		decimals = 0
	case most >= 1:
		decimals = min(decimals, 2)
	}
	return decimals, !years
}

// grouped separates the thousands of a number.
func grouped(text string) string {
	whole, part, point := strings.Cut(text, ".")
	minus := ""
	if strings.HasPrefix(whole, "-") {
		minus, whole = "-", whole[1:]
	}
	if strings.Trim(whole+part, "0") == "" {
		minus = "" // nothing is less than nothing
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		return minus + whole + "." + part
	}
	return minus + whole
}

// Columns writes a table in fixed width, with columns of numbers to the right.
func Columns(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for n, cell := range row {
			widths[n] = min(30, max(widths[n], utf8.RuneCountInString(cell)))
		}
	}
	var b strings.Builder
	sides := Settings(rows)
	for _, row := range rows {
		var line []string
		for n, cell := range row {
			cell = Cut(cell, widths[n])
			room := strings.Repeat(" ", widths[n]-utf8.RuneCountInString(cell))
			if sides[n].Align == slack.ColumnAlignmentRight {
				line = append(line, room+cell)
			} else {
				line = append(line, cell+room)
			}
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
