package bot

import (
	"context"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"countersign/bot/kit"
)

// answer is the ack's payload and what to do after the ack. A handler that returns an
// error gets no ack.
type answer struct {
	payload any
	page    *kit.Page // what the payload shows, when it is words for one person
	after   func(context.Context)
	long    bool // after reads files or boxes, which takes its time
}

// then adds to what is left to do.
func (a answer) then(next func(context.Context)) answer {
	first := a.after
	a.after = func(ctx context.Context) {
		if first != nil {
			first(ctx)
		}
		next(ctx)
	}
	return a
}

// load is how many envelopes have come and are not answered, and how long one takes lately.
type load struct {
	mu   sync.Mutex
	open int
	took time.Duration
}

func (l *load) take() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
}

// answered weighs the latest an eighth: one that is slow is chance, and eight of them are not.
func (l *load) answered(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	l.took += (took - l.took) / 8
}

// wait is how long one that comes now has to wait until a worker begins with it.
func (l *load) wait(workers int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.took * time.Duration(max(0, l.open-workers+1)) / time.Duration(workers)
}

const busy = "I'm busy right now, so nothing was done. Please try again in a moment."

// turnAway tells whoever would wait longer than Slack does to try again: nothing is done, and they know at
// once. It returns false for what nobody can be told of: what Slack sends again by itself, and modals, which
// stay open with what was typed when they are not answered.
func (b *Bot) turnAway(d delivery) bool {
	var a answer
	switch data := d.Data.(type) {
	case slack.SlashCommand:
		a = privately(&kit.Page{}, kit.Words(busy))
	case slack.InteractionCallback:
		if data.Type != slack.InteractionTypeBlockActions || data.Container.ChannelID == "" {
			return false
		}
		at := seatOf(data)
		// Where there is no room for words either, it waits with the others.
		if !b.later.TryGo(func() error {
			ctx, cancel := context.WithTimeout(context.Background(), lateTime)
			defer cancel()
			b.tell(ctx, at, kit.Words(busy))
			return nil
		}) {
			return false
		}
	default:
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.Patience*2/3)
	defer cancel()
	kind, outcome := d.kind(), "busy"
	if err := d.client.AckCtx(ctx, d.Request.EnvelopeID, a.payload); err != nil {
		outcome = "failed"
		b.Log.Error("ack", "kind", kind, "error", err)
	}
	b.Log.Warn("too much at once: somebody was asked to try again", "kind", kind)
	b.Observe(kind, outcome, time.Since(d.at))
	return true
}
