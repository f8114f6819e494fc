package bot

import (
	"context"
	"slices"

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

// homePage is what a Home shows to this person.
func (b *Bot) homePage(ctx context.Context, team, user string, mark shelfmark) (*page, error) {
	h := homeView{user: user, mark: mark}
	who, err := b.who(ctx)
	if err != nil {
		return nil, err
	}
	if h.roster, h.decides, err = b.part(ctx, team, user); err != nil {
		return nil, err
	}
	b.queued(user, h.decides)
	if h.decides {
		if h.queue, err = b.Service.Queue(ctx, team, user, mark.filter(), mark.Page); err != nil {
			return nil, err
		}
	}
	if h.purse, err = b.purse(ctx, team, user, ""); err != nil {
		return nil, err
	}
	mine, err := b.Service.Recent(ctx, team, user)
	if err != nil {
		return nil, err
	}
	for _, r := range mine[:min(homeLength, len(mine))] {
		h.mine = append(h.mine, homeQuestion{r, b.whereItStands(ctx, who, r)})
	}
	if !h.roster.Admin(user) {
		return h.draw(), nil
	}
	if h.rules, err = b.Service.RulesOf(ctx, team, ""); err != nil {
		return nil, err
	}
	h.short, err = b.Service.Shortages(ctx, team)
	return h.draw(), err
}

// whereItStands is where a request's progress can be read, as far as that is known.
func (b *Bot) whereItStands(ctx context.Context, who Identity, r *approval.Request) string {
	v, err := b.Service.View(ctx, r.ID)
	if err != nil {
		b.Log.Warn("a link on a Home", "request", r.ID, "error", err)
		return ""
	}
	post := v.Posts[approval.SurfaceProgress]
	return who.permalink(post.Channel, post.TS, thread(v))
}

// homeView is all that the Home of one person is drawn from.
type homeView struct {
	user    string
	roster  approval.Roster
	decides bool // something may wait for them
	mark    shelfmark
	queue   approval.Queue
	purse   spendable
	mine    []homeQuestion
	rules   approval.RuleSet    // for administrators
	short   []approval.Shortage // and what these rules lack people for
}

// homeQuestion is something that they have asked, and where it stands in Slack.
type homeQuestion struct {
	request *approval.Request
	url     string
}

// draw begins with the queue for reviewers, because somebody waits for them.
func (h homeView) draw() *page {
	p := &page{}
	if h.decides {
		homeQueue(p, h.queue, h.mark)
		homeAway(p, h.user, h.roster)
	}
	p.head("Budget")
	h.purse.bars(p, homeLength)
	if h.roster.Admin(h.user) {
		p.buttons("set limit", button(actionSetLimit, "Set a budget", "", slack.StyleDefault), button(actionHistory, "Changes of budgets", "", slack.StyleDefault),
			button(actionTop, "Who spends", "", slack.StyleDefault), button(actionExplain, "Explain a question", "", slack.StyleDefault))
	}
	p.head("Your questions")
	p.buttons("ask", button(actionAsk, "Ask a question", "", slack.StylePrimary))
	if len(h.mine) == 0 {
		p.say(words("You have not asked anything yet. Write "), mono(commandAnalyze), words(" in a channel that I am in, or press the button."))
	}
	for _, q := range h.mine {
		q.line(p)
	}
	if h.roster.Admin(h.user) {
		homeAdmin(p, h.roster, h.rules, h.short)
	}
	return p
}

// part is what somebody may do here, and whether anything ever waits for them.
func (b *Bot) part(ctx context.Context, team, user string) (roster approval.Roster, decides bool, err error) {
	if roster, err = b.Service.Reviewers(ctx, team, ""); err != nil {
		return roster, false, err
	}
	if roster.Reviewer(user) || len(roster.InPlaceOf(user)) > 0 {
		return roster, true, nil
	}
	grants, err := b.Service.Grants(ctx, team) // some decide in one channel only
	return roster, slices.ContainsFunc(grants, func(g approval.Grant) bool { return g.User == user && g.Role != approval.RoleAdmin }), err
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

// line is one request, with a way to where it stands in Slack.
func (q homeQuestion) line(p *page) {
	r := q.request
	p.say(strong(cut(oneLine(r.Question), 150)))
	p.small(append([]part{words(capital(howItStands(r)) + ". Asked "), moment(r.CreatedAt)}, openUntil(r)...)...)
	why := button(actionWhy, "What it cost", r.ID, slack.StyleDefault)
	why.AccessibilityLabel = "What each step cost, and which budget decided it"
	row := []slack.BlockElement{why}
	if q.url != "" {
		row = append([]slack.BlockElement{goes("Open", q.url)}, row...)
	}
	p.buttons("open "+r.ID, row...)
}
