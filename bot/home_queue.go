package bot

import (
	"context"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
)

// clickQueue shows another part of the queue.
func (b *Bot) clickQueue(_ context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	mark := home.ShelfmarkOf(cb.View.PrivateMetadata)
	if g, looking := b.glimpsed(cb.User.ID); looking && g.drew(cb.View.Hash) {
		mark = g.mark // a press before this one, of which the Home does not tell yet
	}
	b.looks(cb.User.ID, mark.After(action), "") // drawn when the press has been answered, as after every press
	return answer{}, nil
}

// clickQueued opens the code of a row of the queue: it is decided right there.
func (b *Bot) clickQueued(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, err := b.own(ctx, cb, action.Value)
	if err != nil {
		return answer{}, err
	}
	s := draw.SealOf(v.Request)
	click := clickOf(cb, action)
	if _, err := b.Service.MayDecide(ctx, s.Ruling(approval.Approve, "", click)); err != nil {
		return answer{}, err
	}
	return answer{}, b.openReview(ctx, cb.TriggerID, v, draw.Origin{Seal: s.String()}, click)
}
