package shapes

import (
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxRows is Excel's own limit. A row number beyond it is not from Excel.
const maxRows = 1 << 20

// sheetReader turns the cells of one sheet into a shape. The first row is the
// heading, as it is for pandas, unless it looks like data.
type sheetReader struct {
	book    *book
	samples int
	shape   *shape
	ahead   []numbered // the first rows, until they are enough to tell
	row     []cell     // the row being read, up to its last value
	next    int        // the place of a cell that does not name its own
	number  int        // its number, from 1
	read    int        // rows given to the shape, the blank ones among them, and the heading
}

// numbered is a row with its number in the sheet.
type numbered struct {
	number int
	cells  []cell
}

// sheet reads one sheet; nil when it is empty.
func (b *book) sheet(ref sheetRef, samples int) (*shape, error) {
	s := &sheetReader{book: b, samples: samples}
	err := b.part(ref.part, func(d *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "row":
			if err := s.flush(); err != nil {
				return err
			}
			s.number++
			if n, err := strconv.Atoi(attr(e, "r")); err == nil && n > s.number {
				s.number = n
			}
			if s.number > maxRows {
				return fmt.Errorf("has more than %d rows, which Excel itself could not hold", maxRows)
			}
		case "c":
			return s.cell(d, e)
		}
		return nil
	})
	if err == nil {
		err = s.flush()
	}
	if err == nil && len(s.ahead) > 0 {
		err = s.begin()
	}
	if err != nil || s.shape == nil {
		return nil, err
	}
	s.shape.table.Name = ref.name
	return s.shape, nil
}

// cell reads one cell into the row at its place.
func (s *sheetReader) cell(d *xml.Decoder, e xml.StartElement) error {
	at := s.next
	if ref := attr(e, "r"); ref != "" {
		at = place(ref)
	}
	s.next = at + 1
	if at < len(s.row) {
		return d.Skip() // a place that was taken already
	}
	value, err := cellText(d)
	if err != nil {
		return err
	}
	c := s.typed(attr(e, "t"), attr(e, "s"), value)
	if c.kind == 0 {
		return nil // formatted, but empty: Excel writes such cells far beyond the data
	}
	if at >= MaxColumns {
		return errColumns
	}
	for len(s.row) < at {
		s.row = append(s.row, cell{})
	}
	s.row = append(s.row, c)
	return nil
}

// cellText reads what is in a cell: <v> or an inline string, not the formula.
func cellText(d *xml.Decoder) (string, error) {
	text := ""
	for {
		token, err := d.Token()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.EndElement:
			return text, nil
		case xml.StartElement:
			switch t.Name.Local {
			case "v":
				var v string
				if err := d.DecodeElement(&v, &t); err != nil {
					return "", err
				}
				text = v
			case "is":
				if text, err = richText(d); err != nil {
					return "", err
				}
			default:
				if err := d.Skip(); err != nil {
					return "", err
				}
			}
		}
	}
}

// typed makes a cell from its type, style and value.
func (s *sheetReader) typed(t, style, value string) cell {
	switch t {
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 || n >= len(s.book.shared) {
			return cell{}
		}
		value = s.book.shared[n]
		fallthrough
	case "inlineStr", "str":
		if missing[value] {
			return cell{}
		}
		return quotedCell(value)
	case "e": // an error such as #DIV/0!, which pandas reads as no value
		return cell{}
	case "b":
		return cell{text: value, kind: isBoolean | isText}
	case "d":
		return cell{text: value, kind: isISO | isText}
	}
	value = strings.TrimSpace(value)
	if value == "" {
		return cell{}
	}
	if n, err := strconv.Atoi(style); err == nil && n >= 0 && n < len(s.book.dates) && s.book.dates[n] {
		return cell{text: serialDate(value), kind: isISO | isText, serial: true}
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return cell{text: value, kind: isText}
	}
	k := isNumber | isText
	if f == float64(int64(f)) {
		k |= isInteger
	}
	return cell{text: value, kind: k}
}

// serialDate writes a day number as a date, for people and models.
func serialDate(value string) string {
	days, err := strconv.ParseFloat(value, 64)
	if err != nil || days < 0 || days > 2_958_465 { // the last day of the year 9999
		return value
	}
	day, part := math.Modf(days)
	at := time.Date(1899, 12, 30, 0, 0, int(math.Round(part*86400)), 0, time.UTC).AddDate(0, 0, int(day))
	if at.Hour() == 0 && at.Minute() == 0 && at.Second() == 0 {
		return at.Format(time.DateOnly)
	}
	return at.Format(time.DateTime)
}

// flush takes the row that has been read.
func (s *sheetReader) flush() error {
	row := numbered{s.number, s.row}
	s.row, s.next = nil, 0
	switch {
	case len(row.cells) == 0:
		return nil
	case s.shape != nil:
		return s.put(row)
	}
	if s.ahead = append(s.ahead, row); len(s.ahead) < looked {
		return nil
	}
	return s.begin()
}

// begin makes a shape of the first rows.
func (s *sheetReader) begin() error {
	rows := s.ahead
	s.ahead = nil
	if rows[0].number > 1 {
		return fmt.Errorf("has its first entry in row %d; delete the blank rows above, so that the heading is the first row", rows[0].number)
	}
	texts := make([][]string, len(rows))
	for i, row := range rows {
		for _, c := range row.cells {
			texts[i] = append(texts[i], c.text)
		}
	}
	var err error
	if headed(texts) {
		headings := texts[0]
		for i, c := range rows[0].cells {
			if c.serial && len(c.text) == len(time.DateOnly) {
				headings[i] += " 00:00:00" // as Python writes a date that has a clock
			}
		}
		s.shape, err = newShape("", headings, s.samples)
		s.read, rows = 1, rows[1:]
	} else if s.shape, err = newShape("", placeNames(len(texts[0])), s.samples); err == nil {
		s.shape.table.NoHeading = true
	}
	for _, row := range rows {
		if err == nil {
			err = s.put(row)
		}
	}
	return err
}

// put gives a row to the shape. Row numbers that the file leaves out are blank rows, which
// pandas keeps; it drops the blank rows after the last value.
func (s *sheetReader) put(row numbered) error {
	if len(row.cells) > len(s.shape.table.Columns) {
		bare := s.shape.table.NoHeading
		if len(s.shape.table.Columns) == 1 && !bare {
			return errors.New("has a title in its first row; delete what is above the heading, so that the heading is the first row")
		}
		// There are values to the right of the heading. pandas names those columns by their position.
		for n := len(s.shape.table.Columns); n < len(row.cells); n++ {
			name := ""
			if bare {
				name = placeName(n)
			}
			if err := s.shape.grow(name); err != nil {
				return err
			}
		}
	}
	for ; s.read < row.number-1; s.read++ {
		s.shape.add(nil)
	}
	s.shape.add(row.cells)
	s.read = row.number
	return nil
}

// place is the column of a reference such as "AB12", counted from 0. For anything else it
// returns a column beyond the last one.
func place(ref string) int {
	n := 0
	for _, c := range strings.ToUpper(ref) {
		if c < 'A' || c > 'Z' {
			break
		}
		if n = n*26 + int(c-'A') + 1; n > MaxColumns {
			return MaxColumns
		}
	}
	if n == 0 {
		return MaxColumns
	}
	return n - 1
}
