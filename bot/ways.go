package bot

import (
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
)

// cardButtons are the ways to decide. Without the whole code on the card, or
// where the rules want more than a click, Approve is where the code is.
func (b *Bot) cardButtons(p *page, v *steps.View, who Identity, whole, garbled bool) {
	r := v.Request
	s := sealOf(r).String()
	var row []slack.BlockElement
	_, readable := chunked(r.Revision.Code)
	switch {
	case !v.Terms.Slack:
		p.say(strong("This is not decided in Slack."), words(" The rules want code of "+lower(riskWords[v.Terms.Tier])+" decided on the command line: "), mono("countersign decide "+r.ID))
	case whole && !v.Terms.Typed && !garbled:
		approve := button(actionApprove, "Approve", s, slack.StylePrimary)
		approve.AccessibilityLabel = "Approve this code, so that it runs once"
		approve.Confirm = b.sure(r.Revision.Findings)
		row = append(row, approve)
	case readable:
		label := fmt.Sprintf("Review code (%s)", count(len(lines(r.Revision.Code)), "line"))
		if whole {
			label = "Review and approve"
		}
		row = append(row, button(actionReview, label, s, slack.StylePrimary))
	default:
		p.say(words("It is too long to be shown anywhere in Slack as well, so it cannot be approved. Reject it, request changes, or let the asker take it back."))
	}
	if v.Terms.Slack {
		reject := button(actionReject, "Reject", s, slack.StyleDanger)
		reject.AccessibilityLabel = "Reject this code and say why"
		changes := button(actionChanges, "Request changes", s, slack.StyleDefault)
		changes.AccessibilityLabel = "Say what should be different, and have another version written"
		row = append(row, reject, changes)
	}
	if v.Former != nil {
		row = append(row, button(actionDiff, "What changed", s, slack.StyleDefault))
	}
	p.buttons("decide", append(row, slack.NewOverflowBlockElement(actionMore, b.menu(v, who)...))...)
}

// menu is what else can be done with a card. Slack takes five entries of short values.
func (b *Bot) menu(v *steps.View, who Identity) []*slack.OptionBlockObject {
	entry := func(verb, label string) *slack.OptionBlockObject {
		return slack.NewOptionBlockObject(fmt.Sprintf("%s:%s:%d", verb, v.Request.ID, v.Request.Revision.Number), plain(label), nil)
	}
	options := []*slack.OptionBlockObject{entry(moreCode, "Full code as a file"), entry(moreNear, "Compare with approved code")}
	if v.Terms.Slack {
		options = append(options, entry(moreEdit, "Edit the code"))
	}
	options = append(options, entry(moreAssign, "Ask somebody to look at it"))
	if url := who.permalink(v.Session.Channel, thread(v), ""); url != "" {
		option := slack.NewOptionBlockObject(moreLink, plain("View in thread"), nil)
		option.URL = url
		options = append(options, option)
	}
	return options
}

// verdicts say who decided what, and when; and how it ended, if that was nobody's decision.
func (b *Bot) verdicts(p *page, v *steps.View) {
	r := v.Request
	for _, d := range r.Decisions {
		verb := map[approval.Verdict]string{approval.Approve: "Approved by ", approval.Reject: "Rejected by ", approval.Rewrite: "Changes requested by "}[d.Verdict]
		said := []part{strong(verb), person(d.Reviewer)}
		if d.InPlaceOf != "" {
			said = append(said, words(" in place of "), person(d.InPlaceOf))
		}
		said = append(said, words(", "), moment(d.At))
		if d.Click.Door != "" {
			said = append(said, words(" on the "+d.Click.Door))
		}
		if d.Reason != "" {
			p.quote(cut(d.Reason, 1000), append(said, words(":"))...)
			continue
		}
		p.say(append(said, words("."))...)
	}
	switch {
	case r.Cause != nil:
		p.say(b.why(r)...)
	case r.State == approval.Rejected || r.State == approval.Pending || r.Reason == "":
	case r.State == approval.Approved:
		p.say(untilRun(r)...)
	default:
		p.say(words(cut(r.Reason, 1000)))
	}
	b.frozen(p, v)
	b.waitsForAway(p, r)
}

// frozen says that an approved program waits for a time in which something may start.
func (b *Bot) frozen(p *page, v *steps.View) {
	if v.Frozen.IsZero() || v.Request.State != approval.Approved && v.Request.State != approval.Pending {
		return
	}
	p.say(strong("Nothing starts before "), moment(v.Frozen), words(fmt.Sprintf(", by the rules (%s). What is approved waits until then.", cut(v.FrozenBy, 200))))
}
