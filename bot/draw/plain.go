package draw

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/money"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// CodeFile is the current version as a file, for reading.
func CodeFile(r *approval.Request) approval.Artifact {
	rev := r.Revision
	alt := "The whole program, for reading. What runs is the stored one with the digest " + approval.Short(rev.Digest) + "."
	return approval.Artifact{Name: fmt.Sprintf("%s-revision-%d.py", r.ID, rev.Number), Kind: "file", Alt: alt, Data: []byte(rev.Code)}
}

// PlainCards are the plainer card in the forms that Slack is offered, one after the other. They have no Approve: what is approved
// must have been seen whole, and the reason that they are needed is that Slack does not show the whole.
// The caller sends the first and goes on to the next only where Slack refuses the form of one:
//
//  1. one section of mrkdwn with buttons   [Review code (41 lines)] [Reject] [Request changes]
//  2. the same as text alone, with where to decide
//  3. its title and its last two lines
func PlainCards(v *steps.View) []*kit.Page {
	r, s := v.Request, SealOf(v.Request).String()
	said := []string{"*" + kit.Escape(CardTitle(r)) + "*"}
	say := func(parts ...kit.Part) {
		_, _, line := kit.Section(parts)
		said = append(said, line)
	}
	say(kit.Person(r.Asker), kit.Words(" asks: "+kit.Cut(kit.OneLine(r.Question), 600)))
	// It is kept up like the card: once it is decided, it says by whom.
	if r.State != approval.Pending {
		if broke := Unapproved(r); broke != nil {
			say(append(broke, kit.Words("."))...)
		}
		for _, d := range r.Decisions {
			say(kit.Words(verdictWords[d.Verdict]), kit.Person(d.Reviewer), kit.Words(", "), kit.Moment(d.At), kit.Words("."))
		}
		said = append(said, plainPrint(r))
		return plainPages(said, said, disowning(r))
	}
	say(kit.Words(RiskWords[v.Terms.Tier]+" · "+needed(r.Approvals(), v.Terms)+" · at most "+money.Most(r.Revision.Manifest.CostCap)+" · until "), kit.Moment(r.ExpiresAt))
	if n := dangers(r.Revision.Findings); n > 0 {
		say(kit.Words("The inspection found " + kit.Count(n, "danger") + "."))
	}
	u := v.Unseen[steps.SurfaceCard]
	say(kit.Flow(kit.Words("This card is shorter than it should be: "), Because(u.Why, u.Code, kit.Words("this channel")),
		kit.Words(". The code is in this thread as a file, for reading."))...)
	var row []slack.BlockElement
	_, fits := kit.Chunked(r.Revision.Code)
	// The forms that follow are for a Slack that refuses more and more: one section with buttons, the same
	// as text, its first and last lines. Without buttons the text has to say where to decide.
	bare := said
	switch {
	case !v.Terms.Slack:
		say(kit.Words("By the rules, this is decided on the command line: "), kit.Mono("countersign decide "+r.ID))
		bare = said
	case !fits:
		say(kit.Words("It is too long to show in Slack, so it cannot be approved there. Reject it, request changes, or have the asker cancel it."))
		bare = said
	default:
		say(kit.Words("Review code shows all of it, and is where you approve it."))
		// The capacity is cut, or this append would write into the array that said still grows in.
		bare = append(bare[:len(bare):len(bare)], kit.Escape("To review it, open my Home, where it is listed. Or on the command line: countersign decide "+r.ID))
		review := kit.Button(ids.ActionReview, "Review code ("+kit.Count(len(kit.Lines(r.Revision.Code)), "line")+")", s, slack.StylePrimary)
		row = append(row, review)
	}
	if v.Terms.Slack {
		row = append(row, kit.Button(ids.ActionReject, "Reject", s, slack.StyleDanger), kit.Button(ids.ActionChanges, "Request changes", s, slack.StyleDefault))
	}
	print, row := plainPrint(r), append(row, disowning(r)...)
	return plainPages(append(said, print), append(bare, print), row)
}

// plainPrint is Print without marks, for a message of text alone.
func plainPrint(r *approval.Request) string {
	return fmt.Sprintf("Request %s, revision %d, sha256 %s", r.ID, r.Revision.Number, approval.Short(r.Revision.Digest))
}

// plainPages are lines of mrkdwn as one section with buttons, and as text alone: all
// of it, and its first lines with the last.
func plainPages(said, bare []string, row []slack.BlockElement) []*kit.Page {
	p := &kit.Page{}
	text := strings.Join(said, "\n")
	p.Add(slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, kit.Cut(text, 3000), false, true), nil, nil), len(text), text)
	if len(row) > 0 {
		p.Buttons("decide", row...)
	}
	short := []string{bare[0], bare[len(bare)-1]}
	// The last two lines are where to decide and what is decided on.
	if len(bare) > 2 {
		short = []string{bare[0], bare[len(bare)-2], bare[len(bare)-1]}
	}
	return []*kit.Page{p, {Lines: bare}, {Lines: short}}
}

// CardPost is where the reviewers see a request: its card, or the plainer one.
func CardPost(v *steps.View) steps.Post {
	plain, card := v.Posts[steps.SurfacePlain], v.Posts[steps.SurfaceCard]
	if plain.TS != "" && (card.TS == "" || v.Unseen[steps.SurfaceCard].Times > 0) {
		return plain
	}
	return card
}
