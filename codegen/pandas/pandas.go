// Package pandas writes Python about tables: names as string literals, the call
// that reads a table as it was described, and the names that pandas then gives to
// its columns.
//
// Names of files and columns are hostile text. Here they become literals, in which
// nothing can pass for code or for a line of a prompt.
package pandas

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"countersign/approval"
	"countersign/codegen/shapes"
)

// Quote writes a hostile text as a string literal and says when it is cut.
func Quote(text string, max int) string {
	short := shapes.Clip(text, max)
	if short != text {
		return Literal(short) + fmt.Sprintf(" (cut; %d bytes long)", len(text))
	}
	return Literal(text)
}

// Literal writes a text as a Python string literal in ASCII. It is the JSON literal, except
// for characters beyond U+FFFF: Python does not join JSON's surrogate pairs.
func Literal(text string) string {
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

// ReadCall is the Python expression that reads a table as it was described, given
// the expressions for the names of the file and of the sheet or key.
func ReadCall(file, name, inner string, t approval.Table) string {
	encoding := ""
	if t.Encoding != "" {
		encoding = ", encoding=" + Literal(t.Encoding)
	}
	switch strings.ToLower(path.Ext(file)) {
	case ".xlsx":
		if t.NoHeading {
			return fmt.Sprintf("pd.read_excel(%s, sheet_name=%s, header=None)", name, inner) + shapes.ByPlace
		}
		call := fmt.Sprintf("pd.read_excel(%s, sheet_name=%s)", name, inner)
		if slices.ContainsFunc(t.Columns, func(c approval.Column) bool { return shapes.OtherThanText(c.Name) }) {
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
		sep = ", sep=" + Literal(t.Delimiter)
	}
	if t.NoHeading {
		return fmt.Sprintf("pd.read_csv(%s%s%s, header=None)", name, sep, encoding) + shapes.ByPlace
	}
	return fmt.Sprintf("pd.read_csv(%s%s%s)", name, sep, encoding)
}

// Names are the names that pandas gives to the columns: blank headings are
// named by their place, repeated ones are numbered.
func Names(columns []approval.Column) []string {
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
