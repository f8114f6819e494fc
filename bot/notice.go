package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
)

// notices draws each kind of notice for the one who gets it. What a notice says
// is in its data; where its buttons lead is decided by what is stored now.
var notices = map[approval.NoticeKind]func(b *Bot, v *steps.NoticeView, to string) (*page, error){
	approval.NoticePrice:        (*Bot).priceNotice,
	approval.NoticeOverrun:      (*Bot).overrunNotice,
	approval.NoticeThreshold:    (*Bot).thresholdNotice,
	approval.NoticeStop:         (*Bot).stopNotice,
	approval.NoticeForecast:     (*Bot).forecastNotice,
	approval.NoticeTopUp:        (*Bot).topUpNotice,
	approval.NoticeTopUpOutcome: (*Bot).outcomeNotice,
	approval.NoticeFunded:       (*Bot).fundedNotice,
	approval.NoticeDigest:       (*Bot).digestNotice,
	approval.NoticeApproved:     (*Bot).approvedNotice,
	approval.NoticeDisowned:     (*Bot).disownedNotice,
	approval.NoticeReminder:     (*Bot).reminderNotice,
	approval.NoticeAssigned:     (*Bot).assignedNotice,
	approval.NoticeOpinion:      (*Bot).opinionNotice,
	approval.NoticeEditFailed:   (*Bot).editNotice,
	approval.NoticeNoPlace:      (*Bot).noPlaceNotice,
	approval.NoticeUnsaid:       (*Bot).unsaidNotice,
	approval.NoticeAskBack:      (*Bot).askBackNotice,
	approval.NoticeFound:        (*Bot).foundNotice,
	approval.NoticeAway:         (*Bot).awayNotice,
}

// noticeEvent marks a direct message as a notice, so that it is found again. Apps
// may read it, so there is nothing in it but the key's hash.
const noticeEvent = "countersign_notice"

// Tell implements approval.Slack: it sends a notice to one person, or redraws it.
func (b *Bot) Tell(ctx context.Context, v *steps.NoticeView, had steps.NoticePost) (steps.NoticePost, error) {
	draw, ok := notices[v.Kind]
	if !ok {
		return had, fmt.Errorf("notice %q: there is no kind %q", v.Key, v.Kind)
	}
	p, err := draw(b, v, had.Recipient)
	if err != nil {
		return had, err
	}
	shown := p.hash()
	if had.TS == "" && !had.Begun.IsZero() {
		if had.Channel, had.TS, err = b.findNotice(ctx, had); err != nil {
			return had, err
		}
	}
	had.Begun = time.Time{}
	if had.TS != "" {
		if had.Shown == shown {
			return had, nil
		}
		err := barely(p, func(p *page) error {
			_, _, _, err := b.api.UpdateMessageContext(ctx, had.Channel, had.TS, p.options()...)
			return err
		})
		if err != nil && !beyondRepair(err) {
			return had, refusedBy(fmt.Errorf("rewrite the notice %q: %w", v.Key, detail(err)), had.Recipient)
		}
		had.Shown = shown // what has been deleted by somebody is not forced on them again
		return had, nil
	}
	mark := slack.MsgOptionMetadata(slack.SlackMetadata{EventType: noticeEvent, EventPayload: map[string]any{"key": approval.Hash([]byte(v.Key))}})
	var channel, ts string
	err = barely(p, func(p *page) (err error) {
		channel, ts, err = b.api.PostMessageContext(ctx, had.Recipient, append(p.options(), mark)...)
		return err
	})
	if slices.Contains(unreachable, slackError(err)) {
		return had, fmt.Errorf("%w: %w", steps.ErrUnreachable, err)
	}
	if err != nil {
		return had, refusedBy(fmt.Errorf("send the notice %q: %w", v.Key, detail(err)), had.Recipient)
	}
	had.Channel, had.TS, had.Shown = channel, ts, shown
	return had, nil
}

// unreachable are Slack's words for people whom no direct message reaches.
var unreachable = []string{"user_not_found", "user_disabled", "account_inactive", "cannot_dm_bot", "channel_not_found", "messages_tab_disabled", "is_archived"}

// findNotice looks for a notice that may stand there since an attempt that ended
// before anybody could remember it.
func (b *Bot) findNotice(ctx context.Context, had steps.NoticePost) (channel, ts string, err error) {
	channel, err = b.directChannel(ctx, had.Recipient)
	if err != nil || channel == "" {
		return "", "", err
	}
	key := approval.Hash([]byte(had.Key))
	since := strconv.FormatInt(had.Begun.Add(-time.Minute).Unix(), 10) // clocks differ
	for cursor := ""; ; {
		page, err := b.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: channel, Oldest: since,
			Cursor: cursor, Limit: 200, IncludeAllMetadata: true})
		if err != nil {
			return "", "", fmt.Errorf("look for a notice: %w", detail(err))
		}
		for _, m := range page.Messages {
			if m.Metadata.EventType == noticeEvent && m.Metadata.EventPayload["key"] == key {
				return channel, m.Timestamp, nil
			}
		}
		if cursor = page.ResponseMetaData.NextCursor; cursor == "" {
			return "", "", nil
		}
	}
}

// directChannel is the conversation with one person, if there has been one.
func (b *Bot) directChannel(ctx context.Context, user string) (string, error) {
	for cursor := ""; ; {
		list, next, err := b.api.GetConversationsContext(ctx, &slack.GetConversationsParameters{Types: []string{"im"}, Limit: 200, Cursor: cursor})
		if err != nil {
			return "", fmt.Errorf("look for the messages with %s: %w", user, detail(err))
		}
		for _, c := range list {
			if c.User == user {
				return c.ID, nil
			}
		}
		if cursor = next; cursor == "" {
			return "", nil
		}
	}
}

// read takes what a notice says.
func read[T any](v *steps.NoticeView) (said T, err error) {
	if err := json.Unmarshal(v.Data, &said); err != nil {
		return said, fmt.Errorf("read the notice %q: %w", v.Key, err)
	}
	return said, nil
}

// priceNotice tells of a model or a box that nobody can price.
func (b *Bot) priceNotice(v *steps.NoticeView, to string) (*page, error) {
	said, err := read[approval.PriceMissing](v)
	if err != nil {
		return nil, err
	}
	p, what, uses := &page{}, "The model ", "Its calls are"
	if said.Box {
		what, uses = "The sandbox ", "Its boxes are"
	}
	if said.Refused {
		p.say(strong("A price is missing."), words(" Nobody knows what "), mono(said.Model), words(" costs, so it is not used, and work that needs it is refused."))
	} else {
		p.say(strong("A price is missing. "), words(what), mono(said.Model), words(" was used, and nobody knows what it costs. "+
			uses+" charged at the most that they could have cost, so budgets run down faster than they need to."))
	}
	if said.Asked != "" && said.Asked != said.Model {
		p.say(words("It was asked for as "), mono(said.Asked), words("."))
	}
	if v.Roster.Admin(to) {
		p.say(words("To mend it, add a line for it to the file that "), mono("PRICES_FILE"), words(" names, and start the app again."))
	} else {
		p.say(words("An administrator can add its price; they have been told."))
	}
	return p, nil
}
