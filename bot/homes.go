package bot

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/draw/home"
	"countersign/bot/kit"
)

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
func (b *Bot) looks(user string, mark home.Shelfmark, hash string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.homes == nil {
		b.homes = map[string]glimpse{}
	}
	for who, g := range b.homes {
		if time.Since(g.at) > homeMemory {
			delete(b.homes, who)
		}
	}
	g := b.homes[user]
	g.mark, g.at = mark, time.Now()
	b.homes[user] = g.called(hash)
}

// called adds a name, and forgets those that no press can be on its way with any more.
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
func (b *Bot) shown(user, hash string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g, ok := b.homes[user]; ok {
		b.homes[user] = g.called(hash)
	}
}

// glimpsed is what somebody was last shown, if they may still look at it.
func (b *Bot) glimpsed(user string) (glimpse, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	g, ok := b.homes[user]
	return g, ok && time.Since(g.at) <= homeMemory
}

// fresh has the Home of who has pressed something drawn again, once that is answered.
func (b *Bot) fresh(cb slack.InteractionCallback, a answer) answer {
	if cb.View.Type == slack.VTHomeTab {
		if _, known := b.glimpsed(cb.User.ID); !known {
			b.looks(cb.User.ID, home.ShelfmarkOf(cb.View.PrivateMetadata), cb.View.Hash)
		}
	}
	if _, looking := b.glimpsed(cb.User.ID); !looking {
		return a
	}
	first := a.after
	a.after = func(ctx context.Context) {
		if first != nil {
			first(ctx)
		}
		b.showHome(ctx, cb.Team.ID, cb.User.ID)
	}
	return a
}

// homePause is how long Homes wait to be drawn again, so that what moves together
// is drawn together: a busy hour costs Slack little more than a quiet one.
const homePause = time.Second

// queued remembers whether somebody's Home has a queue.
func (b *Bot) queued(user string, queue bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g, ok := b.homes[user]; ok {
		g.queue = queue
		b.homes[user] = g
	}
}

// stir marks the Homes on which a request that has moved may stand: of who asked it,
// and of those who have a queue.
func (b *Bot) stir(r *approval.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for user, g := range b.homes {
		if time.Since(g.at) <= homeMemory && (g.queue || user == r.Asker) {
			b.stale[user] = r.Team
		}
	}
	if len(b.stale) == 0 {
		return
	}
	select {
	case b.stirred <- struct{}{}:
	default: // it knows already
	}
}

// keepHomes draws the marked Homes again, one after the other, until the context ends.
func (b *Bot) keepHomes(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.stirred:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(homePause):
		}
		b.mu.Lock()
		stale := b.stale
		b.stale = map[string]string{}
		b.mu.Unlock()
		for user, team := range stale {
			late, cancel := context.WithTimeout(ctx, lateTime)
			b.showHome(late, team, user)
			cancel()
		}
	}
}

// showHome draws and publishes a Home that somebody looks at. When somebody else
// was quicker (Slack's hash_conflict), what they have published may be newer than
// what was read here, so it is read again.
func (b *Bot) showHome(ctx context.Context, team, user string) {
	one, _ := b.drawing.LoadOrStore(user, &sync.Mutex{})
	one.(*sync.Mutex).Lock() // one after the other, so that what was read last is what stands there
	defer one.(*sync.Mutex).Unlock()
	for attempt := range 3 {
		g, _ := b.glimpsed(user)
		p, err := b.homePage(ctx, team, user, g.mark)
		if err != nil {
			p = &kit.Page{}
			p.Say(kit.Words(b.Words(err)))
		}
		view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, PrivateMetadata: g.mark.String(), Blocks: slack.Blocks{BlockSet: p.Blocks}}
		request := slack.PublishViewContextRequest{UserID: user, View: view}
		if hash := g.hash(); hash != "" && attempt == 0 {
			request.Hash = &hash
		}
		stored, err := b.api.PublishViewContext(ctx, request)
		if slackError(err) == "hash_conflict" {
			continue
		}
		if err != nil {
			b.Log.Error("publish Home", "user", user, "error", detail(err))
			return
		}
		b.shown(user, stored.Hash)
		return
	}
}
