package bot

import (
	"context"

	"github.com/slack-go/slack"

	"countersign/bot/kit"
)

// seat is where somebody sits: where a private word reaches them.
type seat struct {
	user    string
	channel string // empty when they are nowhere in particular, such as in a modal
	thread  string
}

// seatOf is where somebody pressed. Inside a modal there is no channel.
func seatOf(cb slack.InteractionCallback) seat {
	at := seat{user: cb.User.ID, channel: cb.Channel.ID, thread: cb.Container.ThreadTs}
	if cb.Container.ChannelID != "" {
		at.channel = cb.Container.ChannelID
	}
	return at
}

// tell says something to one person alone: beside what they did when Slack can
// show it there, else in a direct message. It is never the only record of anything.
func (b *Bot) tell(ctx context.Context, at seat, parts ...kit.Part) {
	p := &kit.Page{}
	p.Say(parts...)
	b.hand(ctx, at, p)
}

// hand gives a page to one person alone.
func (b *Bot) hand(ctx context.Context, at seat, p *kit.Page) {
	options := p.Options()
	if at.channel != "" {
		if at.thread != "" {
			options = append(options, slack.MsgOptionTS(at.thread))
		}
		_, err := b.api.PostEphemeralContext(ctx, at.channel, at.user, options...)
		if err == nil {
			return
		}
		b.Log.Info("a private word goes by direct message", "user", at.user, "channel", at.channel, "error", err)
	}
	if _, _, err := b.api.PostMessageContext(ctx, at.user, p.Options()...); err != nil {
		b.Log.Error("a private word did not arrive", "user", at.user, "error", detail(err))
	}
}

// privately answers a command in its own ack, for the person's eyes only.
func privately(p *kit.Page, parts ...kit.Part) answer {
	p.Say(parts...)
	return answer{page: p, payload: map[string]any{"response_type": "ephemeral", "text": p.Text(), "blocks": p.Blocks}}
}
