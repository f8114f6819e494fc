package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

// readJSON is one line of --json. Its fields are what programs outside rely on: one is added, and none
// is renamed. It is a type of its own, so that the core's reading can change without it.
type readJSON struct {
	File    string      `json:"file"`
	Problem string      `json:"problem"`
	Tables  []tableJSON `json:"tables"`
}

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

type columnJSON struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Missing int64  `json:"missing"`
}

type oddJSON struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

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
	for line := range strings.Lines(b.String()) {
		fmt.Fprintln(w, plainLine(strings.TrimSuffix(line, "\n")))
	}
}
