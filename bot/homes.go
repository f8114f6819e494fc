package bot

import (
	"context"
	"encoding/json"
	"time"

	"github.com/slack-go/slack"
)

// A Home is drawn when its owner opens it, and again after whatever they press
// while they may still be looking at it.

// glimpse is what somebody was last shown on their Home.
type glimpse struct {
	mark shelfmark
	hash string // Slack's name for what stood there
	at   time.Time
}

// homeMemory is how long a Home is kept current after it was looked at. A memory
// that is lost with the replica costs a look: opening the Home draws it anew.
const homeMemory = 30 * time.Minute

// looks remembers that somebody looks at their Home.
func (b *Bot) looks(user string, mark shelfmark, hash string) {
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
	b.homes[user] = glimpse{mark: mark, hash: hash, at: time.Now()}
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
			b.looks(cb.User.ID, shelfmarkOf(cb.View.PrivateMetadata), cb.View.Hash)
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
		if g, looking := b.glimpsed(cb.User.ID); looking {
			b.showHome(ctx, cb.Team.ID, cb.User.ID, g.mark, g.hash)
		}
	}
	return a
}

// showHome draws and publishes a Home. hash names what it takes the place of: when
// somebody else was quicker, what they have published may be newer than what was
// read here, so it is read again.
func (b *Bot) showHome(ctx context.Context, team, user string, mark shelfmark, hash string) {
	for range 3 {
		p, err := b.homePage(ctx, team, user, mark)
		if err != nil {
			p = &page{}
			p.say(words(b.Words(err)))
		}
		view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, PrivateMetadata: mark.String(), Blocks: slack.Blocks{BlockSet: p.blocks}}
		request := slack.PublishViewContextRequest{UserID: user, View: view}
		if hash != "" {
			request.Hash = &hash
		}
		stored, err := b.api.PublishViewContext(ctx, request)
		if slackError(err) == "hash_conflict" {
			hash = "" // what is drawn next was read after the other
			continue
		}
		if err != nil {
			b.Log.Error("publish Home", "user", user, "error", detail(err))
			return
		}
		b.looks(user, mark, stored.Hash)
		return
	}
}

// mustMarshal writes what is made of strings and numbers.
func mustMarshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// publishHome shows somebody their Home as it is now, from its beginning.
func (b *Bot) publishHome(ctx context.Context, team, user string) {
	b.showHome(ctx, team, user, shelfmark{}, "")
}
