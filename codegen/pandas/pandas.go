// Package pandas writes Python about tables: names as string literals, the call
// that gets a table.
//
// Names of files and columns are hostile text. Here they become literals, in which
// nothing can pass for code or for a line of a prompt.
package pandas

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Quote writes a hostile text as a string literal and says when it is cut.
func Quote(text string, max int) string {
	short := Clip(text, max)
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
