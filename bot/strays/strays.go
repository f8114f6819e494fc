// Package strays finds messages of the bot that stand in Slack and that nobody remembers: a replica
// died, or an answer got lost, between the post and its row.
//
// Its one idea: each message says in its metadata of which request it is, and which of its messages.
// Slack tells of metadata that are posted (message_metadata_posted, docs.slack.dev/reference/events/message_metadata_posted)
// with the channel and the ts, by a scope that reads no word of what people write (metadata.message:read);
// and a press carries the metadata of the message that was pressed. So a message that was lost is taken for the one
// that is missing, and one that was posted a second time is deleted.
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
// or where the scope is missing, a stray message goes as soon as somebody presses it: a stray card
// decides like the other one, and "Cancel" on a line that nobody keeps up cancels.
package strays

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval/steps"
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
	// Met holds a message against the one that is remembered. Where none is, this one is from now on.
	Met(ctx context.Context, s steps.Sighting) (steps.Meeting, error)
	// Doubt has the message that is remembered in a post's place drawn anew, so that whoever is late finds that it was.
	Doubt(ctx context.Context, p steps.Post) error
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

// Met takes a message of ours for what it is. An unsure one is to be looked at again.
func (f Finder) Met(ctx context.Context, s steps.Sighting) (unsure bool, err error) {
	return f.met(ctx, s, steps.MetStray)
}

// met deletes what is one of these.
func (f Finder) met(ctx context.Context, s steps.Sighting, goes ...steps.Meeting) (unsure bool, err error) {
	if f.Book == nil {
		return false, nil
	}
	meeting, err := f.Book.Met(ctx, s)
	if err != nil || !slices.Contains(goes, meeting) {
		return meeting == steps.MetUnsure || meeting == steps.MetSecond, err
	}
	if meeting == steps.MetSecond {
		if err := f.Book.Doubt(ctx, s.Post); err != nil {
			return true, err
		}
	}
	if err := Delete(ctx, f.Slack, s.Post); err != nil {
		return false, fmt.Errorf("delete a second %s of %s: %w", s.Surface, s.RequestID, err)
	}
	f.Log.Info("a message that stood in Slack twice is deleted", "request", s.RequestID, "surface", s.Surface, "ts", s.TS)
	return false, nil
}

// Delete deletes a message; one that is gone already is gone.
func Delete(ctx context.Context, from Deleter, p steps.Post) error {
	_, _, err := from.DeleteMessageContext(ctx, p.Channel, p.TS)
	if refused, ok := err.(slack.SlackErrorResponse); ok && slices.Contains([]string{"message_not_found", "thread_not_found"}, refused.Err) {
		return nil
	}
	return err
}

// How long an unsure message is looked at, and how often: whoever posted it may be about to remember
// it, and whoever posts in place of a dead replica does it within seconds.
const (
	lookFor   = 15 * time.Second
	lookEvery = 2 * time.Second
)

// Again looks at an unsure message until it is sure, or the time is over: then whoever posted a second one is gone, and nobody
// remembers it any more. A card of another version stays.
func (f Finder) Again(ctx context.Context, s steps.Sighting) {
	for until := time.Now().Add(lookFor); time.Now().Before(until); {
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return
		}
		if unsure, err := f.Met(ctx, s); err == nil && !unsure {
			return
		}
	}
	if _, err := f.met(ctx, s, steps.MetStray, steps.MetSecond); err != nil {
		f.Log.Warn("a message may stand in Slack twice", "request", s.RequestID, "surface", s.Surface, "ts", s.TS, "error", err)
	}
}
