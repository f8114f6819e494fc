package bot

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/readback"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/rewrite"
)

// The rows of `make prove-slack` about a Slack that holds blocks otherwise than they
// were sent: what can be approved stays so, by a press and in a modal.

// specimen is a message in which every one of Slack's ways finds something to do.
func specimen() []slack.Block {
	text := func(s string, style *slack.RichTextSectionTextStyle) *slack.RichTextSectionTextElement {
		return slack.NewRichTextSectionTextElement(s, style)
	}
	fallback := "26 Nov 2026"
	p := &kit.Page{}
	p.Head("Q&A: is a < b?")
	p.Rich(slack.NewRichTextSection(text("two ", nil), text("neighbours,  :x: and 👍, see https://a.example/x or http://b.example ", nil)), 1, "")
	p.Rich(slack.NewRichTextSection(text("bold", &slack.RichTextSectionTextStyle{Bold: true}), text("plain", nil), text("empty", &slack.RichTextSectionTextStyle{}),
		slack.NewRichTextSectionDateElement(sample.Noon.Unix(), kit.DateFormat, nil, &fallback), slack.NewRichTextSectionUserElement(slacksim.Analyst, nil),
		slack.NewRichTextSectionLinkElement("https://a.example", "a link", nil)), 1, "")
	p.Verbatim([]kit.Part{kit.Words("Code  ")}, "1  x = 1\n2  y = 2 & 3\n", kit.CodeID+"1", "")
	p.Small(kit.Words("a & b < c"))
	ask := kit.Button("press", "Go & see", "value", slack.StyleDefault)
	ask.Confirm = slack.NewConfirmationBlockObject(kit.Plain("Sure?"), kit.Plain("a < b"), kit.Plain("Yes"), kit.Plain("No"))
	p.Buttons("decide", ask)
	row := slack.NewTableBlock("")
	row.AddRow(slack.NewTableRawTextCell("a"), slack.NewTableRawTextCell("b"))
	p.Blocks = append(p.Blocks, row)
	return kit.Coloured(p.Blocks)
}

// telling is a request whose card has all that a decision rests on, in words that
// Slack can do something to.
func telling(v *steps.View) {
	sample.Second("mistral-medium-2508")(v)
	v.Request.Question = "Sales  per month & region :x: 👍, is a < b? See https://a.example  or http://b.example/x"
	v.Request.Revision.Findings = []approval.Finding{{Level: approval.Danger, Line: 3, Text: "writes to <out>  & reads"}, {Level: approval.Caution, Line: 4, Text: "uses 10 or 1.0"}}
	v.Request.Revision.Manifest.Network = []string{"api.example.com", "data.example.com"}
	v.Earlier = []string{"And  before?"}
	v.Request.Assignee = slacksim.Reviewer
}

// survives approves from a card and from a modal, on a Slack that has been told what to do
// with blocks, and says what went wrong.
func survives(t *testing.T, tell func(*slacksim.Sim)) string {
	b := setup(t, func(_ *slacksim.Options, o *Options) { o.Language = true })
	tell(b.sim)
	v, card := pending(b, telling)
	if !card.Has(ids.ActionApprove) || strings.HasSuffix(v.Posts[steps.SurfaceCard].Shown, draw.GarbledMark) {
		return "the card lost Approve: " + b.log.String()
	}
	ben := b.as(slacksim.Reviewer)
	if err := ben.Click(card, ids.ActionApprove); err != nil || len(b.service.decided()) != 1 {
		return fmt.Sprintf("the press was refused (%v): %s", err, b.log.String())
	}
	// The card is drawn again and again while people read it.
	b.service.change(func() { v.Standings[0].Spent += 1_000_000 })
	b.publish(v, steps.SurfaceCard)
	if err := ben.Click(b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard]), ids.ActionApprove); err != nil || len(b.service.decided()) != 2 {
		return fmt.Sprintf("the press on a card that was redrawn was refused (%v): %s", err, b.log.String())
	}
	// And what it says may be older than what is so.
	b.service.change(func() { v.Standings[0].Spent += 1_000_000 })
	if err := ben.Click(b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard]), ids.ActionApprove); err != nil || len(b.service.decided()) != 3 {
		return fmt.Sprintf("the press on a card that was older than the budget was refused (%v): %s", err, b.log.String())
	}
	b.service.change(func() {
		telling(v)
		v.Request.Revision.Code, v.Request.Revision.Number = sample.Long(412), 3
	})
	b.publish(v, steps.SurfaceCard)
	if err := ben.Click(b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard]), ids.ActionReview); err != nil {
		return fmt.Sprintf("the modal did not open: %v", err)
	}
	modal := b.openedAs(ben, ids.CallbackReview)
	if modal.Submit == nil {
		return "the modal has nothing to approve with"
	}
	b.service.change(func() { v.Standings[0].Spent += 1_000_000 })
	if _, err := ben.Submit(slackperson.Form{}); err != nil || len(b.service.decided()) != 4 {
		return fmt.Sprintf("the modal was refused (%v): %s", err, b.log.String())
	}
	return ""
}

func TestProveSlackEachWayToHoldBlocks(t *testing.T) {
	t.Parallel()
	plainly := ""
	for way := range rewrite.Ways + 1 { // 0 is none of them
		t.Run(fmt.Sprint(way), func(t *testing.T) {
			b := idle(t)
			b.sim.Rewrite(way)
			ctx, held := readback.Holding(b.ctx)
			p := &kit.Page{Blocks: specimen()}
			_, _, err := b.bot.api.PostMessageContext(ctx, slacksim.CodeReview, p.Options()...)
			require.NoError(t, err)
			d := readback.Differ(readback.TreeFrom(p.Blocks), held.Posted())
			spelled := someID.ReplaceAllString(string(sample.MustJSON(held.Body["blocks"])), "") // which Slack always gives
			if way == 0 {
				plainly = spelled
				require.Empty(t, d.What)
				return
			}
			trouble := survives(t, func(s *slacksim.Sim) { s.Rewrite(way) })
			effect := spelled != plainly || way == 1
			proof.Check(t, effect && !d.Harmful() && trouble == "", fmt.Sprintf("Approve survives: %s", rewrite.WayNames[way]),
				"effect %t, difference %q, card, press, redrawn card and modal: %s", effect, d.What, orFine(trouble))
		})
	}
}

var someID = regexp.MustCompile(`"block_id":"\w+"`)

func orFine(trouble string) string {
	if trouble == "" {
		return "approved"
	}
	return trouble
}

func TestProveSlackWaysTogether(t *testing.T) {
	t.Parallel()
	rounds := 6
	if os.Getenv("PROVE_REPORT") != "" {
		rounds = 60
	}
	kept := 0
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			if trouble := survives(t, func(s *slacksim.Sim) { s.RewriteAtRandom(uint64(seed) + 1) }); trouble == "" {
				kept++
			} else {
				t.Log(trouble)
			}
		})
	}
	proof.Check(t, kept == rounds, "Approve survives all ways, mixed at random", "%d of %d workspaces: card, press, redrawn card and modal", kept, rounds)
}

func TestProveSlackAnyCardHeldInAnyWay(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.ctx = t.Context() // a failure is made small in its own time
	cards, approvable := 0, 0
	kept := t.Run("drawn", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			v := anything(rt)
			if v.Request.State != approval.Pending {
				sample.In(approval.Pending)(v)
				v = sampleOr(v)
				v.Request.State = approval.Pending
			}
			b.sim.RewriteAtRandom(rapid.Uint64().Draw(rt, "seed"))
			post, err := b.bot.Publish(b.ctx, v, steps.SurfaceCard)
			require.NoError(rt, err)
			require.NotContains(rt, post.Shown, draw.GarbledMark)
			cards++
			held := map[string]any{"blocks": b.read(slacksim.Reviewer, post).Blocks}
			who, err := b.bot.who(b.ctx)
			require.NoError(rt, err)
			drawn := readback.TreeFrom(draw.Card(as(who), v, false).Blocks)
			require.Equal(rt, readback.MarkOf(drawn, nil), readback.MarkOf(readback.TreeFrom(held), drawn))
			if strings.Contains(string(sample.MustJSON(held)), `"action_id":"`+ids.ActionApprove+`"`) {
				approvable++
			}
		})
	})
	proof.Check(t, kept && approvable > cards/10, "any card, held in any way, is read as it was sent", "%d cards, %d with Approve", cards, approvable)
}
