package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
)

// The processor time that a box may use to boot and to inspect. It is not clock time, because a
// busy machine makes both long through nobody's fault.
const (
	bootTime    = 60 * time.Second // two seconds are usual
	inspectTime = 90 * time.Second // a second is usual
	// standstill is how long a box may use no processor time at all. Even a box that is crowded out
	// by others gets a hundredth of a core.
	standstill = 2 * time.Minute
)

// clock limits the processor time of one stretch of a box's life.
type clock struct {
	box        *box
	most       time.Duration
	still      time.Duration
	from       time.Duration
	seen, used time.Duration // at the last look, and the most
	since      time.Time     // when what is seen last changed
	late       error
	quit, over chan struct{}
}

// clock watches a box until it is stopped, and kills it when its time is over. It
// counts what the box uses beyond from. It does not read from off the box: on a busy
// machine the box may have used seconds, or have ended, before this runs.
func (b *box) clock(from, most, still time.Duration) *clock {
	c := &clock{box: b, most: most, still: still, from: from, since: time.Now(), quit: make(chan struct{}), over: make(chan struct{})}
	go c.run()
	return c
}

func (c *clock) run() {
	defer close(c.over)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.quit:
			return
		case <-c.box.proc.done:
			// Else whoever reads would wait for an end that does not come.
			// A process that it left behind may still hold the pipe.
			_ = c.box.out.SetReadDeadline(time.Now().Add(time.Second))
			return
		}
		if c.late = c.judge(c.box.proc.cpu()-c.from, time.Now()); c.late != nil {
			c.box.proc.kill()
		}
	}
}

// judge returns an error if a box that has used so much time until now should be killed.
func (c *clock) judge(used time.Duration, now time.Time) error {
	// What is read may become less, as where a process has ended: the most that was seen counts.
	if used != c.seen {
		c.seen, c.used, c.since = used, max(c.used, used), now
	}
	switch {
	case c.late != nil:
		return c.late
	case c.used > c.most:
		return fmt.Errorf("%w: it has used %v of processor time and was not done", errLate, c.used)
	case now.Sub(c.since) > c.still:
		return fmt.Errorf("%w: it has stood still for %v, after %v of processor time", errLate, c.still, c.used)
	}
	return nil
}

// errLate says that a box used up its time before it was done. Another box may be quicker.
var errLate = errors.New("it took too long")

// stop ends the watch. It returns the time used, and an error if that was too much.
func (c *clock) stop() (used time.Duration, late error) {
	close(c.quit)
	<-c.over
	// One more look, for what was used since the last tick.
	if c.late == nil {
		c.used = max(c.used, c.box.proc.cpu()-c.from)
	}
	return min(c.used, c.most), c.late
}

// lateness is the error that people see for it.
func lateness(err error) error {
	return &steps.BoxError{Err: err, Retry: true, Words: "This machine was too busy to start a sandbox."}
}

// firstByte notes when the first byte came.
type firstByte struct {
	from io.Reader
	box  *box
}

func (f *firstByte) Read(p []byte) (int, error) {
	n, err := f.from.Read(p)
	if f.box != nil && n > 0 {
		f.box.mu.Lock()
		f.box.first = time.Now()
		f.box.mu.Unlock()
		f.box = nil
	}
	return n, err
}

// wait returns the result when there is one. A box that was killed from outside has none, even
// where one has been read by now: whoever killed it has settled what became of the run.
func (b *box) wait(ctx context.Context) (approval.Result, error) {
	if !b.hasBegun() {
		if b.dead() {
			return approval.Result{}, gone(b.id)
		}
		return approval.Result{}, fmt.Errorf("result of %s: %w", b.id, steps.ErrNotStarted)
	}
	ticks := time.NewTicker(steps.LinesEvery)
	defer ticks.Stop()
	for waits := true; waits; {
		select {
		case <-b.over:
			waits = false
		case <-ctx.Done():
			return approval.Result{}, fmt.Errorf("result of %s: %w", b.id, ctx.Err())
		case <-ticks.C:
			steps.TellLine(ctx, b.last.String())
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.killed {
		return approval.Result{}, gone(b.id)
	}
	return b.result, nil
}
