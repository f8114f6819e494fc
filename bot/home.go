package bot

import (
	"context"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"countersign/approval"
)

// home draws the App Home of somebody who has opened it: what waits for them,
// what they may spend, what they have asked.
func (b *Bot) home(ctx context.Context, team string, e *slackevents.AppHomeOpenedEvent) {
	if e.Tab != "" && e.Tab != "home" {
		return
	}
	b.publishHome(ctx, team, e.User)
}

// publishHome shows somebody their Home as it is now.
func (b *Bot) publishHome(ctx context.Context, team, user string) {
	p, err := b.homePage(ctx, team, user)
	if err != nil {
		p = &page{}
		p.say(words(b.Words(err)))
	}
	view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: p.blocks}}
	if _, err := b.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: user, View: view}); err != nil {
		b.Log.Error("publish Home", "user", user, "error", detail(err))
	}
}

// homeLength is how much of a list a Home shows.
const homeLength = 10

// homePage is what a Home shows to this person: for reviewers the queue first,
// because somebody waits for them.
func (b *Bot) homePage(ctx context.Context, team, user string) (*page, error) {
	who, err := b.who(ctx)
	if err != nil {
		return nil, err
	}
	p, policy := &page{}, b.Policy()
	if policy.Reviewer(user) {
		if err := b.homeQueue(ctx, p, who, team, user); err != nil {
			return nil, err
		}
	}
	p.head("Budget")
	standings, err := b.Service.Budgets(ctx, team, user)
	if err == nil {
		err = b.bars(ctx, p, standings, team, user, homeLength)
	}
	if err != nil {
		return nil, err
	}
	if policy.Admin(user) {
		p.buttons("set limit", button(actionSetLimit, "Set a budget", "", slack.StyleDefault))
	}
	mine, err := b.Service.Recent(ctx, team, user)
	if err != nil {
		return nil, err
	}
	p.head("Your questions")
	p.buttons("ask", button(actionAsk, "Ask a question", "", slack.StylePrimary))
	if len(mine) == 0 {
		p.say(words("You have not asked anything yet. Write "), mono(commandAnalyze), words(" in a channel that I am in, or press the button."))
	}
	for _, r := range mine[:min(homeLength, len(mine))] {
		b.homeLine(ctx, p, who, r, approval.SurfaceProgress)
	}
	return p, nil
}

// homeQueue is what a reviewer can decide, the oldest first.
func (b *Bot) homeQueue(ctx context.Context, p *page, who Identity, team, user string) error {
	waiting, err := b.Service.Pending(ctx, team)
	if err != nil {
		return err
	}
	p.head("Waiting for you")
	n := 0
	for _, r := range waiting {
		if r.Asker == user || r.Revision != nil && r.Revision.Author == user || decidedBy(r, user) {
			continue
		}
		if n++; n <= homeLength {
			b.homeLine(ctx, p, who, r, approval.SurfaceCard)
		}
	}
	switch {
	case n == 0:
		p.say(words("Nothing waits for your decision."))
	case n > homeLength:
		p.say(words("and " + count(n-homeLength, "more request") + "."))
	}
	return nil
}

// decidedBy tells whether somebody has already said what they had to say.
func decidedBy(r *approval.Request, user string) bool {
	for _, d := range r.Decisions {
		if d.Reviewer == user {
			return true
		}
	}
	return false
}

// homeLine is one request, with a way to where it stands in Slack.
func (b *Bot) homeLine(ctx context.Context, p *page, who Identity, r *approval.Request, where approval.Surface) {
	p.say(strong(cut(oneLine(r.Question), 150)))
	label, line := "Open", []part{words(capital(stateWords[r.State]) + ". Asked "), moment(r.CreatedAt)}
	if where == approval.SurfaceCard {
		label, line = "Review", []part{words("Asked by "), person(r.Asker), words(" "), moment(r.CreatedAt)}
	}
	if r.State == approval.Pending {
		line = append(line, words(", open until "), moment(r.ExpiresAt))
	}
	p.small(line...)
	v, err := b.Service.View(ctx, r.ID)
	if err != nil {
		b.Log.Warn("a link on a Home", "request", r.ID, "error", err)
		return
	}
	post := v.Posts[where]
	root := ""
	if where != approval.SurfaceCard {
		root = thread(v)
	}
	if url := who.permalink(post.Channel, post.TS, root); url != "" {
		p.buttons("open "+string(where)+" "+r.ID, goes(label, url))
	}
}
