package bot

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/kit"
	"countersign/bot/readback"
)

// Every version of the code has a card of its own. What Slack stores is only told
// when a message is posted, never when it is rewritten: so what people approve by
// was posted, and read back. A press that was meant for the version before finds
// no button of this one.

// cardShown is what is remembered of a card as it stands.
type cardShown struct {
	revision int
	hash     string    // of what it shows
	flaw     draw.Flaw // Slack has stored something else than what was sent
}

// String is how it is remembered; cardShownOf reads it back. Cards from before
// versions had cards of their own name no version: they are the current one's.
func (c cardShown) String() string {
	text := fmt.Sprintf("%d:%s", c.revision, c.hash)
	if c.flaw.Line > 0 {
		text = fmt.Sprintf("%d/%d:%s", c.revision, c.flaw.Line, c.hash)
	}
	if c.flaw.Found {
		text += draw.GarbledMark
	}
	return text
}

func cardShownOf(text string, current int) cardShown {
	c := cardShown{revision: current, hash: strings.TrimSuffix(text, draw.GarbledMark), flaw: draw.Flaw{Found: strings.HasSuffix(text, draw.GarbledMark)}}
	if number, hash, ok := strings.Cut(c.hash, ":"); ok {
		number, line, _ := strings.Cut(number, "/")
		c.hash = hash
		c.revision, _ = strconv.Atoi(number) // what nobody can read is no version of ours
		c.flaw.Line, _ = strconv.Atoi(line)  // and no line
	}
	return c
}

// putCard posts the card of the current version and reads back what Slack stored.
// If that is not what was sent, nobody may approve by it. The card of the version
// before gives way first, and then leads to the new one.
func (b *Bot) putCard(ctx context.Context, v *approval.View, who kit.Identity) (approval.Post, error) {
	number := v.Request.Revision.Number
	former := v.Posts[approval.SurfaceCard]
	shown := cardShownOf(former.Shown, number)
	if former.TS == "" || shown.revision == number {
		return b.putVersion(ctx, v, shown)
	}
	if err := b.giveWay(ctx, v, former, shown.revision, ""); err != nil && !beyondRepair(err) {
		return former, fmt.Errorf("take back the card of revision %d of %s: %w", shown.revision, v.Request.ID, detail(err))
	}
	post, err := b.putVersion(ctx, unposted(v, approval.SurfaceCard), cardShown{revision: number})
	if post.TS != "" {
		if err := b.giveWay(ctx, v, former, shown.revision, who.Permalink(post.Channel, post.TS, "")); err != nil {
			b.Log.Warn("lead from a former card to the new one", "request", v.Request.ID, "error", detail(err))
		}
	}
	return post, err
}

// putVersion posts the card of the current version, or rewrites it.
func (b *Bot) putVersion(ctx context.Context, v *approval.View, shown cardShown) (approval.Post, error) {
	at := spot{channel: b.Policy().ReviewChannel}
	try := func(had approval.Post) (approval.Post, readback.Difference, error) {
		next, p := unposted(v, approval.SurfaceCard), draw.DrawCard(b.with(), v, shown.flaw)
		if had.TS != "" {
			had.Shown = shown.hash
			next.Posts[approval.SurfaceCard] = had
		}
		p.Coloured = b.names()
		post, stored, err := b.send(ctx, next, approval.SurfaceCard, at, p)
		if p.Coloured && slackError(err) == "invalid_blocks" {
			b.tried(false)
			p.Coloured = false
			post, stored, err = b.send(ctx, next, approval.SurfaceCard, at, p)
		}
		shown.hash = post.Shown
		return post, b.readCard(p, stored), err
	}
	post, d, err := try(v.Posts[approval.SurfaceCard])
	if err == nil && d.Harmful() {
		b.Log.Error("Slack stored something else than the card that was sent", "request", v.Request.ID, "what", d.What, "line", d.Line)
		// What stands there now is marked even when it could not be rewritten, so that the next attempt rewrites it.
		shown.flaw = draw.Flaw{Found: true, Line: d.Line}
		post, _, err = try(post)
	}
	if post.TS != "" {
		post.Shown = shown.String()
	}
	return post, err
}

// readCard compares a card with what Slack holds of it, as far as that is known.
func (b *Bot) readCard(p *kit.Page, stored readback.Tree) readback.Difference {
	if stored == nil {
		return readback.Difference{}
	}
	d := readback.Differ(readback.TreeFrom(p.Sent()), stored)
	if p.Coloured {
		b.tried(!slices.Contains(d.Spelling, "lacks rich_text_preformatted.language="+kit.CodeLanguage))
	}
	if !d.Harmful() {
		b.learn("a card", d.Spelling)
	}
	return d
}

// unposted is a view in which one surface has not been posted.
func unposted(v *approval.View, surface approval.Surface) *approval.View {
	next := *v
	next.Posts = maps.Clone(v.Posts)
	delete(next.Posts, surface)
	return &next
}

// giveWay rewrites a card on which nothing is decided any more.
func (b *Bot) giveWay(ctx context.Context, v *approval.View, card approval.Post, revision int, url string) error {
	_, _, _, err := b.api.UpdateMessageContext(ctx, card.Channel, card.TS, draw.FormerCard(v, revision, url).Options()...)
	return err
}
