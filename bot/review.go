package bot

import (
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval"
)

// reviewView is the modal that shows the whole of a program that is too long for
// its card: every line, numbered, in parts. Approving is sending it off.
func (b *Bot) reviewView(r *approval.Request, from origin) (slack.ModalViewRequest, bool) {
	chunks, ok := chunked(r.Revision.Code)
	if !ok {
		return slack.ModalViewRequest{}, false
	}
	p := &page{}
	p.quote(cut(r.Question, 3000), person(r.Asker), words(" asks:"))
	b.findings(p, r.Revision.Findings, 8000)
	for i, c := range chunks {
		p.verbatim([]part{strong(fmt.Sprintf("Part %d of %d", i+1, len(chunks))), words(fmt.Sprintf(", lines %d to %d of %d", c.from, c.to, chunks[len(chunks)-1].to))},
			c.text, "python", "")
	}
	p.small(words("Request "), mono(r.ID), words(fmt.Sprintf(", revision %d, sha256 ", r.Revision.Number)), mono(approval.Short(r.Revision.Digest)),
		words(fmt.Sprintf(", at most %s for the run. Approve below runs it once.", r.Revision.Manifest.CostCap.Approx())))
	p.buttons("decide", button(actionReject, "Reject", from.Seal, slack.StyleDanger))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackReview, Title: plain("Review the code"), Submit: plain("Approve"),
		Close: plain("Close"), PrivateMetadata: from.String(), Blocks: slack.Blocks{BlockSet: p.blocks}}, true
}
