package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/draw/money"
	"countersign/bot/ids"
	"countersign/budget"
)

// clickKind asks for what the chosen kind of budget needs.
func (b *Bot) clickKind(_ context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, err := limitOriginOf(cb)
	if err != nil {
		return answer{}, err
	}
	view := money.LimitView(money.LimitForm{Models: b.Service.Models(), Channel: from.Channel, Home: from.Home, Kind: action.SelectedOption.Value})
	return answer{after: func(ctx context.Context) { b.redraw(ctx, cb, view) }}, nil
}

// redraw shows something else in an open modal. Whoever has closed it, or has
// chosen again meanwhile, needs it no more.
func (b *Bot) redraw(ctx context.Context, cb slack.InteractionCallback, view slack.ModalViewRequest) {
	if _, err := b.api.UpdateViewContext(ctx, view, "", cb.View.Hash, cb.View.ID); err != nil && !slices.Contains([]string{"hash_conflict", "not_found"}, slackError(err)) {
		b.Log.Error("redraw a modal", "view", view.CallbackID, "error", detail(err))
	}
}

// limitOriginOf reads back what the modal remembers.
func limitOriginOf(cb slack.InteractionCallback) (from money.LimitOrigin, err error) {
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &from); err != nil {
		return from, fmt.Errorf("a modal's metadata: %w", err)
	}
	return from, nil
}

// clickSetLimit opens the empty form from a Home.
func (b *Bot) clickSetLimit(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	if !b.isAdmin(ctx, cb.Team.ID, cb.User.ID) {
		return answer{}, &approval.NotAllowedError{Who: cb.User.ID, Why: "Only administrators change budgets."}
	}
	return answer{}, b.open(ctx, cb.TriggerID, money.LimitView(money.LimitForm{Models: b.Service.Models(), Home: true, Kind: string(budget.User)}))
}

// clickEditLimit opens the form with what holds now.
func (b *Bot) clickEditLimit(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	s, err := money.ParseScope(cb.Team.ID, action.Value)
	if err != nil {
		return answer{}, err
	}
	standings, err := b.Service.Standings(ctx, cb.User.ID, []budget.Scope{s})
	if err != nil {
		return answer{}, err
	}
	if len(standings) == 0 {
		return answer{}, &approval.InputError{Why: "This budget has been removed in the meantime. " + ids.CommandBudget + " shows those that there are."}
	}
	f := money.LimitForm{Models: b.Service.Models(), Channel: seatOf(cb).channel, Home: cb.View.ID != "", Edits: &standings[0], Named: b.namer(ctx)(s)}
	return answer{}, b.open(ctx, cb.TriggerID, money.LimitView(f))
}
