package readback

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

// What Slack holds of our messages and modals comes back in the answers of the
// methods that make them, and with every press. All of it is read here as it came,
// and slack-go sees nothing of the blocks: one element that it does not know, or
// one number that is written as 1.0, and it would refuse the whole answer, to a
// call that has had its effect, or the whole press.

// holders are the methods that answer with what Slack stored, and where in the answer it stands.
var holders = map[string]string{
	"chat.postMessage": "message", "chat.update": "message",
	"views.open": "view", "views.push": "view", "views.update": "view", "views.publish": "view",
}

// held is what Slack says that it holds: a message or a view.
type held struct{ Body map[string]any }

// Posted is what was stored of a message or a view that is new. Where Slack says
// nothing of it, it holds nothing that was sent.
func (h *held) Posted() Tree {
	if h.Body == nil {
		return map[string]any{}
	}
	return h.Body
}

// Updated is the same of one that was rewritten, or nil: chat.update does not
// promise to tell.
func (h *held) Updated() Tree {
	if h.Body["blocks"] == nil {
		return nil
	}
	return h.Body
}

// Loose tells of a reply of which Slack's answer names no thread: perhaps it has put it into the channel itself, because the
// message that began its thread is not there any more. That is no error of Slack's (slack-go/slack#1571).
func (h *held) Loose() bool { return h.Body != nil && h.Body["thread_ts"] == nil }

// HoldsText is a text field of a view or a message.
func (h *held) HoldsText(key, want string) bool {
	text, _ := h.Body[key].(string)
	return text == want
}

// heldKey carries the place for what Slack stored.
type heldKey struct{}

// Holding has the next call of a holder leave in h what Slack stored.
func Holding(ctx context.Context) (context.Context, *held) {
	h := &held{}
	return context.WithValue(ctx, heldKey{}, h), h
}

// Keeper takes the blocks out of Slack's answers.
type Keeper struct{ Next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (k Keeper) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := k.Next.RoundTrip(r)
	where, ok := holders[path.Base(r.URL.Path)]
	if err != nil || !ok {
		return resp, err
	}
	// The whole body is read, so the connection can be used again and slack-go gets another one to read.
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxMessage))
	if closed := resp.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	h, _ := r.Context().Value(heldKey{}).(*held)
	body = keep(body, where, h)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	// The body is shorter now. What the header said would be taken for a broken answer.
	resp.Header.Del("Content-Length")
	return resp, nil
}

// keep gives an answer without blocks, and what it held to h. What cannot be
// read is for slack-go to refuse.
func keep(answer []byte, where string, h *held) []byte {
	t, err := TreeOf(answer)
	all, _ := t.(map[string]any)
	body, ok := all[where].(map[string]any)
	if err != nil || !ok {
		return answer
	}
	if h != nil {
		h.Body = body
	}
	rest := map[string]any{}
	for key, value := range body {
		if key != "blocks" && key != "attachments" {
			rest[key] = value
		}
	}
	all[where] = rest
	out, err := json.Marshal(all)
	if err != nil {
		return answer
	}
	return out
}

// payloadKey carries an interaction as it came.
type payloadKey struct{}

// Carrying keeps an interaction as it came beside what slack-go read of it.
func Carrying(ctx context.Context, payload []byte) context.Context {
	return context.WithValue(ctx, payloadKey{}, payload)
}

// Pressed is the message or the view in which an interaction happened, as Slack
// holds it; empty when the interaction brings none.
func Pressed(ctx context.Context, where string) Tree {
	payload, _ := ctx.Value(payloadKey{}).([]byte)
	t, _ := TreeOf(payload) // what cannot be read holds nothing
	all, _ := t.(map[string]any)
	body, _ := all[where].(map[string]any)
	if body == nil {
		body = map[string]any{}
	}
	return body
}

// Reread is an envelope that slack-go could not read, read without its blocks.
func Reread(e socketmode.Event) (socketmode.Event, bool) {
	bad, ok := e.Data.(*socketmode.ErrorBadMessage)
	if !ok {
		return e, false
	}
	req := &socketmode.Request{}
	if json.Unmarshal(bad.Message, req) != nil {
		return e, false
	}
	t, err := TreeOf(req.Payload)
	if err != nil {
		return e, false
	}
	payload, err := json.Marshal(bare(t))
	if err != nil {
		return e, false
	}
	switch req.Type {
	case socketmode.RequestTypeInteractive:
		var cb slack.InteractionCallback
		err := json.Unmarshal(payload, &cb)
		return socketmode.Event{Type: socketmode.EventTypeInteractive, Data: cb, Request: req}, err == nil
	case socketmode.RequestTypeEventsAPI:
		event, err := slackevents.ParseEvent(payload, slackevents.OptionNoVerifyToken())
		return socketmode.Event{Type: socketmode.EventTypeEventsAPI, Data: event, Request: req}, err == nil
	}
	return e, false
}

// bare leaves nothing of all blocks but their ids, and no attachments.
func bare(t Tree) Tree {
	switch t := t.(type) {
	case []any:
		for i := range t {
			t[i] = bare(t[i])
		}
	case map[string]any:
		delete(t, "attachments")
		for key, value := range t {
			blocks, ok := value.([]any)
			if key != "blocks" || !ok {
				t[key] = bare(value)
				continue
			}
			// A divider says nothing that slack-go could fail to read, and keeps the block's id, by which the
			// fields of a form are found.
			for i := range blocks {
				b, _ := blocks[i].(map[string]any)
				blocks[i] = map[string]any{"type": "divider", "block_id": b["block_id"]}
			}
		}
	}
	return t
}

// MaxMessage bounds what a socket may bring: an interaction carries the whole
// message or modal that it happened in.
const MaxMessage = 4 << 20
