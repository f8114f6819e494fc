package trail

import (
	"encoding/json"
	"strings"

	"countersign/internal/pack/strict"
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

// Canonical spells JSON as RFC 8785 has it. It is the very spelling to which a verifier of packs holds an event.
func Canonical(v any) (string, error) { return strict.JSON(v) }

// quotedText is a text in that spelling. encoding/json would escape <, > and & and more, and the hash would be another.
func quotedText(s string) string {
	var b strings.Builder
	strict.Text(&b, s)
	return b.String()
}
