// Package pandas writes Python about tables: names as string literals, the call
// that gets a table, and the names that pandas gives to its columns.
//
// Names of files and columns are hostile text. Here they become literals, in which
// nothing can pass for code or for a line of a prompt.
package pandas

import (
	"encoding/json"
	"fmt"
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

// LoadCall is the Python expression by which a program gets a table of a file, given the
// expressions for the names of the file and, where it has several tables, of the table.
func LoadCall(name, inner string, several bool) string {
	if several {
		return fmt.Sprintf("load(%s, sheet=%s)", name, inner)
	}
	return fmt.Sprintf("load(%s)", name)
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
