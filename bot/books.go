package bot

import (
	"context"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
)

// What the commands about money say is also a press away: on the Home and where a
// budget refuses. The answer is a modal, which nobody else sees.

// noted shows a page in a modal, or why there is none.
func (b *Bot) noted(ctx context.Context, cb slack.InteractionCallback, title string, p *page, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	return answer{}, b.open(ctx, cb.TriggerID, noteOf(title, p))
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
	return answer{}, b.open(ctx, cb.TriggerID, explainView())
}

func explainView() slack.ModalViewRequest {
	id := slack.NewPlainTextInputBlockElement(plain("bcd23fg"), fieldRequest)
	id.MaxLength, id.FocusOnLoad = 20, true
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackExplain, Title: plain("Explain a question"),
		Submit: plain("Explain"), Close: plain("Cancel"), Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewInputBlock(fieldRequest, plain("The id of the question"), plain("It stands in the small print of its card and its answer."), id)}}}
}

// submitExplain is /budget explain, in the modal's place.
func (b *Bot) submitExplain(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	var o order
	err := o.readExplain([]string{fieldsOf(cb)[fieldRequest].Value})
	if err != nil {
		return saved(err, fieldRequest)
	}
	p, err := b.explained(ctx, cb.Team.ID, cb.User.ID, o.request)
	if err != nil {
		return saved(err, fieldRequest)
	}
	view := noteOf("Why", p)
	return answer{payload: slack.NewUpdateViewSubmissionResponse(&view)}, nil
}

// clickTop is /budget top, with lists to choose from by what and over which time.
func (b *Bot) clickTop(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	o := order{by: string(steps.ByPeople), period: "this month"}
	p, err := b.spenders(ctx, cb.Team.ID, cb.User.ID, o)
	if err != nil {
		return answer{}, err
	}
	return answer{}, b.open(ctx, cb.TriggerID, topView(p, o))
}

// clickRanking adds up anew.
func (b *Bot) clickRanking(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	fields := fieldsOf(cb)
	o := order{by: fields[fieldRanking].SelectedOption.Value, period: fields[fieldPeriod].SelectedOption.Value}
	if _, ok := periods[o.period]; !ok || rankings[o.by] == "" {
		return answer{}, &approval.InputError{Why: "I do not know this list. It may belong to an older version of this app."}
	}
	p, err := b.spenders(ctx, cb.Team.ID, cb.User.ID, o)
	if err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { b.redraw(ctx, cb, topView(p, o)) }}, nil
}

// rankingChoices and periodChoices are what can be chosen, in the order of the lists.
var (
	rankingChoices = []string{string(steps.ByPeople), string(steps.ByChannels), string(steps.ByModels), string(steps.ByDays)}
	periodChoices  = []string{"today", "yesterday", "this week", "last week", "this month", "last month"}
)

// topView is a ranking under the lists to choose from.
func topView(p *page, o order) slack.ModalViewRequest {
	list := func(field, chosen string, values []string) slack.Block {
		var options []*slack.OptionBlockObject
		for _, v := range values {
			options = append(options, slack.NewOptionBlockObject(v, plain(capital(v)), nil))
		}
		e := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, field, options...)
		for i, v := range values {
			if v == chosen {
				e.InitialOption = options[i]
			}
		}
		return slack.NewActionBlock(field, e)
	}
	view := noteOf("Who spends", p)
	view.CallbackID = callbackTop
	view.Blocks.BlockSet = append([]slack.Block{list(fieldRanking, o.by, rankingChoices), list(fieldPeriod, o.period, periodChoices)}, view.Blocks.BlockSet...)
	return view
}
