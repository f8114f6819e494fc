package bot

import (
	"context"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/kit"
)

// strangers are told this: budgets, reviewers and the audit trail belong to the
// workspace that the bot was installed in, and so does every question.
const strangers = "This app works for the people of the workspace that it was installed in."

// stranger answers who is of another workspace, and sees a message of ours in a
// channel that is shared with theirs: nothing has happened, and nothing will. What
// they pressed is on record when it stands for a request.
func (b *Bot) stranger(cb slack.InteractionCallback) (a answer) {
	value, click := cb.View.PrivateMetadata, approval.Click{Team: cb.Team.ID, User: cb.User.ID, Channel: seatOf(cb).channel, MessageTS: cb.Container.MessageTs}
	if from, err := draw.OriginOf(value); err == nil {
		value = from.Seal
	}
	if len(cb.ActionCallback.BlockActions) > 0 {
		value, click.ActionTS = cb.ActionCallback.BlockActions[0].Value, cb.ActionCallback.BlockActions[0].ActionTs
	}
	s, unknown := draw.ParseSeal(value)
	if unknown == nil || cb.ResponseURL != "" {
		a.after = func(ctx context.Context) {
			if cb.ResponseURL != "" {
				p := &kit.Page{}
				p.Say(kit.Words(strangers))
				options := append(p.Options(), slack.MsgOptionResponseURL(cb.ResponseURL, slack.ResponseTypeEphemeral))
				if _, _, err := b.api.PostMessageContext(ctx, "", options...); err != nil {
					b.Log.Warn("somebody of another workspace was not told", "error", detail(err))
				}
			}
			if unknown == nil {
				if err := b.Service.Stranger(ctx, s.Request, click); err != nil {
					b.Log.Warn("a press from another workspace was not kept", "request", s.Request, "error", err)
				}
			}
		}
	}
	if cb.Type == slack.InteractionTypeViewSubmission {
		a.payload = slack.NewUpdateViewSubmissionResponse(kit.NoteView("Nothing has changed", strangers))
	}
	return a
}
