package bot

import (
	"context"
	"slices"

	"github.com/slack-go/slack/slackevents"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
	"countersign/bot/kit"
)

// home draws the App Home of somebody who has opened it: what waits for them,
// what they may spend, what they have asked.
func (b *Bot) home(ctx context.Context, team string, e *slackevents.AppHomeOpenedEvent) {
	if e.Tab != "" && e.Tab != "home" {
		return
	}
	var mark home.Shelfmark
	hash := ""
	if e.View != nil {
		mark, hash = home.ShelfmarkOf(e.View.PrivateMetadata), e.View.Hash
	}
	b.looks(e.User, mark, hash)
	b.showHome(ctx, team, e.User)
}

// homePage is what a Home shows to this person.
func (b *Bot) homePage(ctx context.Context, team, user string, mark home.Shelfmark) (*kit.Page, error) {
	h := home.View{User: user, Mark: mark}
	who, err := b.who(ctx)
	if err != nil {
		return nil, err
	}
	if h.Roster, h.Decides, err = b.part(ctx, team, user); err != nil {
		return nil, err
	}
	b.queued(user, h.Decides)
	if h.Decides {
		if h.Queue, err = b.Service.Queue(ctx, team, user, mark.Filter(), mark.Page); err != nil {
			return nil, err
		}
	}
	if h.Purse, err = b.purse(ctx, team, user, ""); err != nil {
		return nil, err
	}
	mine, err := b.Service.Recent(ctx, team, user)
	if err != nil {
		return nil, err
	}
	for _, r := range mine[:min(home.Length, len(mine))] {
		h.Mine = append(h.Mine, home.Question{Request: r, URL: b.whereItStands(ctx, who, r)})
	}
	if !h.Roster.Admin(user) {
		return h.Draw(), nil
	}
	if h.Rules, err = b.Service.RulesOf(ctx, team, ""); err != nil {
		return nil, err
	}
	h.Short, err = b.Service.Shortages(ctx, team)
	return h.Draw(), err
}

// whereItStands is where a request's progress can be read, as far as that is known.
func (b *Bot) whereItStands(ctx context.Context, who kit.Identity, r *approval.Request) string {
	v, err := b.Service.View(ctx, r.ID)
	if err != nil {
		b.Log.Warn("a link on a Home", "request", r.ID, "error", err)
		return ""
	}
	post := v.Posts[approval.SurfaceProgress]
	return who.Permalink(post.Channel, post.TS, draw.Thread(v))
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
