package notice

import (
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// glassNotice tells every administrator that code runs that nobody has approved, and asks them to look at it.
func glassNotice(with draw.With, n *steps.NoticeView, to string) (*kit.Page, error) {
	said, err := read[approval.GlassBroken](n)
	if err != nil {
		return nil, err
	}
	p, r := &kit.Page{}, n.View.Request
	p.Say(kit.Strong("Nobody approved this: "), kit.Person(said.Person), kit.Strong(" broke the glass"), kit.Words(", "), kit.Moment(n.At), kit.Words("."))
	g := r.Glass
	if g == nil || g.Revision != said.Revision {
		p.Say(kit.Words("It did not run: the code went back to the reviewers."))
		lately(with, p, n.View, "Open the card")
		return p, nil
	}
	p.Quote(kit.Cut(g.Reason, 1000), kit.Words("Because:"))
	p.Quote(kit.Cut(r.Question, 600), kit.Person(r.Asker), kit.Words(" asked:"))
	p.Say(kit.Words("Now: " + draw.HowItStands(r) + "."))
	looked := false
	for _, l := range g.Looks {
		verdict := " has looked at it, and finds it right."
		if !l.Fine {
			verdict = " has looked at it, and doubts that it was right."
		}
		p.Say(kit.Person(l.Person), kit.Words(verdict))
		looked = looked || l.Person == to
	}
	switch {
	case len(g.Looks) >= review.GlassLooks:
		p.Small(kit.Words("Two administrators have looked at it."))
	case to == g.Person || to == r.Asker:
		p.Small(kit.Words("Two other administrators look at it. Until then nobody breaks the glass again."))
	default:
		p.Small(kit.Words("Two of you look at it until "), kit.Moment(g.At.Add(review.GlassAge)), kit.Words(". Until then nobody breaks the glass again. If you do not, break-glass is switched off for everybody: all its roles end and have to be given again."))
		if !looked {
			look := kit.Button(ids.ActionLook, "Look at it", fmt.Sprintf("%s/%d", r.ID, g.Revision), slack.StylePrimary)
			p.Buttons("glass", look)
		}
	}
	return p, nil
}

// Offer lists what waits, each with a button to its code, for somebody who may have it run without an approval.
func Offer(list []*approval.Request) *kit.Page {
	p := &kit.Page{}
	p.Say(kit.Strong("Break the glass: "), kit.Words("run code once that nobody has approved. Every administrator is told at once, and two of them look at it within 24 hours."))
	for _, r := range list {
		p.Row([]kit.Part{kit.Person(r.Asker), kit.Words(" asks: " + kit.Cut(kit.OneLine(r.Question), 200))}, kit.Button(ids.ActionGlass, "Read the code", r.ID, slack.StyleDefault))
	}
	return p
}

// What somebody finds who has looked.
const (
	LookFine  = "fine"
	LookDoubt = "doubt"
)

// LookView shows an administrator what ran without an approval.
func LookView(v *steps.View, value string) slack.ModalViewRequest {
	r := v.Request
	p := &kit.Page{}
	p.Say(kit.Strong("Nobody approved this: "), kit.Person(r.Glass.Person), kit.Strong(" broke the glass"), kit.Words(", "), kit.Moment(r.Glass.At), kit.Words("."))
	p.Quote(kit.Cut(r.Glass.Reason, 1000), kit.Words("Because:"))
	p.Quote(kit.Cut(r.Question, 1000), kit.Person(r.Asker), kit.Words(" asked:"))
	p.Say(kit.Words("Now: " + draw.HowItStands(r) + "."))
	chunks, _ := kit.Chunked(r.Revision.Code)
	for i, c := range chunks {
		p.Verbatim([]kit.Part{kit.Strong("Code"), kit.Words(fmt.Sprintf(", lines %d to %d", c.From, c.To))}, c.Text, fmt.Sprint(kit.CodeID, i+1), "")
	}
	find := slack.NewRadioButtonsBlockElement(ids.FieldFound, slack.NewOptionBlockObject(LookFine, kit.Plain("It was right to run this without an approval."), nil),
		slack.NewOptionBlockObject(LookDoubt, kit.Plain("I doubt that it was right."), nil))
	p.Add(slack.NewInputBlock(ids.FieldFound, kit.Plain("What do you find?"), kit.Plain("It is kept on record with your name."), find), 0, "")
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackLook, Title: kit.Plain("Look at it"), Submit: kit.Plain("I have looked"), Close: kit.Plain("Close"),
		PrivateMetadata: value, Blocks: slack.Blocks{BlockSet: p.Blocks}}
}
