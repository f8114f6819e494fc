package bot

import (
	"context"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// analyze takes /analyze: a question, nothing (the form), or a word that asks
// about the questions themselves.
func (b *Bot) analyze(ctx context.Context, c slack.SlashCommand) (answer, error) {
	text := kit.FromSlack(c.Text)
	if a, ok, err := b.aside(ctx, text, approval.Click{Team: c.TeamID, User: c.UserID, Channel: c.ChannelID}); ok {
		return a, err
	}
	if text == "" {
		a, err := b.openForm(ctx, c.TriggerID, draw.Form{Channel: c.ChannelID, Person: c.UserID})
		if err != nil {
			return orPrivately(err)
		}
		return a, nil
	}
	r, err := b.Service.Ask(ctx, approval.Question{Team: c.TeamID, Project: c.ChannelID, Asker: c.UserID, Text: text, Trigger: "command " + c.TriggerID})
	if err != nil {
		return orPrivately(err)
	}
	return privately(&kit.Page{}, draw.Taken(r)...), nil
}

// orPrivately answers a command with what went wrong, when the person can know.
func orPrivately(err error) (answer, error) {
	if text, ok := draw.Known(err); ok {
		return privately(&kit.Page{}, kit.Words(text)), nil
	}
	return answer{}, err
}

// aside takes the words after /analyze, or in a mention, that are no question.
func (b *Bot) aside(ctx context.Context, text string, click approval.Click) (a answer, ok bool, err error) {
	verb, rest, more := strings.Cut(strings.ToLower(text), " ")
	switch {
	case verb == "help" && !more:
		return privately(draw.HelpAnalyze(b.Policy())), true, nil
	case verb == "status" && !more:
		a, err = b.status(ctx, click)
		return a, true, err
	case verb == "cancel" && !more:
		return privately(&kit.Page{}, kit.Words("Which one? "),
			kit.Mono(ids.CommandAnalyze+" status"), kit.Words(" lists your questions, with what to type to take one back.")), true, nil
	case verb == "cancel" && len(strings.Fields(rest)) == 1: // more words are a question: "cancel rates by month?"
		a, err = b.cancel(ctx, strings.TrimSpace(rest), click)
		return a, true, err
	}
	return answer{}, false, nil
}

// cancel takes a question back, by the id that status and the first answer give.
func (b *Bot) cancel(ctx context.Context, id string, click approval.Click) (answer, error) {
	r, err := b.Service.Withdraw(ctx, id, click)
	if err != nil {
		return orPrivately(err)
	}
	return privately(&kit.Page{}, kit.Words("Taken back: "+kit.Cut(r.Question, 200))), nil
}

// status lists what somebody has asked lately.
func (b *Bot) status(ctx context.Context, click approval.Click) (answer, error) {
	list, err := b.Service.Recent(ctx, click.Team, click.User)
	if err != nil {
		return orPrivately(err)
	}
	return privately(draw.Questions(list)), nil
}
