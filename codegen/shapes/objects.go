package shapes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"countersign/approval"
)

// errNotRows refuses JSON of any other form.
var errNotRows = errors.New("is JSON, but not a table: it has to be a list of objects, one object per line, or an object that holds one such list")

// objects reads JSON in three forms: a list of objects; one object per line, for which
// the table's delimiter is "\n"; or an object that holds exactly one list of objects,
// whose key becomes the table's name. Columns are ordered by where they first appear.
func (r Reader) objects(data []byte) ([]approval.Table, error) {
	text, encoding, err := decode(data)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	first := byte(0)
	if t := bytes.TrimLeft(text, " \t\r\n"); len(t) > 0 {
		first = t[0]
	}
	var table approval.Table
	switch first {
	case '[':
		_, _ = dec.Token() // the bracket that was just seen
		table, err = r.list(dec, "")
	case '{':
		if table, err = r.wrapped(dec); errors.Is(err, errLines) {
			table, err = r.lines(text)
		}
	default:
		if !json.Valid(text) {
			return nil, errors.New("is not JSON")
		}
		return nil, errNotRows
	}
	if err != nil {
		return nil, inJSON(err, text)
	}
	if table.Delimiter == "" { // lines reads to the end by itself
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			return nil, errors.New("is not sound JSON: something stands behind its end")
		}
	}
	table.Encoding = encoding
	return []approval.Table{table}, nil
}

// inJSON puts the decoder's errors into words.
func inJSON(err error, text []byte) error {
	bad, isLine := errors.AsType[*badLine](err)
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case isLine:
		return fmt.Errorf("is not sound JSON: something is wrong in its object number %d", bad.number)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("is not sound JSON: it ends in the middle")
	case isSyntax:
		// The offset of a token decoder is wrong after a nested value, so the text is parsed once more for it.
		if again, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, new(json.RawMessage))); ok {
			syntax = again
		}
		line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
		return fmt.Errorf("is not sound JSON: something is wrong in line %d", line)
	}
	return err
}

// badLine is the object that could not be read where there is one per line.
type badLine struct {
	number int
}

func (e *badLine) Error() string { return fmt.Sprintf("object %d", e.number) }

// errLines says that another object follows the first: the file has one per line.
var errLines = errors.New("one object per line")

// wrapped reads an object that holds one list of objects beside anything else.
func (r Reader) wrapped(dec *json.Decoder) (table approval.Table, err error) {
	_, _ = dec.Token() // the brace that was just seen
	lists := 0
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return table, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return table, err
		}
		if value = bytes.TrimSpace(value); value[0] != '[' {
			continue
		}
		inner := json.NewDecoder(bytes.NewReader(value))
		inner.UseNumber()
		_, _ = inner.Token()
		found, err := r.list(inner, key.(string)) // a key is always a string
		if errors.Is(err, errNotRows) {
			continue
		} else if err != nil {
			return table, err
		}
		table = found
		lists++
	}
	if _, err := dec.Token(); err != nil {
		return table, err
	}
	if dec.More() {
		return table, errLines
	}
	if lists == 0 {
		// A single object may still be the only line of a file that has one per line.
		return table, errLines
	}
	if lists > 1 {
		return table, fmt.Errorf("is JSON with %d lists of objects; a table has to be the only one", lists)
	}
	return table, nil
}

// list reads objects up to the closing bracket.
func (r Reader) list(dec *json.Decoder, name string) (approval.Table, error) {
	rows := newRows(name, r.SampleRows)
	for dec.More() {
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return approval.Table{}, err
		}
		if err := rows.add(value); err != nil {
			return approval.Table{}, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return approval.Table{}, err
	}
	if rows.table.Rows == 0 {
		return approval.Table{}, errNotRows
	}
	return rows.done(), nil
}

// lines reads one object after the other.
func (r Reader) lines(text []byte) (approval.Table, error) {
	rows := newRows("", r.SampleRows)
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		var value json.RawMessage
		if err := dec.Decode(&value); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return approval.Table{}, &badLine{rows.table.Rows + 1}
		}
		if err := rows.add(value); err != nil {
			return approval.Table{}, err
		}
	}
	if rows.table.Rows == 1 && bytes.IndexByte(bytes.TrimSpace(text), '\n') >= 0 {
		return approval.Table{}, errNotRows // a single object that was spread over lines
	}
	table := rows.done()
	table.Delimiter = "\n"
	return table, nil
}

// jsonRows is a shape whose columns become known row by row.
type jsonRows struct {
	*shape
	index map[string]int
}

func newRows(name string, samples int) *jsonRows {
	s, _ := newShape(name, nil, samples) // without headings nothing can be wrong
	return &jsonRows{shape: s, index: map[string]int{}}
}

// add takes one object.
func (j *jsonRows) add(object json.RawMessage) error {
	if len(object) == 0 || object[0] != '{' {
		return errNotRows
	}
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	_, _ = dec.Token()
	row := make([]cell, len(j.table.Columns))
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		name := key.(string)
		at, known := j.index[name]
		if !known {
			at = len(j.table.Columns)
			if err := j.grow(name); err != nil {
				return err
			}
			j.index[name] = at
			row = append(row, cell{})
		}
		row[at] = jsonCell(bytes.TrimSpace(value))
	}
	j.shape.add(row)
	return nil
}

// jsonCell finds the type of a value. pandas keeps a JSON string as text; only dates are
// told apart, because programs convert them.
func jsonCell(value []byte) cell {
	switch value[0] {
	case 'n':
		return cell{}
	case 't', 'f':
		return cell{text: string(value), kind: isBoolean | isText}
	case '{', '[':
		return cell{text: Clip(string(value), SampleCell), kind: isNested | isText}
	case '"':
		var s string
		_ = json.Unmarshal(value, &s) // it was decoded once already
		return quotedCell(s)
	}
	k := isNumber | isText
	if !bytes.ContainsAny(value, ".eE") {
		k |= isInteger
	}
	return cell{text: string(value), kind: k}
}

// quotedCell is a cell that the file itself marks as text.
func quotedCell(s string) cell {
	if strings.TrimSpace(s) == "" {
		return cell{text: s, kind: isText}
	}
	return cell{text: s, kind: kindOf(s, isISO|isDayFirst|isMonthFirst) & (isISO | isDayFirst | isMonthFirst | isText)}
}
