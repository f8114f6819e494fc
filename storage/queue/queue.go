// Package queue has the steps done. Its jobs are wake-up calls: they may come twice or late,
// and the row decides what is to be done. River is the queue; this package, package pulse and
// package schema are all that know it.
package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"github.com/robfig/cron/v3"

	"countersign/approval"
	"countersign/approval/auditing"
	"countersign/approval/steps"
	"countersign/storage/pg"
	"countersign/storage/pulse"
)

// stepJob is the job that wakes a step.
type stepJob struct {
	Step      approval.Step `json:"step"`
	RequestID string        `json:"request_id"`
}

func (stepJob) Kind() string { return "step" }

// InsertOpts gives every step a queue with workers of its own: many cards to
// show never keep a run waiting. A box that is made early waits behind inspections, for nobody waits for it.
func (j stepJob) InsertOpts() river.InsertOpts {
	if j.Step == approval.StepReady {
		j.Step = approval.StepInspect
	}
	return river.InsertOpts{Queue: string(j.Step)}
}

// sweepJob is the tick of the schedule.
type sweepJob struct{}

func (sweepJob) Kind() string { return "sweep" }

// A tick that failed is not repeated: the next one is on its way.
func (sweepJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "sweep", MaxAttempts: 1}
}

// logJob is the tick that gives events their places in the log.
type logJob struct{}

func (logJob) Kind() string { return "log" }

// As with sweeps, the next tick is on its way.
func (logJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "log", MaxAttempts: 1}
}

// logEvery is how long an event waits for its place in the log.
const logEvery = 5 * time.Second

// fetchCooldown is how long a job may wait for others to be fetched with it: a
// click should feel like one.
const fetchCooldown = 10 * time.Millisecond

// pollInterval is how often each queue is looked at though nobody has told of a job: only those come so that a killed replica has
// left. Ten queues ask by it, also when there is nothing to do.
const pollInterval = time.Second

// showTimeout lets all the files of an answer through a slow line: 32 MB at 64 KB a
// second, and half a minute for each of twenty. Every call has a shorter limit of
// its own.
const showTimeout = 20 * time.Minute

// Jobs has the steps done: it wakes them, and says who is at which.
type Jobs struct {
	pool    *pg.Pool
	insert  Inserter
	replica string       // the name of this process, by which others know its sessions and its jobs
	pulse   *pulse.Pulse // holds the locks of Alone: steps must not starve the transactions inside them
	busy    *sync.Map    // what Alone is at in this process, by its key
	log     *slog.Logger
}

func New(pool *pg.Pool, insert Inserter, replica string, log *slog.Logger) *Jobs {
	return &Jobs{pool: pool, insert: insert, replica: replica, pulse: pulse.New(pool.Config().ConnConfig, replica, pg.HungUp, log), busy: &sync.Map{}, log: log}
}

// End ends this replica's session, and frees the locks of Alone with it.
func (j *Jobs) End() { j.pulse.End() }

// Apart is how far ahead the database's clock was at the last heartbeat of Work.
func (j *Jobs) Apart() time.Duration { return j.pulse.Apart() }

// Inserter puts jobs into the queue.
type Inserter struct{ client *river.Client[pgx.Tx] }

func NewInserter(pool *pg.Pool) (Inserter, error) {
	client, err := river.NewClient(riverpgxv5.New(pool.Pool), &river.Config{Logger: slog.New(slog.DiscardHandler),
		FetchCooldown: fetchCooldown}) // it also bounds how often workers are told of new jobs
	if err != nil {
		return Inserter{}, fmt.Errorf("make the queue's client: %w", err)
	}
	return Inserter{client}, nil
}

// Queue adds jobs to what is sent next of a transaction, at no trip of their own.
func (i Inserter) Queue(t *pg.Tx, wakes ...steps.Wake) error {
	if len(wakes) == 0 {
		return nil
	}
	if _, err := i.client.InsertManyFastTx(t.Ctx, t.Queued(), jobsFor(wakes)); err != nil {
		return fmt.Errorf("insert jobs of %s: %w", wakes[0].RequestID, err)
	}
	return nil
}

func jobsFor(wakes []steps.Wake) []river.InsertManyParams {
	jobs := make([]river.InsertManyParams, len(wakes))
	for n, w := range wakes {
		jobs[n].Args = stepJob{Step: w.Step, RequestID: w.RequestID}
	}
	return jobs
}

// Insert adds jobs in the caller's transaction: they exist if and when it commits.
func (i Inserter) Insert(ctx context.Context, tx pgx.Tx, wakes ...steps.Wake) error {
	if len(wakes) == 0 {
		return nil
	}
	if _, err := i.client.InsertManyTx(ctx, tx, jobsFor(wakes)); err != nil {
		return fmt.Errorf("insert jobs of %s: %w", wakes[0].RequestID, err)
	}
	return nil
}

// Wake queues a job for a step.
func (j *Jobs) Wake(ctx context.Context, wake steps.Wake) error {
	return j.pool.Batched(ctx, pgx.TxOptions{}, false, func(t *pg.Tx) error { return j.insert.Queue(t, wake) })
}

// WorkOptions say how jobs are worked. Zero values mean the defaults.
type WorkOptions struct {
	Drafts, Runs, Shows int           // at once, in this process. Default: 4 each
	RunTimeout          time.Duration // of a run step: the time limit of the code and a margin. Default: 5 min
	FileTimeout         time.Duration // what the largest files may take to come, which steps that read them have on top
	Sweep               string        // a cron expression. Default: @every 15s
	Drain               time.Duration // how long work under way may take to end. Default: 10 s
	Ends                time.Duration // how long work that was told to end then may take over it. Default: 15 s
	// Log gives events their places in the log: one replica does, every few seconds. Default: nobody does
	Log func(context.Context) error
	// Forget forgets what is kept no longer: one replica does, every hour. Default: nobody does
	Forget func(context.Context) error
	// Pack makes a pack and sends it to whoever has ordered it. Default: nobody does
	Pack func(context.Context, auditing.Order) error
	// Offers is the sandbox that this replica has, for the others to see. Default: none
	Offers string
}

// Work calls do for every job and sweep at every tick, until the context ends;
// then it fetches no more, waits for what is under way, and returns. Any number
// of replicas may do this at once; one of them ticks.
//
// A *steps.LaterError or steps.ErrBusy has the job come again, an
// approval.ErrNotFound ends it; every other error has it come again, a little
// later each time.
func (j *Jobs) Work(ctx context.Context, do func(context.Context, steps.Wake) error, sweep func(context.Context) error, o WorkOptions) error {
	if o.Sweep == "" {
		o.Sweep = "@every 15s"
	}
	schedule, err := cron.ParseStandard(o.Sweep)
	if err != nil {
		return fmt.Errorf("read the schedule %q: %w", o.Sweep, err)
	}
	if o.Drain <= 0 {
		o.Drain = 10 * time.Second
	}
	if o.Ends <= 0 {
		o.Ends = 15 * time.Second // a step ends its box first; on a busy machine five seconds were too few
	}
	if o.RunTimeout <= 0 {
		o.RunTimeout = 5 * time.Minute
	}
	reads := 10*time.Minute + 4*o.FileTimeout // they are looked at, and then go into a box that reads them
	working := &sync.Map{}
	// Before the first job is taken: whoever looks who has a sandbox must find this replica from its first moment on.
	j.pulse.Offer(o.Offers)
	defer j.startBeats(ctx, working)()
	workers := river.NewWorkers()
	river.AddWorker(workers, &stepWorker{pool: j.pool, do: do, working: working, turns: newTurns(drawnEvery, orDefault(o.Shows, 4)), timeouts: map[approval.Step]time.Duration{
		approval.StepFind: time.Minute, approval.StepLook: time.Minute, approval.StepRead: reads, approval.StepDraft: reads, approval.StepInspect: 10 * time.Minute, approval.StepReady: 5 * time.Minute, approval.StepRun: o.RunTimeout + 2*o.FileTimeout, approval.StepShow: showTimeout, approval.StepTell: time.Minute}})
	river.AddWorker(workers, &tickWorker[sweepJob]{tick: sweep, working: working})
	periodic := []*river.PeriodicJob{river.NewPeriodicJob(schedule,
		func() (river.JobArgs, *river.InsertOpts) { return sweepJob{}, nil },
		&river.PeriodicJobOpts{ID: "sweep", RunOnStart: true})}
	if o.Log != nil {
		river.AddWorker(workers, &tickWorker[logJob]{tick: o.Log, working: working})
		periodic = append(periodic, river.NewPeriodicJob(river.PeriodicInterval(logEvery),
			func() (river.JobArgs, *river.InsertOpts) { return logJob{}, nil },
			&river.PeriodicJobOpts{ID: "log", RunOnStart: true}))
	}
	queues := map[string]river.QueueConfig{
		string(approval.StepFind):    {MaxWorkers: 4},
		string(approval.StepLook):    {MaxWorkers: 2},
		string(approval.StepRead):    {MaxWorkers: orDefault(o.Drafts, 4)},
		string(approval.StepDraft):   {MaxWorkers: orDefault(o.Drafts, 4)},
		string(approval.StepInspect): {MaxWorkers: orDefault(o.Drafts, 4)},
		string(approval.StepRun):     {MaxWorkers: orDefault(o.Runs, 4)},
		string(approval.StepShow):    {MaxWorkers: 8 * orDefault(o.Shows, 4)}, // most of them wait for their turn
		string(approval.StepTell):    {MaxWorkers: 2},
		"sweep":                      {MaxWorkers: 1},
		"log":                        {MaxWorkers: 1},
	}
	if o.Forget != nil {
		river.AddWorker(workers, &forgetWorker{forget: o.Forget, working: working})
		periodic = append(periodic, river.NewPeriodicJob(river.PeriodicInterval(forgetEvery),
			func() (river.JobArgs, *river.InsertOpts) { return forgetJob{}, nil },
			&river.PeriodicJobOpts{ID: "forget", RunOnStart: true}))
		queues["forget"] = river.QueueConfig{MaxWorkers: 1}
	}
	if o.Pack != nil {
		river.AddWorker(workers, &packWorker{make: o.Pack, working: working})
		queues["pack"] = river.QueueConfig{MaxWorkers: 1}
	}
	client, err := j.startQueue(ctx, river.Config{
		ID:                j.replica,
		Workers:           workers,
		Logger:            slog.New(pulse.Quiet{Handler: j.log.Handler(), Away: &j.pulse.Away}),
		Queues:            queues,
		PeriodicJobs:      periodic,
		FetchCooldown:     fetchCooldown,
		FetchPollInterval: pollInterval,
		JobTimeout:        time.Minute, // of the sweep and the log; the others have their own
		// River goes by this machine's clock to tell what is stuck, and by nothing else: package pulse does it instead.
		RescueStuckJobsAfter: 30 * 24 * time.Hour,
		SoftStopTimeout:      o.Drain,
		ReindexerIndexNames:  []string{}, // none: it takes the tables' owner, who is somebody else
	})
	if err != nil {
		return err
	}
	<-ctx.Done()
	// The context ended while the database was away: nothing was begun, so there is nothing to wait for.
	if client == nil {
		return nil
	}
	select {
	case <-client.Stopped():
		return nil
	case <-time.After(o.Drain + o.Ends):
		return fmt.Errorf("stop the queue: work does not end, though it was told to %v ago", o.Ends)
	}
}

// startQueue starts a client, for as long as the database is away again and
// again. Without a client and without an error, the context has ended first.
func (j *Jobs) startQueue(ctx context.Context, config river.Config) (*river.Client[pgx.Tx], error) {
	for said := false; ; {
		client, err := river.NewClient(riverpgxv5.New(j.pool.Pool), &config)
		if err != nil {
			return nil, fmt.Errorf("make the queue's client: %w", err)
		}
		err = client.Start(ctx)
		switch {
		case err == nil:
			return client, nil
		case ctx.Err() != nil:
			return nil, nil
		case !pg.HungUp(err):
			return nil, fmt.Errorf("start the queue: %w", err)
		}
		if !said {
			j.log.Warn("the queue waits for the database", "error", err)
		}
		said = true
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, nil
		}
	}
}

// stepWorker works the steps: it turns what they say into what the queue does.
type stepWorker struct {
	river.WorkerDefaults[stepJob]
	pool     *pg.Pool
	do       func(context.Context, steps.Wake) error
	working  *sync.Map // the jobs under way here, by their ids
	turns    *turns    // who draws what
	timeouts map[approval.Step]time.Duration
}

// Timeout of a step that only a newer version knows is 0: River's own minute.
func (w *stepWorker) Timeout(job *river.Job[stepJob]) time.Duration { return w.timeouts[job.Args.Step] }

// NextRetry only has to be a time to come: the schema puts the pause of comeBack in its place.
func (w *stepWorker) NextRetry(job *river.Job[stepJob]) time.Time {
	return time.Now().Add(pause(job.Attempt))
}

// pause doubles from one second up to half a minute. It is by the number of the attempt and
// keeps nothing between two of them, so a backoff that counts by itself would be of no use here.
func pause(attempt int) time.Duration {
	return min(time.Second<<min(max(attempt-1, 0), 10), 30*time.Second)
}

func (w *stepWorker) Work(ctx context.Context, job *river.Job[stepJob]) error {
	w.working.Store(job.ID, true)
	defer w.working.Delete(job.ID)
	if err := comeBack(ctx, pause(job.Attempt)); err != nil { // also when the work panics
		return err
	}
	wake := steps.Wake{Step: job.Args.Step, RequestID: job.Args.RequestID}
	var err error
	if wake.Step == approval.StepShow {
		err = w.shown(ctx, job, wake)
	} else {
		err = w.do(ctx, wake)
	}
	var later *steps.LaterError
	switch {
	case errors.As(err, &later):
		return snooze(ctx, max(later.After, 0))
	case errors.Is(err, steps.ErrBusy):
		return snooze(ctx, time.Second)
	case errors.Is(err, approval.ErrNotFound):
		return river.JobCancel(err)
	case err != nil && ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		// This replica is told to stop: another one may begin at once.
		return errors.Join(err, comeBack(ctx, 0))
	}
	return err
}

// comeBack says for how long the job whose work this is is put off, should it not succeed.
func comeBack(ctx context.Context, after time.Duration) error {
	return river.MetadataSet(ctx, pulse.PauseKey, after.Microseconds())
}

// snooze puts a job off without counting an attempt.
func snooze(ctx context.Context, after time.Duration) error {
	if err := comeBack(ctx, after); err != nil {
		return err
	}
	return river.JobSnooze(after)
}

// startBeats has the pulse beat until stop is called.
func (j *Jobs) startBeats(ctx context.Context, working *sync.Map) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // work under way ends later than its context
	over := make(chan struct{})
	go func() {
		defer close(over)
		(&pulse.Watch{Pulse: j.pulse, Working: working}).Beats(ctx)
	}()
	return func() { cancel(); <-over }
}

// tickWorker works the ticks of the sweep, or of the log; they are one replica's, but any replica may get one.
type tickWorker[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	tick    func(context.Context) error
	working *sync.Map
}

func (w *tickWorker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	w.working.Store(job.ID, true)
	defer w.working.Delete(job.ID)
	return w.tick(ctx)
}

var _ rivertype.JobArgs = stepJob{}

func orDefault(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}
