package storage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"countersign/approval"
)

// Postgres stores no NUL and no broken UTF-8, and a model or a program that
// prints them must not keep a request from being stored. So free text goes
// through text and document, which put the replacement character in their place.
// Code and manifests do not: they are stored as they are or not at all.

func text(s string) string {
	// Byte by byte, as JSON does: the same text has one hash, in an event and in a row.
	return strings.ReplaceAll(string([]rune(s)), "\x00", "\uFFFD")
}

// line is a text without line ends and other controls.
func line(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, text(s))
}

// document is v as JSON that jsonb takes; nothing is written as empty.
func document(v any, empty string) (string, error) {
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

// column is a document that may be missing: nothing is NULL.
func column[T any](v *T) (*string, error) {
	if v == nil {
		return nil, nil
	}
	spelling, err := document(v, "{}")
	return &spelling, err
}

// reasonColumn is NULL where there is none.
func reasonColumn(r approval.Reason) (*string, error) {
	if r.None() {
		return nil, nil
	}
	return column(&r)
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

// orEmpty is a list as a column has it that is never NULL.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// moment is a time as the database keeps it; the zero time is NULL.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = micro(t)
	return &t
}

// micro is the precision of the database. What is hashed or compared has it from the start.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// orZero is what a column that may be NULL holds.
func orZero[T any](v *T) (zero T) {
	if v == nil {
		return zero
	}
	return *v
}

// each replaces what is marked in a value: objects of one key, which is "said", "kept"
// or salted.
func each(v any, replace func(mark string, v any) (any, error)) (_ any, err error) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			if v[i], err = each(v[i], replace); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key, value := range v {
			if len(v) == 1 && (key == "said" || key == "kept" || key == salted) {
				return replace(key, value)
			}
			if v[key], err = each(value, replace); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// decoded reads an object; its numbers keep their digits.
func decoded(spelling string) (v map[string]any, err error) {
	decode := json.NewDecoder(strings.NewReader(spelling))
	decode.UseNumber()
	err = decode.Decode(&v)
	return v, err
}

// canonical spells JSON as RFC 8785 has it: no blanks, keys in the order of their UTF-16
// units, as few escapes as can be. Numbers are integers, so that there is nothing to
// round; one beyond 2^53 keeps all of its digits.
func canonical(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return quotedText(v), nil
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") || v.String() == "-0" {
			return "", fmt.Errorf("%s is no integer, and an event holds no other numbers", v)
		}
		return v.String(), nil
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			part, err := canonical(v[i])
			if err != nil {
				return "", err
			}
			parts[i] = part
		}
		return "[" + strings.Join(parts, ",") + "]", nil
	case map[string]any:
		var parts []string
		for _, key := range slices.SortedFunc(maps.Keys(v), func(a, b string) int {
			return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		}) {
			part, err := canonical(v[key])
			if err != nil {
				return "", err
			}
			parts = append(parts, quotedText(key)+":"+part)
		}
		return "{" + strings.Join(parts, ",") + "}", nil
	}
	if v == nil {
		return "null", nil
	}
	return fmt.Sprint(v), nil // true or false
}

// quotedText is a text as RFC 8785 spells it.
func quotedText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch i := strings.IndexRune("\"\\\b\f\n\r\t", r); {
		case i >= 0:
			b.WriteByte('\\')
			b.WriteByte(`"\bfnrt`[i])
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
