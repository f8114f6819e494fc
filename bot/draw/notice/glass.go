package notice

import (
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// glassNotice tells every administrator that code runs that nobody has approved, and asks them to look at it.
// It is drawn anew with each look, so that an administrator who opens it late sees who has looked already.
func glassNotice(with draw.With, n *steps.NoticeView, to string) (*kit.Page, error) {
	said, err := read[approval.GlassBroken](n)
	if err != nil {
		return nil, err
	}
	p, r := &kit.Page{}, n.View.Request
	p.Say(kit.Strong("Nobody approved this: "), kit.Person(said.Person), kit.Strong(" broke the glass"), kit.Words(", "), kit.Moment(n.At), kit.Words("."))
	// Another glass may have been broken for a later version: this notice is of its own one only.
	g := approval.GlassOf(r, said.Revision)
	if g == nil || g != r.Glass {
		p.Say(kit.Words("It did not run: the code went back to the reviewers."))
		lately(with, p, n.View, "Open the card")
		notMine(p, g, to, "break-glass rests for everybody, and the administrators are told.")
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
	// Neither of these two looks: it ran for them.
	case to == g.Person || to == r.Asker:
		p.Small(kit.Words("Two other administrators look at it. Until then nobody breaks the glass again."))
	default:
		p.Small(kit.Words("Two of you look at it until "), kit.Moment(g.At.Add(review.GlassAge)), kit.Words(". Until then nobody breaks the glass again. If you do not, break-glass is switched off for everybody: all its roles end and have to be given again."))
		if !looked {
			lookAt(p, r)
		}
	}
	notMine(p, g, to, "what runs is ended, break-glass rests for everybody, and the administrators are told.")
	return p, nil
}

// notMine says that whoever broke the glass has said that it was not them, or lets them say so: as long as they have
// not, whatever has become of the version. Until then the role does not rest, and the account can be used again.
func notMine(p *kit.Page, g *approval.Glass, to, then string) {
	switch {
	case g == nil:
	case !g.Disowned.IsZero():
		p.Say(kit.Person(g.Person), kit.Words(" says that it was not them, "), kit.Moment(g.Disowned), kit.Words(". Break-glass rests for everybody."))
	case to == g.Person:
		p.Say(kit.Words("Was this not you? Say so: " + then))
		not := kit.Button(ids.ActionNotMine, "This was not me", fmt.Sprintf("%s/%d", g.RequestID, g.Revision), slack.StyleDanger)
		not.Confirm = slack.NewConfirmationBlockObject(kit.Plain("This was not you?"), kit.Plain("Break-glass rests for everybody at once, and every administrator is told that somebody may be using your account."),
			kit.Plain("It was not me"), kit.Plain("Cancel")).WithStyle(slack.StyleDanger)
		p.Buttons("not mine", not)
	}
}

// lookAt adds the button to what ran.
func lookAt(p *kit.Page, r *approval.Request) {
	p.Buttons("glass", kit.Button(ids.ActionLook, "Look at it", fmt.Sprintf("%s/%d", r.ID, r.Glass.Revision), slack.StylePrimary))
}

// glassWaitsNotice reminds administrators that two of them look at what ran without an approval, and says when it is too late.
func glassWaitsNotice(with draw.With, n *steps.NoticeView, to string) (*kit.Page, error) {
	said, err := read[approval.GlassWaits](n)
	if err != nil {
		return nil, err
	}
	p, r := &kit.Page{}, n.View.Request
	g := r.Glass // nil once the code went back to the reviewers
	looked := g != nil && slices.ContainsFunc(g.Looks, func(l approval.GlassLook) bool { return l.Person == to })
	switch {
	case said.Rests:
		p.Say(kit.Strong("Break-glass rests for everybody"), kit.Words(", since "), kit.Moment(said.Until), kit.Words(": two of you had not looked at what "), kit.Person(said.Person), kit.Words(" had run without an approval. Name people for it anew in People on my Home."))
	case g == nil || g.Revision != said.Revision || len(g.Looks) >= review.GlassLooks:
		p.Say(kit.Words("Nothing waits for you here any more."))
		lately(with, p, n.View, "Open the card")
		return p, nil
	default:
		p.Say(kit.Strong("Two of you still have to look"), kit.Words(" at what "), kit.Person(said.Person), kit.Words(" had run without an approval: until "), kit.Moment(said.Until), kit.Words(". After that break-glass rests for everybody."))
	}
	p.Quote(kit.Cut(r.Question, 600), kit.Person(r.Asker), kit.Words(" asked:"))
	if g != nil && g.Revision == said.Revision && !looked && len(g.Looks) < review.GlassLooks && to != g.Person && to != r.Asker {
		lookAt(p, r)
	}
	return p, nil
}

// Offer lists what waits, each with a button to its code, for somebody who may have it run without an approval.
// glass.Keeper.Offer has left out what may not run so, such as code with dangers.
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

// LookView shows an administrator what ran without an approval: who, why, and the code as it ran. Both
// answers count as a look; what is found is on record, and a doubt stops nothing.
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
