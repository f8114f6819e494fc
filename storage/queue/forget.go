package queue

import (
	"context"
	"sync"
	"time"

	"github.com/riverqueue/river"
)

// forgetJob is the tick by which what is kept no longer is forgotten. It has a queue of its own: a round over
// many requests may take minutes, and alarms are the sweep's.
type forgetJob struct{}

func (forgetJob) Kind() string { return "forget" }

// As with sweeps, the next tick is on its way, also after one that has failed.
func (forgetJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "forget", MaxAttempts: 1}
}

const (
	// forgetEvery is soon enough for what is counted in days.
	forgetEvery = time.Hour
	// forgetTimeout ends a round before the next begins. Whatever it has done stays done.
	forgetTimeout = 30 * time.Minute
)

type forgetWorker struct {
	river.WorkerDefaults[forgetJob]
	forget  func(context.Context) error
	working *sync.Map
}

func (w *forgetWorker) Timeout(*river.Job[forgetJob]) time.Duration { return forgetTimeout }

func (w *forgetWorker) Work(ctx context.Context, job *river.Job[forgetJob]) error {
	w.working.Store(job.ID, true)
	defer w.working.Delete(job.ID)
	return w.forget(ctx)
}
