package bot

import (
	"context"
	"time"

	"github.com/slack-go/slack"

	"countersign/bot/draw"
	"countersign/bot/draw/home"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// clickFigures shows administrators how reviewers decide: whether code is read, or
// waved through.
func (b *Bot) clickFigures(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	all, err := b.Service.Statistics(ctx, clickOf(cb, action), time.Now().AddDate(0, 0, -home.StatisticsDays))
	if err != nil {
		return answer{}, err
	}
	return answer{}, b.open(ctx, cb.TriggerID, home.FiguresView(all))
}

// clickAway asks who decides in the meantime.
func (b *Bot) clickAway(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	return answer{}, b.open(ctx, cb.TriggerID, home.DelegateView())
}

// submitDelegate names them.
func (b *Bot) submitDelegate(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	fields := fieldsOf(cb)
	zone := b.Policy().Zone
	if zone == nil {
		zone = time.UTC
	}
	day, err := time.ParseInLocation(time.DateOnly, fields[ids.FieldUntil].SelectedDate, zone)
	if err != nil {
		return beside(ids.FieldUntil, "Please choose a day."), nil
	}
	err = b.Service.Delegate(ctx, modalClick(cb, draw.Origin{}), fields[ids.FieldPerson].SelectedUser, day.AddDate(0, 0, 1))
	return saved(err, ids.FieldPerson)
}

// clickReturn ends a delegation.
func (b *Bot) clickReturn(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	return answer{}, b.Service.Delegate(ctx, clickOf(cb, action), "", time.Time{})
}

// beside says beside a field what is wrong.
func beside(field, text string) answer {
	return answer{payload: slack.NewErrorsViewSubmissionResponse(map[string]string{field: kit.Cut(text, 2000)})}
}

// saved ends a form: it closes, or says beside a field or in its place what is wrong.
func saved(err error, field string) (answer, error) {
	text, ok := draw.Known(err)
	switch {
	case err == nil:
		return answer{payload: slack.NewClearViewSubmissionResponse()}, nil
	case !ok:
		return answer{}, err
	case isInput(err):
		return beside(field, text), nil
	}
	return answer{payload: slack.NewUpdateViewSubmissionResponse(kit.NoteView("Nothing has changed", text))}, nil
}
