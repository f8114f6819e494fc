package bot

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/kit"
)

// Where Slack refuses the card, a plainer one stands in its place: two blocks of the
// oldest sorts, or text alone. It has no Approve, for it does not show the code.
// The file in its thread is for reading; approval is given in the modal that has
// shown the whole code, and is read back like any other.

// plainShown is what is remembered of the plainer card: the version whose code is in
// its thread, and what it shows.
type plainShown struct {
	file int
	hash string
}

func (s plainShown) String() string { return fmt.Sprintf("%d:%s", s.file, s.hash) }

func plainShownOf(text string) (s plainShown) {
	number, hash, _ := strings.Cut(text, ":")
	s.file, _ = strconv.Atoi(number) // what nobody can read is no version of ours
	s.hash = hash
	return s
}

// putPlain posts the plainer card, or rewrites it; where the card itself stands, it
// gives way to that.
func (b *Bot) putPlain(ctx context.Context, v *approval.View, who kit.Identity) (approval.Post, error) {
	r := v.Request
	had := v.Posts[approval.SurfacePlain]
	shown := plainShownOf(had.Shown)
	pages := draw.PlainCards(v)
	if card := v.Posts[approval.SurfaceCard]; card.TS != "" && cardShownOf(card.Shown, r.Revision.Number).revision == r.Revision.Number {
		if had.TS == "" {
			return had, nil // nothing is missing: the card could only not be rewritten
		}
		if v.Unseen[approval.SurfaceCard].Times == 0 || r.State != approval.Pending {
			pages = []*kit.Page{draw.GaveWay(r, who.Permalink(card.Channel, card.TS, ""))}
		}
	}
	next := unposted(v, approval.SurfacePlain)
	if had.TS != "" {
		had.Shown = shown.hash
		next.Posts[approval.SurfacePlain] = had
	}
	var post approval.Post
	var err error
	for _, p := range pages {
		if post, _, err = b.send(ctx, next, approval.SurfacePlain, spot{channel: b.Policy().ReviewChannel}, p); !formal(err) {
			break
		}
	}
	if post.TS == "" {
		return post, err
	}
	if post.TS != had.TS {
		shown.file = 0
	}
	shown.hash = post.Shown
	if err == nil && r.State == approval.Pending && shown.file != r.Revision.Number {
		if b.readable(ctx, v, spot{post.Channel, post.TS}) {
			shown.file = r.Revision.Number
		}
	}
	post.Shown = shown.String()
	return post, err
}

// readable puts the code below the plainer card, for reading, and tells whether that
// is not to be tried again.
func (b *Bot) readable(ctx context.Context, v *approval.View, at spot) bool {
	_, refused, err := b.upload(ctx, at, []approval.Artifact{draw.CodeFile(v.Request)}, false)
	if err != nil {
		b.Log.Warn("the code is not in the thread of its card yet", "request", v.Request.ID, "error", err)
	}
	return err == nil || len(refused) > 0
}
