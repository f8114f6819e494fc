package kit

import (
	"strings"

	"github.com/slack-go/slack"
)

// The cells of a bar: what is spent, what is set aside, what is left.
const (
	cellSpent, cellHeld, cellLeft = "█", "▓", "░"
	barCells                      = 20
)

// Bar is a budget at a glance, in any unit. It is for the eye alone: to those who hear
// a message, the sentence beside it says the same.
type Bar struct{ Limit, Spent, Held int64 }

// cells divides the bar. Whatever is there shows: a cent spent fills a cell, a
// cent left leaves one, and only a bar without a light cell has nothing left.
func (b Bar) cells() (spent, held int) {
	// One cell is kept free for whatever is left, unless nothing is.
	limit, free := b.Limit, barCells-1
	if b.Limit-b.Spent-b.Held <= 0 {
		limit, free = max(1, b.Spent+b.Held), barCells
	}
	held = min(share(b.Held, limit), free)
	// And one for what is spent, or a bar that is full of reservations would show nothing of it.
	if b.Spent > 0 {
		held = min(held, free-1)
	}
	spent = min(share(b.Spent, limit), free-held)
	if free == barCells {
		spent = free - held
	}
	return spent, held
}

// share is a part of a whole in cells, to the nearest one, and never none for something.
func share(part, whole int64) int {
	n := int(float64(part)/float64(whole)*barCells + 0.5)
	if part > 0 {
		n = max(1, n)
	}
	return min(n, barCells)
}

// picture is the bar in characters of one width.
func (b Bar) picture() string {
	spent, held := b.cells()
	return strings.Repeat(cellSpent, spent) + strings.Repeat(cellHeld, held) + strings.Repeat(cellLeft, barCells-spent-held)
}

// element is plain text: the cells are equally wide in every font, and Slack draws
// code in red, which would look like an alarm.
func (b Bar) element() slack.RichTextSectionElement { return Words(b.picture()).element() }

func (b Bar) Mrkdwn() string { return "" }

func (b Bar) size() int { return barCells }
