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
	"countersign/bot/codes"
	"countersign/bot/draw"
	"countersign/bot/kit"
	"countersign/bot/readback"
	"countersign/bot/strays"
)

// publishing keeps what stands in Slack as it should be: the surfaces of requests, and notices.
//
// It is called by jobs, never by an envelope: nobody waits for its calls, and a job that fails is run again.
// Everything here must therefore bear to be done twice.
type publishing struct {
	*slackAPI
	habits  *habits
	homes   *homes
	chats   *assistant.Threads
	service choices
	uploads uploads
	threads *strays.Threads
	strays  strays.Finder
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
	// A context that has ended is no word of Slack's: such an error stays as it is, and the job comes again.
	if err != nil && ctx.Err() == nil && !errors.Is(err, steps.ErrOvertaken) {
		at := v.Session.Channel
		// Cards stand in the review channel, and all else where the question was asked.
		if kind == steps.SurfaceCard || kind == steps.SurfacePlain {
			at = out.Policy().ReviewChannel
		}
		if channel, _, copied := kind.Copied(); copied {
			at = channel
		}
		err = codes.RefusedBy(err, at)
	}
	return post, err
}

// publish is Publish without saying what an error of Slack's means.
func (out *publishing) publish(ctx context.Context, v *steps.View, kind steps.Surface) (steps.Post, error) {
	who, err := out.who(ctx)
	if err != nil {
		return steps.Post{}, err
	}
	// No bug elsewhere may put a private question into a channel: it is looked at where it would be posted.
	if v.Leaks() {
		return steps.Post{}, fmt.Errorf("publish %s of %s: it is private, and its thread is in %s", kind, v.Request.ID, v.Session.Channel)
	}
	// The order below: what must never be posted (above), what has to go, copies, and then the surfaces of the
	// thread.
	had := v.Posts[kind]
	// A copy is a surface of its own for each channel, with the channel in its name.
	channel, files, copied := kind.Copied()
	// The card stays where it is: what was approved and ran is not undone by taking back what came of it.
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
		// It is remembered without a call, so that a later pass over this surface finds a post and asks no
		// more.
		if had.TS == "" && v.Session.ThreadTS != "" {
			// Somebody's own message began the thread: nothing is to be drawn.
			return steps.Post{RequestID: v.Request.ID, Surface: kind, Channel: v.Session.Channel, TS: v.Session.ThreadTS, Shown: steps.Theirs}, nil
		}
		if had.Shown == steps.Theirs {
			return had, nil
		}
		return out.put(ctx, v, kind, spot{channel: v.Session.Channel}, draw.Root(v))
	// Of all surfaces only this one is drawn at every move of a request.
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
	// After the messages, because what the chat says below its thread goes as soon as a message comes (chat).
	case steps.SurfaceMark:
		out.chat(ctx, v)
		return out.mark(ctx, v, who), nil
	}
	return steps.Post{}, fmt.Errorf("publish %s of %s: there is no such surface", kind, v.Request.ID)
}

// spot is where a message goes. Without a thread it stands in the channel itself.
type spot struct{ channel, thread string }

// put posts a page, or rewrites the post that there is. Where Slack does not take
// its form, the same stands there as text alone, until it does.
//
// What comes back is for the row: a post with its ts stands in Slack even where an error comes beside it, and
// has to be remembered, or it would be posted a second time.
func (out *publishing) put(ctx context.Context, v *steps.View, kind steps.Surface, at spot, p *kit.Page) (steps.Post, error) {
	post, _, err := out.send(ctx, v, kind, at, p)
	// An outage, a closed channel, a thread that is gone: another form would fare no better.
	if !codes.Formal(err) {
		return post, err
	}
	// The post stands, and still the refusal is returned: it is kept, and the whole form is tried again.
	// From the richest form to plain text: the first that Slack takes stays.
	for _, bare := range p.Bare() {
		post, _, plain := out.send(ctx, v, kind, at, bare)
		if plain == nil {
			no := codes.RefusedBy(err, at.channel)
			no.Stands = true
			return post, no
		}
	}
	return post, err
}

// send does what put does, and returns what Slack holds of it now, if it tells.
//
// The tree is nil where Slack was not called, or did not say: then there is nothing to compare, and nothing is
// wrong.
func (out *publishing) send(ctx context.Context, v *steps.View, kind steps.Surface, at spot, p *kit.Page) (steps.Post, readback.Tree, error) {
	// From here on the transport keeps the bytes of Slack's answers for this context (bot/readback).
	ctx, held := readback.Holding(ctx)
	// The zero post where there is none yet: an empty ts is what "not posted" means everywhere here.
	had := v.Posts[kind]
	shown := p.Hash()
	// The mark of a card that Slack has stored otherwise is taken off: it is no part of what is drawn.
	said := strings.TrimSuffix(had.Shown, draw.GarbledMark)
	if had.TS != "" && said == shown {
		return had, nil, nil
	}
	// A rewrite goes where the message stands (had.Channel), which need not be where a new one would go: the
	// review channel may have been another one then.
	if had.TS != "" {
		_, _, _, err := out.api.UpdateMessageContext(ctx, had.Channel, had.TS, p.Options()...)
		if err == nil {
			had.Shown = shown
			return had, held.Updated(), nil
		}
		if codes.Unheard(err) {
			return had, nil, fmt.Errorf("rewrite the %s of %s: %w (%w)", kind, v.Request.ID, codes.Detail(err), steps.ErrUnheard)
		}
		if !codes.BeyondRepair(err) {
			return had, nil, fmt.Errorf("rewrite the %s of %s: %w", kind, v.Request.ID, codes.Detail(err))
		}
		// It was doubted, and cannot be drawn over: then it shows what was remembered, or was deleted on purpose.
		if strings.TrimPrefix(said, steps.FoundInSlack) == shown {
			had.Shown = shown
			return had, nil, nil
		}
		// Somebody else has drawn what cannot become this again, or has taken the message back, unless they have not (View.Insist).
		if !v.Insist {
			return had, nil, fmt.Errorf("rewrite the %s of %s: %w (%w)", kind, v.Request.ID, codes.Detail(err), steps.ErrOvertaken)
		}
		// Somebody has deleted it, or it can be changed no more: a new one takes its place.
		out.Log.Warn("post anew", "surface", kind, "request", v.Request.ID, "error", err)
		_, _, copied := kind.Copied()
		if (copied || kind == steps.SurfaceAnswer || kind == steps.SurfaceReply) && codes.Of(err) != "message_not_found" {
			// Nobody remembers the old one from here on, so that Take back would leave it.
			if _, _, err := out.api.DeleteMessageContext(ctx, had.Channel, had.TS); err != nil {
				out.Log.Warn("an outdated answer stays in Slack", "surface", kind, "request", v.Request.ID, "ts", had.TS, "error", codes.Detail(err))
			}
		}
	}
	// Only cards come in several versions at once, and a stray one has to be told from the one that stands.
	revision := 0
	if kind == steps.SurfaceCard {
		revision = v.Request.Revision.Number
	}
	options := append(p.Options(), strays.Mark(v.Request.ID, kind, revision))
	if at.thread != "" {
		options = append(options, slack.MsgOptionTS(at.thread))
	}
	// Slack would put a reply to a thread whose first message is deleted into the channel itself.
	// Known already from an earlier post into that thread; the look at the answer below finds out for the first
	// time.
	if out.threads.Gone(v, at.channel, at.thread) {
		return had, nil, fmt.Errorf("post the %s of %s in %s: %w", kind, v.Request.ID, at.channel, slack.SlackErrorResponse{Err: steps.ThreadGone})
	}
	channel, ts, err := out.api.PostMessageContext(ctx, at.channel, options...)
	// Also where it failed: the message may have arrived and its answer got lost, and then the line is gone.
	out.chats.Posted(assistant.Thread{Channel: at.channel, TS: at.thread})
	// Slack's answer names no thread: the message stands in the channel. Lost takes it away again.
	if err == nil && at.thread != "" && held.Loose() && out.threads.Lost(ctx, steps.Post{RequestID: v.Request.ID, Surface: kind, Channel: channel, TS: ts}, at.thread) {
		err = slack.SlackErrorResponse{Err: steps.ThreadGone}
	}
	if err != nil {
		return had, nil, fmt.Errorf("post the %s of %s in %s: %w", kind, v.Request.ID, at.channel, codes.Detail(err))
	}
	return steps.Post{RequestID: v.Request.ID, Surface: kind, Channel: channel, TS: ts, Shown: shown}, held.Posted(), nil
}

// Unpost implements steps.Slack.
// It is the second of two posts for one surface: two replicas did the same job, and this one came later to the
// row. What Slack does not delete now is written down: nobody else may ever be told of it.
func (out *publishing) Unpost(ctx context.Context, post steps.Post) error {
	err := strays.Delete(ctx, out.api, post)
	if err == nil {
		return nil
	}
	return errors.Join(fmt.Errorf("delete a second %s of %s: %w", post.Surface, post.RequestID, codes.Detail(err)), out.strays.Met(ctx, steps.Sighting{Post: post}))
}

// putTables posts an answer, with a table block where the workspace takes it.
// drawn is called with whether there may be a table block, since the page without one says the same in
// preformatted text.
func (out *publishing) putTables(ctx context.Context, v *steps.View, kind steps.Surface, at spot, drawn func(tables bool) *kit.Page) (steps.Post, error) {
	post, _, err := out.send(ctx, v, kind, at, drawn(true))
	if codes.Formal(err) {
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
	// A chat is named by its first question and keeps that name, as a conversation does in other programs.
	if len(v.Earlier) == 0 {
		out.chats.Title(ctx, at, v.Request.Question)
	}
	out.chats.Say(ctx, at, assistant.Doing(v.Request))
}

// Running implements steps.Slack: the line at the end of a direct message's thread says how a program
// gets on, and of a question in a channel a message to its asker.
//
// It is called again and again while the program runs. In a direct message it is the line in the assistant's
// thread, which is no message and has no post; a zero post says so.
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
		v.Insist = true // only whoever runs it is at this message
		post, err := out.running(ctx, v, doing)
		if err != nil {
			out.Log.Info("an asker is not told how their program gets on", "request", v.Request.ID, "error", err)
		}
		return post
	}
	return steps.Post{}
}

// running keeps up the message that tells an asker, in their direct message, how their program gets on.
func (out *publishing) running(ctx context.Context, v *steps.View, doing string) (steps.Post, error) {
	who, err := out.who(ctx)
	if err != nil {
		return v.Posts[steps.SurfaceRunning], err
	}
	// Their direct message is not where they asked, so it leads there.
	url := who.Permalink(v.Session.Channel, draw.Thread(v), "")
	post, _, err := out.send(ctx, v, steps.SurfaceRunning, spot{channel: v.Request.Asker}, draw.Running(v, doing, url))
	if err != nil && codes.ForGood(err) && !errors.Is(err, steps.ErrOvertaken) { // it is a courtesy: where Slack never takes it, it is left out
		out.Log.Info("an asker does not see how their program gets on", "request", v.Request.ID, "error", err)
		return v.Posts[steps.SurfaceRunning], nil
	}
	return post, err
}

// mark shows how a request stands as an emoji on the first message of its thread. That is
// a courtesy: where the workspace lacks the scope, or Slack does not take it, it is left
// out, and nothing waits for it.
//
// The post is no message: its ts is that of the first message of the thread, and Shown the name of the emoji.
func (out *publishing) mark(ctx context.Context, v *steps.View, who kit.Identity) steps.Post {
	had, want, root := v.Posts[steps.SurfaceMark], draw.Mark(v.Request), draw.Thread(v)
	// root is empty before the first message of the thread was posted. unmarked holds until this process ends,
	// as does what is known of the token's scopes.
	if had.Shown == want || root == "" || slices.Contains(who.Lacks, scopeReactions) || out.habits.unmarked.Load() {
		return had
	}
	at := slack.NewRefToMessage(v.Session.Channel, root)
	old := []string{had.Shown}
	if had.TS == "" {
		old = draw.EndMarks // of an earlier question in the thread
		if v.Posts[steps.SurfaceRoot].Shown != steps.Theirs {
			old = nil // it is the first one
		}
	}
	// The new one comes before the old ones go: a thread without an emoji would look as if nobody knew.
	err := out.api.AddReactionContext(ctx, want, at)
	for _, name := range old {
		// It looks at the outcome of the call before, that of the reaction which was added or of the one
		// removed last.
		if slices.Contains([]string{"already_reacted", "no_reaction"}, codes.Of(err)) {
			err = nil // it is as it should be
		}
		if err == nil && name != want {
			err = out.api.RemoveReactionContext(ctx, name, at)
		}
	}
	switch {
	case codes.Of(err) == "missing_scope":
		out.habits.unmarked.Store(true)
		out.Log.Warn("threads get no emoji: the token lacks a scope", "scope", scopeReactions)
		return had
	case err != nil && !codes.ForGood(err):
		out.Log.Info("a thread has not got its emoji", "request", v.Request.ID, "error", err)
		return had // the next change draws it
	}
	// Here it has its emoji, or Slack never gives it one (the message is gone, for one): both are done with.
	return steps.Post{RequestID: v.Request.ID, Surface: steps.SurfaceMark, Channel: v.Session.Channel, TS: root, Shown: want}
}

// progressNow is the line of progress, with what can be done about a budget that
// refuses: that depends on the budgets as they are now.
func (out *publishing) progressNow(ctx context.Context, v *steps.View) (*kit.Page, error) {
	// Only a budget's refusal is Blocked. The choices cost queries, so they are read only where they are shown.
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

// barely sends a page, and what is bare of it where Slack does not take its form.
//
// It is put for notices, which have no second try of the whole form: a notice that was told in plain text is
// told.
func barely(p *kit.Page, send func(*kit.Page) error) error {
	err := send(p)
	if !codes.Formal(err) || codes.Unreachable(err) || codes.BeyondRepair(err) {
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
