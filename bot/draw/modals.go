package draw

import (
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// ChangesView asks what should be different.
func ChangesView(from Origin) slack.ModalViewRequest {
	field := slack.NewPlainTextInputBlockElement(kit.Plain("For example: leave out the test store, and round to whole dollars."), ids.FieldReason)
	field.Multiline, field.MaxLength, field.FocusOnLoad = true, 1000, true
	p := &kit.Page{}
	p.Say(kit.Words("The model gets the code and your words, and writes a new version, which is reviewed like the first. It costs the asker about as much as the first."))
	blocks := append(p.Blocks, slack.NewInputBlock(ids.FieldReason, kit.Plain("What should be different?"), nil, field))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackChanges, Title: kit.Plain("Request changes"), Submit: kit.Plain("Request changes"),
		Close: kit.Plain("Back"), PrivateMetadata: from.String(), Blocks: slack.Blocks{BlockSet: blocks}}
}

// EditField names the field that holds one part of a program.
func EditField(n int) string { return fmt.Sprintf("code_%d", n) }

// EditView is a program in fields, to be changed by hand. ok is false for one
// that is too long for that.
func EditView(r *approval.Request, from Origin) (view slack.ModalViewRequest, ok bool) {
	parts, ok := kit.Split(r.Revision.Code)
	if !ok {
		return view, false
	}
	p := &kit.Page{}
	p.Say(kit.Words("Your edit becomes a new version. It is inspected like the model's, and somebody else must approve it."))
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
func ReasonView(from Origin) slack.ModalViewRequest {
	field := slack.NewPlainTextInputBlockElement(kit.Plain("The asker will read it."), ids.FieldReason)
	field.Multiline, field.MaxLength, field.FocusOnLoad = true, 1000, true
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackReason, Title: kit.Plain("Reject this code"), Submit: kit.Plain("Reject"),
		Close: kit.Plain("Back"), PrivateMetadata: from.String(),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock(ids.FieldReason, kit.Plain("Why?"), nil, field)}}}
}
