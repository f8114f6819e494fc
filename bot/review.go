package bot

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
)

// reviewView is the modal that shows the whole of a program in parts: every line,
// numbered. Approving is sending it off. It is where long programs are decided,
// where the rules want the digest typed, and what opens from a Home.
func (b *Bot) reviewView(v *steps.View, from origin) (slack.ModalViewRequest, bool) {
	r, rev := v.Request, v.Request.Revision
	chunks, ok := chunked(rev.Code)
	if !ok {
		return slack.ModalViewRequest{}, false
	}
	p := &page{}
	b.glance(p, v)
	b.verdicts(p, v)
	b.asks(p, v)
	b.since(p, v)
	p.enumerate("File", fileLines(r.Files))
	b.findings(p, rev.Findings, 8000)
	b.summary(p, rev)
	for i, c := range chunks {
		title := []part{strong(fmt.Sprintf("Part %d of %d", i+1, len(chunks))), words(fmt.Sprintf(", lines %d to %d of %d", c.from, c.to, chunks[len(chunks)-1].to))}
		if len(chunks) == 1 {
			title = []part{strong("Code"), words(fmt.Sprintf(", all %s", count(c.to, "line")))}
		}
		p.verbatim(title, c.text, fmt.Sprint(codeID, i+1), "")
	}
	b.agreed(p, v, review.MaxHosts)
	p.small(words("Request "), mono(r.ID), words(fmt.Sprintf(", revision %d, sha256 ", rev.Number)), mono(approval.Short(rev.Digest)), words(". Approve below runs it once."))
	p.buttons("decide", button(actionReject, "Reject", from.Seal, slack.StyleDanger), button(actionChanges, "Request changes", from.Seal, slack.StyleDefault))
	if v.Terms.Typed {
		p.add(typedField(v.Terms), 0, "")
	}
	view := slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackReview, Title: plain("Review the code"), Submit: plain("Approve"),
		Close: plain("Close"), Blocks: slack.Blocks{BlockSet: p.blocks}}
	from.Mark = markOf(treeFrom(view), nil)
	view.PrivateMetadata = from.String()
	return view, true
}

// typedLength is how much of a digest is asked for.
const typedLength = 6

// typedField has the reviewer type what the rules want typed: a hand that only
// wants to be rid of the card does not get past it.
func typedField(t review.Terms) slack.Block {
	typed := t.Digest[:min(typedLength, len(t.Digest))]
	field := slack.NewPlainTextInputBlockElement(plain(typed), fieldTyped)
	field.MaxLength = 64
	hint := "It is the beginning of this version's digest, and says that you have read its lines."
	return slack.NewInputBlock(fieldTyped, plain("To approve code of "+lower(riskWords[t.Tier])+", type "+typed), plain(hint), field)
}

// clickReview opens the whole of a program, from its card.
func (b *Bot) clickReview(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, s, err := cardOf(cb, action)
	if err != nil {
		return answer{}, err
	}
	click := clickOf(cb, action)
	if _, err := b.Service.MayDecide(ctx, s.ruling(approval.Approve, "", click)); err != nil {
		return b.decided(s, click, seatOf(cb), err)
	}
	v, err := b.Service.View(ctx, s.request)
	if err != nil {
		return answer{}, err
	}
	return answer{}, b.openReview(ctx, cb.TriggerID, v, from, click)
}

// openReview shows the modal, and looks at what Slack has made of it: what does
// not show the code as it is gives way to a word, before anybody can send it off.
func (b *Bot) openReview(ctx context.Context, trigger string, v *steps.View, from origin, click approval.Click) error {
	view, ok := b.reviewView(v, from)
	if !v.Terms.Slack {
		return &approval.InputError{Why: "The rules want this decided on the command line: countersign decide " + v.Request.ID}
	}
	if !ok {
		return &approval.InputError{Why: "This program is too long to be shown here, so it cannot be approved. Reject it, or request changes."}
	}
	if b.language.Load() == languageKept && b.Language {
		view.Blocks.BlockSet = coloured(view.Blocks.BlockSet)
	}
	ctx, held := holding(ctx)
	stored, err := b.api.OpenViewContext(ctx, trigger, view)
	if err != nil {
		return b.unopened(v.Request.ID, view, err)
	}
	d := differ(treeFrom(view), held.posted())
	if !held.holdsText("private_metadata", view.PrivateMetadata) || !held.holdsText("callback_id", view.CallbackID) {
		d.what = "metadata"
	}
	if !d.harmful() {
		b.learn("a modal", d.spelling)
		if err := b.Service.Opened(ctx, v.Request.ID, v.Request.Revision.Number, click); err != nil {
			b.Log.Warn("note who has opened a review", "request", v.Request.ID, "error", err) // for figures only
		}
		return nil
	}
	b.Log.Error("Slack stored something else than the modal that was sent", "request", v.Request.ID, "what", d.what, "line", d.line)
	// The submission is held against the code again, so this is courtesy, not safety.
	_, err = b.api.UpdateViewContext(ctx, *noteView("This cannot be trusted", unlike(d.line, v.Request.ID)), "", "", stored.ID)
	if err != nil {
		b.Log.Warn("take back a modal that cannot be trusted", "request", v.Request.ID, "error", detail(err))
	}
	return nil
}
