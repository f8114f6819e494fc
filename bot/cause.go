package bot

import (
	"context"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/draw"
)

// clickGiveUp ends it.
func (b *Bot) clickGiveUp(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	_, err := b.Service.GiveUp(ctx, action.Value, clickOf(cb, action))
	return answer{}, err
}

// clickAgain opens the form with a question that could not be taken as it was. What
// was asked, and what there is to choose from, is kept.
func (b *Bot) clickAgain(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, err := b.Service.View(ctx, action.Value)
	if err != nil {
		return answer{}, err
	}
	r := v.Request
	if r.Team != cb.Team.ID {
		return answer{}, approval.ErrNotFound
	}
	if r.Asker != cb.User.ID {
		return answer{}, &approval.NotAllowedError{Who: cb.User.ID, Why: "Only the person who asked can ask this again. You can ask it yourself, in your own words."}
	}
	f := draw.Form{Channel: r.Project, Person: r.Asker, Thread: v.Session.ThreadTS, Question: r.Question, Choices: r.Files, Ticked: r.Files}
	if c := r.Cause; c != nil {
		switch c.Code {
		case approval.NotIn, approval.NotSeen, approval.ChannelArchived, approval.AskerNotIn:
			f.Channel, f.Likely, f.Thread = "", r.Project, ""
			f.Choices = portable(r)
			f.Ticked = f.Choices
			if strings.HasPrefix(r.Project, "D") {
				f.Likely = ""
			}
		case approval.WhichFile:
			f.Choices, f.Ticked, f.Asks = c.Files, nil, true
		case approval.FileGone, approval.FileNotHere, approval.FileNotSeen, approval.FileHidden, approval.FileWithheld:
			f.Choices, f.Ticked = nil, nil
		}
	}
	for _, file := range f.Ticked {
		f.Brought = append(f.Brought, file.ID)
	}
	return b.openForm(ctx, cb.TriggerID, f)
}

// portable are the files that go along where a question is asked again in another
// place: those that came with it. Those of its channel or thread are read there, by whoever
// is in it; of a channel that the asker is not in, none are.
func portable(r *approval.Request) (files []approval.File) {
	if r.Cause.Code == approval.AskerNotIn || r.Seek == nil || r.Seek.Thread != "" {
		return nil
	}
	for _, f := range r.Files {
		if slices.Contains(r.Seek.Brought, f.ID) {
			files = append(files, f)
		}
	}
	return files
}
