package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
)

// Publish implements approval.Slack: it draws one surface of a request and posts
// or rewrites it. What shows already what it should costs no call.
func (b *Bot) Publish(ctx context.Context, v *steps.View, kind steps.Surface) (steps.Post, error) {
	post, err := b.publish(ctx, v, kind)
	if err != nil && ctx.Err() == nil {
		at := v.Session.Channel
		if kind == steps.SurfaceCard || kind == steps.SurfacePlain {
			at = b.Policy().ReviewChannel
		}
		err = refusedBy(err, at)
	}
	return post, err
}

func (b *Bot) publish(ctx context.Context, v *steps.View, kind steps.Surface) (steps.Post, error) {
	who, err := b.who(ctx)
	if err != nil {
		return steps.Post{}, err
	}
	had := v.Posts[kind]
	switch kind {
	case steps.SurfaceRoot:
		if had.TS == "" && v.Session.ThreadTS != "" {
			// Somebody's own message began the thread: nothing is to be drawn.
			return steps.Post{RequestID: v.Request.ID, Surface: kind, Channel: v.Session.Channel, TS: v.Session.ThreadTS, Shown: "theirs"}, nil
		}
		if had.Shown == "theirs" {
			return had, nil
		}
		return b.put(ctx, v, kind, spot{channel: v.Session.Channel}, b.root(v))
	case steps.SurfaceProgress:
		b.stir(v.Request)
		p, err := b.progressNow(ctx, v)
		if err != nil {
			return steps.Post{}, err
		}
		return b.put(ctx, v, kind, spot{v.Session.Channel, thread(v)}, p)
	case steps.SurfaceCard:
		return b.putCard(ctx, v, who)
	case steps.SurfacePlain:
		return b.putPlain(ctx, v, who)
	case steps.SurfaceFiles:
		return b.putFiles(ctx, v)
	case steps.SurfaceReply:
		return b.putReply(ctx, v)
	}
	return steps.Post{}, fmt.Errorf("publish %s of %s: there is no such surface", kind, v.Request.ID)
}

// spot is where a message goes.
type spot struct{ channel, thread string }

// put posts a page, or rewrites the post that there is. Where Slack does not take
// its form, the same stands there as text alone, until it does.
func (b *Bot) put(ctx context.Context, v *steps.View, kind steps.Surface, at spot, p *page) (steps.Post, error) {
	post, _, err := b.send(ctx, v, kind, at, p)
	if !formal(err) {
		return post, err
	}
	for _, bare := range p.bare() {
		post, _, plain := b.send(ctx, v, kind, at, bare)
		if plain == nil {
			no := refusedBy(err, at.channel)
			no.Stands = true
			return post, no
		}
	}
	return post, err
}

// send does what put does, and returns what Slack holds of it now, if it tells.
func (b *Bot) send(ctx context.Context, v *steps.View, kind steps.Surface, at spot, p *page) (steps.Post, tree, error) {
	ctx, held := holding(ctx)
	had := v.Posts[kind]
	shown := p.hash()
	if had.TS != "" && strings.TrimSuffix(had.Shown, garbledMark) == shown {
		return had, nil, nil
	}
	if had.TS != "" {
		_, _, _, err := b.api.UpdateMessageContext(ctx, had.Channel, had.TS, p.options()...)
		if err == nil {
			had.Shown = shown
			return had, held.updated(), nil
		}
		if !beyondRepair(err) {
			return had, nil, fmt.Errorf("rewrite the %s of %s: %w", kind, v.Request.ID, detail(err))
		}
		// Somebody has deleted it, or it can be changed no more: a new one takes its place.
		b.Log.Warn("post anew", "surface", kind, "request", v.Request.ID, "error", err)
	}
	options := p.options()
	if at.thread != "" {
		options = append(options, slack.MsgOptionTS(at.thread))
	}
	channel, ts, err := b.api.PostMessageContext(ctx, at.channel, options...)
	if err != nil {
		return had, nil, fmt.Errorf("post the %s of %s in %s: %w", kind, v.Request.ID, at.channel, detail(err))
	}
	return steps.Post{RequestID: v.Request.ID, Surface: kind, Channel: channel, TS: ts, Shown: shown}, held.posted(), nil
}

// beyondRepair tells that a message cannot be rewritten, ever: it is gone, or a
// setting of the workspace keeps messages as they were after some time
// (edit_window_closed), or its form does not allow it.
func beyondRepair(err error) bool {
	return slices.Contains([]string{"message_not_found", "cant_update_message", "edit_window_closed", "block_mismatch"}, slackError(err))
}

// hash names what a page shows.
func (p *page) hash() string {
	blocks, err := json.Marshal(p.blocks)
	if err != nil {
		panic(err) // blocks are made of strings and numbers
	}
	return approval.Hash(append(blocks, p.text()...))[:16]
}

// garbledMark ends the Shown of a card that Slack did not store as it was sent,
// and of an answer without the file in which all of its printed text would be.
const garbledMark = "!"

// putReply posts the answer, and the whole of what was printed when the answer
// has to cut it.
func (b *Bot) putReply(ctx context.Context, v *steps.View) (steps.Post, error) {
	at := spot{v.Session.Channel, thread(v)}
	p := b.reply(v, true)
	had := v.Posts[steps.SurfaceReply]
	mark := had.Shown[len(strings.TrimSuffix(had.Shown, garbledMark)):]
	if had.TS == "" && p.cutsPrinted {
		printed := approval.Artifact{Name: printedFile, Kind: "file", Alt: "What the code printed, in full.", Data: []byte(v.Request.Run.Result.Stdout)}
		_, refused, err := b.upload(ctx, at, []approval.Artifact{printed}, late(v))
		if err != nil {
			return steps.Post{}, err
		}
		if len(refused) > 0 {
			mark = garbledMark
			next := *v
			next.Posts = maps.Clone(v.Posts)
			next.Posts[steps.SurfaceReply] = steps.Post{Shown: mark}
			v, p = &next, b.reply(&next, true)
		}
	}
	post, _, err := b.send(ctx, v, steps.SurfaceReply, at, p)
	if formal(err) {
		// A workspace that does not take tables, or more: refused as a whole, so nothing was posted.
		b.Log.Warn("the answer goes without a table block", "request", v.Request.ID, "error", err)
		post, err = b.put(ctx, v, steps.SurfaceReply, at, b.reply(v, false))
	}
	if post.TS != "" {
		post.Shown = strings.TrimSuffix(post.Shown, garbledMark) + mark
	}
	return post, err
}
