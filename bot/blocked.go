package bot

import (
	"context"
	"errors"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/kit"
	"countersign/budget"
)

// progressNow is the line of progress, with what can be done about a budget that
// refuses: that depends on the budgets as they are now.
func (b *Bot) progressNow(ctx context.Context, v *approval.View) (*kit.Page, error) {
	if v.Request.Blocked == nil || v.Request.State.Final() {
		return draw.Progress(b.with(), v), nil
	}
	c, err := b.Service.Choices(ctx, v.Request.ID)
	if err != nil {
		return nil, err
	}
	if c.Block == nil {
		return draw.Progress(b.with(), v), nil // it has gone on meanwhile, and will be drawn again
	}
	return draw.Blocked(b.with(), v, c), nil
}

// clickContinue tries a blocked request again.
func (b *Bot) clickContinue(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	_, err := b.Service.Continue(ctx, action.Value, "", clickOf(cb, action))
	return answer{}, stillBlocked(err, cb.User.ID)
}

// clickCheaper goes on with the model that was chosen, from a button or a list.
func (b *Bot) clickCheaper(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	value := action.Value
	if value == "" {
		value = action.SelectedOption.Value
	}
	id, model, ok := strings.Cut(value, "/")
	if !ok || model == "" {
		return answer{}, &approval.InputError{Why: "I do not know this button. It may belong to an older version of this app."}
	}
	_, err := b.Service.Continue(ctx, id, model, clickOf(cb, action))
	return answer{}, stillBlocked(err, cb.User.ID)
}

// stillBlocked says the same as the refusal did before, with a beginning that
// answers the press.
func stillBlocked(err error, asker string) error {
	if exceeded := new(budget.ExceededError); errors.As(err, &exceeded) {
		return &approval.InputError{Why: "It still does not fit. " + exceeded.Words(asker)}
	}
	return err
}

// clickWait has it go on by itself when the budget starts anew.
func (b *Bot) clickWait(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	_, err := b.Service.WaitForReset(ctx, action.Value, clickOf(cb, action))
	return answer{}, stillBlocked(err, cb.User.ID)
}

// clickInsist declines the cheaper model.
func (b *Bot) clickInsist(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	_, err := b.Service.Insist(ctx, action.Value, clickOf(cb, action))
	return answer{}, err
}
