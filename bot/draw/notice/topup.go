package notice

import (
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/money"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// outcomeNotice tells the asker what became of the money that they asked for, with the administrator's
// words where it was declined.
func outcomeNotice(with draw.With, v *steps.NoticeView, to string) (*kit.Page, error) {
	said, err := read[approval.TopUpAsked](v)
	if err != nil {
		return nil, err
	}
	t := v.View.Request.TopUp(said.ID)
	// It is sent with the decision, so this is a fault. A notice that guesses would be worse than none.
	if t == nil || t.Open() {
		return nil, fmt.Errorf("notice %q: nobody has decided about top-up %s", v.Key, said.ID)
	}
	p := &kit.Page{}
	if t.Granted {
		p.Say(kit.Flow(kit.Person(t.DecidedBy), kit.Strong(fmt.Sprintf(" granted you %s more", money.Dollars(t.Amount))), kit.Words(" in "), kit.Inside(namedIn(with, v, t.Scope, to)),
			kit.Words(", valid until "), kit.Moment(t.ExpiresAt), kit.Words("."))...)
		// It may still be blocked by another budget, which its thread says.
		if r := v.View.Request; r.Blocked == nil && !r.State.Final() {
			p.Say(kit.Words("Your question continues on its own."))
		}
	} else {
		p.Quote(kit.Cut(t.Answer, 500), kit.Person(t.DecidedBy), kit.Strong(fmt.Sprintf(" declined to grant you %s more:", money.Dollars(t.Amount))))
	}
	p.Quote(kit.Cut(v.View.Request.Question, 500), kit.Words("It was for this question:"))
	linked(p, with, v)
	return p, nil
}

// fundedNotice tells a reviewer that what they wanted to approve can be paid now. Their press came to
// nothing then, and nobody repeats it for them.
func fundedNotice(with draw.With, v *steps.NoticeView, _ string) (*kit.Page, error) {
	p := &kit.Page{}
	p.Quote(kit.Cut(v.View.Request.Question, 500), kit.Strong("The budget now allows it "), kit.Words("to run the code for this question. You wanted to approve it:"))
	card := draw.CardPost(v.View)
	if url := with.Self.Permalink(card.Channel, card.TS, ""); url != "" && v.View.Request.State == approval.Pending {
		p.Buttons("link", kit.Goes("Open the card", url))
	}
	return p, nil
}

// topUpNotice asks an administrator for money, and shows what has been decided.
// Every other administrator gets one; the first answer counts, and the others' messages are drawn anew without
// buttons.
func topUpNotice(with draw.With, v *steps.NoticeView, to string) (*kit.Page, error) {
	said, err := read[approval.TopUpAsked](v)
	if err != nil {
		return nil, err
	}
	r := v.View.Request
	t := r.TopUp(said.ID)
	if t == nil {
		return nil, fmt.Errorf("notice %q: its request has no top-up %s", v.Key, said.ID)
	}
	p := &kit.Page{}
	named := namedIn(with, v, said.Scope, to)
	p.Quote(kit.Cut(said.Reason, 500), kit.Flow(kit.Person(said.AskedBy), kit.Strong(fmt.Sprintf(" asks for %s more", money.Dollars(said.Amount))), kit.Words(" in "), kit.Inside(owned(named, said)), kit.Words(":"))...)
	p.Quote(kit.Cut(r.Question, 500), kit.Words("It is for this question:"))
	// A question that goes on some other way needs no money any more, though nobody has answered.
	waits := t.Open() && r.Blocked != nil
	if s, ok := standingOf(v.View, said.Scope); ok && waits {
		money.Standing(p, s, named)
	}
	switch {
	case waits:
		grant := kit.Button(ids.ActionGrant, fmt.Sprintf("Grant %s", money.Dollars(said.Amount)), r.ID+"/"+t.ID, slack.StylePrimary)
		p.Buttons("topup", withLink(with, v, grant, kit.Button(ids.ActionDecline, "Decline", r.ID+"/"+t.ID, slack.StyleDanger))...)
	case t.Open():
		p.Say(kit.Strong("No longer needed: "), kit.Words("the question is no longer waiting for budget."))
	case t.Granted:
		p.Say(kit.Strong("Granted by "), kit.Person(t.DecidedBy), kit.Words(", "), kit.Moment(t.DecidedAt), kit.Words(", valid until "), kit.Moment(t.ExpiresAt), kit.Words("."))
	default:
		p.Quote(kit.Cut(t.Answer, 500), kit.Strong("Declined by "), kit.Person(t.DecidedBy), kit.Words(", "), kit.Moment(t.DecidedAt), kit.Words(":"))
	}
	return p, nil
}
