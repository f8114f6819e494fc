package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"countersign/approval/steps"
	"countersign/storage/pg"
)

// drawnEvery is how often one request is drawn at most: what follows on a drawing sooner than anybody reads it is drawn with what
// comes after. Slack takes about one message a second in a channel, and rewrites of the same line count among them.
const drawnEvery = 250 * time.Millisecond

// turns have one job at a time draw a request in this process. A job that comes while another one is at it leaves a note and is
// done: that one draws once more before it ends, from what is committed by then. A note is never lost: should that job fail, or its
// process end, the queue has it come again, and it draws whatever stands then.
type turns struct {
	every time.Duration
	free  chan struct{} // one for each that may draw at once: those who only wait for their time are not counted

	mu    sync.Mutex
	taken map[string]*turn // by request; those that ended a moment ago, too
}

type turn struct {
	began time.Time
	at    bool // somebody draws, or is about to
	again bool // and is to draw once more
}

func newTurns(every time.Duration, atOnce int) *turns {
	return &turns{every: every, free: make(chan struct{}, atOnce), taken: map[string]*turn{}}
}

// draw draws, unless somebody is at it.
func (t *turns) draw(ctx context.Context, id string, work func() error) error {
	mine := t.take(id)
	if mine == nil {
		return nil
	}
	held := true
	defer func() {
		if held { // the work has panicked
			_, _ = t.left(mine, true) // the panic has the job come again
		}
	}()
	for {
		err := t.wait(ctx, mine)
		if err == nil {
			err = t.one(work)
		}
		// What another replica is at is tried again by the job, with all notes.
		lost := false
		if held, lost = t.left(mine, ctx.Err() != nil || errors.Is(err, steps.ErrBusy)); !held {
			// Whoever left the note is done. Where this job had drawn all the same as its replica was told to stop, it comes again for it.
			if lost && err == nil {
				err = ctx.Err()
			}
			return err
		}
	}
}

// one draws once.
func (t *turns) one(work func() error) error {
	defer func() { <-t.free }()
	return work()
}

// take gives the turn, or leaves a note with whoever has it.
func (t *turns) take(id string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	for id, one := range t.taken { // few: those of the last moment
		if !one.at && now.Sub(one.began) >= t.every {
			delete(t.taken, id)
		}
	}
	one := t.taken[id]
	if one == nil {
		one = &turn{}
		t.taken[id] = one
	}
	if one.at {
		one.again = true
		return nil
	}
	one.at = true
	return one
}

// wait waits until the request was not drawn for a while, and until there are not too many who draw.
func (t *turns) wait(ctx context.Context, mine *turn) error {
	t.mu.Lock()
	pause := t.every - time.Since(mine.began)
	t.mu.Unlock()
	if pause > 0 {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case t.free <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	// Notes until now are about what is read next.
	mine.began, mine.again = time.Now(), false
	return nil
}

// left tells whether there is a note, which is then to be followed. Otherwise, and where it is over, the turn is free; lost
// tells of a note that nobody follows here.
func (t *turns) left(mine *turn, over bool) (again, lost bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.again && !over {
		return true, false
	}
	lost = mine.again
	mine.at, mine.again = false, false
	return false, lost
}

// begunKey is where the metadata of a job say of which attempt it is known that there were others before.
const begunKey = "begun"

// begunBefore tells that an attempt of this job has ended nobody knows where. It is told once for each: a job that is put off again
// and again, because Slack refuses a message, would draw all the others each time.
func begunBefore(job *river.Job[stepJob]) bool {
	var told map[string]any
	_ = json.Unmarshal(job.Metadata, &told) // none: nothing is told
	attempt, _ := told[begunKey].(float64)
	return job.Attempt > 1 && int(attempt) < job.Attempt
}

// shown draws the request in its turn, and notes before that what was begun before: whoever draws it by then may not be this job.
func (w *stepWorker) shown(ctx context.Context, job *river.Job[stepJob], wake steps.Wake) error {
	if begunBefore(job) {
		if err := w.do(ctx, steps.Wake{Step: wake.Step, RequestID: wake.RequestID, Again: true}); err != nil {
			return err
		}
		if err := river.MetadataSet(ctx, begunKey, job.Attempt); err != nil {
			return err
		}
	}
	return w.turns.draw(ctx, wake.RequestID, func() error { return w.show(ctx, wake) })
}

// show remembers that Slack looks like the row, as it was before anybody began
// to draw it: what changes meanwhile will be shown again.
func (w *stepWorker) show(ctx context.Context, wake steps.Wake) error {
	var changed time.Time
	var never bool
	err := w.pool.QueryRow(ctx, `SELECT changed_at, shown_at IS NULL FROM requests WHERE id = $1`, wake.RequestID).Scan(&changed, &never)
	if err != nil {
		return fmt.Errorf("show %s: %w", wake.RequestID, pg.NotFound(err))
	}
	if err := w.do(ctx, wake); err != nil {
		return err
	}
	// Where it was shown and is no more, somebody has doubted it meanwhile (Doubt), and whoever comes next draws it.
	_, err = w.pool.Exec(ctx, `UPDATE requests SET shown_at = greatest(shown_at, $2) WHERE id = $1 AND ($3 OR shown_at IS NOT NULL)`, wake.RequestID, changed, never)
	return err
}
