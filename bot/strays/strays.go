// Package strays finds messages of the bot that stand in Slack and that nobody remembers: a replica
// died, or an answer got lost, between the post and its row.
//
// Its one idea: each message says in its metadata of which request it is, and which of its messages.
// Slack tells of metadata that are posted (message_metadata_posted, docs.slack.dev/reference/events/message_metadata_posted)
// with the channel and the ts, by a scope that reads no word of what people write (metadata.message:read);
// and a press carries the metadata of the message that was pressed. So a message that was lost is taken for the one
// that is missing, and one that was posted a second time is deleted. Which of two it is may be known only minutes later, once
// nobody can be about to remember it: until then it is written down, and whichever replica is there looks again (Sweep).
//
// Its one rule: only a message that the bot's own user has posted counts. Metadata can be written by
// every app of the workspace.
//
// Why in this way: Slack offers no other against second posts.
//
//   - chat.postMessage documents no key by which it would know a repetition (asked for since 2018:
//     github.com/slackapi/slack-api-specs/issues/10); a client_msg_id is taken and changes nothing.
//   - chat.getPermalink wants the ts that was lost, and chat.scheduledMessages.list forgets a message
//     once it is posted.
//   - conversations.history and .replies find a post only with a scope that reads what people write
//     (docs.slack.dev/reference/methods/conversations.history).
//   - A press carries the metadata of its message: github.com/slackapi/bolt-python/issues/863.
//
// Whether Slack tells an app of its own posts has not been tried with a workspace. Where it does not,
// or where the scope is missing, a stray message goes some time after somebody has pressed it: a stray card
// decides like the other one, and "Cancel" on a line that nobody keeps up cancels.
package strays

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval/steps"
	"countersign/bot/codes"
)

// Kind is the event_type of the metadata. manifest.yaml subscribes to it.
const Kind = "countersign_message"

// Scope is what Slack wants for telling of metadata.
const Scope = "metadata.message:read"

// Mark says in a message which of a request it is. Anybody may read that, so it holds ids alone.
func Mark(request string, surface steps.Surface, revision int) slack.MsgOption {
	return slack.MsgOptionMetadata(slack.SlackMetadata{EventType: Kind,
		EventPayload: map[string]any{"request": request, "surface": string(surface), "revision": revision}})
}

// Of reads the mark of a message; false where it has none.
func Of(channel, ts string, m slack.SlackMetadata) (steps.Sighting, bool) {
	request, _ := m.EventPayload["request"].(string)
	surface, _ := m.EventPayload["surface"].(string)
	revision, _ := m.EventPayload["revision"].(float64)
	s := steps.Sighting{Post: steps.Post{RequestID: request, Surface: steps.Surface(surface), Channel: channel, TS: ts}, Revision: int(revision)}
	return s, m.EventType == Kind && request != "" && surface != "" && channel != "" && ts != ""
}

// Book knows which messages are remembered.
type Book interface {
	// Met holds a message against the one that is remembered. Where none is, this one is from now on. Whatever is not the one
	// that is remembered is written down, so that it is looked at again whoever dies meanwhile; and a stray one nobody remembers
	// any more, however late they are.
	Met(ctx context.Context, s steps.Sighting) (steps.Meeting, error)
	// Due are some of those that are to be looked at again. Each is its reader's for a while.
	Due(ctx context.Context) ([]steps.Sighting, error)
	// Ended says that a message need not be looked at any more.
	Ended(ctx context.Context, s steps.Sighting) error
}

// Deleter deletes messages.
type Deleter interface {
	DeleteMessageContext(ctx context.Context, channel, ts string) (respChannel, respTS string, err error)
}

// Finder holds what it hears of against what is remembered. Its zero value does nothing.
type Finder struct {
	Book  Book
	Slack Deleter
	Log   *slog.Logger
}

// Met takes a message of ours for what it is: one that stands there twice is deleted. What cannot be told yet, or not be
// deleted now, is written down, and Sweep comes back to it. After an error Slack is to tell of it again.
func (f Finder) Met(ctx context.Context, s steps.Sighting) error {
	if f.Book == nil {
		return nil
	}
	meeting, err := f.Book.Met(ctx, s)
	if err == nil && meeting == steps.MetStray {
		_, err = f.end(ctx, s)
	}
	return err
}

const (
	sweepFor = 10 * time.Second   // others wait for the same sweep
	lookFor  = 7 * 24 * time.Hour // Slack may be away for hours, and a token be mended after the weekend
)

// Sweep looks again at what is due.
func (f Finder) Sweep(ctx context.Context) error {
	if f.Book == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sweepFor)
	defer cancel()
	due, err := f.Book.Due(ctx)
	for _, s := range due {
		meeting, e := f.Book.Met(ctx, s)
		answers := true
		switch {
		case e != nil:
		case meeting == steps.MetKnown:
			e = f.Book.Ended(ctx, s)
		case meeting == steps.MetStray:
			if answers, e = f.end(ctx, s); !answers && time.Since(s.At) > lookFor {
				f.Log.Warn("a message stands in Slack twice", about(s)...)
				e = f.Book.Ended(ctx, s)
			}
		}
		err = errors.Join(err, e)
		if ctx.Err() != nil || !answers {
			break // the others are due again
		}
	}
	return err
}

// end deletes a message that stands there twice, and says whether Slack answers. Where it does not, or cannot now, the message is
// due again.
func (f Finder) end(ctx context.Context, s steps.Sighting) (answers bool, err error) {
	switch err := Delete(ctx, f.Slack, s.Post); {
	case err == nil:
		f.Log.Info("a message that stood in Slack twice is deleted", about(s)...)
	case codes.ForGood(err):
		f.Log.Warn("a message stands in Slack twice", append(about(s), "error", codes.Detail(err))...)
	default:
		f.Log.Info("a message that stands in Slack twice is not deleted yet", append(about(s), "error", codes.Detail(err))...)
		return false, nil
	}
	return true, f.Book.Ended(ctx, s)
}

// about says in the log which message it is.
func about(s steps.Sighting) []any {
	return []any{"request", s.RequestID, "surface", s.Surface, "channel", s.Channel, "ts", s.TS}
}

// Delete deletes a message; one that is gone already is gone.
func Delete(ctx context.Context, from Deleter, p steps.Post) error {
	_, _, err := from.DeleteMessageContext(ctx, p.Channel, p.TS)
	if refused, ok := err.(slack.SlackErrorResponse); ok && slices.Contains([]string{"message_not_found", "thread_not_found"}, refused.Err) {
		return nil
	}
	return err
}
