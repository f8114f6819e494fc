package bot

import (
	"context"

	"github.com/slack-go/slack"
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
func (b *Bot) tell(ctx context.Context, at seat, parts ...part) {
	p := &page{}
	p.say(parts...)
	b.hand(ctx, at, p)
}

// hand gives a page to one person alone.
func (b *Bot) hand(ctx context.Context, at seat, p *page) {
	options := p.options()
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
	if _, _, err := b.api.PostMessageContext(ctx, at.user, p.options()...); err != nil {
		b.Log.Error("a private word did not arrive", "user", at.user, "error", detail(err))
	}
}

// options are a page as the Web API takes it.
func (p *page) options() []slack.MsgOption {
	return []slack.MsgOption{
		slack.MsgOptionBlocks(p.sent()...),
		slack.MsgOptionText(p.text(), false),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
	}
}

// sent are the blocks as Slack gets them.
func (p *page) sent() []slack.Block {
	if p.coloured {
		return coloured(p.blocks)
	}
	return p.blocks
}

// privately answers a command in its own ack, for the person's eyes only.
func privately(p *page, parts ...part) answer {
	p.say(parts...)
	return answer{page: p, payload: map[string]any{"response_type": "ephemeral", "text": p.text(), "blocks": p.blocks}}
}
