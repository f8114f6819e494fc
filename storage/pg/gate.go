package pg

import (
	"context"
	"sync"
	"time"
)

// breath is how often one transaction of the background begins while people wait.
const breath = 20 * time.Millisecond

// gate lets transactions that a person waits for begin before those of the background: while
// one is under way, the others begin one by one, each a breath after the last, so that they
// become slower and none of them stands still.
type gate struct {
	mu      sync.Mutex
	awaited int           // pieces of work that somebody waits for
	quiet   chan struct{} // closed when there is none any more
	next    time.Time     // when one of the background may begin although there are some
}

// awaitedKey marks contexts whose work a person waits for.
type awaitedKey struct{}

// Await marks the work of a context as what a person waits for, until done is called.
func (p *Pool) Await(ctx context.Context) (marked context.Context, done func()) {
	g := &p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.awaited++; g.awaited == 1 {
		g.quiet = make(chan struct{})
	}
	return context.WithValue(ctx, awaitedKey{}, true), sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.awaited--; g.awaited == 0 {
			close(g.quiet)
		}
	})
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
	if g.awaited == 0 {
		return nil, 0
	}
	if pause = g.next.Sub(now); pause <= 0 {
		g.next = now.Add(breath)
	}
	return g.quiet, pause
}
