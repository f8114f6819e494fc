package shapes

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"countersign/approval"
)

// delimited reads CSV, TSV and the like exactly as pandas does, because the program
// will see the file through pandas. encoding/csv treats stray quotation marks, lone
// carriage returns and blank lines differently, so it is not used.
func (r Reader) delimited(data []byte, prefer byte) ([]approval.Table, error) {
	text, encoding, err := decode(data)
	if err != nil {
		return nil, err
	}
	sep := sniff(text, prefer)
	headed := headed(firstRecords(text, sep))
	var s *shape
	err = records(text, sep, func(line int, fields []string) error {
		if s == nil {
			if len(fields[0]) <= len("sep=;") && strings.HasPrefix(strings.ToLower(fields[0]), "sep=") {
				return errors.New("starts with a line \"sep=\", which only Excel understands; delete that line")
			}
			if headed {
				s, err = newShape("", fields, r.SampleRows)
				return err
			}
			if s, err = newShape("", placeNames(len(fields)), r.SampleRows); err != nil {
				return err
			}
			s.table.NoHeading = true
		}
		if want := len(s.table.Columns); len(fields) > want {
			return fmt.Errorf("has %d values in line %d, but the %s %d columns", len(fields), line, map[bool]string{true: "heading names", false: "first row has"}[headed], want)
		}
		row := make([]cell, len(fields))
		for i, f := range fields {
			row[i] = s.written(f, i)
		}
		s.add(row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, errors.New("holds nothing but blank lines")
	}
	s.table.Encoding = encoding
	if sep != ',' {
		s.table.Delimiter = string(sep)
	}
	return []approval.Table{s.done()}, nil
}

// errEnough ends a reading early.
var errEnough = errors.New("enough")

// sniff finds the delimiter. It is the one that splits the first records into equally
// many fields; if several do, it is the one that gives the most fields.
func sniff(text []byte, prefer byte) byte {
	const sample = 50
	best, bestAlike, bestWidth := prefer, 0, 1
	for _, sep := range []byte{prefer, ',', ';', '\t', '|'} {
		width, alike, n := 0, 0, 0
		_ = records(text, sep, func(_ int, fields []string) error {
			if n++; n == 1 {
				width = len(fields)
			}
			if len(fields) == width {
				alike++
			}
			if n == sample {
				return errEnough
			}
			return nil
		})
		if width < 2 {
			continue
		}
		// Shares are compared, not counts: an unclosed quotation mark can end one of the readings early.
		if share := alike * 100 / n; share > bestAlike || share == bestAlike && width > bestWidth {
			best, bestAlike, bestWidth = sep, share, width
		}
	}
	return best
}

// records splits a text into records and follows pandas' tokenizer: a quotation mark
// opens a quoted field only at the field's start, and after the closing one the field
// goes on as plain text. Blank lines are skipped. line is where the record starts,
// counted from 1.
func records(text []byte, sep byte, each func(line int, fields []string) error) error {
	line := 1
	for at := 0; at < len(text); {
		if next, blank := blankLine(text, at, sep); blank {
			at = next
			line++
			continue
		}
		start := line
		var fields []string
		for more := true; more; {
			field, next, breaks, err := nextField(text, at, sep)
			if err != nil {
				return fmt.Errorf("has in line %d %w", line, err)
			}
			fields = append(fields, field)
			line += breaks
			if len(fields) > 4*MaxColumns {
				return errColumns
			}
			more = next < len(text) && text[next] == sep
			at = next + 1
			if !more && next < len(text) {
				line++
				if text[next] == '\r' && next+1 < len(text) && text[next+1] == '\n' {
					at++
				}
			}
		}
		if err := each(start, fields); err != nil {
			return err
		}
	}
	return nil
}

// blankLine reports whether the line at this position holds only blanks, and where
// the next line starts.
func blankLine(text []byte, at int, sep byte) (next int, blank bool) {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t') && text[at] != sep {
		at++
	}
	if at == len(text) {
		return at, true
	}
	if bytes.HasPrefix(text[at:], []byte("\r\n")) {
		return at + 2, true
	}
	return at + 1, text[at] == '\n' || text[at] == '\r'
}

// nextField reads one field. It returns the position of what ends the field (a
// delimiter, a line end, or the end of the text) and how many line breaks the field holds.
func nextField(text []byte, at int, sep byte) (field string, next, breaks int, err error) {
	var quoted strings.Builder
	if at < len(text) && text[at] == '"' {
		for at++; ; at++ {
			end := bytes.IndexByte(text[at:], '"')
			if end < 0 || end > maxCell || quoted.Len() > maxCell {
				return "", 0, 0, errors.New("a value that starts with a quotation mark and never ends")
			}
			quoted.Write(text[at : at+end])
			if at += end + 1; at == len(text) || text[at] != '"' {
				break
			}
			quoted.WriteByte('"')
		}
		breaks = strings.Count(quoted.String(), "\n")
	}
	next = at
	for next < len(text) && text[next] != sep && text[next] != '\n' && text[next] != '\r' {
		next++
	}
	if next-at > maxCell {
		return "", 0, 0, fmt.Errorf("a value of more than %d MB", maxCell>>20)
	}
	if quoted.Len() == 0 {
		return string(text[at:next]), next, breaks, nil
	}
	quoted.Write(text[at:next])
	return quoted.String(), next, breaks, nil
}
