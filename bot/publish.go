package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/assistant"
	"countersign/bot/draw"
	"countersign/bot/kit"
	"countersign/bot/readback"
	"countersign/bot/strays"
)

// publishing keeps what stands in Slack as it should be: the surfaces of requests, and notices.
type publishing struct {
	*slackAPI
	habits  *habits
	homes   *homes
	chats   *assistant.Threads
	service choices
	uploads uploads
	threads *strays.Threads
}

// choices are the ways on of a request that a budget has refused.
type choices interface {
	Choices(ctx context.Context, id string) (*steps.Choices, error)
}

// uploads remembers the files of an answer from before anybody sees them, so that they are found
// when it is taken back. Optional.
type uploads interface {
	Uploaded(ctx context.Context, requestID string, surface steps.Surface, files []string) error
}

// Publish implements steps.Slack: it draws one surface of a request and posts
// or rewrites it. What shows already what it should costs no call.
func (out *publishing) Publish(ctx context.Context, v *steps.View, kind steps.Surface) (steps.Post, error) {
	post, err := out.publish(ctx, v, kind)
	if err != nil && ctx.Err() == nil {
		at := v.Session.Channel
		// Cards stand in the review channel, and all else where the question was asked.
		if kind == steps.SurfaceCard || kind == steps.SurfacePlain {
			at = out.Policy().ReviewChannel
		}
		if channel, _, copied := kind.Copied(); copied {
			at = channel
		}
		err = refusedBy(err, at)
	}
	return post, err
}

// publish is Publish without saying what an error of Slack's means.
func (out *publishing) publish(ctx context.Context, v *steps.View, kind steps.Surface) (steps.Post, error) {
	who, err := out.who(ctx)
	if err != nil {
		return steps.Post{}, err
	}
	if v.Leaks() {
		return steps.Post{}, fmt.Errorf("publish %s of %s: it is private, and its thread is in %s", kind, v.Request.ID, v.Session.Channel)
	}
	had := v.Posts[kind]
	channel, files, copied := kind.Copied()
	if leaves := []steps.Surface{steps.SurfaceAnswer, steps.SurfaceFiles, steps.SurfaceReply, steps.SurfaceSheets}; v.Request.Taken != nil && (copied || slices.Contains(leaves, kind)) {
		return out.remove(ctx, v, kind)
	}
	switch {
	case copied && files:
		return out.putFiles(ctx, v, kind, spot{channel, v.Posts[steps.CopyIn(channel)].TS})
	case copied:
		return out.putTables(ctx, v, kind, spot{channel: channel}, func(tables bool) *kit.Page { return draw.Copy(v, channel, tables) })
	}
	switch kind {
	case steps.SurfaceRoot:
		// "theirs" is remembered as what it shows, so that nobody ever rewrites a person's own message.
		if had.TS == "" && v.Session.ThreadTS != "" {
			// Somebody's own message began the thread: nothing is to be drawn.
			return steps.Post{RequestID: v.Request.ID, Surface: kind, Channel: v.Session.Channel, TS: v.Session.ThreadTS, Shown: "theirs"}, nil
		}
		if had.Shown == "theirs" {
			return had, nil
		}
		return out.put(ctx, v, kind, spot{channel: v.Session.Channel}, draw.Root(v))
	case steps.SurfaceProgress:
		// Progress is drawn at every move, so this is where Homes hear of it.
		out.homes.stir(v.Request)
		p, err := out.progressNow(ctx, v)
		if err != nil {
			return steps.Post{}, err
		}
		return out.put(ctx, v, kind, spot{v.Session.Channel, draw.Thread(v)}, p)
	case steps.SurfaceCard:
		return out.putCard(ctx, v, who)
	case steps.SurfacePlain:
		return out.putPlain(ctx, v, who)
	case steps.SurfaceAnswer:
		return out.put(ctx, v, kind, spot{v.Session.Channel, draw.Thread(v)}, draw.Opening(v))
	case steps.SurfaceFiles, steps.SurfaceSheets:
		return out.putFiles(ctx, v, kind, spot{v.Session.Channel, draw.Thread(v)})
	case steps.SurfaceReply:
		return out.putTables(ctx, v, kind, spot{v.Session.Channel, draw.Thread(v)}, func(tables bool) *kit.Page { return draw.Reply(v, tables) })
	case steps.SurfaceRunning:
		return out.running(ctx, v, assistant.Getting(v.Request, 0, ""))
	case steps.SurfaceMark:
		out.chat(ctx, v)
		return out.mark(ctx, v, who), nil
	}
	return steps.Post{}, fmt.Errorf("publish %s of %s: there is no such surface", kind, v.Request.ID)
}

// spot is where a message goes.
type spot struct{ channel, thread string }

// put posts a page, or rewrites the post that there is. Where Slack does not take
// its form, the same stands there as text alone, until it does.
func (out *publishing) put(ctx context.Context, v *steps.View, kind steps.Surface, at spot, p *kit.Page) (steps.Post, error) {
	post, _, err := out.send(ctx, v, kind, at, p)
	if !formal(err) {
		return post, err
	}
	// The post stands, and still the refusal is returned: it is kept, and the whole form is tried again.
	for _, bare := range p.Bare() {
		post, _, plain := out.send(ctx, v, kind, at, bare)
		if plain == nil {
			no := refusedBy(err, at.channel)
			no.Stands = true
			return post, no
		}
	}
	return post, err
}

// send does what put does, and returns what Slack holds of it now, if it tells.
func (out *publishing) send(ctx context.Context, v *steps.View, kind steps.Surface, at spot, p *kit.Page) (steps.Post, readback.Tree, error) {
	ctx, held := readback.Holding(ctx)
	had := v.Posts[kind]
	shown := p.Hash()
	if had.TS != "" && strings.TrimSuffix(had.Shown, draw.GarbledMark) == shown {
		return had, nil, nil
	}
	if had.TS != "" {
		_, _, _, err := out.api.UpdateMessageContext(ctx, had.Channel, had.TS, p.Options()...)
		if err == nil {
			had.Shown = shown
			return had, held.Updated(), nil
		}
		if !beyondRepair(err) {
			return had, nil, fmt.Errorf("rewrite the %s of %s: %w", kind, v.Request.ID, detail(err))
		}
		// Somebody has deleted it, or it can be changed no more: a new one takes its place.
		out.Log.Warn("post anew", "surface", kind, "request", v.Request.ID, "error", err)
		_, _, copied := kind.Copied()
		if (copied || kind == steps.SurfaceAnswer || kind == steps.SurfaceReply) && slackError(err) != "message_not_found" {
			// Nobody remembers the old one from here on, so that Take back would leave it.
			if _, _, err := out.api.DeleteMessageContext(ctx, had.Channel, had.TS); err != nil {
				out.Log.Warn("an outdated answer stays in Slack", "surface", kind, "request", v.Request.ID, "ts", had.TS, "error", detail(err))
			}
		}
	}
	revision := 0
	if kind == steps.SurfaceCard {
		revision = v.Request.Revision.Number
	}
	options := append(p.Options(), strays.Mark(v.Request.ID, kind, revision))
	if at.thread != "" {
		options = append(options, slack.MsgOptionTS(at.thread))
	}
	if out.threads.Gone(v, at.channel, at.thread) {
		return had, nil, fmt.Errorf("post the %s of %s in %s: %w", kind, v.Request.ID, at.channel, slack.SlackErrorResponse{Err: steps.ThreadGone})
	}
	channel, ts, err := out.api.PostMessageContext(ctx, at.channel, options...)
	out.chats.Posted(assistant.Thread{Channel: at.channel, TS: at.thread})
	if err == nil && at.thread != "" && held.Loose() && out.threads.Lost(ctx, steps.Post{RequestID: v.Request.ID, Surface: kind, Channel: channel, TS: ts}, at.thread) {
		err = slack.SlackErrorResponse{Err: steps.ThreadGone}
	}
	if err != nil {
		return had, nil, fmt.Errorf("post the %s of %s in %s: %w", kind, v.Request.ID, at.channel, detail(err))
	}
	return steps.Post{RequestID: v.Request.ID, Surface: kind, Channel: channel, TS: ts, Shown: shown}, held.Posted(), nil
}

// Unpost implements steps.Slack.
func (out *publishing) Unpost(ctx context.Context, post steps.Post) error {
	if err := strays.Delete(ctx, out.api, post); err != nil {
		return fmt.Errorf("delete a second %s of %s: %w", post.Surface, post.RequestID, detail(err))
	}
	return nil
}

// beyondRepair tells that a message cannot be rewritten, ever: it is gone, or a
// setting of the workspace keeps messages as they were after some time
// (edit_window_closed), or its form does not allow it.
func beyondRepair(err error) bool {
	return slices.Contains([]string{"message_not_found", "cant_update_message", "edit_window_closed", "block_mismatch"}, slackError(err))
}

// putTables posts an answer, with a table block where the workspace takes it.
func (out *publishing) putTables(ctx context.Context, v *steps.View, kind steps.Surface, at spot, drawn func(tables bool) *kit.Page) (steps.Post, error) {
	post, _, err := out.send(ctx, v, kind, at, drawn(true))
	if formal(err) {
		// A workspace that does not take tables, or more: refused as a whole, so nothing was posted.
		out.Log.Warn("the answer goes without a table block", "request", v.Request.ID, "error", err)
		post, err = out.put(ctx, v, kind, at, drawn(false))
	}
	return post, err
}

// chat names the chat that a request stands in, and says what is being done for it. It comes after
// every message, because a message takes that line away.
func (out *publishing) chat(ctx context.Context, v *steps.View) {
	at := assistant.Thread{Channel: v.Session.Channel, TS: draw.Thread(v)}
	if !approval.Direct(at.Channel) || at.TS == "" {
		return
	}
	if len(v.Earlier) == 0 {
		out.chats.Title(ctx, at, v.Request.Question)
	}
	out.chats.Say(ctx, at, assistant.Doing(v.Request))
}

// Running implements steps.Slack: the line at the end of a direct message's thread says how a program
// gets on, and of a question in a channel a message to its asker.
func (out *publishing) Running(ctx context.Context, v *steps.View, line string) steps.Post {
	if v.Request.Run == nil {
		return steps.Post{}
	}
	at := assistant.Thread{Channel: v.Session.Channel, TS: draw.Thread(v)}
	doing := assistant.Getting(v.Request, v.Now.Sub(v.Request.Run.StartedAt), line)
	switch {
	case v.Alone() && approval.Direct(at.Channel) && at.TS != "":
		out.chats.Say(ctx, at, doing)
	case !v.Alone():
		post, err := out.running(ctx, v, doing)
		if err != nil {
			out.Log.Info("an asker is not told how their program gets on", "request", v.Request.ID, "error", err)
		}
		return post
	}
	return steps.Post{}
}

// running keeps that message up.
func (out *publishing) running(ctx context.Context, v *steps.View, doing string) (steps.Post, error) {
	who, err := out.who(ctx)
	if err != nil {
		return v.Posts[steps.SurfaceRunning], err
	}
	url := who.Permalink(v.Session.Channel, draw.Thread(v), "")
	post, _, err := out.send(ctx, v, steps.SurfaceRunning, spot{channel: v.Request.Asker}, draw.Running(v, doing, url))
	if err != nil && forGood(err) { // it is a courtesy: where Slack never takes it, it is left out
		out.Log.Info("an asker does not see how their program gets on", "request", v.Request.ID, "error", err)
		return v.Posts[steps.SurfaceRunning], nil
	}
	return post, err
}

// mark shows how a request stands as an emoji on the first message of its thread. That is
// a courtesy: where the workspace lacks the scope, or Slack does not take it, it is left
// out, and nothing waits for it.
func (out *publishing) mark(ctx context.Context, v *steps.View, who kit.Identity) steps.Post {
	had, want, root := v.Posts[steps.SurfaceMark], draw.Mark(v.Request), draw.Thread(v)
	if had.Shown == want || root == "" || slices.Contains(who.Lacks, scopeReactions) || out.habits.unmarked.Load() {
		return had
	}
	at := slack.NewRefToMessage(v.Session.Channel, root)
	old := []string{had.Shown}
	if had.TS == "" {
		old = draw.EndMarks // of an earlier question in the thread
		if v.Posts[steps.SurfaceRoot].Shown != "theirs" {
			old = nil // it is the first one
		}
	}
	// The new one comes before the old ones go: a thread without an emoji would look as if nobody knew.
	err := out.api.AddReactionContext(ctx, want, at)
	for _, name := range old {
		if slices.Contains([]string{"already_reacted", "no_reaction"}, slackError(err)) {
			err = nil // it is as it should be
		}
		if err == nil && name != want {
			err = out.api.RemoveReactionContext(ctx, name, at)
		}
	}
	switch {
	case slackError(err) == "missing_scope":
		out.habits.unmarked.Store(true)
		out.Log.Warn("threads get no emoji: the token lacks a scope", "scope", scopeReactions)
		return had
	case err != nil && !forGood(err):
		out.Log.Info("a thread has not got its emoji", "request", v.Request.ID, "error", err)
		return had // the next change draws it
	}
	return steps.Post{RequestID: v.Request.ID, Surface: steps.SurfaceMark, Channel: v.Session.Channel, TS: root, Shown: want}
}

// progressNow is the line of progress, with what can be done about a budget that
// refuses: that depends on the budgets as they are now.
func (out *publishing) progressNow(ctx context.Context, v *steps.View) (*kit.Page, error) {
	if v.Request.Blocked == nil || v.Request.State.Final() {
		return draw.Progress(out.with(), v), nil
	}
	c, err := out.service.Choices(ctx, v.Request.ID)
	if err != nil {
		return nil, err
	}
	if c.Block == nil {
		return draw.Progress(out.with(), v), nil // it has gone on meanwhile, and will be drawn again
	}
	return draw.Blocked(out.with(), v, c), nil
}

// hindrances are Slack's codes by what they mean for a message of ours. The codes are
// those of chat.postMessage and chat.update as their pages list them
// (docs.slack.dev/reference/methods/chat.postMessage, read in a stored copy of
// 2026-11-26); msg_blocks_too_long stands on none of them (slackapi/bolt-js#2509).
// ekm_access_denied is worded there as "Administrators have suspended the ability to
// post a message".
var hindrances = map[steps.Hindrance][]string{
	steps.Outside:  {"not_in_channel", "channel_not_found"},
	steps.Archived: {"is_archived"},
	steps.Forbidden: {"is_inactive", "posting_to_general_channel_denied", "no_permission", "messages_tab_disabled",
		"team_access_not_granted"}, // and everything that begins with restricted_action
	steps.Malformed: {"invalid_blocks", "invalid_blocks_format", "block_mismatch", "only_one_table_allowed", "invalid_metadata_format",
		"invalid_metadata_schema"},
	steps.TooLong: {"msg_too_long", "msg_blocks_too_long", "metadata_too_large"},
	steps.NoKey:   {"ekm_access_denied"},
}

// hindrance says what an error of Slack's means, and how Slack spells it.
func hindrance(err error) (steps.Hindrance, string) {
	code := slackError(err)
	for why, codes := range hindrances {
		if slices.Contains(codes, code) {
			return why, code
		}
	}
	var (
		status  slack.StatusCodeError
		limited *slack.RateLimitedError
	)
	switch {
	case strings.HasPrefix(code, "restricted_action"):
		return steps.Forbidden, code
	case code == "" && errors.As(err, &status):
		code = fmt.Sprintf("HTTP %d", status.Code)
	case code == "" && errors.As(err, &limited):
		code = "ratelimited"
	}
	// A code that stands in no list is Slack's no all the same; without a code it is trouble on the way.
	if forGood(err) {
		return steps.Other, code
	}
	return steps.Outage, code
}

// refusedBy is an error of Slack's about a message, with what it means. One that is a
// refusal already stays what it is.
func refusedBy(err error, channel string) *steps.PostError {
	if no, ok := errors.AsType[*steps.PostError](err); ok {
		return no
	}
	why, code := hindrance(err)
	return &steps.PostError{Channel: channel, Why: why, Code: code, Err: err}
}

// formal tells of a message that Slack might take in another form.
func formal(err error) bool {
	if err == nil {
		return false
	}
	why, code := hindrance(err)
	return !why.NoPlace() && why != steps.Outage && code != steps.ThreadGone
}

// barely sends a page, and what is bare of it where Slack does not take its form.
func barely(p *kit.Page, send func(*kit.Page) error) error {
	err := send(p)
	if !formal(err) || slices.Contains(unreachable, slackError(err)) || beyondRepair(err) {
		return err
	}
	// Who is told in plain text has been told, so the refusal of the blocks is no error any more.
	for _, bare := range p.Bare() {
		if send(bare) == nil {
			return nil
		}
	}
	return err
}
