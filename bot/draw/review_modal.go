package draw

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/readback"
)

// ReviewView is the modal that shows the whole of a program in parts: every line,
// numbered. Approving is sending it off. It is where long programs are decided,
// where the rules want the digest typed, and what opens from a Home.
func ReviewView(with With, v *steps.View, from Origin) (slack.ModalViewRequest, bool) {
	return codeView(with, v, from, false)
}

// GlassView is the same modal for whoever has the code run without an approval: sending it off does that, and
// takes a reason.
func GlassView(with With, v *steps.View, from Origin) (slack.ModalViewRequest, bool) {
	return codeView(with, v, from, true)
}

// codeView draws both: they show the same, so that whoever breaks the glass reads no less than whoever approves.
//
//	High risk · 1 of 2 approvals · at most 1 cent · until 15:30
//	who has decided; question; what changed; files; notes; refused drafts; warnings
//	Part 1 of 3, lines 1 to 80 of 214      and so on: every line, numbered
//	findings; cost, sandbox, limits, hosts; digest
//	[Reject] [Request changes] [What the model saw] [Columns] …
//	(field for the confirmation code, where the rules want it typed)
//	                                        Close   Approve
//
// It shows more of everything than the card does: a modal takes a hundred blocks, and the limit on the text of
// all blocks together is one of messages.
func codeView(with With, v *steps.View, from Origin, glass bool) (slack.ModalViewRequest, bool) {
	r, rev := v.Request, v.Request.Revision
	// Not drawn at all where it does not fit whole: what is approved here has been shown here.
	chunks, ok := kit.Chunked(rev.Code)
	if !ok {
		return slack.ModalViewRequest{}, false
	}
	p := &kit.Page{}
	Glance(p, v)
	verdicts(with, p, v)
	asks(p, v, allSaid)
	since(p, v)
	p.Enumerate("File", fileLines(r.Files, allRemarks))
	noted(p, v, review.MaxNotes)
	refusedDrafts(p, r)
	warned(p, r, allFound)
	summary(p, rev)
	for i, c := range chunks {
		title := []kit.Part{kit.Strong(fmt.Sprintf("Part %d of %d", i+1, len(chunks))), kit.Words(fmt.Sprintf(", lines %d to %d of %d", c.From, c.To, chunks[len(chunks)-1].To))}
		if len(chunks) == 1 {
			title = []kit.Part{kit.Strong("Code"), kit.Words(fmt.Sprintf(", all %s", kit.Count(c.To, "line")))}
		}
		p.Verbatim(title, c.Text, fmt.Sprint(kit.CodeID, i+1), "")
	}
	found(p, rev.Findings, allFound)
	agreed(p, v, review.MaxHosts)
	view := slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackReview, Title: kit.Plain("Review the code"), Submit: kit.Plain("Approve"), Close: kit.Plain("Close")}
	if glass {
		view.CallbackID, view.Title, view.Submit = ids.CallbackGlass, kit.Plain("Break the glass"), kit.Plain("Run it unapproved")
		p.Small(append(Print(r.ID, rev.Number, rev.Digest), kit.Words(". The button below runs it once, and nobody has approved it. Every administrator is told at once, and two of them look at it."))...)
		why := slack.NewPlainTextInputBlockElement(kit.Plain("The administrators read it."), ids.FieldReason)
		why.Multiline, why.MinLength, why.MaxLength = true, review.GlassReason, 1000
		p.Add(slack.NewInputBlock(ids.FieldReason, kit.Plain("Why can this not wait for a reviewer?"), nil, why), 0, "")
		return finished(view, p, v, from), true
	}
	p.Small(append(Print(r.ID, rev.Number, rev.Digest), kit.Words(". Approve below runs it once."))...)
	row := []slack.BlockElement{kit.Button(ids.ActionReject, "Reject", from.Seal, slack.StyleDanger)}
	if r.Repeats == nil {
		row = append(row, kit.Button(ids.ActionChanges, "Request changes", from.Seal, slack.StyleDefault))
	}
	p.Buttons("decide", append(row, looks(r, from.Seal)...)...)
	return finished(view, p, v, from), true
}

// finished is the modal with what was drawn, and a mark of everything that it says. The mark is in the metadata, which
// is not part of it.
func finished(view slack.ModalViewRequest, p *kit.Page, v *steps.View, from Origin) slack.ModalViewRequest {
	if v.Terms.Typed {
		p.Add(typedField(v.Terms), 0, "")
	}
	view.Blocks = slack.Blocks{BlockSet: p.Blocks}
	from.Mark = readback.Whole(readback.TreeFrom(view))
	view.PrivateMetadata = from.String()
	return view
}

// typedField has the reviewer type what the rules want typed: a hand that only
// wants to be rid of the card does not get past it. The code is shown, since it is no secret: it is the version's digest.
func typedField(t review.Terms) slack.Block {
	typed := t.Digest[:min(review.TypedLength, len(t.Digest))]
	field := slack.NewPlainTextInputBlockElement(kit.Plain(typed), ids.FieldTyped)
	field.MaxLength = 64
	hint := "This is the version's confirmation code. Typing it says that you have read the code."
	return slack.NewInputBlock(ids.FieldTyped, kit.Plain("To approve code of "+strings.ToLower(RiskWords[t.Tier])+", type "+typed), kit.Plain(hint), field)
}
