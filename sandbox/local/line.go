package local

import (
	"context"
	"time"

	"countersign/approval/steps"
)

// rank is how urgently a box is wanted. The lowest goes first, and may keep all others waiting: what
// was approved has people waiting for it who have already waited for a reviewer.
type rank int32

const (
	forRun        rank = iota // somebody has approved it
	forInspection             // somebody waits for what a program does
	forLater                  // nobody waits yet
)

// tellEvery is how often whoever waits for a box is told its place in the line.
const tellEvery = 2 * time.Second

// tell reports a box's place in the line regularly, until the returned function is called.
// The function waits for a word that is under way: after it nobody hears of a place any more.
func (b *box) tell(ctx context.Context) (stop func()) {
	quit, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(tellEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				steps.TellPlace(ctx, int(b.at.Load()))
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-stopped }
}
