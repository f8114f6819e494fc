package draw

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/reasons"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// cardButtons are the ways to decide. Where the card does not show the whole code, or the
// rules want more than a click, Approve is in the modal with the code.
//
//	[Approve] or [Review and approve] or [Review code (41 lines)]   [Reject] [Request changes]
//	[What the model saw] [Columns] [Refused drafts] [What changed] […]
//
// Which of the three it is says how far the card itself is trusted: the whole code with a click, the whole code
// where the rules want it opened, or no code at all.
func cardButtons(with With, p *kit.Page, v *steps.View, whole, garbled bool) {
	r := v.Request
	s := SealOf(r).String()
	var row []slack.BlockElement
	// Approve stands on the card only beside the whole code, where a click is enough, and where Slack
	// has not stored anything else than was sent.
	_, readable := kit.Chunked(r.Revision.Code)
	switch {
	case !v.Terms.Slack:
		p.Say(kit.Strong("This is not decided in Slack."), kit.Words(" By the rules, code of "+strings.ToLower(RiskWords[v.Terms.Tier])+" is decided on the command line: "), kit.Mono("countersign decide "+r.ID))
	case whole && !v.Terms.Opens() && !garbled:
		approve := kit.Button(ids.ActionApprove, "Approve", s, slack.StylePrimary)
		approve.AccessibilityLabel = "Approve this code, so that it runs once"
		approve.Confirm = sure(r.Revision.Findings)
		row = append(row, approve)
	case readable:
		label := fmt.Sprintf("Review code (%s)", kit.Count(len(kit.Lines(r.Revision.Code)), "line"))
		if whole {
			label = "Review and approve"
		}
		row = append(row, kit.Button(ids.ActionReview, label, s, slack.StylePrimary))
	default:
		p.Say(kit.Words("It is also too long for any other view in Slack, so it cannot be approved. Reject it, request changes, or have the asker cancel it."))
	}
	if v.Terms.Slack {
		// A no is possible even where the code does not fit into Slack at all.
		reject := kit.Button(ids.ActionReject, "Reject", s, slack.StyleDanger)
		reject.AccessibilityLabel = "Reject this code and say why"
		changes := kit.Button(ids.ActionChanges, "Request changes", s, slack.StyleDefault)
		changes.AccessibilityLabel = "Say what should be different, and have another version written"
		row = append(row, reject)
		if r.Repeats == nil {
			row = append(row, changes)
		}
	}
	row = append(row, looks(r, s)...)
	if v.Former != nil {
		row = append(row, kit.Button(ids.ActionDiff, "What changed", s, slack.StyleDefault))
	}
	p.Buttons("decide", append(row, slack.NewOverflowBlockElement(ids.ActionMore, menu(with, v)...))...)
}

// menu is what else can be done with a card. Slack takes five entries of short values.
func menu(with With, v *steps.View) []*slack.OptionBlockObject {
	entry := func(verb, label string) *slack.OptionBlockObject {
		return slack.NewOptionBlockObject(fmt.Sprintf("%s:%s:%d", verb, v.Request.ID, v.Request.Revision.Number), kit.Plain(label), nil)
	}
	options := []*slack.OptionBlockObject{entry(ids.MoreCode, "Full code as a file"), entry(ids.MoreNear, "Compare with approved code")}
	if v.Terms.Slack && v.Request.Repeats == nil {
		options = append(options, entry(ids.MoreEdit, "Edit the code"))
	}
	options = append(options, entry(ids.MoreAssign, "Ask somebody to look at it"))
	if url := with.Self.Permalink(v.Session.Channel, Thread(v), ""); url != "" && !v.Request.Private {
		// Slack follows it, and tells us of it like of any other choice: clickMore does nothing then.
		option := slack.NewOptionBlockObject(ids.MoreLink, kit.Plain("View in thread"), nil)
		option.URL = url
		options = append(options, option)
	}
	return options
}

var verdictWords = map[approval.Verdict]string{approval.Approve: "Approved by ", approval.Reject: "Rejected by ", approval.Rewrite: "Changes requested by "}

// verdicts say who decided what, and when; and how it ended, if that was nobody's decision.
// The cause comes before a reason: it has the words for what is away, while the reason only has a code for it.
func verdicts(with With, p *kit.Page, v *steps.View) {
	r := v.Request
	if g := r.Glass; g != nil {
		p.Quote(kit.Cut(g.Reason, 1000), append(Unapproved(r), kit.Words(", "), kit.Moment(g.At), kit.Words(", because:"))...)
	}
	for _, d := range r.Decisions {
		said := []kit.Part{kit.Strong(verdictWords[d.Verdict]), kit.Person(d.Reviewer)}
		if d.InPlaceOf != "" {
			said = append(said, kit.Words(" in place of "), kit.Person(d.InPlaceOf))
		}
		said = append(said, kit.Words(", "), kit.Moment(d.At))
		if d.Click.Door != "" {
			said = append(said, kit.Words(ByDoor(d.Click)))
		}
		if d.Reason != "" {
			p.Quote(kit.Cut(d.Reason, 1000), append(said, kit.Words(":"))...)
			continue
		}
		p.Say(append(said, kit.Words("."))...)
	}
	switch {
	case r.Cause != nil:
		p.Say(Why(r)...)
	case r.State == approval.Approved && v.Now.Before(approval.QuietUntil(r)):
		p.Say(untilRun(v)...)
	// Rejected: the words stand in the decision above. Pending: Glance has said why it is back.
	case r.State == approval.Rejected || r.State == approval.Pending || r.Reason.None():
	case r.State == approval.Approved:
		p.Say(untilRun(v)...)
	default:
		p.Say(kit.Words(kit.Cut(reasons.Words(r.Reason), 1000)))
	}
	frozen(p, v)
	waitsForAway(with, p, r)
}

// ByDoor says by which door something was decided that was not decided in Slack, and who
// sat there by the word of the machine.
func ByDoor(c approval.Click) string {
	said := " on the " + c.Door
	if seat := c.Seat(); seat != "" {
		said += " (as " + kit.Cut(approval.Plain(seat), 150) + ")"
	}
	return said
}

// frozen says that an approved program waits for the end of a freeze window.
func frozen(p *kit.Page, v *steps.View) {
	if v.Frozen.IsZero() || v.Request.State != approval.Approved && v.Request.State != approval.Pending {
		return
	}
	p.Say(kit.Strong("Freeze window until "), kit.Moment(v.Frozen), kit.Words(fmt.Sprintf(" (%s). Approved code starts after it.", kit.Cut(v.FrozenBy, 200))))
}
