package bot

import (
	"context"
	"slices"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
)

// home draws the App Home of somebody who has opened it: what waits for them,
// what they may spend, what they have asked.
func (b *Bot) home(ctx context.Context, team string, e *slackevents.AppHomeOpenedEvent) {
	if e.Tab != "" && e.Tab != "home" {
		return
	}
	var mark shelfmark
	hash := ""
	if e.View != nil {
		mark, hash = shelfmarkOf(e.View.PrivateMetadata), e.View.Hash
	}
	b.looks(e.User, mark, hash)
	b.showHome(ctx, team, e.User)
}

// homeLength is how much of a list a Home shows.
const homeLength = 10

// homePage is what a Home shows to this person: for reviewers the queue first,
// because somebody waits for them.
func (b *Bot) homePage(ctx context.Context, team, user string, mark shelfmark) (*page, error) {
	who, err := b.who(ctx)
	if err != nil {
		return nil, err
	}
	p := &page{}
	roster, decides, err := b.part(ctx, team, user)
	if err != nil {
		return nil, err
	}
	b.queued(user, decides)
	if decides {
		if err := b.homeQueue(ctx, p, team, user, mark); err != nil {
			return nil, err
		}
		b.homeAway(p, user, roster)
	}
	p.head("Budget")
	standings, err := b.Service.Budgets(ctx, team, user, "")
	if err == nil {
		err = b.bars(ctx, p, standings, team, user, homeLength)
	}
	if err != nil {
		return nil, err
	}
	if roster.Admin(user) {
		p.buttons("set limit", button(actionSetLimit, "Set a budget", "", slack.StyleDefault), button(actionHistory, "Changes of budgets", "", slack.StyleDefault),
			button(actionTop, "Who spends", "", slack.StyleDefault), button(actionExplain, "Explain a question", "", slack.StyleDefault))
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
		b.homeLine(ctx, p, who, r)
	}
	if roster.Admin(user) {
		return p, b.homeAdmin(ctx, p, team, roster)
	}
	return p, nil
}

// part is what somebody may do here, and whether anything ever waits for them.
func (b *Bot) part(ctx context.Context, team, user string) (roster review.Roster, decides bool, err error) {
	if roster, err = b.Service.Reviewers(ctx, team, ""); err != nil {
		return roster, false, err
	}
	if roster.Reviewer(user) || len(roster.InPlaceOf(user)) > 0 {
		return roster, true, nil
	}
	grants, err := b.Service.Grants(ctx, team) // some decide in one channel only
	return roster, slices.ContainsFunc(grants, func(g review.Grant) bool { return g.User == user && g.Role != review.RoleAdmin }), err
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
func (b *Bot) homeLine(ctx context.Context, p *page, who Identity, r *approval.Request) {
	p.say(strong(cut(oneLine(r.Question), 150)))
	p.small(append([]part{words(capital(howItStands(r)) + ". Asked "), moment(r.CreatedAt)}, openUntil(r)...)...)
	why := button(actionWhy, "What it cost", r.ID, slack.StyleDefault)
	why.AccessibilityLabel = "What each step cost, and which budget decided it"
	row := []slack.BlockElement{why}
	v, err := b.Service.View(ctx, r.ID)
	if err != nil {
		b.Log.Warn("a link on a Home", "request", r.ID, "error", err)
	} else {
		post := v.Posts[steps.SurfaceProgress]
		if url := who.permalink(post.Channel, post.TS, thread(v)); url != "" {
			row = append([]slack.BlockElement{goes("Open", url)}, row...)
		}
	}
	p.buttons("open "+r.ID, row...)
}
