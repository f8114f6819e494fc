package bot

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"countersign/approval/steps"
)

// Every version of the code has a card of its own. What Slack stores is only told
// when a message is posted, never when it is rewritten: so what people approve by
// was posted, and read back. A press that was meant for the version before finds
// no button of this one.

// cardShown is what is remembered of a card as it stands.
type cardShown struct {
	revision int
	hash     string // of what it shows
	flaw     flaw   // Slack has stored something else than what was sent
}

// String is how it is remembered; cardShownOf reads it back. Cards from before
// versions had cards of their own name no version: they are the current one's.
func (c cardShown) String() string {
	text := fmt.Sprintf("%d:%s", c.revision, c.hash)
	if c.flaw.line > 0 {
		text = fmt.Sprintf("%d/%d:%s", c.revision, c.flaw.line, c.hash)
	}
	if c.flaw.found {
		text += garbledMark
	}
	return text
}

func cardShownOf(text string, current int) cardShown {
	c := cardShown{revision: current, hash: strings.TrimSuffix(text, garbledMark), flaw: flaw{found: strings.HasSuffix(text, garbledMark)}}
	if number, hash, ok := strings.Cut(c.hash, ":"); ok {
		number, line, _ := strings.Cut(number, "/")
		c.hash = hash
		c.revision, _ = strconv.Atoi(number) // what nobody can read is no version of ours
		c.flaw.line, _ = strconv.Atoi(line)  // and no line
	}
	return c
}

// putCard posts the card of the current version and reads back what Slack stored.
// If that is not what was sent, nobody may approve by it. The card of the version
// before gives way first, and then leads to the new one.
func (b *Bot) putCard(ctx context.Context, v *steps.View, who Identity) (steps.Post, error) {
	number := v.Request.Revision.Number
	former := v.Posts[steps.SurfaceCard]
	shown := cardShownOf(former.Shown, number)
	if former.TS == "" || shown.revision == number {
		return b.putVersion(ctx, v, who, shown)
	}
	if err := b.giveWay(ctx, v, former, shown.revision, ""); err != nil && !beyondRepair(err) {
		return former, fmt.Errorf("take back the card of revision %d of %s: %w", shown.revision, v.Request.ID, detail(err))
	}
	post, err := b.putVersion(ctx, unposted(v, steps.SurfaceCard), who, cardShown{revision: number})
	if post.TS != "" {
		if err := b.giveWay(ctx, v, former, shown.revision, who.permalink(post.Channel, post.TS, "")); err != nil {
			b.Log.Warn("lead from a former card to the new one", "request", v.Request.ID, "error", detail(err))
		}
	}
	return post, err
}

// putVersion posts the card of the current version, or rewrites it.
func (b *Bot) putVersion(ctx context.Context, v *steps.View, who Identity, shown cardShown) (steps.Post, error) {
	at := spot{channel: b.Policy().ReviewChannel}
	draw := func(had steps.Post) (steps.Post, difference, error) {
		next, p := unposted(v, steps.SurfaceCard), b.drawCard(v, who, shown.flaw)
		if had.TS != "" {
			had.Shown = shown.hash
			next.Posts[steps.SurfaceCard] = had
		}
		p.coloured = b.names()
		post, stored, err := b.send(ctx, next, steps.SurfaceCard, at, p)
		if p.coloured && slackError(err) == "invalid_blocks" {
			b.tried(false)
			p.coloured = false
			post, stored, err = b.send(ctx, next, steps.SurfaceCard, at, p)
		}
		shown.hash = post.Shown
		return post, b.readCard(p, stored), err
	}
	post, d, err := draw(v.Posts[steps.SurfaceCard])
	if err == nil && d.harmful() {
		b.Log.Error("Slack stored something else than the card that was sent", "request", v.Request.ID, "what", d.what, "line", d.line)
		// What stands there now is marked even when it could not be rewritten, so that the next attempt rewrites it.
		shown.flaw = flaw{found: true, line: d.line}
		post, _, err = draw(post)
	}
	if post.TS != "" {
		post.Shown = shown.String()
	}
	return post, err
}

// readCard compares a card with what Slack holds of it, as far as that is known.
func (b *Bot) readCard(p *page, stored tree) difference {
	if stored == nil {
		return difference{}
	}
	d := differ(treeFrom(p.sent()), stored)
	if p.coloured {
		b.tried(!slices.Contains(d.spelling, "lacks rich_text_preformatted.language="+codeLanguage))
	}
	if !d.harmful() {
		b.learn("a card", d.spelling)
	}
	return d
}

// unposted is a view in which one surface has not been posted.
func unposted(v *steps.View, surface steps.Surface) *steps.View {
	next := *v
	next.Posts = maps.Clone(v.Posts)
	delete(next.Posts, surface)
	return &next
}

// giveWay rewrites a card on which nothing is decided any more.
func (b *Bot) giveWay(ctx context.Context, v *steps.View, card steps.Post, revision int, url string) error {
	_, _, _, err := b.api.UpdateMessageContext(ctx, card.Channel, card.TS, b.formerCard(v, revision, url).options()...)
	return err
}

// formerCard is what is left of a card whose version has given way to another, or
// which stands there twice.
func (b *Bot) formerCard(v *steps.View, revision int, url string) *page {
	r := v.Request
	p := &page{}
	switch now := r.Revision.Number; {
	case revision == now:
		p.head("This card stands here twice")
		p.say(words("Nothing is decided on this one."))
	default:
		p.head(fmt.Sprintf("Superseded by revision %d", now))
		p.say(words(fmt.Sprintf("Revision %d of this code has given way to revision %d. Nothing is decided on it any more.", revision, now)))
	}
	for _, w := range r.Wishes {
		if w.Revision == revision {
			p.quote(cut(w.Words, 1000), strong("Changes requested by "), person(w.By), words(", "), moment(w.At), words(":"))
		}
	}
	p.quote(cut(r.Question, 600), person(r.Asker), words(" asks:"))
	if url != "" {
		p.buttons("look", goes(fmt.Sprintf("Go to revision %d", r.Revision.Number), url))
	}
	p.small(words("Request "), mono(r.ID), words(fmt.Sprintf(", revision %d", revision)))
	return p
}
