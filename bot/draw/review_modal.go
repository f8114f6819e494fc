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
	p.Small(append(Print(r.ID, rev.Number, rev.Digest), kit.Words(". Approve below runs it once."))...)
	row := []slack.BlockElement{kit.Button(ids.ActionReject, "Reject", from.Seal, slack.StyleDanger)}
	if r.Repeats == nil {
		row = append(row, kit.Button(ids.ActionChanges, "Request changes", from.Seal, slack.StyleDefault))
	}
	p.Buttons("decide", append(row, looks(r, from.Seal)...)...)
	if v.Terms.Typed {
		p.Add(typedField(v.Terms), 0, "")
	}
	view := slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackReview, Title: kit.Plain("Review the code"), Submit: kit.Plain("Approve"),
		Close: kit.Plain("Close"), Blocks: slack.Blocks{BlockSet: p.Blocks}}
	// Of everything that the modal says, and put into the metadata, which is not part of it.
	from.Mark = readback.MarkOf(readback.TreeFrom(view), nil)
	view.PrivateMetadata = from.String()
	return view, true
}

// typedField has the reviewer type what the rules want typed: a hand that only
// wants to be rid of the card does not get past it.
func typedField(t review.Terms) slack.Block {
	typed := t.Digest[:min(review.TypedLength, len(t.Digest))]
	field := slack.NewPlainTextInputBlockElement(kit.Plain(typed), ids.FieldTyped)
	field.MaxLength = 64
	hint := "This is the version's confirmation code. Typing it says that you have read the code."
	return slack.NewInputBlock(ids.FieldTyped, kit.Plain("To approve code of "+strings.ToLower(RiskWords[t.Tier])+", type "+typed), kit.Plain(hint), field)
}
