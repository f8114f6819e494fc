package draw

import (
	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// Because says in half a sentence why messages do not stand in a channel, which is
// named as the reader knows it.
func Because(why steps.Hindrance, code string, there ...kit.Part) []kit.Part {
	switch why {
	case steps.Outside:
		return kit.Flow(kit.Words("I am no longer in "), there)
	case steps.Archived:
		return kit.Flow(there, kit.Words(" is archived"))
	case steps.Forbidden:
		return kit.Flow(kit.Words("the settings of "), there, kit.Words(" do not let me post there"))
	case steps.Malformed:
		return kit.Flow(kit.Words("Slack rejects the message's format ("), kit.Mono(code), kit.Words(")"))
	case steps.TooLong:
		return kit.Flow(kit.Words("Slack finds the message too long ("), kit.Mono(code), kit.Words(")"))
	case steps.NoKey:
		return kit.Flow(kit.Words("your organisation has suspended posting there, as holders of its encryption keys can ("), kit.Mono(code), kit.Words(")"))
	case steps.Outage:
		return kit.Flow(kit.Words("Slack has not accepted it for a while" + kit.InBrackets(code)))
	}
	return kit.Flow(kit.Words("Slack refuses it, saying only "), kit.Mono(code))
}

// cardless says that the reviewers see no card at all, and why. It is nil when they see
// one.
func cardless(v *steps.View) []kit.Part {
	u := v.Unseen[steps.SurfaceCard]
	// A single refusal may be an accident, and the plainer card is a card.
	if !u.Repeats() || v.Posts[steps.SurfacePlain].TS != "" && v.Unseen[steps.SurfacePlain].Times == 0 {
		return nil
	}
	said := kit.Flow(kit.Strong("Waiting"), kit.Words(", but the reviewers cannot see the code: "), Because(u.Why, u.Code, kit.Words("the review channel")), kit.Words(". "))
	if u.Why == steps.Outage {
		said = append(said, kit.Words("I keep trying"))
	} else {
		said = append(said, kit.Words("The administrators have been told; it continues on its own once that is fixed"))
	}
	return append(said, kit.Words(", until "), kit.Moment(v.Request.ExpiresAt), kit.Words("."))
}

// plainly says that the reviewers see the shorter card, and why. It is nil when they see
// the full one.
func plainly(v *steps.View) []kit.Part {
	u := v.Unseen[steps.SurfaceCard]
	if !u.Repeats() {
		return nil
	}
	return kit.Flow(kit.Words(" The reviewers see a shorter card from which they open the code, because "), Because(u.Why, u.Code, kit.Words("the review channel")), kit.Words("."))
}

// takeBack is the button that has an answer go from Slack. It says before what stays.
func takeBack(r *approval.Request) *slack.ButtonBlockElement {
	b := kit.Button(ids.ActionTakeBack, "Take back", r.ID, slack.StyleDefault)
	b.AccessibilityLabel = "Delete this answer from Slack"
	text := "I delete the answer, its charts and its files from Slack, and the thread says that you took it back. Later questions no longer build on it. " +
		"The record keeps the answer: auditors can still read it."
	b.Confirm = slack.NewConfirmationBlockObject(kit.Plain("Take this answer back?"), kit.Plain(text), kit.Plain("Take back"), kit.Plain("Keep it")).WithStyle(slack.StyleDanger)
	return b
}

// GoesBack tells whoever pressed that it is under way.
const GoesBack = "The answer is being deleted from Slack. The thread says so once it is gone."

// takenBack says who has had the answer go, and what of it Slack would not delete.
func takenBack(p *kit.Page, v *steps.View) {
	back := v.Request.Taken
	p.Say(kit.Strong("Taken back"), kit.Words(" by "), kit.Person(back.By), kit.Words(", "), kit.Moment(back.At), kit.Words(". The answer is no longer in Slack; the record keeps it."))
	var stays [][]kit.Part
	for _, left := range []struct {
		surface steps.Surface
		what    string
	}{{steps.SurfaceAnswer, "the answer"}, {steps.SurfaceReply, "the answer with its buttons"}, {steps.SurfaceFiles, "charts"}, {steps.SurfaceSheets, "files"}} {
		if code := v.Posts[left.surface].Stays(); code != "" {
			stays = append(stays, []kit.Part{kit.Words(left.what + " ("), kit.Mono(code), kit.Words(")")})
		}
	}
	p.List([]kit.Part{kit.Strong("Slack did not let me delete"), kit.Words(" some of it. An administrator of the workspace can:")}, stays)
}
