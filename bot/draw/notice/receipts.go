package notice

import (
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/kit"
)

// receiptsNotice lists what somebody has approved since the last of these: whoever used their
// account is found out by it within a day. What must not wait so long is said at once.
//
//	You have approved 3 programs since the last of these messages. Was one of them not you?
//	What were sales per month? @Maya asked. You approved it 12:01. Now: done.
//	[Open the card] [This was not me]
func receiptsNotice(with draw.With, n *steps.NoticeView, who string) (*kit.Page, error) {
	said, err := read[approval.Receipts](n)
	if err != nil {
		return nil, err
	}
	p := &kit.Page{}
	p.Say(kit.Strong("You have approved "+kit.Count(len(said.Given), "program")), kit.Words(" since the last of these messages. Was one of them not you?"))
	// Given are the requests as they are now, in the order of said.Given: its first ones only, where there are many.
	for i, v := range n.Given[:min(len(n.Given), len(said.Given))] {
		receipt(with, p, v, said.Given[i], who)
	}
	if more := len(said.Given) - len(n.Given); more > 0 {
		p.Say(kit.Words(fmt.Sprintf("And %d more. Their cards are in the review channel.", more)))
	}
	p.Small(kit.Words("An approval can be withdrawn until the code starts. If it has started and was not you, tell an administrator, and sign out of Slack everywhere. " +
		"You are told at once of code of high risk, of approvals on the command line or in somebody's place, and of your first in a channel."))
	return p, nil
}

// receipt is one approval, with the ways that are still open.
func receipt(with draw.With, p *kit.Page, v *steps.View, given approval.Receipt, who string) {
	r := v.Request
	p.Say(kit.Strong(kit.Cut(kit.OneLine(r.Question), 120)), kit.Words("\n"), kit.Person(r.Asker), kit.Words(" asked. You approved it "), kit.Moment(given.At), kit.Words(". Now: "+draw.HowItStands(r)+"."))
	var row []slack.BlockElement
	card := draw.CardPost(v)
	if url := with.Self.Permalink(card.Channel, card.TS, ""); url != "" {
		row = append(row, kit.Goes("Open the card", url))
	}
	// The button goes as soon as it would do nothing.
	if stands(v, given.Revision, approval.Pending, approval.Approved) && decidedBy(r, who) {
		row = append(row, draw.NotMe(r, given.Revision, "This was not me", "somebody has approved in your name"))
	}
	if len(row) > 0 {
		p.Buttons(fmt.Sprintf("receipt %s/%d", r.ID, given.Revision), row...) // two revisions of one request can be in one digest
	}
}
