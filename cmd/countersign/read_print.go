package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf16"
)

// readJSON is one line of --json. Its fields are what programs outside rely on: one is added, and none
// is renamed. It is a type of its own, so that the core's reading can change without it.
type readJSON struct {
	File    string      `json:"file"`
	Problem string      `json:"problem"`
	Tables  []tableJSON `json:"tables"`
}

// tableJSON is a table of a file. A file of one table has one without a name.
type tableJSON struct {
	Name        string       `json:"name"`
	Rows        int64        `json:"rows"`
	Encoding    string       `json:"encoding"`
	Delimiter   string       `json:"delimiter"`
	HeadingLine int64        `json:"heading_line"`
	Decimal     string       `json:"decimal"`
	Columns     []columnJSON `json:"columns"`
	Odd         []oddJSON    `json:"odd"`
}

// columnJSON is a column; Missing counts its empty cells.
type columnJSON struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Missing int64  `json:"missing"`
}

// oddJSON is something strange about a table: Code for programs, Text for people.
type oddJSON struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// printJSON prints a line. Names come from files, and a terminal obeys what stands in them: whatever it would not show as
// it is becomes an escape of JSON.
func (one readOne) printJSON(w io.Writer) {
	line := readJSON{File: one.path, Problem: one.problem, Tables: []tableJSON{}}
	if one.reading != nil {
		for _, t := range one.reading.Tables {
			table := tableJSON{Name: t.Name, Rows: t.Rows, Encoding: one.reading.Encoding, Delimiter: t.Delimiter, HeadingLine: t.HeadingLine, Decimal: t.Decimal,
				Columns: []columnJSON{}, Odd: []oddJSON{}}
			for _, c := range t.Columns {
				table.Columns = append(table.Columns, columnJSON{c.Name, c.Type, c.Missing})
			}
			for _, o := range t.Odd {
				table.Odd = append(table.Odd, oddJSON{o.Code, o.Words()})
			}
			line.Tables = append(line.Tables, table)
		}
	}
	var b, out strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(line) // strings and integers always marshal
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		if plainLine(string(r)) == string(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) { // what a terminal would obey is spelled
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	fmt.Fprintln(w, out.String())
}

// print says a reading as people read it.
//
//	sales.csv
//	  1204 rows, 7 columns; delimiter semicolon, decimal comma
//	    amount: number, 12 missing
//	    ! the last row is a total: left out
func (one readOne) print(w io.Writer) {
	if one.reading == nil {
		return
	}
	var b strings.Builder
	fmt.Fprintln(&b, one.path)
	for _, t := range one.reading.Tables {
		title := "  "
		if t.Name != "" {
			title += t.Name + ": "
		}
		rows := "rows"
		if t.Rows == 1 {
			rows = "row"
		}
		fmt.Fprintf(&b, "%s%d %s, %d columns; %s\n", title, t.Rows, rows, len(t.Columns), t.Words(*one.reading))
		for _, c := range t.Columns {
			fmt.Fprintf(&b, "    %s: %s\n", c.Name, c.Words())
		}
		for _, o := range t.Odd {
			fmt.Fprintf(&b, "    ! %s\n", o.Words())
		}
	}
	// Line by line, so that a name with a line end in it cannot pass for a line of ours.
	for line := range strings.Lines(b.String()) {
		fmt.Fprintln(w, plainLine(strings.TrimSuffix(line, "\n")))
	}
}

// outFolder is where converted tables go. Nothing in it is overwritten, and no link
// leads out of it: the names are those of files that came from anywhere (os.Root keeps to them).
type outFolder struct{ root *os.Root }

// openFolder makes the folder where it is missing. Without a name nothing is converted, and nothing is opened.
func openFolder(dir string) (*outFolder, error) {
	if dir == "" {
		return &outFolder{}, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("the folder %s cannot be made: %w", dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("the folder %s cannot be opened: %w", dir, err)
	}
	return &outFolder{root: root}, nil
}

// close gives the folder up.
func (f *outFolder) close() {
	if f.root != nil {
		_ = f.root.Close() // it was only looked through
	}
}

// outFile is one converted table on its way.
type outFile struct {
	folder *outFolder
	name   string
	file   *os.File
	size   int64
}

// create makes FILE_converted.csv. O_EXCL refuses what is there already, links included.
func (f *outFolder) create(file string) (*outFile, error) {
	// Behind the whole name: report.xls and report.xlsx side by side get a file each.
	name := file + "_converted.csv"
	out, err := f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	switch {
	case errors.Is(err, os.ErrExist):
		return nil, fmt.Errorf("%s exists already, and nothing is overwritten.", name)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be written.", name)
	}
	return &outFile{folder: f, name: name, file: out}, nil
}

// write notes the size also of what failed: a full disk must not be tried for ever.
func (o *outFile) write(data []byte) error {
	o.size += int64(len(data))
	if _, err := o.file.Write(data); err != nil {
		return fmt.Errorf("%s cannot be written.", o.name)
	}
	return nil
}

// close ends the file; one that is not to be kept is removed.
func (o *outFile) close(keep bool) error {
	err := o.file.Close()
	if !keep {
		return errors.Join(err, o.folder.root.Remove(o.name))
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written.", o.name)
	}
	return nil
}

// plainLine is text for a terminal: one line, without control, invisible or
// direction-changing characters.
// Each character that is replaced leaves a mark of its own, so a hidden one is seen to have been there.
func plainLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.Map(func(r rune) rune {
		if r != ' ' && !unicode.IsGraphic(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return '\uFFFD'
		}
		return r
	}, s)
}
