package bot

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/codes"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
	"countersign/bot/kit"
)

// Homes are what is shown on a Home, beside budgets.
type Homes interface {
	roster
	Grants(ctx context.Context, team string) ([]review.Grant, error)
	Queue(ctx context.Context, team, user string, f steps.QueueFilter, page int) (steps.Queue, error)
	Recent(ctx context.Context, team, user string) ([]*approval.Request, error)
	// Given is what was approved in somebody's name and has not started.
	Given(ctx context.Context, team, user string) ([]*approval.Request, error)
	View(ctx context.Context, id string) (*steps.View, error)
	RulesOf(ctx context.Context, team, project string) (review.RuleSet, error)
	Offered(ctx context.Context, team, project string) (steps.ModelList, error)
	// Shortages are the rules that more people would be needed for than there are.
	Shortages(ctx context.Context, team string) ([]steps.Shortage, error)
}

// homes draws the Home of whoever looks at theirs.
type homes struct {
	*slackAPI
	service Homes
	budgets *budgets
	epochs  Epochs // nil: no database is ever put back

	mu      sync.Mutex
	shows   map[string]glimpse // who may be looking at their Home, and at what
	drawing sync.Map           // a *sync.Mutex for each of these Homes
	stale   map[string]string  // Homes that show what is not so any more, with their workspace
	stirred chan struct{}      // tells keepHomes that there are some
}

// stirred holds one word: whoever stirs never waits, and one word is enough for all that is stale.
func newHomes(w *slackAPI, s Homes, b *budgets) *homes {
	return &homes{slackAPI: w, service: s, budgets: b, shows: map[string]glimpse{}, stale: map[string]string{}, stirred: make(chan struct{}, 1)}
}

// A Home is drawn when its owner opens it, and again after whatever they press, or
// when a request that may stand on it has moved, while they may still be looking at it.

// glimpse is what somebody was last shown on their Home.
type glimpse struct {
	mark   home.Shelfmark
	hashes []string // Slack's names for what stood there, the present one last
	at     time.Time
	queue  bool // there is a queue on it
}

// drew tells whether it was drawn here: then what is remembered here is newer than
// what the Home carries.
func (g glimpse) drew(hash string) bool { return slices.Contains(g.hashes, hash) }

// homeMemory is how long a Home is kept current after it was looked at. A memory
// that is lost with the replica costs a look: opening the Home draws it anew.
const homeMemory = 30 * time.Minute

// looks remembers that somebody looks at their Home.
//
// It also forgets whoever has not looked for long, so that the map is no larger than those who look.
func (h *homes) looks(user string, mark home.Shelfmark, hash string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for who, g := range h.shows {
		if time.Since(g.at) > homeMemory {
			delete(h.shows, who)
		}
	}
	g := h.shows[user]
	g.mark, g.at = mark, time.Now()
	h.shows[user] = g.called(hash)
}

// called adds a name, and forgets those that no press can be on its way with any more.
// A Home that was drawn again under the same name moves to the end.
func (g glimpse) called(hash string) glimpse {
	const most = 8
	if hash != "" {
		g.hashes = append(slices.DeleteFunc(slices.Clone(g.hashes), func(h string) bool { return h == hash }), hash)
		g.hashes = g.hashes[max(0, len(g.hashes)-most):]
	}
	return g
}

// hash is the name of what stands there, as far as is known here.
func (g glimpse) hash() string {
	if len(g.hashes) == 0 {
		return ""
	}
	return g.hashes[len(g.hashes)-1]
}

// shown remembers what Slack calls a Home that has been drawn. At which part of
// the queue its owner wants to look may have changed while it was.
func (h *homes) shown(user, hash string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if g, ok := h.shows[user]; ok {
		h.shows[user] = g.called(hash)
	}
}

// glimpsed is what somebody was last shown, if they may still look at it.
func (h *homes) glimpsed(user string) (glimpse, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	g, ok := h.shows[user]
	return g, ok && time.Since(g.at) <= homeMemory
}

// fresh has the Home of who has pressed something drawn again, once that is answered.
func (h *homes) fresh(cb slack.InteractionCallback, a answer) answer {
	if cb.View.Type == slack.VTHomeTab {
		// A press on a Home that was drawn by another replica, or before this one started: it says itself
		// what it shows.
		if _, known := h.glimpsed(cb.User.ID); !known {
			h.looks(cb.User.ID, home.ShelfmarkOf(cb.View.PrivateMetadata), cb.View.Hash)
		}
	}
	if _, looking := h.glimpsed(cb.User.ID); !looking {
		return a
	}
	return a.then(func(ctx context.Context) { h.showHome(ctx, cb.Team.ID, cb.User.ID) })
}

// homePause is how long Homes wait to be drawn again, so that what moves together
// is drawn together: a busy hour costs Slack little more than a quiet one.
const homePause = time.Second

// queued remembers whether somebody's Home has a queue.
func (h *homes) queued(user string, queue bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if g, ok := h.shows[user]; ok {
		g.queue = queue
		h.shows[user] = g
	}
}

// stir marks the Homes on which a request that has moved may stand: of who asked it,
// and of those who have a queue.
//
// It is called by jobs at every move, so it only marks; a queue may change by any request, since which ones
// stand on it is for the database to say.
func (h *homes) stir(r *approval.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for user, g := range h.shows {
		if time.Since(g.at) <= homeMemory && (g.queue || user == r.Asker) {
			h.stale[user] = r.Team
		}
	}
	if len(h.stale) == 0 {
		return
	}
	select {
	case h.stirred <- struct{}{}:
	default: // it knows already
	}
}

// keepHomes draws the marked Homes again, one after the other, until the context ends.
func (h *homes) keepHomes(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.stirred:
		}
		select {
		case <-ctx.Done():
			return
		// What comes in meanwhile is drawn with the rest.
		case <-time.After(homePause):
		}
		h.mu.Lock()
		stale := h.stale
		h.stale = map[string]string{}
		h.mu.Unlock()
		for user, team := range stale {
			// One that hangs must not keep the others waiting for ever.
			late, cancel := context.WithTimeout(ctx, h.lateTime())
			h.showHome(late, team, user)
			cancel()
		}
	}
}

// showHome draws and publishes a Home that somebody looks at. When somebody else
// was quicker (Slack's hash_conflict), what they have published may be newer than
// what was read here, so it is read again.
func (h *homes) showHome(ctx context.Context, team, user string) {
	one, _ := h.drawing.LoadOrStore(user, &sync.Mutex{})
	one.(*sync.Mutex).Lock() // one after the other, so that what was read last is what stands there
	defer one.(*sync.Mutex).Unlock()
	for attempt := range 3 {
		g, _ := h.glimpsed(user)
		// Read after the lock was taken, so nothing older replaces what another press has drawn.
		// With half of the time, so that there is some left to say that nothing could be read.
		read, cancel := context.WithTimeout(ctx, h.lateTime()/2)
		p, err := h.homePage(read, team, user, g.mark)
		cancel()
		if err != nil {
			words := h.Words(err)
			if errors.Is(err, context.DeadlineExceeded) {
				words = "What belongs here cannot be read at the moment. Please open this page again in a minute."
			}
			p = &kit.Page{}
			p.Say(kit.Words(words))
		}
		view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, PrivateMetadata: g.mark.String(), Blocks: slack.Blocks{BlockSet: p.Blocks}}
		request := slack.PublishViewContextRequest{UserID: user, View: view}
		// The hash says which Home this one is to replace. After a conflict all was read again, so the next
		// attempts publish whatever stands there.
		if hash := g.hash(); hash != "" && attempt == 0 {
			request.Hash = &hash
		}
		stored, err := h.api.PublishViewContext(ctx, request)
		if codes.Of(err) == "hash_conflict" {
			continue
		}
		if err != nil {
			h.Log.Error("publish Home", "user", user, "error", codes.Detail(err))
			return
		}
		h.shown(user, stored.Hash)
		return
	}
}

// clickQueue shows another part of the queue.
func (h *homes) clickQueue(_ context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	mark := home.ShelfmarkOf(cb.View.PrivateMetadata)
	if g, looking := h.glimpsed(cb.User.ID); looking && g.drew(cb.View.Hash) {
		mark = g.mark // a press before this one, of which the Home does not tell yet
	}
	h.looks(cb.User.ID, mark.After(action), "") // drawn when the press has been answered, as after every press
	return answer{}, nil
}

// home draws the App Home of somebody who has opened it: what waits for them,
// what they may spend, what they have asked.
func (h *homes) home(ctx context.Context, team string, e *slackevents.AppHomeOpenedEvent) {
	// Slack sends the event for the Messages tab as well.
	if e.Tab != "" && e.Tab != "home" {
		return
	}
	var mark home.Shelfmark
	hash := ""
	if e.View != nil {
		mark, hash = home.ShelfmarkOf(e.View.PrivateMetadata), e.View.Hash
	}
	h.looks(e.User, mark, hash)
	h.showHome(ctx, team, e.User)
}

// homePage is what a Home shows to this person.
func (h *homes) homePage(ctx context.Context, team, user string, mark home.Shelfmark) (*kit.Page, error) {
	v := home.View{User: user, Mark: mark}
	who, err := h.who(ctx)
	if err != nil {
		return nil, err
	}
	if v.Roster, v.Decides, err = h.part(ctx, team, user); err != nil {
		return nil, err
	}
	// From here on the Home is drawn again whenever something in the queue moves.
	h.queued(user, v.Decides)
	if v.Decides {
		if v.Queue, err = h.service.Queue(ctx, team, user, mark.Filter(), mark.Page); err != nil {
			return nil, err
		}
		given, err := h.service.Given(ctx, team, user)
		if err != nil {
			return nil, err
		}
		for _, r := range given {
			v.Given = append(v.Given, home.Question{Request: r, URL: h.where(ctx, who, r, ofCard)})
		}
	}
	// Without a channel: a Home is nowhere, so it shows what pays everywhere.
	if v.Purse, err = h.budgets.purse(ctx, team, user, ""); err != nil {
		return nil, err
	}
	mine, err := h.service.Recent(ctx, team, user)
	if err != nil {
		return nil, err
	}
	for _, r := range mine[:min(home.Length, len(mine))] {
		v.Mine = append(v.Mine, home.Question{Request: r, URL: h.where(ctx, who, r, ofProgress)})
	}
	// What follows is for those who see all, and costs calls of the database.
	if !v.Roster.Sees(user) {
		return v.Draw(), nil
	}
	if h.epochs != nil {
		if v.Rest, err = h.epochs.Rest(ctx, team); err != nil {
			return nil, err
		}
	}
	if v.Rules, err = h.service.RulesOf(ctx, team, ""); err != nil {
		return nil, err
	}
	if v.Models, err = h.service.Offered(ctx, team, ""); err != nil {
		return nil, err
	}
	v.Short, err = h.service.Shortages(ctx, team)
	return v.Draw(), err
}

// ofProgress and ofCard are the posts of a request that a Home leads to, and their threads: where
// its progress can be read, and its card.
func ofProgress(v *steps.View) (post steps.Post, thread string) {
	return v.Posts[steps.SurfaceProgress], draw.Thread(v)
}

func ofCard(v *steps.View) (post steps.Post, thread string) { return draw.CardPost(v), "" }

// where is the link to a request's post, as far as it is known.
//
// Without a link the line still stands there, so a failure is no reason to show nothing.
func (h *homes) where(ctx context.Context, who kit.Identity, r *approval.Request, in func(v *steps.View) (steps.Post, string)) string {
	v, err := h.service.View(ctx, r.ID)
	if err != nil {
		h.Log.Warn("a link on a Home", "request", r.ID, "error", err)
		return ""
	}
	post, thread := in(v)
	return who.Permalink(post.Channel, post.TS, thread)
}

// part is what somebody may do here, and whether anything ever waits for them.
//
// decides is wider than a role: whoever decides in place of somebody who is away has a queue too.
func (h *homes) part(ctx context.Context, team, user string) (roster review.Roster, decides bool, err error) {
	if roster, err = h.service.Reviewers(ctx, team, ""); err != nil {
		return roster, false, err
	}
	if roster.Reviewer(user) || len(roster.InPlaceOf(user)) > 0 {
		return roster, true, nil
	}
	grants, err := h.service.Grants(ctx, team) // some decide in one channel only
	return roster, slices.ContainsFunc(grants, func(g review.Grant) bool { return g.User == user && g.Role.Decides() }), err
}
