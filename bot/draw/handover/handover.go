// Package handover draws the form in which somebody hands a thread to a colleague, and what the
// colleague reads of it then.
package handover

import (
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/handover"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// How many files, and how many answers, a form lists: Slack takes ten boxes to tick in one field, and a
// hundred choices in a menu.
const (
	mostTicks   = 10
	mostChoices = 100
)

// OfferView asks to whom a thread is to go, and what goes along. Nothing is ticked until its giver ticks it.
// to is who was named with the command, or "" for a form that was opened by a button.
func OfferView(r *approval.Request, stock handover.Stock, to string, from draw.Origin) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Say(kit.Words("Your colleague gets the questions and the code of this thread, and goes on with it: what they ask is paid from their budget. Nothing goes over until they accept."))
	who := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, kit.Plain("Choose a colleague"), ids.FieldPerson)
	who.InitialUser = to
	hint := "A full member of this workspace who is in the channel."
	if approval.Direct(r.Project) {
		hint = "A full member of this workspace."
	}
	p.Add(slack.NewInputBlock(ids.FieldPerson, kit.Plain("To"), kit.Plain(hint), who), 0, "")
	var files, answers []*slack.OptionBlockObject
	for _, f := range stock.Files[:min(mostChoices, len(stock.Files))] {
		files = append(files, slack.NewOptionBlockObject(f.ID, kit.Plain(kit.Cut(kit.OneLine(f.Name), 75)), nil))
	}
	for _, a := range stock.Answers[:min(mostChoices, len(stock.Answers))] {
		answers = append(answers, slack.NewOptionBlockObject(a.Request, kit.Plain(kit.Cut(kit.OneLine(a.Question), 75)), nil))
	}
	ticks(p, ids.FieldFiles, "Files that go along", "What you do not tick stays with you. A file that the channel shows everybody is there for your colleague anyway.", files)
	ticks(p, ids.FieldAnswers, "Private answers that go along", "Nobody but you reads these so far.", answers)
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackHand, Title: kit.Plain("Hand over"), Submit: kit.Plain("Offer"), Close: kit.Plain("Cancel"),
		PrivateMetadata: from.String(), Blocks: slack.Blocks{BlockSet: p.Blocks}}
}

// Begin leads to that form from a message, for which Slack opens none.
func Begin(id, to string) *kit.Page {
	p, value := &kit.Page{}, id
	said := []kit.Part{kit.Words("Hand this thread to a colleague? You choose who gets it, and what goes along.")}
	if to != "" {
		said, value = []kit.Part{kit.Words("Hand the thread of this question to "), kit.Person(to), kit.Words("? You choose what goes along.")}, id+" "+to
	}
	p.Say(said...)
	p.Buttons("hand", kit.Button(ids.ActionHand, "Hand over", value, slack.StylePrimary))
	return p
}

// ticks is a field in which any of some choices may be ticked, and none has to be.
// Nothing to tick is no field: Slack refuses a list without options, and with it the whole modal.
func ticks(p *kit.Page, field, label, hint string, options []*slack.OptionBlockObject) {
	if len(options) == 0 {
		return
	}
	var element slack.BlockElement = slack.NewCheckboxGroupsBlockElement(field, options...)
	if len(options) > mostTicks {
		element = slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, kit.Plain("Choose"), field, options...)
	}
	p.Add(slack.NewInputBlock(field, kit.Plain(label), kit.Plain(hint), element).WithOptional(true), 0, "")
}

// CameView shows a colleague what went over: each question with its code, and the answers that its giver has named.
// The rows are those that the database kept when the offer was accepted, so what the giver asks later is not
// among them.
func CameView(r *approval.Request, said []approval.Message) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Small(kit.Words("From "), kit.Person(r.Asker), kit.Words(". It is as it was when you accepted."))
	for _, m := range said {
		// Slack takes a hundred blocks, and room is needed for this sentence.
		if p.Room() < 500 || len(p.Blocks) > 80 {
			p.Say(kit.Words("There is more than fits here. The model has all of it when you ask your next question."))
			break
		}
		switch m.Role {
		case approval.RoleQuestion:
			p.Say(kit.Strong("Question: "), kit.Words(kit.Cut(m.Text, 600)))
		case approval.RoleCode:
			p.Verbatim(nil, kit.Cut(m.Text, min(2500, p.Room()/2)), "", "")
		case approval.RoleClarify:
			p.Say(kit.Strong("The model asked: "), kit.Words(kit.Cut(approval.Plain(m.Text), 400)))
		case approval.RoleClarified:
			p.Say(kit.Strong("The answer: "), kit.Words(kit.Cut(approval.Plain(m.Text), 400)))
		case approval.RoleResult:
			result(p, m)
		}
	}
	if len(said) == 0 {
		p.Say(kit.Words("There is nothing left to read: it was taken back, or forgotten."))
	}
	return kit.NoteOf("What was asked", p)
}

// result is an answer in words: its sentence, or what it was about. Both come out of a box, so they are
// made plain.
func result(p *kit.Page, m approval.Message) {
	if m.Result != nil && m.Result.Answer != "" {
		p.Say(kit.Strong("Answer: "), kit.Words(kit.Cut(approval.Plain(m.Result.Answer), 1000)))
		return
	}
	p.Say(kit.Strong("Answer: "), kit.Words(kit.Cut(approval.Plain(m.Text), 1000)))
}

// Offered tells the giver that it is under way.
func Offered(to string) []kit.Part {
	return []kit.Part{kit.Words("Offered to "), kit.Person(to), kit.Words(fmt.Sprintf(". A direct message asks them; they have %d days to accept.", int(approval.HandOverLife.Hours()/24)))}
}
