package bot

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/codes"
	"countersign/bot/draw"
	"countersign/bot/kit"
	"countersign/bot/readback"
)

// Every version of the code has a card of its own. What Slack stores is only told
// when a message is posted, never when it is rewritten: so what people approve by
// was posted, and read back. A press that was meant for the version before finds
// no button of this one.

// cardShown is what is remembered of a card as it stands.
//
//	2:9f3c…      version 2, which shows what hashes to 9f3c…
//	2/17:9f3c…!  the same, and Slack has stored line 17 otherwise
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

// cardShownOf reads what was remembered. A text of an older build, or one that nobody can read,
// leads to a card that is drawn again, never to one that is taken for current.
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
func (out *publishing) putCard(ctx context.Context, v *steps.View, who kit.Identity) (steps.Post, error) {
	number := v.Request.Revision.Number
	former := v.Posts[steps.SurfaceCard]
	shown := cardShownOf(former.Shown, number)
	if former.TS == "" || shown.revision == number {
		return out.putVersion(ctx, v, shown)
	}
	if err := out.giveWay(ctx, v, former, shown.revision, ""); err != nil && !codes.BeyondRepair(err) {
		return former, fmt.Errorf("take back the card of revision %d of %s: %w", shown.revision, v.Request.ID, codes.Detail(err))
	}
	// In this order: between the two there is no card to approve by, but never two.
	post, err := out.putVersion(ctx, unposted(v, steps.SurfaceCard), cardShown{revision: number})
	if post.TS != "" {
		if err := out.giveWay(ctx, v, former, shown.revision, who.Permalink(post.Channel, post.TS, "")); err != nil {
			out.Log.Warn("lead from a former card to the new one", "request", v.Request.ID, "error", codes.Detail(err))
		}
	}
	return post, err
}

// putVersion posts the card of the current version, or rewrites it.
//
// Where Slack has stored something else, the card is drawn once more with that flaw marked, and no third time: a
// Slack that changes code would change it again.
func (out *publishing) putVersion(ctx context.Context, v *steps.View, shown cardShown) (steps.Post, error) {
	at := spot{channel: out.Policy().ReviewChannel}
	try := func(had steps.Post) (steps.Post, readback.Difference, error) {
		next, p := unposted(v, steps.SurfaceCard), draw.DrawCard(out.with(), v, shown.flaw)
		// Slack is called only where the hash differs, so what is remembered beside the hash has to be taken off first.
		if had.TS != "" {
			had.Shown = shown.hash
			next.Posts[steps.SurfaceCard] = had
		}
		p.Coloured = out.habits.names()
		post, stored, err := out.send(ctx, next, steps.SurfaceCard, at, p)
		// A Slack that refuses the language refuses the whole card: once more without it, and never again.
		// No other refusal says that the blocks were at fault.
		if p.Coloured && codes.Of(err) == "invalid_blocks" {
			out.habits.tried(false)
			p.Coloured = false
			post, stored, err = out.send(ctx, next, steps.SurfaceCard, at, p)
		}
		shown.hash = post.Shown
		return post, out.readCard(p, stored), err
	}
	post, d, err := try(v.Posts[steps.SurfaceCard])
	if err == nil && d.Harmful() {
		out.Log.Error("Slack stored something else than the card that was sent", "request", v.Request.ID, "what", d.What, "line", d.Line)
		// What is there now is marked even when it could not be rewritten, so that the next attempt rewrites it.
		shown.flaw = draw.Flaw{Found: true, Line: d.Line}
		post, _, err = try(post)
	}
	if post.TS != "" {
		post.Shown = shown.String()
	}
	return post, err
}

// readCard compares a card with what Slack holds of it, as far as that is known.
//
// The zero Difference means that nothing is wrong, or that nobody could look. At the press it is compared again,
// so nothing rests on this look alone.
func (out *publishing) readCard(p *kit.Page, stored readback.Tree) readback.Difference {
	if stored == nil {
		return readback.Difference{}
	}
	d := readback.Differ(readback.TreeFrom(p.Sent()), stored)
	if p.Coloured {
		out.habits.tried(!slices.Contains(d.Spelling, "lacks rich_text_preformatted.language="+kit.CodeLanguage))
	}
	if !d.Harmful() {
		out.habits.learn("a card", d.Spelling)
	}
	return d
}

// unposted is a view in which one surface has not been posted.
// The View itself is shared with the other surfaces of the same job, so it is copied and not changed.
func unposted(v *steps.View, surface steps.Surface) *steps.View {
	next := *v
	next.Posts = maps.Clone(v.Posts)
	delete(next.Posts, surface)
	return &next
}

// giveWay rewrites a card on which nothing is decided any more.
func (out *publishing) giveWay(ctx context.Context, v *steps.View, card steps.Post, revision int, url string) error {
	_, _, _, err := out.api.UpdateMessageContext(ctx, card.Channel, card.TS, draw.FormerCard(v, revision, url).Options()...)
	return err
}

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

// plainShownOf reads it back.
func plainShownOf(text string) (s plainShown) {
	number, hash, _ := strings.Cut(text, ":")
	s.file, _ = strconv.Atoi(number) // what nobody can read is no version of ours
	s.hash = hash
	return s
}

// putPlain posts the plainer card, or rewrites it; where the card itself stands, it
// gives way to that.
func (out *publishing) putPlain(ctx context.Context, v *steps.View, who kit.Identity) (steps.Post, error) {
	r := v.Request
	had := v.Posts[steps.SurfacePlain]
	shown := plainShownOf(had.Shown)
	pages := draw.PlainCards(v)
	if card := v.Posts[steps.SurfaceCard]; card.TS != "" && cardShownOf(card.Shown, r.Revision.Number).revision == r.Revision.Number {
		if had.TS == "" {
			return had, nil // nothing is missing: the card could only not be rewritten
		}
		if v.Unseen[steps.SurfaceCard].Times == 0 || r.State != approval.Pending {
			pages = []*kit.Page{draw.GaveWay(r, who.Permalink(card.Channel, card.TS, ""))}
		}
	}
	next := unposted(v, steps.SurfacePlain)
	if had.TS != "" {
		had.Shown = shown.hash
		next.Posts[steps.SurfacePlain] = had
	}
	var post steps.Post
	var err error
	for _, p := range pages {
		if post, _, err = out.send(ctx, next, steps.SurfacePlain, spot{channel: out.Policy().ReviewChannel}, p); !codes.Formal(err) {
			break
		}
	}
	if post.TS == "" {
		return post, err
	}
	// A new message has no file below it yet, whatever was remembered of the old one.
	if post.TS != had.TS {
		shown.file = 0
	}
	shown.hash = post.Shown
	if err == nil && r.State == approval.Pending && shown.file != r.Revision.Number {
		if out.readable(ctx, v, spot{post.Channel, post.TS}) {
			shown.file = r.Revision.Number
		}
	}
	post.Shown = shown.String()
	return post, err
}

// readable puts the code below the plainer card, for reading, and tells whether that
// is not to be tried again.
func (out *publishing) readable(ctx context.Context, v *steps.View, at spot) bool {
	_, refused, err := out.upload(ctx, at, []approval.Artifact{draw.CodeFile(v.Request)}, false, nil)
	if err != nil {
		out.Log.Warn("the code is not in the thread of its card yet", "request", v.Request.ID, "error", err)
	}
	return err == nil || len(refused) > 0
}

// habits are what is known of how this workspace's Slack holds messages.
//
// It is kept by the process and not by the database: Slack may change, and a start costs one card that is sent
// twice at most.
type habits struct {
	log      *slog.Logger
	may      bool         // code may be sent with its language
	language atomic.Int32 // what is known of the language of code
	unmarked atomic.Bool  // reactions are refused for want of a scope
	learned  sync.Map     // when a kind of spelling was logged last, a time.Time
}

// What is known of the language of code: nothing, that Slack takes it and gives
// it back, or that it does not.
const (
	languageUntried int32 = iota
	languageKept
	languageLost
)

// names tells whether the next card names the language of its code. Options.Language
// has to ask for it, and no card may have shown that Slack does not take it.
func (h *habits) names() bool { return h.may && h.language.Load() != languageLost }

// tried remembers what became of a card that named it.
func (h *habits) tried(kept bool) {
	if kept {
		h.language.CompareAndSwap(languageUntried, languageKept)
	} else if h.language.Swap(languageLost) != languageLost {
		h.log.Warn("Slack does not keep the language of code: it is sent no more")
	}
}

// keeps tells that Slack is known to keep the language of code.
// Modals are stricter than cards, which try it out: what was not shown to work is not sent in them (openCode).
func (h *habits) keeps() bool { return h.may && h.language.Load() == languageKept }

// learn logs what Slack does to our blocks without changing what they say, each kind
// once a day.
func (h *habits) learn(where string, kinds []string) {
	for _, kind := range kinds {
		if last, ok := h.learned.Load(kind); ok && time.Since(last.(time.Time)) < 24*time.Hour {
			continue
		}
		h.learned.Store(kind, time.Now())
		h.log.Info("Slack spells a message otherwise; it says the same", "where", where, "what", kind)
	}
}
