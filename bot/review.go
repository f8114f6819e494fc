package bot

import (
	"context"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/kit"
	"countersign/bot/readback"
)

// clickReview opens the whole of a program, from its card.
func (b *Bot) clickReview(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, s, err := cardOf(cb, action)
	if err != nil {
		return answer{}, err
	}
	click := clickOf(cb, action)
	if _, err := b.Service.MayDecide(ctx, s.Ruling(approval.Approve, "", click)); err != nil {
		return b.decided(s, click, seatOf(cb), err)
	}
	v, err := b.Service.View(ctx, s.Request)
	if err != nil {
		return answer{}, err
	}
	return answer{}, b.openReview(ctx, cb.TriggerID, v, from, click)
}

// openReview shows the modal, and looks at what Slack has made of it: what does
// not show the code as it is gives way to a word, before anybody can send it off.
func (b *Bot) openReview(ctx context.Context, trigger string, v *approval.View, from draw.Origin, click approval.Click) error {
	view, ok := draw.ReviewView(b.with(), v, from)
	if !v.Terms.Slack {
		return &approval.InputError{Why: "The rules want this decided on the command line: countersign decide " + v.Request.ID}
	}
	if !ok {
		return &approval.InputError{Why: "This program is too long to be shown here, so it cannot be approved. Reject it, or request changes."}
	}
	if b.language.Load() == languageKept && b.Language {
		view.Blocks.BlockSet = kit.Coloured(view.Blocks.BlockSet)
	}
	ctx, held := readback.Holding(ctx)
	stored, err := b.api.OpenViewContext(ctx, trigger, view)
	if err != nil {
		return b.unopened(v.Request.ID, view, err)
	}
	d := readback.Differ(readback.TreeFrom(view), held.Posted())
	if !held.HoldsText("private_metadata", view.PrivateMetadata) || !held.HoldsText("callback_id", view.CallbackID) {
		d.What = "metadata"
	}
	if !d.Harmful() {
		b.learn("a modal", d.Spelling)
		if err := b.Service.Opened(ctx, v.Request.ID, v.Request.Revision.Number, click); err != nil {
			b.Log.Warn("note who has opened a review", "request", v.Request.ID, "error", err) // for figures only
		}
		return nil
	}
	b.Log.Error("Slack stored something else than the modal that was sent", "request", v.Request.ID, "what", d.What, "line", d.Line)
	// The submission is held against the code again, so this is courtesy, not safety.
	_, err = b.api.UpdateViewContext(ctx, *kit.NoteView("This cannot be trusted", draw.Unlike(d.Line, v.Request.ID)), "", "", stored.ID)
	if err != nil {
		b.Log.Warn("take back a modal that cannot be trusted", "request", v.Request.ID, "error", detail(err))
	}
	return nil
}
