// Package strict holds what comes from a stranger to the one form that all programs read alike: JSON as RFC 8785 spells it, and
// ZIP files in which nothing stands beside what the directory names. What has two readings could show a person one thing and
// the verifier another. It knows nothing of packs.
package strict

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
)

// JSON spells a value as RFC 8785 has it: no blanks, keys in the order of their UTF-16 units, no escapes but the necessary
// ones. Numbers are integers and keep all of their digits; another one is an error. Decode with UseNumber.
func JSON(v any) (string, error) {
	var b strings.Builder
	err := spell(&b, v)
	return b.String(), err
}

func spell(b *strings.Builder, v any) error {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		fmt.Fprint(b, v)
	case string:
		Text(b, v)
	case json.Number:
		// RFC 8785 spells numbers as ECMAScript does, by way of a double. Integers alone need none of that, and so everybody
		// computes the same hash.
		if strings.ContainsAny(v.String(), ".eE") || v.String() == "-0" {
			return fmt.Errorf("%s is no integer", v)
		}
		b.WriteString(v.String())
	case []any:
		b.WriteByte('[')
		for i, one := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := spell(b, one); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case map[string]any:
		b.WriteByte('{')
		for i, key := range slices.SortedFunc(maps.Keys(v), byUnits) {
			if i > 0 {
				b.WriteByte(',')
			}
			Text(b, key)
			b.WriteByte(':')
			if err := spell(b, v[key]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	default:
		return fmt.Errorf("%T is no value of JSON", v)
	}
	return nil
}

// byUnits orders texts by their UTF-16 units. Go compares them by bytes of UTF-8, which puts U+10000 and beyond after U+E000;
// UTF-16 puts it before.
func byUnits(a, b string) int {
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

// Text spells a text, quoted.
func Text(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		if r >= ' ' && r != '"' && r != '\\' {
			b.WriteRune(r)
			continue
		}
		if i := strings.IndexRune("\"\\\b\f\n\r\t", r); i >= 0 {
			b.WriteByte('\\')
			b.WriteByte(`"\bfnrt`[i])
		} else {
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}
