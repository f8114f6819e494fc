package bot

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
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
func (b *Bot) putPlain(ctx context.Context, v *steps.View, who Identity) (steps.Post, error) {
	r := v.Request
	had := v.Posts[steps.SurfacePlain]
	shown := plainShownOf(had.Shown)
	pages := b.plainCards(v)
	if card := v.Posts[steps.SurfaceCard]; card.TS != "" && cardShownOf(card.Shown, r.Revision.Number).revision == r.Revision.Number {
		if had.TS == "" {
			return had, nil // nothing is missing: the card could only not be rewritten
		}
		if v.Unseen[steps.SurfaceCard].Times == 0 || r.State != approval.Pending {
			pages = []*page{gaveWay(r, who.permalink(card.Channel, card.TS, ""))}
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
		if post, _, err = b.send(ctx, next, steps.SurfacePlain, spot{channel: b.Policy().ReviewChannel}, p); !formal(err) {
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
func (b *Bot) readable(ctx context.Context, v *steps.View, at spot) bool {
	_, refused, err := b.upload(ctx, at, []approval.Artifact{codeFile(v.Request)}, false)
	if err != nil {
		b.Log.Warn("the code is not in the thread of its card yet", "request", v.Request.ID, "error", err)
	}
	return err == nil || len(refused) > 0
}

// codeFile is the current version as a file, for reading.
func codeFile(r *approval.Request) approval.Artifact {
	rev := r.Revision
	alt := "The whole program, for reading. What runs is the stored one with the digest " + approval.Short(rev.Digest) + "."
	return approval.Artifact{Name: fmt.Sprintf("%s-revision-%d.py", r.ID, rev.Number), Kind: "file", Alt: alt, Data: []byte(rev.Code)}
}

// plainCards are the plainer card in the forms that Slack is offered, one after the other.
func (b *Bot) plainCards(v *steps.View) []*page {
	r, s := v.Request, sealOf(v.Request).String()
	said := []string{"*" + escape(cardTitle(r)) + "*"}
	say := func(parts ...part) {
		_, _, line := section(parts)
		said = append(said, line)
	}
	say(person(r.Asker), words(" asks: "+cut(oneLine(r.Question), 600)))
	if r.State != approval.Pending {
		for _, d := range r.Decisions {
			verb := map[approval.Verdict]string{approval.Approve: "Approved by ", approval.Reject: "Rejected by ", approval.Rewrite: "Changes requested by "}[d.Verdict]
			say(words(verb), person(d.Reviewer), words(", "), moment(d.At), words("."))
		}
		said = append(said, b.plainPrint(r))
		return plainPages(said, said, nil)
	}
	say(words(riskWords[v.Terms.Tier]+" · "+needed(r.Approvals(), v.Terms)+" · at most "+r.Revision.Manifest.CostCap.Approx()+" · until "), moment(r.ExpiresAt))
	if n := dangers(r.Revision.Findings); n > 0 {
		say(words("The inspection found " + count(n, "danger") + "."))
	}
	u := v.Unseen[steps.SurfaceCard]
	say(flow(words("This card is shorter than it should be: "), because(u.Why, u.Code, words("this channel")),
		words(". The code is in this thread as a file, for reading."))...)
	var row []slack.BlockElement
	_, fits := chunked(r.Revision.Code)
	bare := said
	switch {
	case !v.Terms.Slack:
		say(words("The rules want it decided on the command line: "), mono("countersign decide "+r.ID))
		bare = said
	case !fits:
		say(words("It is too long to be shown in Slack, so it cannot be approved there. Reject it, request changes, or let the asker take it back."))
		bare = said
	default:
		say(words("Review shows the whole of it, and is where it is approved."))
		bare = append(bare[:len(bare):len(bare)], escape("To review it, open my Home: what waits is listed there. Or on the command line: countersign decide "+r.ID))
		review := button(actionReview, "Review code ("+count(len(lines(r.Revision.Code)), "line")+")", s, slack.StylePrimary)
		row = append(row, review)
	}
	if v.Terms.Slack {
		row = append(row, button(actionReject, "Reject", s, slack.StyleDanger), button(actionChanges, "Request changes", s, slack.StyleDefault))
	}
	print := b.plainPrint(r)
	return plainPages(append(said, print), append(bare, print), row)
}

func (b *Bot) plainPrint(r *approval.Request) string {
	return fmt.Sprintf("Request %s, revision %d, sha256 %s", r.ID, r.Revision.Number, approval.Short(r.Revision.Digest))
}

// plainPages are lines of mrkdwn as one section with buttons, and as text alone: all
// of it, and its first lines with the last.
func plainPages(said, bare []string, row []slack.BlockElement) []*page {
	p := &page{}
	text := strings.Join(said, "\n")
	p.add(slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, cut(text, 3000), false, true), nil, nil), len(text), text)
	if len(row) > 0 {
		p.buttons("decide", row...)
	}
	short := []string{bare[0], bare[len(bare)-1]}
	if len(bare) > 2 {
		short = []string{bare[0], bare[len(bare)-2], bare[len(bare)-1]}
	}
	return []*page{p, {lines: bare}, {lines: short}}
}

// gaveWay is what is left of the plainer card when the card itself stands.
func gaveWay(r *approval.Request, url string) *page {
	p := &page{}
	p.say(strong("The whole card is here by now."), words(" Nothing is decided on this one."))
	if url != "" {
		p.buttons("look", goes("Go to the card", url))
	}
	p.small(words("Request "), mono(r.ID), words(fmt.Sprintf(", revision %d", r.Revision.Number)))
	return p
}

// cardPost is where the reviewers see a request: its card, or the plainer one.
func cardPost(v *steps.View) steps.Post {
	plain, card := v.Posts[steps.SurfacePlain], v.Posts[steps.SurfaceCard]
	if plain.TS != "" && (card.TS == "" || v.Unseen[steps.SurfaceCard].Times > 0) {
		return plain
	}
	return card
}
