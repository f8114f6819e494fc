package bot

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"countersign/approval"
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
	text := fromSlack(withoutMention(s.text, who.User))
	click := approval.Click{Team: s.team, User: s.user, Channel: s.channel, ActionTS: s.ts, MessageTS: s.ts}
	if a, ok, err := b.aside(ctx, text, click); ok {
		return b.whisper(a, s.seat()), err
	}
	if strings.TrimSpace(text) == "" {
		return answer{}, &approval.InputError{Why: "What would you like to know? Write it in the same message, for example: What were sales per month in sales.csv?"}
	}
	q := approval.Question{Team: s.team, Project: s.channel, Asker: s.user, Text: text, ThreadTS: s.thread,
		Trigger: "message " + s.channel + " " + s.ts}
	if q.ThreadTS == "" {
		q.ThreadTS = s.ts
	}
	meant, err := b.meant(ctx, s, text)
	if err != nil {
		return answer{}, err
	}
	q.Files = meant.files
	r, err := b.Service.Ask(ctx, q)
	if err != nil || r.Blocked == nil && r.Downgraded == nil && meant.unread == "" {
		return answer{}, err
	}
	// What a command would have said in its answer matters here as well.
	return answer{after: func(ctx context.Context) { b.tell(ctx, s.seat(), append(taken(r), meant.note()...)...) }}, nil
}

// meant finds the files of a question that was put in a message: those that hang
// on it, else those that it names. A follow-up without either keeps the files of
// its thread, which the service knows.
func (b *Bot) meant(ctx context.Context, s spoken, text string) (p picked, err error) {
	for _, f := range s.files {
		if err := vanished(f); err != nil {
			return picked{}, err
		}
		if !data(f.Name) {
			return picked{}, &approval.InputError{Why: cut(f.Name, 100) + " is none of the files that I can read: " + strings.ToUpper(strings.Join(dataTypes, ", ")) + "."}
		}
		p.files = append(p.files, input(f))
	}
	if len(p.files) > 0 || utf8.RuneCountInString(text) > b.Policy().MaxQuestion {
		return p, nil
	}
	shelf, err := b.look(ctx, s.channel, text)
	if err != nil {
		return picked{}, err
	}
	if _, missing := shelf.named(text); s.thread != "" && missing == "" {
		p.files, _ = shelf.named(text)
		return p, nil
	}
	p, err = shelf.pick(text)
	if len(p.open) > 1 {
		var names []string
		for _, f := range p.open[:min(10, len(p.open))] {
			names = append(names, f.Name)
		}
		return picked{}, &approval.InputError{Why: "Which file do you mean? Name it in your question, for example one of these: " + strings.Join(names, ", ") + "."}
	}
	return p, err
}

// whisper gives to one person what a command would have answered in its ack.
func (b *Bot) whisper(a answer, at seat) answer {
	if a.page == nil {
		return answer{after: a.after}
	}
	return answer{after: func(ctx context.Context) { b.hand(ctx, at, a.page) }}
}
