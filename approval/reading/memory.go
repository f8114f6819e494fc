package reading

import "strings"

// MuchMemory is from which size in memory on people and models hear of it.
const MuchMemory = 64 << 20

// usualText is how long a text is of which nobody knows: addresses and names are.
const usualText = 20

// Memory is about how many bytes a table takes in a program that loads all of it. It counts as
// pandas does: 8 bytes for a number or a day; for a text a pointer of 8 bytes, the 49 bytes of
// an empty str in CPython, and its letters. A text of which the pattern is known is as long as
// that. Nested values are a rough guess.
func (t Table) Memory() (bytes int64) {
	for _, c := range t.Columns {
		switch {
		case c.Type == "nested":
			bytes += 400 * t.Rows
		case c.Type == "text":
			length := usualText
			if c.Pattern != "" && !strings.ContainsAny(c.Pattern, "*…") {
				length = len(c.Pattern)
			}
			bytes += int64(8+49+length) * (t.Rows - c.Missing)
		case c.DType == "bool":
			bytes += t.Rows
		default:
			bytes += 8 * t.Rows
		}
	}
	return bytes
}
