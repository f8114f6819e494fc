package bot

import (
	"context"
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
)

// What the steps of a request ask Slack about the place where it was asked.

// Place implements approval.Slack: it looks at a channel as it is now. Slack says
// channel_not_found of a private channel that the bot is not in as of one that is not
// there, and missing_scope of a kind of conversation that it may not read
// (docs.slack.dev, conversations.info, read 2026-11-26): whatever Slack refuses for a
// reason of its own is not seen, and what is only trouble is asked again.
func (b *Bot) Place(ctx context.Context, channel, user string) (p approval.Place, err error) {
	c, err := b.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
	switch {
	case forGood(err):
		return p, nil
	case err != nil:
		return p, fmt.Errorf("conversations.info %s: %w", channel, detail(err))
	}
	p = approval.Place{Seen: true, In: c.IsMember || c.IsIM, Archived: c.IsArchived, Private: (c.IsPrivate || c.IsGroup) && !c.IsIM}
	if !p.Private || !p.In || p.Archived || user == "" {
		return p, nil
	}
	members, err := b.Members(ctx, channel)
	if forGood(err) {
		return approval.Place{}, nil // it was taken out between the two
	}
	p.AskerIn = slices.Contains(members, user)
	return p, err
}

// Find implements approval.Slack: it finds the files of a question. Those that came
// with it are looked up as they are now; else those that its words name in the channel.
func (b *Bot) Find(ctx context.Context, q steps.Search) (found steps.Found, err error) {
	if q.Seek.Given {
		found.Files, err = b.asNow(ctx, q)
		return found, err
	}
	s, err := b.look(ctx, q.Channel, q.Text)
	if err != nil {
		return found, err
	}
	if q.Seek.Follow {
		if named, missing := s.named(q.Text); missing == "" && len(named) == 0 {
			found.Files, err = b.asNow(ctx, q) // of its thread
			return found, err
		} else if missing == "" {
			return steps.Found{Files: named}, nil
		}
	}
	meant, cause := s.pick(q.Text)
	if cause != nil {
		cause.Channel = q.Channel
		return found, &approval.CauseError{Cause: *cause}
	}
	return steps.Found{Files: meant.files, Unread: meant.unread}, nil
}

// asNow looks up files whose ids are known. One that was chosen from the channel's has
// to be there still. One that came with the question need not be: then it is the asker's
// own, or of the thread that the question goes on in. The bot may see files that the
// asker does not, and reads none of those for them.
func (b *Bot) asNow(ctx context.Context, q steps.Search) (files []approval.File, err error) {
	for _, f := range q.Files {
		info, err := b.info(ctx, f)
		if err != nil {
			return nil, err
		}
		came := slices.Contains(q.Seek.Brought, f.ID) && (info.User == q.Asker || q.Seek.Thread != "")
		if !came && !slices.Contains(slices.Concat(info.Channels, info.Groups, info.IMs), q.Channel) {
			return nil, &approval.CauseError{Cause: approval.Cause{Code: approval.FileNotHere, File: f.Name, Channel: q.Channel}}
		}
		files = append(files, input(*info))
	}
	return files, nil
}

// Stat implements approval.Slack.
func (b *Bot) Stat(ctx context.Context, f approval.File) error {
	_, err := b.info(ctx, f)
	return err
}
