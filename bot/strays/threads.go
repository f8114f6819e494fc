package strays

import (
	"context"
	"log/slog"
	"net/url"
	"sync"

	"github.com/slack-go/slack"

	"countersign/approval/steps"
)

// Threads knows the threads whose first message has been deleted. Slack puts a reply to one into the channel itself,
// where everybody reads it, and reports no error.
type Threads struct {
	Slack interface {
		Deleter
		GetPermalinkContext(ctx context.Context, of *slack.PermalinkParameters) (string, error)
	}
	Log *slog.Logger

	gone sync.Map // by channel and ts. A request's own refusals are in its rows; this is for the others of its thread.
}

// Gone tells of a thread that takes nothing any more, also where another replica or an earlier process has found that out.
func (t *Threads) Gone(v *steps.View, channel, thread string) bool {
	if thread == "" {
		return false
	}
	if _, gone := t.gone.Load([2]string{channel, thread}); gone {
		return true
	}
	for _, u := range v.Unseen {
		if u.Code == steps.ThreadGone && u.Channel == channel {
			return true
		}
	}
	return false
}

// Lost is for a reply of which Slack's answer names no thread. That one field could be missing for another reason, and then
// a good answer would be deleted: so Slack is asked for the message's link, and a reply's link names its thread
// (docs.slack.dev/reference/methods/chat.getPermalink, which wants no scope). Only if that does not either, the thread is gone,
// and the message is deleted from the channel.
func (t *Threads) Lost(ctx context.Context, post steps.Post, thread string) bool {
	link, err := t.Slack.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: post.Channel, Ts: post.TS})
	at, bad := url.Parse(link)
	if err != nil || bad != nil {
		t.Log.Warn("Slack's answer names no thread, and its link cannot be had: the message stays", "surface", post.Surface, "request", post.RequestID, "ts", post.TS, "error", err)
		return false
	}
	if in := at.Query().Get("thread_ts"); in != "" && in != post.TS {
		t.Log.Warn("Slack's answer names no thread, but the message's link does: the message stays", "surface", post.Surface, "request", post.RequestID, "ts", post.TS, "thread", in)
		return false
	}
	t.gone.Store([2]string{post.Channel, thread}, true)
	if err := Delete(ctx, t.Slack, post); err != nil {
		t.Log.Warn("a message whose thread is gone stays in the channel", "surface", post.Surface, "request", post.RequestID, "ts", post.TS, "error", err)
	}
	return true
}
