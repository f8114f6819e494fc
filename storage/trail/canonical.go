package trail

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
)

// each replaces what is marked in a value: objects of one key, which is "said", "kept"
// or salted. It writes into the value that it is given, so callers give it one that they have decoded themselves.
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
			// An object of ours whose only key is one of these would be taken for a mark: an event with a fact called "said" has
			// others beside it (finished, lost).
			if len(v) == 1 && (key == "said" || key == "kept" || key == Salted) {
				return replace(key, value)
			}
			if v[key], err = each(value, replace); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// Decoded reads an object; its numbers keep their digits. A float64 would round amounts beyond 2^53 billionths ($9 million).
func Decoded(spelling string) (v map[string]any, err error) {
	decode := json.NewDecoder(strings.NewReader(spelling))
	decode.UseNumber()
	err = decode.Decode(&v)
	return v, err
}

// Canonical spells JSON as RFC 8785 has it: no blanks, keys in the order of their UTF-16
// units, as few escapes as can be. Numbers are integers, so that there is nothing to
// round; one beyond 2^53 keeps all of its digits.
func Canonical(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return quotedText(v), nil
	case json.Number:
		// RFC 8785 spells numbers as ECMAScript does, by way of a double. Integers alone need none of that, and so everybody
		// computes the same hash.
		if strings.ContainsAny(v.String(), ".eE") || v.String() == "-0" {
			return "", fmt.Errorf("%s is no integer, and an event holds no other numbers", v)
		}
		return v.String(), nil
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			part, err := Canonical(v[i])
			if err != nil {
				return "", err
			}
			parts[i] = part
		}
		return "[" + strings.Join(parts, ",") + "]", nil
	case map[string]any:
		var parts []string
		for _, key := range slices.SortedFunc(maps.Keys(v), func(a, b string) int {
			// Go compares strings by bytes of UTF-8, which puts U+10000 and beyond after U+E000; UTF-16 puts it before.
			return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		}) {
			part, err := Canonical(v[key])
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

// quotedText is a text as RFC 8785 spells it. encoding/json would escape <, > and & and more, and the hash would be another.
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
