package bot

import (
	"context"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/command"
	"countersign/bot/draw/money"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// What the commands about money say is also a press away: on the Home and where a
// budget refuses. The answer is a modal, which nobody else sees.

// noted shows a page in a modal, or why there is none.
func (b *Bot) noted(ctx context.Context, cb slack.InteractionCallback, title string, p *kit.Page, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	return answer{}, b.open(ctx, cb.TriggerID, kit.NoteOf(title, p))
}

// clickWhy is /budget explain for the question whose button was pressed.
func (b *Bot) clickWhy(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	p, err := b.explained(ctx, cb.Team.ID, cb.User.ID, action.Value)
	return b.noted(ctx, cb, "Why", p, err)
}

// clickHistory is /budget history.
func (b *Bot) clickHistory(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	p, err := b.changes(ctx, cb.Team.ID, cb.User.ID, nil)
	return b.noted(ctx, cb, "Changes of budgets", p, err)
}

// clickExplain asks which question; people have a button at each of their own.
func (b *Bot) clickExplain(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	return answer{}, b.open(ctx, cb.TriggerID, money.ExplainView())
}

// submitExplain is /budget explain, in the modal's place.
func (b *Bot) submitExplain(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	var o command.Order
	err := o.ReadExplain([]string{fieldsOf(cb)[ids.FieldRequest].Value})
	if err != nil {
		return saved(err, ids.FieldRequest)
	}
	p, err := b.explained(ctx, cb.Team.ID, cb.User.ID, o.Request)
	if err != nil {
		return saved(err, ids.FieldRequest)
	}
	view := kit.NoteOf("Why", p)
	return answer{payload: slack.NewUpdateViewSubmissionResponse(&view)}, nil
}

// clickTop is /budget top, with lists to choose from by what and over which time.
func (b *Bot) clickTop(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	o := command.Order{By: string(approval.ByPeople), Period: "this month"}
	p, err := b.spenders(ctx, cb.Team.ID, cb.User.ID, o)
	if err != nil {
		return answer{}, err
	}
	return answer{}, b.open(ctx, cb.TriggerID, money.TopView(p, o))
}

// clickRanking adds up anew.
func (b *Bot) clickRanking(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	fields := fieldsOf(cb)
	o := command.Order{By: fields[ids.FieldRanking].SelectedOption.Value, Period: fields[ids.FieldPeriod].SelectedOption.Value}
	if _, ok := command.Periods[o.Period]; !ok || command.Rankings[o.By] == "" {
		return answer{}, &approval.InputError{Why: "I do not know this list. It may belong to an older version of this app."}
	}
	p, err := b.spenders(ctx, cb.Team.ID, cb.User.ID, o)
	if err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { b.redraw(ctx, cb, money.TopView(p, o)) }}, nil
}
