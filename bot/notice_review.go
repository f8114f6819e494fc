package bot

import (
	"context"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/kit"
)

// clickDisown takes back what was approved in somebody's name.
func (b *Bot) clickDisown(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	id, number, _ := strings.Cut(action.Value, "/")
	revision, err := strconv.Atoi(number)
	if err != nil {
		return answer{}, &approval.InputError{Why: "I do not know this button. It may belong to an older version of this app."}
	}
	at := seatOf(cb)
	if _, err := b.Service.Disown(ctx, id, revision, clickOf(cb, action)); err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) {
		b.tell(ctx, at, kit.Words("The approval has been taken back, and the administrators have been told. If somebody else used your account, sign out of Slack everywhere and change your password."))
	}}, nil
}
