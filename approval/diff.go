package approval

import "strings"

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

// maxCells bounds the work of one diff: two texts of 2,000 lines that differ from
// the first to the last. Beyond it the middle is one removal and one addition,
// which is true as well, if not as short.
const maxCells = 4_000_000

// Diff is the shortest way from one text to another, line by line: what stays the
// same are the most lines that both have in the same order. Taking the lines that
// are not Added gives the old text, those that are not Removed the new one.
func Diff(old, new string) []DiffLine {
	a, b := Lines(old), Lines(new)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	d := differ{a: a, b: b}
	for range head {
		d.same()
	}
	d.middle(len(a)-tail, len(b)-tail)
	for range tail {
		d.same()
	}
	return d.lines
}

// Lines are the lines of a text. The end of its last line begins no other.
func Lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// differ walks through both texts, and notes each line as it passes it.
type differ struct {
	a, b  []string
	i, j  int
	lines []DiffLine
}

func (d *differ) same() {
	d.lines = append(d.lines, DiffLine{Op: Same, Text: d.a[d.i], Old: d.i + 1, New: d.j + 1})
	d.i, d.j = d.i+1, d.j+1
}

func (d *differ) remove() {
	d.lines = append(d.lines, DiffLine{Op: Removed, Text: d.a[d.i], Old: d.i + 1})
	d.i++
}

func (d *differ) add() {
	d.lines = append(d.lines, DiffLine{Op: Added, Text: d.b[d.j], New: d.j + 1})
	d.j++
}

// middle walks on to these lines. What is removed comes before what is added.
func (d *differ) middle(endA, endB int) {
	common := common(d.a[d.i:endA], d.b[d.j:endB])
	fromA, fromB := d.i, d.j
	for d.i < endA && d.j < endB && common != nil {
		x, y := d.i-fromA, d.j-fromB
		switch {
		case d.a[d.i] == d.b[d.j]:
			d.same()
		case common[x+1][y] >= common[x][y+1]:
			d.remove()
		default:
			d.add()
		}
	}
	for d.i < endA {
		d.remove()
	}
	for d.j < endB {
		d.add()
	}
}

// common is how many lines the rests of two texts have in common, in order, from
// each pair of places on; nothing when that would be too much work.
func common(a, b []string) [][]int32 {
	if (len(a)+1)*(len(b)+1) > maxCells {
		return nil
	}
	table := make([][]int32, len(a)+1)
	for x := range table {
		table[x] = make([]int32, len(b)+1)
	}
	for x := len(a) - 1; x >= 0; x-- {
		for y := len(b) - 1; y >= 0; y-- {
			if a[x] == b[y] {
				table[x][y] = table[x+1][y+1] + 1
			} else {
				table[x][y] = max(table[x+1][y], table[x][y+1])
			}
		}
	}
	return table
}
