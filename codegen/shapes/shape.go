package shapes

import (
	"fmt"
	"regexp"
	"strings"

	"countersign/approval"
)

// The limits of one file. They are what a person can still review and a prompt can
// still name; the machine could bear more.
const (
	MaxColumns  = 1000
	MaxTables   = 50
	maxCell     = 1 << 20 // bytes; more is a quotation mark that nobody closed
	SampleCell  = 80      // characters of a sample value
	maxHeadings = 64 << 10
)

var errColumns = fmt.Errorf("has more than %d columns, which is the most that can be read; keep those that the question needs", MaxColumns)

// kind is the set of types that a value could have. A column's type is the intersection
// over all of its values.
type kind uint16

const (
	isInteger kind = 1 << iota
	isNumber
	isBoolean
	isISO        // a date that starts with the year
	isDayFirst   // 31.12.2024, 31/12/2024
	isMonthFirst // 12/31/2024
	isDotted     // 1,234,567.89: thousands commas
	isComma      // 1.234,56: decimal comma
	isNested     // a list or an object in JSON
	isText

	anything = isText<<1 - 1
)

var forms = []struct {
	re   *regexp.Regexp
	kind kind
}{
	{regexp.MustCompile(`^[+-]?\d{1,18}$`), isInteger | isNumber | isDotted | isComma},
	{regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$`), isNumber},
	{regexp.MustCompile(`(?i)^[+-]?inf(inity)?$`), isNumber},
	{regexp.MustCompile(`^[+-]?\d{1,3}(,\d{3})*(\.\d+)?$`), isDotted},
	{regexp.MustCompile(`^[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?$`), isComma},
	{regexp.MustCompile(`^(?:true|false|True|False|TRUE|FALSE)$`), isBoolean},
	{regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])$`), isISO},
	{regexp.MustCompile(`^\d{4}[-/.](0?[1-9]|1[0-2])[-/.](0?[1-9]|[12]\d|3[01])` + clock), isISO},
	{regexp.MustCompile(`^(0?[1-9]|[12]\d|3[01])[-/.](0?[1-9]|1[0-2])[-/.](\d{4}|\d{2})` + clock), isDayFirst},
	{regexp.MustCompile(`^(0?[1-9]|1[0-2])[-/](0?[1-9]|[12]\d|3[01])[-/](\d{4}|\d{2})` + clock), isMonthFirst},
}

const clock = `([ T]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?( ?(Z|UTC|[+-]\d{2}:?\d{2}))?)?$`

// kindOf returns which of the given types a written value could have. Other types are
// not tried, because large files spend their time here.
func kindOf(value string, among kind) kind {
	k := isText
	if among == isText {
		return k
	}
	value = strings.TrimSpace(value)
	if len(value) > 40 { // longer than any number or date
		return k
	}
	if len(value) <= 18 && value != "" && strings.Trim(value, "0123456789") == "" {
		return (k | isInteger | isNumber | isDotted | isComma) & (among | isText)
	}
	for _, f := range forms {
		if f.kind&among != 0 && f.re.MatchString(value) {
			k |= f.kind
		}
	}
	return k
}

// missing lists what pandas reads as no value.
var missing = map[string]bool{"": true, "#N/A": true, "#N/A N/A": true, "#NA": true, "-1.#IND": true, "-1.#QNAN": true,
	"-NaN": true, "-nan": true, "1.#IND": true, "1.#QNAN": true, "<NA>": true, "N/A": true, "NA": true, "NULL": true,
	"NaN": true, "n/a": true, "nan": true, "null": true}

// shape gathers one table, row by row.
type shape struct {
	table   approval.Table
	kinds   []kind
	filled  []int
	samples int // how many rows may be kept
}

func newShape(name string, headings []string, samples int) (*shape, error) {
	s := &shape{samples: samples}
	s.table.Name = name
	size := 0
	for _, h := range headings {
		size += len(h)
		if err := s.grow(h); err != nil {
			return nil, err
		}
	}
	if size > maxHeadings {
		return nil, fmt.Errorf("has column names of %d KB together; at most %d KB can be read, and perhaps the first row is no heading",
			size>>10, maxHeadings>>10)
	}
	return s, nil
}

// grow adds a column that is empty in all rows so far.
func (s *shape) grow(heading string) error {
	if len(s.table.Columns) == MaxColumns {
		return errColumns
	}
	s.table.Columns = append(s.table.Columns, approval.Column{Name: strings.ToValidUTF8(heading, "\uFFFD")})
	s.kinds = append(s.kinds, anything)
	s.filled = append(s.filled, 0)
	return nil
}

// cell is a value with its possible types. Its kind is zero where there is no value.
type cell struct {
	text   string
	kind   kind
	serial bool // a number that is shown as a date
}

// written makes a cell from a file format that has only text, for the column at this index.
func (s *shape) written(text string, at int) cell {
	if missing[text] {
		return cell{}
	}
	return cell{text: text, kind: kindOf(text, s.kinds[at])}
}

// add takes a row. It may be shorter than the heading, never longer.
func (s *shape) add(row []cell) {
	s.table.Rows++
	for i, c := range row {
		if c.kind != 0 {
			s.kinds[i] &= c.kind
			s.filled[i]++
		}
	}
	if len(s.table.Sample) < s.samples {
		line := make([]string, len(row))
		for i, c := range row {
			line[i] = Clip(strings.ToValidUTF8(c.text, "\uFFFD"), SampleCell)
		}
		s.table.Sample = append(s.table.Sample, line)
	}
}

// done names the types. The first word of each is one of integer, number,
// boolean, date, text, nested and empty.
func (s *shape) done() approval.Table {
	for i := range s.table.Columns {
		c := &s.table.Columns[i]
		c.Missing = s.table.Rows - s.filled[i]
		c.Type = s.kinds[i].words(s.table.Delimiter)
		if s.filled[i] == 0 {
			c.Type = "empty"
		}
	}
	return s.table
}

// words names a column's type: the most specific one that is left.
func (k kind) words(delimiter string) string {
	has := func(want kind) bool { return k&want == want }
	switch {
	case has(isInteger):
		return "integer"
	case has(isNumber):
		return "number"
	case has(isBoolean):
		return "boolean"
	case has(isISO):
		return "date"
	case has(isDayFirst | isMonthFirst):
		return "date, order of day and month unclear"
	case has(isDayFirst):
		return "date, day first"
	case has(isMonthFirst):
		return "date, month first"
	case has(isDotted) && !(has(isComma) && delimiter == ";"):
		return "number with thousands commas"
	case has(isComma):
		return "number with decimal comma"
	case has(isNested):
		return "nested"
	}
	return "text"
}

// OtherThanText tells whether a written value could be more than text: a number, a date, a boolean.
func OtherThanText(value string) bool { return kindOf(value, anything) != isText }

// Clip shortens a text to so many characters, and shows that it did.
func Clip(text string, max int) string {
	if len(text) <= max {
		return text
	}
	runes := []rune(text)
	if len(runes) <= max {
		return text
	}
	return string(runes[:max-1]) + "…"
}
