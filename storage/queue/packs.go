package queue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"countersign/approval"
	"countersign/approval/auditing"
	"countersign/storage/pg"
)

// packJob has a pack made and sent to whoever wants it. It may be worked twice: then two come,
// and the log says so of each.
type packJob struct{ auditing.Order }

func (packJob) Kind() string { return "pack" }

// InsertOpts give packs a queue of their own: one may take minutes.
func (packJob) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: "pack", MaxAttempts: 8} }

// packTimeout is for a pack of years over a slow line.
const packTimeout = time.Hour

var _ auditing.Orders = (*Jobs)(nil)

// OrderPack queues one.
func (j *Jobs) OrderPack(ctx context.Context, o auditing.Order) error {
	err := j.pool.Write(ctx, func(tx pgx.Tx) error {
		_, err := j.insert.client.InsertTx(ctx, tx, packJob{o}, nil)
		return err
	})
	return pg.While(err, "order a pack for %s", o.By)
}

// packWorker makes them, one at a time in each replica.
type packWorker struct {
	river.WorkerDefaults[packJob]
	make    func(context.Context, auditing.Order) error
	working *sync.Map
}

func (w *packWorker) Timeout(*river.Job[packJob]) time.Duration { return packTimeout }

// NextRetry is only a time to come, as with steps.
func (w *packWorker) NextRetry(job *river.Job[packJob]) time.Time {
	return time.Now().Add(pause(job.Attempt))
}

func (w *packWorker) Work(ctx context.Context, job *river.Job[packJob]) error {
	w.working.Store(job.ID, true)
	defer w.working.Delete(job.ID)
	if err := comeBack(ctx, pause(job.Attempt)); err != nil {
		return err
	}
	err := w.make(ctx, job.Args.Order)
	if errors.As(err, new(*approval.NotAllowedError)) { // they have lost their role since they asked
		return river.JobCancel(err)
	}
	return err
}
