// Package draw makes every message, modal and form of a question: a steps.View goes in,
// blocks come out. It asks nobody and keeps nothing, so the same view gives the same
// blocks; testdata holds what they are. Its folders draw what belongs together
// elsewhere: money (budgets), home (the App Home, people, rules), notice (direct
// messages). reasons has the words for the core's codes, sample the views that tests draw.
//
// # Who reads what
//
//	the thread       progress.go, blocked.go (over budget), reply.go and bill.go (the answer)
//	the review card  card.go, with terms.go, files.go, findings.go; ways.go has its buttons
//	in its place     plain.go (Slack refuses the card), former.go (a newer version, a flaw)
//	modals           review_modal.go, modals.go, diff.go, details.go, form.go, topup.go
//	the asker alone  question.go (status, help, small talk), cause.go (what a question lacks)
//
// # Rules that every message keeps
//
// Words of people, models, files and boxes go through approval.Plain and are cut: they are
// never markup and never longer than their share. Slack refuses a message whose blocks hold
// more than about 11,000 characters together, so each part has a share of kit.MaxBlockText.
// Slack also never lets blocks of rich text alone become others (block_mismatch), so a
// message that gets buttons later has had a block of another kind from the start. The same
// view gives the same blocks, byte for byte: their hash tells whether Slack has to be called
// at all, and Approve carries a mark of everything that its card says (readback.Whole).
package draw

import (
	"time"

	"countersign/bot/kit"
)

// With is what drawing needs beside the view. It is the same for all that one bot draws, but for the bot's own name, which is
// known once Slack has been reached.
type With struct {
	Self     kit.Identity   // whose links and name are shown
	Calendar *time.Location // of the team
	Rounds   int            // how often the code of a request can be changed
}
