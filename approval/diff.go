package approval

import (
	"strings"

	"github.com/aymanbagabas/go-udiff/lcs"
)

// DiffOp says what a line of a diff is.
type DiffOp byte

// The kinds of line.
const (
	Same    DiffOp = ' '
	Added   DiffOp = '+'
	Removed DiffOp = '-'
)

// DiffLine is one line of a diff, with its numbers in both texts; a line that is
// not in a text has the number 0 there.
type DiffLine struct {
	Op       DiffOp
	Text     string
	Old, New int
}

// Diff is the way from one text to another, line by line. Taking the lines that are not
// Added gives the old text, those that are not Removed the new one.
func Diff(old, new string) (lines []DiffLine) {
	a, b := Lines(old), Lines(new)
	i, j := 0, 0
	same := func(to int) {
		for ; i < to; i, j = i+1, j+1 {
			lines = append(lines, DiffLine{Op: Same, Text: a[i], Old: i + 1, New: j + 1})
		}
	}
	for _, d := range lcs.DiffLines(a, b) {
		same(d.Start)
		for ; i < d.End; i++ {
			lines = append(lines, DiffLine{Op: Removed, Text: a[i], Old: i + 1})
		}
		for ; j < d.ReplEnd; j++ {
			lines = append(lines, DiffLine{Op: Added, Text: b[j], New: j + 1})
		}
	}
	same(len(a))
	return lines
}

// Lines are the lines of a text. The end of its last line begins no other.
func Lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
