package draw

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// ChangesView asks what should be different, and says who may approve what comes of it.
// Where nobody may, it offers what leads somewhere.
func ChangesView(from Origin, next review.Next) slack.ModalViewRequest {
	if next.Stuck() {
		return stuckView(from, next)
	}
	field := slack.NewPlainTextInputBlockElement(kit.Plain("For example: leave out the test store, and round to whole dollars."), ids.FieldReason)
	field.Multiline, field.MaxLength, field.FocusOnLoad = true, 1000, true
	p := &kit.Page{}
	p.Say(kit.Words("The model gets the code and your words, and writes a new version, which is reviewed like the first. It costs the asker about as much as the first."))
	p.Say(successors(next)...)
	blocks := append(p.Blocks, slack.NewInputBlock(ids.FieldReason, kit.Plain("What should be different?"), nil, field))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackChanges, Title: kit.Plain("Request changes"), Submit: kit.Plain("Request changes"),
		Close: kit.Plain("Back"), PrivateMetadata: from.String(), Blocks: slack.Blocks{BlockSet: blocks}}
}

// successors says before a wish is sent off that its sender will have written a part.
// next is worked out for the tier of the version that is being left, since nobody knows the risk of one that is
// not written yet.
func successors(next review.Next) []kit.Part {
	said := []kit.Part{kit.Strong("You cannot approve the next version"), kit.Words(", because you will have written a part of it. ")}
	// Of low risk they may approve it. But the tier of what comes is not known yet.
	if next.Tier == approval.Low {
		said = []kit.Part{kit.Words("Should the next version be of medium or high risk, "), kit.Strong("you cannot approve it"), kit.Words(", because you will have written a part of it. ")}
	}
	switch {
	case !next.Enough:
		return append(said, kit.Words("There are too few others here who could."))
	case next.Needs > 1:
		said = append(said, kit.Words(fmt.Sprintf("It takes %d of these people: ", next.Needs)))
	default:
		said = append(said, kit.Words("It takes one of these people: "))
	}
	return append(append(said, kit.People(next.Who, " or ")...), kit.Words("."))
}

// stuckView takes the place of the wish where nobody could approve what comes of it: the model would be paid for nothing.
func stuckView(from Origin, next review.Next) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Say(kit.Strong("Nobody could approve the next version."), kit.Words(fmt.Sprintf(" You could not, because you would have written a part of it. It is %s, so it takes %s of somebody else, and there are too few others here who review. The administrators have been told.",
		strings.ToLower(RiskWords[next.Tier]), kit.Count(next.Needs, "approval"))))
	p.Say(kit.Words("The asker can ask in other words, and then you can approve what is written for it. Or reject this version."))
	p.Buttons("instead", kit.Button(ids.ActionQuestion, "Edit the question", from.Seal, slack.StyleDefault), kit.Button(ids.ActionReject, "Reject", from.Seal, slack.StyleDanger))
	// Its buttons are pressed in the modal, so it remembers the card like any other.
	view := kit.NoteOf("Request changes", p)
	view.Close, view.PrivateMetadata = kit.Plain("Back"), from.String()
	return view
}

// EditField names the field that holds one part of a program.
func EditField(n int) string { return fmt.Sprintf("code_%d", n) }

// EditView is a program in fields, to be changed by hand. ok is false for one
// that is too long for that.
// The fields are joined again in their order and inspected like any other code, so an editor can change nothing
// that an inspection does not see.
func EditView(r *approval.Request, next review.Next, from Origin) (view slack.ModalViewRequest, ok bool) {
	// Slack's field holds 3,000 characters, so a program is edited in several, each of whole lines.
	parts, ok := kit.Split(r.Revision.Code)
	if !ok {
		return view, false
	}
	p := &kit.Page{}
	p.Say(kit.Words("Your edit becomes a new version. It is inspected like the model's, and somebody else must approve it."))
	p.Say(tooFew(next)...)
	for i, part := range parts {
		field := slack.NewPlainTextInputBlockElement(nil, EditField(i+1))
		field.Multiline, field.MaxLength, field.InitialValue = true, kit.FieldChars, part.Text
		label := fmt.Sprintf("Lines %d to %d of %d", part.From, part.To, len(kit.Lines(r.Revision.Code)))
		if len(parts) == 1 {
			label = "Code"
		}
		// One of several may be emptied, which takes its lines out.
		p.Add(slack.NewInputBlock(EditField(i+1), kit.Plain(label), nil, field).WithOptional(len(parts) > 1), 0, "")
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackEdit, Title: kit.Plain("Edit the code"), Submit: kit.Plain("Send for review"),
		Close: kit.Plain("Cancel"), PrivateMetadata: from.String(), Blocks: slack.Blocks{BlockSet: p.Blocks}}, true
}

// tooFew says before an edit is sent off that those who remain are too few to approve it. It is sent all the same, where its author wants that.
func tooFew(next review.Next) (said []kit.Part) {
	if next.Enough {
		return nil
	}
	if next.Tier == approval.Low {
		said = append(said, kit.Words("This is said in case it comes out as medium or high risk. "))
	}
	if len(next.Who) == 0 {
		said = append(said, kit.Strong("Nobody would be left who can approve it."))
	} else {
		said = append(said, kit.Strong("Too few people would be left who can approve it."), kit.Words(fmt.Sprintf(" It takes %d, and only these could: ", next.Needs)))
		said = append(append(said, kit.People(next.Who, ", ")...), kit.Words("."))
	}
	return append(said, kit.Words(" Whoever asked the question, wrote an earlier version or asked for changes cannot, and neither can you. Before you send it, have an administrator name another reviewer."))
}

// The two things that somebody can be asked for.
const (
	askDecide  = "decide"
	AskOpinion = "opinion"
)

// AssignView asks whom to ask, and for what.
func AssignView(from Origin) slack.ModalViewRequest {
	who := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, kit.Plain("Choose a person"), ids.FieldPerson)
	decide := slack.NewOptionBlockObject(askDecide, kit.Plain("To decide on it"), kit.Plain("Others may still decide too."))
	opinion := slack.NewOptionBlockObject(AskOpinion, kit.Plain("For a second opinion"), kit.Plain("They read it too; the decision stays open."))
	what := slack.NewRadioButtonsBlockElement(ids.FieldWhat, decide, opinion)
	what.InitialOption = decide
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackAssign, Title: kit.Plain("Ask somebody"), Submit: kit.Plain("Ask"), Close: kit.Plain("Cancel"),
		PrivateMetadata: from.String(), Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewInputBlock(ids.FieldPerson, kit.Plain("Whom"), kit.Plain("A direct message tells them, and the card says so."), who),
			slack.NewInputBlock(ids.FieldWhat, kit.Plain("What for"), nil, what)}}}
}

// ReasonView asks why.
// question tells that the reviewer wants the question changed. It is a rejection all the same: a reviewer
// cannot write in the asker's name.
func ReasonView(from Origin, question bool) slack.ModalViewRequest {
	field := slack.NewPlainTextInputBlockElement(kit.Plain("The asker will read it."), ids.FieldReason)
	field.Multiline, field.MaxLength, field.FocusOnLoad = true, 1000, true
	title, label := "Reject this code", "Why?"
	var hint *slack.TextBlockObject
	if question {
		title, label = "Edit the question", "How should the question be put?"
		hint = kit.Plain("This version is rejected with your words. The asker gets them with the button Ask again, which opens the question for editing.")
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackReason, Title: kit.Plain(title), Submit: kit.Plain("Reject"),
		Close: kit.Plain("Back"), PrivateMetadata: from.String(),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock(ids.FieldReason, kit.Plain(label), hint, field)}}}
}
