package codegen

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"countersign/approval"
)

// detail says how much of the files and of a refused attempt the prompt shows.
type detail struct {
	rows    int  // sample rows of each table
	columns int  // columns of each table
	tables  int  // tables of each file
	code    bool // of the latest refused attempt
}

// describe tells a model what is in the files. Every name stands as a
// quoted string, in which nothing can pass for a line of the prompt.
func describe(files []approval.File, d detail) string {
	if len(files) == 0 {
		return "There are no data files.\n"
	}
	var b strings.Builder
	b.WriteString("The data files:\n")
	for _, f := range files {
		fmt.Fprintf(&b, "\n%s\n", quote(f.Name, 255))
		for i, t := range f.Tables {
			if i == d.tables {
				fmt.Fprintf(&b, "(%d more sheets are not listed here for want of room)\n", len(f.Tables)-i)
				break
			}
			describeTable(&b, f, t, d)
		}
	}
	return b.String()
}

func describeTable(b *strings.Builder, f approval.File, t approval.Table, d detail) {
	if t.Name != "" {
		fmt.Fprintf(b, "%s %s: ", tableWord(f.Name), quote(t.Name, 100))
	}
	fmt.Fprintf(b, "%d rows, %d columns. Read it with: %s\n", t.Rows, len(t.Columns), readCall(f.Name, pyString(f.Name), pyString(t.Name), t))
	if t.Encoding != "" {
		fmt.Fprintf(b, "Its encoding is not plain UTF-8 but, as far as can be told, %s.\n", t.Encoding)
	}
	if t.NoHeading {
		b.WriteString("It has no heading: its first row is data, and its columns are named by their place.\n")
	}
	names := pandasNames(t.Columns)
	for i, c := range t.Columns {
		if i == d.columns {
			fmt.Fprintf(b, "(%d more columns are not listed here for want of room)\n", len(t.Columns)-i)
			break
		}
		fmt.Fprintf(b, "- %s", quote(c.Name, 200))
		if names[i] != c.Name {
			fmt.Fprintf(b, " (pandas calls it %s)", quote(names[i], 200))
		}
		fmt.Fprintf(b, ": %s", c.Type)
		if c.Missing > 0 {
			fmt.Fprintf(b, ", %d missing", c.Missing)
		}
		b.WriteByte('\n')
	}
	for i, row := range t.Sample[:min(d.rows, len(t.Sample))] {
		values := make([]string, min(len(row), d.columns))
		for j := range values {
			values[j] = quote(row[j], sampleCell)
		}
		fmt.Fprintf(b, "sample row %d: [%s]\n", i+1, strings.Join(values, ", "))
	}
}

func tableWord(file string) string {
	if strings.EqualFold(path.Ext(file), ".xlsx") {
		return "Sheet"
	}
	return "The list under the key"
}

// quote writes a hostile text as a string literal and says when it is cut.
func quote(text string, max int) string {
	short := clip(text, max)
	if short != text {
		return pyString(short) + fmt.Sprintf(" (cut; %d bytes long)", len(text))
	}
	return pyString(text)
}

// pyString writes a text as a Python string literal in ASCII. It is JSON, but
// for characters beyond the basic plane, whose two halves Python does not join.
func pyString(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		return `"` + text + `"` // what nearly all names are
	}
	var raw strings.Builder
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		panic(err) // a string always encodes; what is no UTF-8 becomes U+FFFD
	}
	var b strings.Builder
	for _, r := range strings.TrimSuffix(raw.String(), "\n") {
		switch {
		case r < 0x7f:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// readCall is the Python expression that reads a table as it was described, given
// the expressions for the names of the file and of the sheet or key.
func readCall(file, name, inner string, t approval.Table) string {
	encoding := ""
	if t.Encoding != "" {
		encoding = ", encoding=" + pyString(t.Encoding)
	}
	switch strings.ToLower(path.Ext(file)) {
	case ".xlsx":
		if t.NoHeading {
			return fmt.Sprintf("pd.read_excel(%s, sheet_name=%s, header=None)", name, inner) + byPlace
		}
		call := fmt.Sprintf("pd.read_excel(%s, sheet_name=%s)", name, inner)
		if slices.ContainsFunc(t.Columns, func(c approval.Column) bool { return kindOf(c.Name, anything) != isText }) {
			call += ".rename(columns=str)" // a heading that is a number would be one in pandas, too
		}
		return call
	case ".json", ".jsonl", ".ndjson":
		// pandas would turn strings of digits into numbers and guess dates by the columns' names.
		plain := ", dtype=False, convert_dates=False" + encoding
		if t.Delimiter == "\n" {
			return fmt.Sprintf("pd.read_json(%s, lines=True%s)", name, plain)
		}
		if t.Name == "" {
			return fmt.Sprintf("pd.read_json(%s%s)", name, plain)
		}
		if encoding == "" {
			encoding = `, encoding="utf-8"`
		}
		return fmt.Sprintf("pd.DataFrame(json.loads(Path(%s).read_text(%s))[%s])", name, encoding[2:], inner)
	}
	sep := ""
	if t.Delimiter != "" {
		sep = ", sep=" + pyString(t.Delimiter)
	}
	if t.NoHeading {
		return fmt.Sprintf("pd.read_csv(%s%s%s, header=None)", name, sep, encoding) + byPlace
	}
	return fmt.Sprintf("pd.read_csv(%s%s%s)", name, sep, encoding)
}

// pandasNames are the names that pandas gives to the columns: blank headings are
// named by their place, repeated ones are numbered.
func pandasNames(columns []approval.Column) []string {
	names := make([]string, len(columns))
	seen := map[string]bool{}
	for i, c := range columns {
		name := c.Name
		if name == "" {
			name = fmt.Sprintf("Unnamed: %d", i)
		}
		unique := name
		for n := 1; seen[unique]; n++ {
			unique = fmt.Sprintf("%s.%d", name, n)
		}
		seen[unique] = true
		names[i] = unique
	}
	return names
}
