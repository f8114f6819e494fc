package pg

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Postgres stores no NUL and no broken UTF-8, and a model or a program that
// prints them must not keep a request from being stored. So free text goes
// through Text and Document, which put the replacement character in their place.
// Code and manifests do not: they are stored as they are or not at all.

// Text is a free text as Postgres can store it.
func Text(s string) string {
	// Byte by byte, as JSON does: the same text has one hash, in an event and in a row.
	return strings.ReplaceAll(string([]rune(s)), "\x00", "\uFFFD")
}

// Line is a text without line ends and other controls.
func Line(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, Text(s))
}

// Document is v as JSON that jsonb takes; nothing is written as empty.
func Document(v any, empty string) (string, error) {
	var b bytes.Buffer
	encode := json.NewEncoder(&b)
	encode.SetEscapeHTML(false) // people read the audit trail
	if err := encode.Encode(v); err != nil {
		return "", fmt.Errorf("write %T as JSON: %w", v, err)
	}
	spelling := strings.TrimSuffix(b.String(), "\n")
	if spelling == "null" {
		return empty, nil
	}
	return withoutNUL(spelling), nil
}

// Column is a document that may be missing: nothing is NULL.
func Column[T any](v *T) (*string, error) {
	if v == nil {
		return nil, nil
	}
	spelling, err := Document(v, "{}")
	return &spelling, err
}

// withoutNUL replaces the escape of NUL, and leaves an escaped backslash that
// happens to stand before "u0000" alone.
func withoutNUL(spelling string) string {
	const nul = `\u0000`
	if !strings.Contains(spelling, nul) {
		return spelling
	}
	var b strings.Builder
	for i := 0; i < len(spelling); i++ {
		switch {
		case strings.HasPrefix(spelling[i:], nul):
			b.WriteString(`\ufffd`)
			i += len(nul) - 1
		case spelling[i] == '\\':
			b.WriteString(spelling[i : i+2]) // an escape is never the end of JSON
			i++
		default:
			b.WriteByte(spelling[i])
		}
	}
	return b.String()
}

// OrEmpty is a list as a column has it that is never NULL.
func OrEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// Moment is a time as the database keeps it; the zero time is NULL.
func Moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = Micro(t)
	return &t
}

// Micro is the precision of the database. What is hashed or compared has it from the start.
func Micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// OrZero is what a column that may be NULL holds.
func OrZero[T any](v *T) (zero T) {
	if v == nil {
		return zero
	}
	return *v
}

// OrNil gives an empty list back as it was before it was stored.
func OrNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}
