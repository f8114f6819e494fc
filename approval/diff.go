package approval

import (
	"context"
	"slices"
	"strings"
	"time"
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

// maxCells bounds the work of one diff: two texts of 2,000 lines that differ from
// the first to the last. Beyond it the middle is one removal and one addition,
// which is true as well, if not as short.
const maxCells = 4_000_000

// Diff is the shortest way from one text to another, line by line: what stays the
// same are the most lines that both have in the same order. Taking the lines that
// are not Added gives the old text, those that are not Removed the new one.
func Diff(old, new string) []DiffLine {
	a, b := textLines(old), textLines(new)
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

// textLines are the lines of a text. The end of its last line begins no other.
func textLines(text string) []string {
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

// Near is code that people have approved before and that is like other code.
type Near struct {
	RequestID string
	Revision  int
	Question  string
	Code      string
	At        time.Time // of the approval
	Alike     int       // percent of the lines
}

const (
	nearLimit = 50 // how many approved programs are looked at
	nearLeast = 30 // percent below which a difference shows nothing but that it is other code
)

// Nearest finds the code that people have approved in the same channel and that is
// most like this request's: what a reviewer knows already need not be read again.
// It is nil when nothing is alike.
func (s *Service) Nearest(ctx context.Context, id string) (*Near, error) {
	r, err := s.Store.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.Revision == nil {
		return nil, nil
	}
	vetted, err := s.Store.Vetted(ctx, r.Team, r.Project, id, nearLimit)
	if err != nil {
		return nil, err
	}
	var nearest *Near
	for _, near := range vetted { // the newest first, so of equals it is the one
		near.Alike = alike(r.Revision.Code, near.Code)
		if near.Alike >= nearLeast && (nearest == nil || near.Alike > nearest.Alike) {
			nearest = &near
		}
	}
	return nearest, nil
}

// alike is how many percent of the lines of two programs they have in common,
// wherever they stand. Empty lines say nothing.
func alike(a, b string) int {
	count := map[string]int{}
	total, both := 0, 0
	for _, line := range slices.Concat(textLines(a), textLines(b)) {
		if strings.TrimSpace(line) != "" {
			total++
		}
	}
	for _, line := range textLines(a) {
		count[strings.TrimSpace(line)]++
	}
	for _, line := range textLines(b) {
		if line = strings.TrimSpace(line); line != "" && count[line] > 0 {
			count[line]--
			both++
		}
	}
	if total == 0 {
		return 0
	}
	return 2 * both * 100 / total
}
