package readback

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Spelling names the kinds of differences between what was sent and what is held,
// without anybody's words: which fields came and went, which flags and numbers have
// other values, of which elements there are more or fewer. Most of them change
// nothing; they are for the log, from which we learn what Slack does.
func Spelling(sent, held Tree) (kinds []string) {
	a, b := traits(sent), traits(held)
	for _, trait := range slices.Sorted(maps.Keys(b)) {
		if a[trait] == 0 {
			kinds = append(kinds, "has "+trait)
		}
	}
	for _, trait := range slices.Sorted(maps.Keys(a)) {
		switch {
		case b[trait] == 0:
			kinds = append(kinds, "lacks "+trait)
		case b[trait] > a[trait]:
			kinds = append(kinds, "has more of "+trait)
		case b[trait] < a[trait]:
			kinds = append(kinds, "has fewer of "+trait)
		}
	}
	if len(kinds) == 0 && wording(sent) != wording(held) {
		kinds = append(kinds, "spells blanks, entities or addresses otherwise")
	}
	return kinds
}

// traits count the fields of each type of element in the blocks, with their values
// where these are of Slack's choosing. Ids come from Slack wherever we name none.
func traits(t Tree) map[string]int {
	all := map[string]int{}
	var walk func(t Tree, in string)
	walk = func(t Tree, in string) {
		switch t := t.(type) {
		case []any:
			for _, x := range t {
				walk(x, in)
			}
		case map[string]any:
			// What has no type of its own (a style, a confirmation) belongs to where it stands.
			kind, ok := t["type"].(string)
			if !ok {
				kind = in
			}
			all[kind]++
			for key, value := range t {
				field := kind + "." + key
				switch value := value.(type) {
				case map[string]any, []any:
					walk(value, field)
				case string:
					if key == "style" || key == "language" {
						field += "=" + value
					}
				case json.Number:
					// A moment is other in every message, and would be told as news each time.
					if key != "timestamp" {
						field += "=" + value.String()
					}
				default:
					field += fmt.Sprintf("=%v", value)
				}
				if key != "type" && key != "block_id" {
					all[field]++
				}
			}
		}
	}
	switch t := t.(type) {
	case map[string]any: // of a message or a view, Slack adds much
		for _, key := range []string{"title", "submit", "close", "blocks"} {
			walk(t[key], key)
		}
	default:
		walk(t, "")
	}
	return all
}

// wording is all text as it is spelled.
func wording(t Tree) (text string) {
	switch t := t.(type) {
	case []any:
		for _, x := range t {
			text += wording(x)
		}
	case map[string]any:
		for _, key := range []string{"title", "submit", "close", "blocks", "elements", "text", "url"} {
			if said, ok := t[key].(string); ok {
				text += said
				continue
			}
			text += wording(t[key])
		}
	}
	return text
}
