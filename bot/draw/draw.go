// Package draw makes every message, modal and form of a question: a View goes in,
// blocks come out. It asks nobody and keeps nothing, so the same view gives the same
// blocks; testdata holds what they are. Its folders draw what belongs together
// elsewhere: money (budgets), home (the App Home, people, rules), notice (direct
// messages). reasons has the words for the core's codes, sample the views that tests draw.
package draw

import (
	"time"

	"countersign/bot/kit"
)

// With is what drawing needs beside the view.
type With struct {
	Self     kit.Identity   // whose links and name are shown
	Calendar *time.Location // of the team
	Rounds   int            // how often the code of a request can be changed
}
