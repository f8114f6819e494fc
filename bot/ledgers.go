package bot

import (
	"context"
	"errors"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/command"
	"countersign/bot/draw/money"
	"countersign/bot/kit"
	"countersign/budget"
)

// budgetHistory shows who has changed a budget, the latest first.
func (b *Bot) budgetHistory(ctx context.Context, c slack.SlashCommand, o command.Order) (*kit.Page, error) {
	if o.Target.Kind == "" {
		return b.changes(ctx, c.TeamID, c.UserID, nil)
	}
	s, err := b.scope(ctx, c.TeamID, o.Target)
	if err != nil {
		return nil, err
	}
	return b.changes(ctx, c.TeamID, c.UserID, &s)
}

// changes lists those of one budget, or of all.
func (b *Bot) changes(ctx context.Context, team, reader string, scope *budget.Scope) (*kit.Page, error) {
	events, err := b.Service.LimitHistory(ctx, team, reader, scope)
	if err != nil {
		return nil, err
	}
	return money.LimitChanges(events, b.namer(ctx))
}

// explain says which budget decided what about one question.
func (b *Bot) explain(ctx context.Context, c slack.SlashCommand, o command.Order) (*kit.Page, error) {
	return b.explained(ctx, c.TeamID, c.UserID, o.Request)
}

// explained says it to whoever may know.
func (b *Bot) explained(ctx context.Context, team, reader, id string) (*kit.Page, error) {
	e, err := b.Service.Explain(ctx, team, reader, id)
	if errors.Is(err, approval.ErrNotFound) {
		return nil, &approval.InputError{Why: "There is no question with the id " + id + " here. Its id stands in the small print of its card and its answer; /analyze status lists yours."}
	}
	if err != nil {
		return nil, err
	}
	return money.Weighings(e, reader), nil
}

// topSpenders adds spending up.
func (b *Bot) topSpenders(ctx context.Context, c slack.SlashCommand, o command.Order) (*kit.Page, error) {
	return b.spenders(ctx, c.TeamID, c.UserID, o)
}

func (b *Bot) spenders(ctx context.Context, team, reader string, o command.Order) (*kit.Page, error) {
	from, until := command.Periods[o.Period].Around(time.Now().In(b.Service.Calendar()))
	list, err := b.Service.Top(ctx, team, reader, approval.Ranking(o.By), from, until)
	if err != nil {
		return nil, err
	}
	return money.Ranking(o, from, until, list), nil
}
