package bot

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/codes"
	"countersign/bot/draw/notice"
	"countersign/bot/kit"
)

// noticeEvent marks a direct message as a notice, so that it is found again after a crash. Apps
// may read it, so there is nothing in it but the key's hash.
const noticeEvent = "countersign_notice"

// Tell implements steps.Slack: it sends a notice to one person or channel, or redraws it. Begun is stored before a first
// try and cleared after it: where it is still set, that try may have got through.
func (out *publishing) Tell(ctx context.Context, v *steps.NoticeView, had steps.NoticePost) (steps.NoticePost, error) {
	drawn, ok := notice.Notices[v.Kind]
	// It is of a newer program, after a way back to this one.
	if !ok {
		return had, fmt.Errorf("notice %q: there is no kind %q", v.Key, v.Kind)
	}
	// Drawn for its recipient: what one of several is told need not be what another is.
	p, err := drawn(out.with(), v, had.Recipient)
	if err != nil {
		return had, err
	}
	shown := p.Hash()
	// A try before this one was begun, and nobody remembers how it ended: it may stand there.
	if had.TS == "" && !had.Begun.IsZero() {
		if had.Channel, had.TS, err = out.findNotice(ctx, had); err != nil {
			return had, err
		}
	}
	had.Begun = time.Time{}
	if had.TS != "" {
		if had.Shown == shown {
			return had, nil
		}
		// Where only the plain form is taken, the hash is still that of the whole page: it counts as told.
		err := barely(p, func(p *kit.Page) error {
			_, _, _, err := out.api.UpdateMessageContext(ctx, had.Channel, had.TS, p.Options()...)
			return err
		})
		switch {
		case err == nil || codes.Of(err) == "message_not_found": // what has been deleted by somebody is not forced on them again
			had.Shown = shown
			return had, nil
		case !codes.BeyondRepair(err) && !(codes.Of(err) == "channel_not_found" && had.Channel != had.Recipient):
			return had, codes.RefusedBy(fmt.Errorf("rewrite the notice %q: %w", v.Key, codes.Detail(err)), had.Recipient)
		}
		// It stands there as it was: a setting of the workspace lets nobody edit it any more, or another bot user wrote it,
		// from before the app was installed anew. What is new is news, so it comes in a message of its own.
		out.Log.Info("a notice is said anew", "notice", v.Key, "user", had.Recipient, "error", err)
		if _, _, err := out.api.DeleteMessageContext(ctx, had.Channel, had.TS); err != nil {
			out.Log.Info("an outdated notice stays in Slack", "notice", v.Key, "user", had.Recipient, "error", codes.Detail(err))
		}
		had.Channel, had.TS = "", ""
	}
	// Only a new message gets the mark: chat.update keeps the metadata of the one that it rewrites.
	mark := slack.MsgOptionMetadata(slack.SlackMetadata{EventType: noticeEvent, EventPayload: map[string]any{"key": approval.Hash([]byte(v.Key))}})
	var channel, ts string
	err = barely(p, func(p *kit.Page) (err error) {
		channel, ts, err = out.api.PostMessageContext(ctx, had.Recipient, append(p.Options(), mark)...)
		return err
	})
	// No further try changes that. The notice counts as told to this person.
	if codes.Unreachable(err) {
		return had, fmt.Errorf("%w: %w", steps.ErrUnreachable, err)
	}
	if err != nil {
		return had, codes.RefusedBy(fmt.Errorf("send the notice %q: %w", v.Key, codes.Detail(err)), had.Recipient)
	}
	had.Channel, had.TS, had.Shown = channel, ts, shown
	if v.Kind == approval.NoticeAskBack {
		out.beside(ctx, v.View, p)
	}
	return had, nil
}

// beside says the same for the asker's eyes where they have asked: they look there and wait, and their direct
// messages are elsewhere. Slack promises nobody that it is seen, and keeps nothing of it: the notice stays.
func (out *publishing) beside(ctx context.Context, v *steps.View, p *kit.Page) {
	if v.Alone() || approval.Direct(v.Request.Project) {
		return
	}
	options := p.Options()
	if v.Session.ThreadTS != "" {
		options = append(options, slack.MsgOptionTS(v.Session.ThreadTS))
	}
	if _, err := out.api.PostEphemeralContext(ctx, v.Request.Project, v.Request.Asker, options...); err != nil {
		out.Log.Info("what a question lacks is said by direct message alone", "request", v.Request.ID, "error", codes.Detail(err))
	}
}

// findNotice looks for a notice that may stand there since an attempt that ended
// before anybody could remember it. In a channel it does not look: the bot may not read
// what people write there. So where Slack's answer to a checkpoint was lost, the same words
// may stand there twice, which is harmless.
func (out *publishing) findNotice(ctx context.Context, had steps.NoticePost) (channel, ts string, err error) {
	if strings.HasPrefix(had.Recipient, "C") || strings.HasPrefix(had.Recipient, "G") {
		return "", "", nil
	}
	channel, err = out.directChannel(ctx, had.Recipient)
	if err != nil || channel == "" {
		return "", "", err
	}
	key := approval.Hash([]byte(had.Key))
	since := strconv.FormatInt(had.Begun.Add(-time.Minute).Unix(), 10) // clocks differ
	for cursor := ""; ; {
		// Allowed in a direct message with the bot alone (im:history); its scope for channels is not asked for.
		page, err := out.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: channel, Oldest: since,
			Cursor: cursor, Limit: 200, IncludeAllMetadata: true})
		if err != nil {
			return "", "", fmt.Errorf("look for a notice: %w", codes.Detail(err))
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
func (out *publishing) directChannel(ctx context.Context, user string) (string, error) {
	for cursor := ""; ; {
		// Looked for and not opened: conversations.open wants a scope more (im:write), and would make a
		// conversation where there was none, in which nothing can stand.
		list, next, err := out.api.GetConversationsContext(ctx, &slack.GetConversationsParameters{Types: []string{"im"}, Limit: 200, Cursor: cursor})
		if err != nil {
			return "", fmt.Errorf("look for the messages with %s: %w", user, codes.Detail(err))
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

// Say sends words to somebody in their direct message.
func (w *slackAPI) Say(ctx context.Context, user string, p *kit.Page) error {
	if _, _, err := w.api.PostMessageContext(ctx, user, p.Options()...); err != nil {
		return fmt.Errorf("say it to %s: %w", user, codes.Detail(err))
	}
	return nil
}

// Hand sends words to somebody, and a file below them, in their direct message. Where it fails in between, the words stand
// there twice after another attempt, and the file once.
//
// Slack shares a file only at the last call, so the words, which come before it, stand above it.
func (w *slackAPI) Hand(ctx context.Context, user, name string, file *os.File, p *kit.Page) error {
	info, err := file.Stat()
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("send %s: %w", name, err)
	}
	slot, err := w.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: name, FileSize: int(info.Size())})
	if err != nil {
		return fmt.Errorf("send %s: %w", name, codes.Detail(err))
	}
	// This client has no time limit: the context of whoever calls ends it.
	if err := w.lift.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: slot.UploadURL, Reader: file, Filename: name}); err != nil {
		return fmt.Errorf("send %s: %w", name, err)
	}
	channel, _, err := w.api.PostMessageContext(ctx, user, p.Options()...)
	if err == nil {
		_, err = w.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{Files: []slack.FileSummary{{ID: slot.FileID, Title: name}}, Channel: channel})
	}
	if err != nil {
		return fmt.Errorf("send %s: %w", name, codes.Detail(err))
	}
	return nil
}
