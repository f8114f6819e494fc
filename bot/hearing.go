package bot

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"countersign/approval"
	"countersign/bot/assistant"
	"countersign/bot/command"
	"countersign/bot/draw"
	hand "countersign/bot/draw/handover"
	"countersign/bot/kit"
	"countersign/bot/meant"
)

// What people say to the bot in messages: by a mention, in their direct message with it, or in a
// chat of the assistant view, which is a thread of that direct message.

// spoken is a message that is meant for the bot: a mention, or a direct message.
//
// In thread stands the ts of the thread's first message; it is empty for a message of the channel itself.
type spoken struct {
	team, channel, user string
	ts, thread          string
	text                string // as Slack sends it
	files               []slack.File
	ignore              bool // written by a bot, or no plain message
	edited              bool // after it was sent
}

// seat returns where the speaker can be answered in private.
func (s spoken) seat() seat { return seat{user: s.user, channel: s.channel, thread: s.thread} }

// mentioned is an app_mention. Editing a message sends one, too, whether it mentioned the bot before or not.
func mentioned(team string, e *slackevents.AppMentionEvent) spoken {
	return spoken{team: team, channel: e.Channel, user: e.User, ts: e.TimeStamp, thread: e.ThreadTimeStamp, text: e.Text,
		files: e.Files, ignore: e.BotID != "" || e.User == "", edited: e.Edited != nil}
}

// written are the subtypes of messages that people write: with a file, in a thread and with "Also send as direct message"
// ticked (in place of a message without one: docs.slack.dev/reference/events/message/thread_broadcast), by /me.
var written = []string{"", slack.MsgSubTypeFileShare, slack.MsgSubTypeThreadBroadcast, slack.MsgSubTypeMeMessage}

// tombstone is by whom a deleted message with replies is, which Slack keeps. It tells of it as of a message that changed.
const tombstone = "USLACKBOT"

// messaged is a message.im. Only what a person wrote is a question: Slack tells
// of edits, deletions and the bot's own words by the same event.
func messaged(team string, e *slackevents.MessageEvent) spoken {
	if now, was := e.Message, e.PreviousMessage; e.SubType == slack.MsgSubTypeMessageChanged && now != nil && now.Edited != nil && was != nil && was.Text != now.Text {
		return spoken{team: team, channel: e.Channel, user: now.User, ts: now.Timestamp, thread: now.ThreadTimestamp,
			ignore: !e.IsIM() || now.BotID != "" || now.User == "" || now.User == tombstone || !slices.Contains(written, now.SubType), edited: true}
	}
	s := spoken{team: team, channel: e.Channel, user: e.User, ts: e.TimeStamp, thread: e.ThreadTimeStamp, text: e.Text,
		ignore: !e.IsIM() || e.BotID != "" || e.User == "" || !slices.Contains(written, e.SubType)}
	// slack-go keeps the files of a message in there.
	if e.Message != nil {
		s.files = e.Message.Files
	}
	return s
}

// hear takes a question from a mention or a direct message. In a thread it continues that
// conversation; elsewhere it begins a thread.
//
// Its order is that of analyze: orders, small talk, and what is left is a question. The trigger is the place of
// the message, since Slack gives a message no trigger_id.
func (h *asking) hear(ctx context.Context, s spoken) (answer, error) {
	who, err := h.who(ctx)
	if err != nil {
		return answer{}, err
	}
	// Our own messages come back as events, and to answer one would be a conversation with ourselves.
	if s.ignore || s.user == who.User {
		return answer{}, nil
	}
	// Whether the message was taken before it was edited, and as what, is not looked up: the same words are true of either.
	if s.edited {
		at := s.seat()
		if at.thread == s.ts { // it began the thread: who has only its channel open would not see a word in there
			at.thread = ""
		}
		return h.whisper(privately(&kit.Page{}, kit.Words(draw.Edited)), at), nil
	}
	// Slack opens forms for what is pressed or typed as a command, and for no message: a button leads to it.
	if said := typedHand.FindStringSubmatch(kit.WithoutMention(s.text, who.User)); said != nil && len(s.files) == 0 {
		return h.whisper(privately(hand.Begin(strings.ToLower(said[1]), said[2])), s.seat()), nil
	}
	text := kit.FromSlack(kit.WithoutMention(s.text, who.User))
	click := approval.Click{Team: s.team, User: s.user, Channel: s.channel, ActionTS: s.ts, MessageTS: s.ts}
	trigger := "message " + s.channel + " " + s.ts
	talk, answers := meant.TalkOf(text), false
	// "OK, thanks" is small talk and "status" an order, unless a model has just asked them something in this thread.
	if word := strings.ToLower(strings.TrimSpace(text)); s.thread != "" && len(s.files) == 0 && (talk != meant.NoTalk && talk != meant.Help || word == "status" || word == "reviews") {
		answers, err = h.threads.Awaited(ctx, approval.Question{Team: s.team, Project: s.channel, Asker: s.user, ThreadTS: s.thread, Follow: true, Spoken: true, Trigger: trigger})
		if err != nil {
			return answer{}, err
		}
	}
	if !answers {
		if a, ok, err := h.aside(ctx, text, click, trigger); ok {
			return h.whisper(a, s.seat()), err
		}
	}
	if strings.TrimSpace(text) == "" {
		return answer{}, &approval.InputError{Why: approval.Words("What would you like to know? Write it in the same message, for example: What were sales per month in sales.csv?")}
	}
	if talk != meant.NoTalk && len(s.files) == 0 && !answers {
		return answer{after: func(ctx context.Context) { h.chat(ctx, s.seat(), h.talk(talk)) }}, nil
	}
	model, text, err := command.Question(text)
	if err != nil {
		return answer{}, err
	}
	// The status line of a chat stands in its thread; a message outside of one has none.
	at := assistant.Thread{Channel: s.channel, TS: s.thread}
	q := approval.Question{Team: s.team, Project: s.channel, Asker: s.user, Text: text, Model: model, ThreadTS: s.thread, Follow: s.thread != "", Spoken: s.thread != "", Alone: meant.Only(text),
		Trigger: trigger}
	// The answer goes below the message itself. Follow stays false: nothing was said there before.
	if q.ThreadTS == "" {
		q.ThreadTS = s.ts
	}
	if channel := h.named(ctx, s); channel != "" {
		q.Project, q.Seat = channel, s.channel
	}
	// One file that cannot be read refuses all of it: without that file it would be another question.
	for _, f := range s.files {
		one, err := carried(f)
		if err != nil {
			return answer{}, err
		}
		q.Files, q.Brought = append(q.Files, one), append(q.Brought, f.ID)
	}
	r, err := h.service.Ask(ctx, q)
	if err != nil {
		return answer{}, err
	}
	a := answer{}
	// What a command would have said in its answer matters here as well. Of another channel's money it
	// says nothing: whether they are in that channel is not known yet, and the thread tells them once it is.
	if r.Project == s.channel && (r.Blocked != nil || r.Downgraded != nil) {
		a = h.whisper(privately(draw.Taken(r)), s.seat())
	}
	if approval.Direct(at.Channel) && at.TS != "" && !r.State.Final() {
		a = a.then(func(ctx context.Context) { h.chats.Say(ctx, at, assistant.Doing(r)) })
	}
	return a, nil
}

// carried is a file of a message, as a question names it. Of one from another organisation the message says nothing but its
// id (docs.slack.dev/apis/slack-connect: check_file_info); until Slack is asked, that is its name.
//
// A link to a file elsewhere and an unknown kind are refused at once: what is in the message tells it.
func carried(f slack.File) (approval.File, error) {
	switch {
	case gone(f):
		return approval.File{}, &approval.InputError{Why: approval.Words(draw.FileGone)}
	case f.FileAccess == "check_file_info":
		return approval.File{ID: f.ID, Name: f.ID}, nil
	case !draw.Data(f.Name):
		return approval.File{}, notData(f.Name)
	case f.IsExternal:
		return approval.File{}, linkedFile(f.Name)
	}
	return input(f), nil
}

// linkedFile is the error for a link to a file that Slack does not have.
func linkedFile(name string) error {
	return &approval.InputError{Why: approval.Words(kit.Cut(name, 100) + " is a link to a file somewhere else. Please upload the file itself.")}
}

// notData is the error for a file of a kind that cannot be read.
func notData(name string) error {
	return &approval.InputError{Why: approval.Words("I cannot read " + kit.Cut(name, 100) + ". I read " + draw.DataWords + ".")}
}

// chatted is a chat that somebody has opened, or in which they look at another channel now. They
// are shown what could be asked there.
func (h *asking) chatted(team string, t slackevents.AssistantThread) answer {
	at := assistant.Thread{Channel: t.ChannelID, TS: t.ThreadTimeStamp}
	// Without a person nobody could say whether they are in that channel.
	if !approval.Direct(at.Channel) || at.TS == "" || t.UserID == "" {
		return answer{}
	}
	return answer{after: func(ctx context.Context) {
		channel := t.Context.ChannelID
		// Slack says what somebody looks at, also where the bot is not: then nothing of it is suggested, or remembered.
		if !h.both(ctx, channel, t.UserID) {
			channel = ""
		}
		h.chats.Look(ctx, team, at, channel)
		h.chats.Suggest(ctx, at, assistant.Prompts(h.handy(ctx, team, channel)))
	}}
}

// inChannel finds a channel that words name as the place that they are about: "in #sales".
var inChannel = regexp.MustCompile(`(?i)\bin <#([CG][A-Z0-9]+)(?:\|[^<>]*)?>`)

// named is the channel by whose rules a direct message goes: the one that its words name, or else
// the one that its person looked at when they began to chat. What goes on in a thread stays with
// the channel of its first question, whatever is said here. Whether the person is in it is not
// known here: the question is kept, its money is held, and Find asks before anybody is told of either.
func (h *asking) named(ctx context.Context, s spoken) string {
	if !approval.Direct(s.channel) {
		return ""
	}
	if m := inChannel.FindStringSubmatch(s.text); m != nil {
		return m[1]
	}
	if s.thread == "" {
		return ""
	}
	return h.chats.Looks(ctx, s.team, assistant.Thread{Channel: s.channel, TS: s.thread})
}

// both tells whether the bot and a person are in a channel: Slack names any that is looked at.
//
// Every doubt is a no: a failed call must not show somebody what is in a channel that they cannot read.
func (h *asking) both(ctx context.Context, channel, user string) bool {
	if channel == "" || approval.Direct(channel) {
		return false
	}
	place, err := h.files.Place(ctx, channel, user)
	if err != nil || place.Cause(channel, user) != nil {
		return false
	}
	in, err := h.files.Within(ctx, channel, user)
	return err == nil && in
}

// mostHandy is how many files are suggested to be asked about.
const mostHandy = 3

// handy are the latest files that somebody shared in a channel, with how they are read as far as
// that is known.
//
// An error is no reason to show nothing: what could be read is suggested, and without files general prompts
// are.
func (h *asking) handy(ctx context.Context, team, channel string) []approval.File {
	if channel == "" {
		return nil
	}
	s, err := h.files.look(ctx, channel, "")
	if err != nil {
		h.Log.Info("no files to suggest", "channel", channel, "error", err)
	}
	var files []approval.File
	for _, f := range slices.SortedStableFunc(slices.Values(s.Files), func(a, b meant.Shared) int { return b.At.Compare(a.At) }) {
		if files = append(files, f.File); len(files) == mostHandy {
			break
		}
	}
	if h.shelf == nil {
		return files
	}
	return h.shelf.Recalled(ctx, team, channel, files)
}
