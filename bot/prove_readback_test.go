package bot

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/sample"
	"countersign/bot/kit"
	"countersign/bot/readback"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
)

// Any letter or digit of what Slack holds, changed in any way, after it was held in any way.
func TestProveSlackAnyLetterCounts(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.ctx = t.Context()
	tried := 0
	kept := t.Run("drawn", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			v := sample.View(risen)
			v.Request.Question = approval.Plain(rapid.StringMatching(`[a-z0-9 &<>.,:$]{1,60}( https?://[a-z]{1,9}\.example/?)?( :x:| 👍| ❌)?`).Draw(rt, "question"))
			if strings.TrimSpace(v.Request.Question) == "" {
				v.Request.Question = "?"
			}
			b.sim.RewriteAtRandom(rapid.Uint64().Draw(rt, "seed"))
			who, err := b.bot.who(b.ctx)
			require.NoError(rt, err)
			post, err := b.bot.Publish(b.ctx, v, steps.SurfaceCard)
			require.NoError(rt, err)
			require.NotContains(rt, post.Shown, draw.GarbledMark)
			sent := readback.TreeFrom(draw.Card(as(who), v, false).Blocks)
			held := readback.TreeFrom(b.read(slacksim.Reviewer, post).Blocks)
			fine, press := judged(sent, sample.MustJSON(held))
			require.True(rt, fine && press, "as it is")
			leaves := readable(held)
			leaf := leaves[rapid.IntRange(0, len(leaves)-1).Draw(rt, "leaf")]
			leaf.change(rapid.IntRange(0, 1<<20).Draw(rt, "where"), rapid.SampledFrom([]string{"7", "q", "", "77", "Z.", "-"}).Draw(rt, "by"))
			fine, press = judged(sent, sample.MustJSON(held))
			require.False(rt, fine || press, "%s: accepted when posted %t, when pressed %t", sample.MustJSON(leaf.in), fine, press)
			tried++
		})
	})
	proof.Check(t, kept && tried > 0, "of any card held in any way, any letter that changes takes Approve away", "%d changes", tried)
}

// In a modal, too: its title and its button count, and its mark is in its metadata.
func TestProveSlackAnyLetterOfAModalCounts(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.ctx = t.Context()
	tried := 0
	kept := t.Run("drawn", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			v := sample.View(risen)
			view, ok := draw.ReviewView(b.bot.with(), v, draw.Origin{Channel: "C1", Message: "1.2", Seal: draw.SealOf(v.Request).String()})
			require.True(rt, ok)
			from, err := draw.OriginOf(view.PrivateMetadata)
			require.NoError(rt, err)
			b.sim.RewriteAtRandom(rapid.Uint64().Draw(rt, "seed"))
			ctx, held := readback.Holding(b.ctx)
			p := &kit.Page{Blocks: view.Blocks.BlockSet}
			_, _, err = b.bot.api.PostMessageContext(ctx, slacksim.CodeReview, p.Options()...)
			require.NoError(rt, err)
			sent, now := readback.TreeFrom(view), readback.TreeFrom(view).(map[string]any)
			now["blocks"] = held.Body["blocks"]
			accepted := func() (opened, submitted bool) {
				return !readback.Differ(sent, now).Harmful(), readback.Whole(now) == from.Mark || readback.MarkOf(now, sent) == readback.Bare(from.Mark)
			}
			opened, submitted := accepted()
			require.True(rt, opened && submitted, "as it is")
			leaves := append(readable(now["blocks"]), leaf{now["title"].(map[string]any), "text"}, leaf{now["submit"].(map[string]any), "text"})
			leaf := leaves[rapid.IntRange(0, len(leaves)-1).Draw(rt, "leaf")]
			leaf.change(rapid.IntRange(0, 1<<20).Draw(rt, "where"), rapid.SampledFrom([]string{"7", "q", "", "-"}).Draw(rt, "by"))
			opened, submitted = accepted()
			require.False(rt, opened || submitted, "%s: accepted when opened %t, when sent off %t", sample.MustJSON(leaf.in), opened, submitted)
			tried++
		})
	})
	proof.Check(t, kept && tried > 0, "of any modal held in any way, any letter that changes takes the approval away", "%d changes", tried)
}

// Any block or element that is gone, there twice, or in another place.
func TestProveSlackAnyPlaceCounts(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.ctx = t.Context()
	tried := 0
	kept := t.Run("drawn", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			v := sample.View(risen)
			b.sim.RewriteAtRandom(rapid.Uint64().Draw(rt, "seed"))
			who, err := b.bot.who(b.ctx)
			require.NoError(rt, err)
			post, err := b.bot.Publish(b.ctx, v, steps.SurfaceCard)
			require.NoError(rt, err)
			sent := readback.TreeFrom(draw.Card(as(who), v, false).Blocks)
			all := readback.TreeFrom(b.read(slacksim.Reviewer, post).Blocks).([]any)
			if rapid.Bool().Draw(rt, "buttons") {
				actions := all[len(all)-1].(map[string]any)
				actions["elements"] = displaced(rt, actions["elements"].([]any))
			} else {
				all = displaced(rt, all)
			}
			fine, press := judged(sent, sample.MustJSON(all))
			require.False(rt, fine || press, "%s: accepted when posted %t, when pressed %t", sample.MustJSON(all), fine, press)
			tried++
		})
	})
	proof.Check(t, kept && tried > 0, "of any card held in any way, any part that goes, comes twice or moves takes Approve away", "%d changes", tried)
}

// displaced is a list of which one thing is gone, there twice or in another place.
func displaced(t *rapid.T, all []any) []any {
	i := rapid.IntRange(0, len(all)-1).Draw(t, "which")
	j := rapid.IntRange(0, len(all)-2).Draw(t, "where")
	if j >= i {
		j++
	}
	switch out := slices.Clone(all); rapid.IntRange(0, 2).Draw(t, "what") {
	case 0:
		return slices.Delete(out, i, i+1)
	case 1:
		return slices.Insert(out, j, all[i])
	default:
		out = slices.Delete(out, i, i+1)
		return slices.Insert(out, min(j, len(out)), all[i])
	}
}

// leaf is a text that people read, in what Slack holds.
type leaf struct {
	in  map[string]any
	key string
}

// readable are the texts of blocks, and what buttons stand for.
func readable(t readback.Tree) (all []leaf) {
	switch t := t.(type) {
	case []any:
		for _, x := range t {
			all = append(all, readable(x)...)
		}
	case map[string]any:
		for _, key := range []string{"text", "value", "action_id", "user_id", "url"} {
			if text, _ := t[key].(string); strings.ContainsFunc(text, counts) {
				all = append(all, leaf{t, key})
			}
		}
		for _, key := range []string{"text", "elements", "confirm", "title", "deny", "options"} {
			all = append(all, readable(t[key])...)
		}
	}
	return all
}

func counts(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// change puts something else in the place of one letter.
func (l leaf) change(n int, by string) {
	text := []rune(l.in[l.key].(string))
	var at []int
	for i, r := range text {
		if counts(r) {
			at = append(at, i)
		}
	}
	i := at[n%len(at)]
	if string(text[i]) == by {
		by += by
	}
	l.in[l.key] = string(text[:i]) + by + string(text[i+1:])
}
