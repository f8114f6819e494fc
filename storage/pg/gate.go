package pg

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// givesWay is for how long no transaction of the background begins while people wait: longer than a burst of clicks
	// lasts, and shorter than anybody notices of what goes on behind them.
	givesWay = 500 * time.Millisecond
	// breath is how often one of them begins after that.
	breath = 20 * time.Millisecond
	// lingers is for how long after the last answer somebody still counts as waiting: people come in bursts, and what began
	// between two of them would be in the way of the second.
	lingers = 10 * time.Millisecond
)

// gate lets transactions that a person waits for begin before those of the background: while
// one is under way, the others give way, at first altogether, and then they begin one by one, each a breath after the last,
// so that they become slower and none of them stands still.
type gate struct {
	mu      sync.Mutex
	awaited int           // pieces of work that somebody waits for
	quiet   chan struct{} // closed when there is none any more
	left    time.Time     // when the last of them ended
	next    time.Time     // when one of the background may begin although there are some
}

// awaitedKey marks contexts whose work a person waits for.
type awaitedKey struct{}

// Await marks the work of a context as what a person waits for, until done is called.
func (p *Pool) Await(ctx context.Context) (marked context.Context, done func()) {
	g := &p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); g.awaited == 0 {
		g.quiet = make(chan struct{})
		if now.Sub(g.left) >= 2*lingers { // within the second of them, those that waited for the first take their turn
			g.next = now.Add(givesWay)
		}
	}
	g.awaited++
	return context.WithValue(ctx, awaitedKey{}, true), sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.awaited--; g.awaited == 0 {
			g.left = time.Now()
			close(g.quiet)
		}
	})
}

// ReadInside is Read for who is within a transaction already: what has locks and a connection gives way to nobody.
func (p *Pool) ReadInside(ctx context.Context, work func(tx pgx.Tx) error) error {
	return p.Read(context.WithValue(ctx, awaitedKey{}, true), work)
}

// pass waits for a transaction's turn to begin. What ends it early is found by the transaction itself.
func (g *gate) pass(ctx context.Context) {
	if ctx.Value(awaitedKey{}) != nil {
		return
	}
	for {
		quiet, pause := g.turn(time.Now())
		if pause <= 0 {
			return
		}
		select {
		case <-quiet:
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// turn takes the turn where there is one, and says otherwise for how long there is none.
func (g *gate) turn(now time.Time) (quiet <-chan struct{}, pause time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	pause = g.next.Sub(now)
	if g.awaited == 0 {
		pause = min(pause, lingers-now.Sub(g.left))
	} else {
		quiet = g.quiet
	}
	if pause <= 0 {
		g.next = now.Add(breath)
	}
	return quiet, pause
}
