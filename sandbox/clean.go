package sandbox

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"countersign/approval"
)

// terminal matches what programs print to colour a terminal.
var terminal = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]`)

// cleanText makes hostile bytes into text that can be stored and shown: valid
// UTF-8, LF line ends, no control characters (a database column cannot hold
// NUL), no terminal codes, at most limit bytes.
func cleanText(s string, limit int) string {
	if len(s) > limit {
		for limit > 0 && !utf8.RuneStart(s[limit]) { // not within a character
			limit--
		}
		s = s[:limit]
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	// Codes go before control characters are replaced: without its escape a code would stay as text.
	s = terminal.ReplaceAllString(s, "")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r': // a progress bar redraws its line
			return '\n'
		case unicode.Is(unicode.Cc, r):
			return '\uFFFD'
		}
		return r
	}, s)
}

// cleanLine is cleanText on one line, counted in runes.
func cleanLine(s string, runes int) string {
	// Cut by bytes first, with room for the longest characters: a megabyte is not gone through for a cell.
	s = cleanText(s, runes*utf8.UTFMax)
	s = strings.NewReplacer("\n", " ", "\t", " ").Replace(s)
	if utf8.RuneCountInString(s) > runes {
		s = string([]rune(s)[:runes-1]) + "…"
	}
	return s
}

func cleanLines(lines []string, most, runes int) []string {
	var clean []string
	for _, line := range lines[:min(most, len(lines))] {
		clean = append(clean, cleanLine(line, runes))
	}
	return clean
}

// cleanGrid makes a table rectangular and small.
func cleanGrid(g approval.Grid) approval.Grid {
	columns := min(maxColumns, len(g.Columns))
	clean := approval.Grid{Title: cleanLine(g.Title, maxCell), Rows: [][]string{},
		Columns: cleanLines(g.Columns, columns, maxCell), TotalRows: max(g.TotalRows, len(g.Rows))}
	// Fewer would belong to other columns, so nothing is known of any.
	if len(g.Numbers) >= columns {
		clean.Numbers = g.Numbers[:columns]
	}
	for _, row := range g.Rows[:min(maxRows, len(g.Rows))] {
		// A row that is too short gets empty cells, one that is too long loses its last: whoever draws relies on the form.
		cells := make([]string, columns)
		copy(cells, cleanLines(row, columns, maxCell))
		clean.Rows = append(clean.Rows, cells)
	}
	return clean
}

// FileName tells whether a file may come out under this name: letters and
// digits of any script, and . - _ within, so that it means the same to every
// system and to every reader.
func FileName(name string) bool {
	if name == "" || len(name) > 200 || utf8.RuneCountInString(name) > 100 {
		return false
	}
	for i, r := range name {
		// Neither begins a name: a dot hides a file, and a dash makes an option of it.
		inner := i > 0 && (r == '.' || r == '-')
		if r == utf8.RuneError || r != '_' && !inner && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return true
}

func hasSuffix(name string, suffixes ...string) bool {
	for _, s := range suffixes {
		if strings.HasSuffix(strings.ToLower(name), s) {
			return true
		}
	}
	return false
}
