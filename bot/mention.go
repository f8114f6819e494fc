package bot

import (
	"context"
	"strings"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/kit"
)

// spoken is a message that is meant for the bot: a mention, or a direct message.
type spoken struct {
	team, channel, user string
	ts, thread          string
	text                string // as Slack sends it
	files               []slack.File
	ignore              bool // written by a bot, edited, or no plain message
}

// seat is where the speaker can be answered in private.
func (s spoken) seat() seat { return seat{user: s.user, channel: s.channel, thread: s.thread} }

// mentioned is an app_mention. Editing a message sends one, too, which would ask
// the same again.
func mentioned(team string, e *slackevents.AppMentionEvent) spoken {
	return spoken{team: team, channel: e.Channel, user: e.User, ts: e.TimeStamp, thread: e.ThreadTimeStamp, text: e.Text,
		files: e.Files, ignore: e.BotID != "" || e.Edited != nil || e.User == ""}
}

// messaged is a message.im. Only what a person wrote is a question: Slack tells
// of edits, deletions and the bot's own words by the same event.
func messaged(team string, e *slackevents.MessageEvent) spoken {
	s := spoken{team: team, channel: e.Channel, user: e.User, ts: e.TimeStamp, thread: e.ThreadTimeStamp, text: e.Text,
		ignore: !e.IsIM() || e.BotID != "" || e.User == "" || e.SubType != "" && e.SubType != slack.MsgSubTypeFileShare}
	if e.Message != nil {
		s.files = e.Message.Files
	}
	return s
}

// hear takes a question that was put to the bot in so many words: in a thread it
// goes on with what was said there, elsewhere it begins a thread of its own.
func (b *Bot) hear(ctx context.Context, s spoken) (answer, error) {
	who, err := b.who(ctx)
	if err != nil {
		return answer{}, err
	}
	if s.ignore || s.user == who.User {
		return answer{}, nil
	}
	text := kit.FromSlack(kit.WithoutMention(s.text, who.User))
	click := approval.Click{Team: s.team, User: s.user, Channel: s.channel, ActionTS: s.ts, MessageTS: s.ts}
	if a, ok, err := b.aside(ctx, text, click); ok {
		return b.whisper(a, s.seat()), err
	}
	if strings.TrimSpace(text) == "" {
		return answer{}, &approval.InputError{Why: "What would you like to know? Write it in the same message, for example: What were sales per month in sales.csv?"}
	}
	q := approval.Question{Team: s.team, Project: s.channel, Asker: s.user, Text: text, ThreadTS: s.thread, Follow: s.thread != "",
		Trigger: "message " + s.channel + " " + s.ts}
	if q.ThreadTS == "" {
		q.ThreadTS = s.ts
	}
	for _, f := range s.files {
		if !draw.Data(f.Name) {
			return answer{}, notData(f.Name)
		}
		q.Files, q.Brought = append(q.Files, input(f)), append(q.Brought, f.ID)
	}
	r, err := b.Service.Ask(ctx, q)
	if err != nil || r.Blocked == nil && r.Downgraded == nil {
		return answer{}, err
	}
	// What a command would have said in its answer matters here as well.
	return answer{after: func(ctx context.Context) { b.tell(ctx, s.seat(), draw.Taken(r)...) }}, nil
}

// notData is a file that came with a question and cannot be read.
func notData(name string) error {
	return &approval.InputError{Why: kit.Cut(name, 100) + " is none of the files that I can read: " + strings.ToUpper(strings.Join(draw.DataTypes, ", ")) + "."}
}

// whisper gives to one person what a command would have answered in its ack.
func (b *Bot) whisper(a answer, at seat) answer {
	if a.page == nil {
		return answer{after: a.after}
	}
	return answer{after: func(ctx context.Context) { b.hand(ctx, at, a.page) }}
}
