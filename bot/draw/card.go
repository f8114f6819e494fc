package draw

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw/reasons"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// Card is the message in the review channel. While the request waits it carries
// the means to decide: Approve only beside the whole code. garbled tells that
// Slack has once stored something else than what was sent.
// What Slack holds is compared with the card as it is drawn anew, so nothing here may depend on the clock or the
// replica of whoever draws it: what time it is comes with the view (v.Now).
func Card(with With, v *steps.View, garbled bool) *kit.Page {
	return DrawCard(with, v, Flaw{Found: garbled})
}

// DrawCard draws the card, and can say which line of the code Slack has changed. Whether the code fits depends on all else that
// the card says, so the rest is drawn first and the code last.
//
//	May this code run?
//	High risk · 1 of 2 approvals · at most 1 cent · until 15:30   Glance
//	| @Maya asks: …                                       asks; what changed since the version before (since)
//	Files and how they are read; notes of the channel; refused drafts
//	Danger in lines 3 and 9                               warned: the text itself is below where there is much
//	What it does (the model's words, not checked)
//	Code (revision 2, 41 lines)                           whole, or "too long for a card"
//	Findings, cost, hosts, terms, digest                  cardTail
//	[Approve] [Review code] [Reject] …                    cardWays; no Approve unless the code stands above
func DrawCard(with With, v *steps.View, flaw Flaw) *kit.Page {
	// The order is a reviewer's: what it takes of them, who asks what, on which files, what to be careful
	// about, the code, and then what an approval agrees to.
	r, rev := v.Request, v.Request.Revision
	p := &kit.Page{}
	p.Head(CardTitle(r))
	if r.State == approval.Pending {
		Glance(p, v)
	}
	verdicts(with, p, v)
	asks(p, v, mostSaid)
	since(p, v)
	p.Enumerate("File", fileLines(r.Files, mostRemarks))
	noted(p, v, 600)
	refusedDrafts(p, r)
	warned(p, r, mostFound)
	summary(p, rev)
	// What follows the code is drawn before it is known whether the code fits: it has to be there in any case.
	// The measure is kit.MaxBlockText for all blocks together: Slack answers msg_blocks_too_long somewhere
	// above 11,000 characters, and it does so for the whole message.
	tail, ways := cardTail(v, review.MaxHosts, flaw), cardWays(with, v, true, flaw)
	n := len(kit.Lines(rev.Code))
	title := []kit.Part{kit.Strong("Code"), kit.Words(fmt.Sprintf(" (revision %d, %s)", rev.Number, kit.Count(n, "line")))}
	_, around, _ := kit.Section(title)
	text, fits := kit.Inline(rev.Code)
	// The code comes last before the small print, whole or not at all.
	fits = fits && p.Used+around+len([]rune(text))+tail.Used+ways.Used <= kit.MaxBlockText
	if !fits {
		// All hosts stand where the code does.
		tail, ways = cardTail(v, fewHosts, flaw), cardWays(with, v, false, flaw)
	}
	switch {
	case fits:
		p.Verbatim(title, text, kit.CodeID+"1", "The code is in the message.")
	case r.State == approval.Pending:
		p.Say(append(title, kit.Words(": too long for a card, open it to read."))...)
	default:
		p.Say(title...)
	}
	p.Append(tail)
	p.Append(ways)
	marked(p) // last: the mark is of all that the card says
	return p
}

// cardWays is what can be done with a card: whole tells whether all of the code stands on it.
func cardWays(with With, v *steps.View, whole bool, flaw Flaw) *kit.Page {
	p := &kit.Page{}
	if v.Request.State == approval.Pending {
		cardButtons(with, p, v, whole, flaw.Found)
	}
	if row := disowning(v.Request); len(row) > 0 {
		p.Buttons("disown", row...)
	}
	return p
}

// withdrawable tells whether there is an approval that its giver can still take back: not once the code has started.
func withdrawable(r *approval.Request) bool {
	return r.Can("Disown") && r.Approvals() > 0
}

// disowning is the button that takes an approval back, as long as that can be done: also while
// others are still to approve.
func disowning(r *approval.Request) []slack.BlockElement {
	if !withdrawable(r) {
		return nil
	}
	return []slack.BlockElement{NotMe(r, r.Revision.Number, "This was not me", "somebody has approved in your name")}
}

// NotMe is the button of those in whose name it was approved. Anybody can press it; the service takes it only from them.
// takes is the end of "the administrators are told that …".
func NotMe(r *approval.Request, revision int, label, takes string) *slack.ButtonBlockElement {
	not := kit.Button(ids.ActionDisown, label, fmt.Sprintf("%s/%d", r.ID, revision), slack.StyleDanger)
	not.AccessibilityLabel = "Withdraw the approval that was given in my name"
	// A slip here stops everybody's work, so it asks once more.
	not.Confirm = slack.NewConfirmationBlockObject(kit.Plain("Withdraw the approval?"), kit.Plain("It goes back to the reviewers, and the administrators are told that "+takes+"."),
		kit.Plain("Withdraw it"), kit.Plain("Cancel")).WithStyle(slack.StyleDanger)
	return not
}

// earlier are the questions that a follow-up goes on from, a line each.
func earlier(questions []string) (items [][]kit.Part) {
	for _, q := range questions {
		items = append(items, []kit.Part{kit.Words(kit.Cut(kit.OneLine(q), 150))})
	}
	return items
}

// CardTitle says what a card is about now. What nobody decided is never called a no.
// Code that ran without an approval says so in its title in every later state: "Approved and run" would be a
// lie about the one case in which the first promise was set aside.
func CardTitle(r *approval.Request) string {
	switch {
	case r.Glass == nil:
	case r.State == approval.Approved:
		return "To run, and nobody approved it"
	case r.State == approval.Running || r.State == approval.Done || r.State == approval.Lost:
		return "Run, and nobody approved it"
	}
	switch r.State {
	case approval.Pending:
		return "May this code run?"
	case approval.Rejected:
		return "Rejected"
	case approval.Expired:
		return "Expired: " + strings.TrimSuffix(reasons.Lapsed(r.Reason), " in time")
	case approval.Withdrawn:
		return "Cancelled"
	case approval.Failed:
		return "Not run"
	case approval.Lost:
		return "Approved, result lost"
	// A card exists only once there was code, so whatever is written now is written anew.
	case approval.Drafting, approval.Asking:
		return "The code is being rewritten"
	case approval.Done:
		return "Approved and run"
	}
	return "Approved"
}

// cardTail is what a card says after the code: what the inspection found where that is much,
// the cost, the terms, and at most so many hosts.
func cardTail(v *steps.View, hosts int, flaw Flaw) *kit.Page {
	r, rev := v.Request, v.Request.Revision
	t := &kit.Page{}
	found(t, rev.Findings, mostFound)
	agreed(t, v, hosts)
	if r.State == approval.Pending {
		flaw.Say(t, r)
	}
	print := Print(r.ID, rev.Number, rev.Digest)
	if r.State == approval.Pending && v.Terms.Policy != "" && v.Terms.Policy != "settings" {
		print = append(print, kit.Words(", rules "), kit.Mono(v.Terms.Policy))
	}
	t.Small(print...)
	return t
}

// summary is what the model says of its program. It is set apart as what it is:
// words, which nobody has held against the code.
func summary(p *kit.Page, rev *approval.Revision) {
	if rev.Summary == "" {
		return
	}
	p.Quote(kit.Cut(rev.Summary, 600), kit.Strong("What it does"), kit.Words(" (the model's words, not checked):"))
}

// Thread is where a request's messages go.
// That is the message of a person who asked by mention, or else the root that the bot has posted. Until the
// root is posted it is empty, and what is posted to no thread stands in the channel itself.
func Thread(v *steps.View) string {
	if v.Session.ThreadTS != "" {
		return v.Session.ThreadTS
	}
	return v.Posts[steps.SurfaceRoot].TS
}
