package kit

import (
	"strings"
	"unicode/utf16"
)

// What a modal lets people edit: of what Slack's fields hold, some is left free to
// write in. A program that needs more parts is no longer edited by hand; the model can
// still be asked to change it.
const (
	FieldChars   = 3000 // what Slack lets a field hold
	editChars    = 2600
	MaxEditParts = 10
)

// Units is how long Slack takes a text to be: it counts UTF-16.
func Units(text string) int { return len(utf16.Encode([]rune(text))) }

// Split cuts a program into the fields in which it is edited, whole lines each.
// It cuts before a line that begins a statement wherever there is one near: what
// belongs together is edited together, and no field begins with white space that
// somebody's client might trim. ok tells that it fits, and that joining the
// fields gives the program back.
func Split(code string) (parts []chunk, ok bool) {
	all := Lines(code)
	for from := 0; from < len(all); {
		to, chars := from, 0
		for to < len(all) && (to == from || chars+Units(all[to])+1 <= editChars) {
			chars += Units(all[to]) + 1
			to++
		}
		// Only where another field follows: the last one ends where the program ends.
		if to < len(all) {
			to = seam(all, from, to)
		}
		parts = append(parts, chunk{From: from + 1, To: to, Text: strings.Join(all[from:to], "\n")})
		from = to
	}
	ok = len(parts) <= MaxEditParts
	var texts []string
	for _, p := range parts {
		texts = append(texts, p.Text)
		ok = ok && Units(p.Text) <= FieldChars
	}
	return parts, ok && Join(texts) == code
}

// seam is the best line to cut before, no later than to: the last one in the
// second half that begins a statement at the left edge.
func seam(all []string, from, to int) int {
	for at := to; at > from+(to-from)/2; at-- {
		// First choice: a statement after an empty line. Second: anything at the left edge.
		if line := all[at]; line != "" && !strings.ContainsAny(line[:1], " \t)]}#") && all[at-1] == "" {
			return at
		}
	}
	for at := to; at > from+(to-from)/2; at-- {
		if line := all[at]; line != "" && !strings.ContainsAny(line[:1], " \t") {
			return at
		}
	}
	return to
}

// Join puts the fields together again. A field that was emptied takes its lines
// with it.
func Join(fields []string) string {
	var kept []string
	for _, f := range fields {
		if f != "" {
			kept = append(kept, f)
		}
	}
	return strings.Join(kept, "\n") + "\n"
}
