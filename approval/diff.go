package approval

import "time"

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

// Near is code that people have approved before and that is like other code.
type Near struct {
	RequestID string
	Revision  int
	Question  string
	Code      string
	At        time.Time // of the approval
	Alike     int       // percent of the lines
}
