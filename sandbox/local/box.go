package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"countersign/approval"
	"countersign/sandbox"
)

const (
	bootTime = 60 * time.Second // two seconds is usual; a machine under load may need many times that
	// grace is what the supervisor in the box may take, after its own time limit,
	// to write the tables and charts (WRITING in supervise.py), to end everything and
	// to send what there is.
	grace = 40 * time.Second
)

// box is one sandbox on its way: booting, ready, started, over. Each of these
// happens once, in this order, and a box that is killed skips the rest.
type box struct {
	id      string
	stamp   sandbox.Stamp
	proc    *process
	job     *os.File // the write end: into the box
	out     *os.File // the read end: out of the box
	created time.Time

	booted  chan struct{} // closed when it is ready, or never will be
	bootErr error

	mu      sync.Mutex
	begun   bool
	refused error // why nothing will ever start here
	killed  bool
	sent    chan struct{} // closed when the job is in the box, or cannot be
	over    chan struct{} // closed when result holds what came out
	started time.Time
	first   time.Time // when the first byte of the result came
	result  approval.Result
	why     approval.Outcome // set by whoever kills it for a limit
}

// boot starts a box and returns at once; booted tells when it is ready.
func (s *Sandbox) boot(bundle string) (*box, error) {
	jobR, jobW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("boot: %w", err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("boot: %w", err), jobR.Close(), jobW.Close())
	}
	s.serial++
	b := &box{id: fmt.Sprintf("local-%s-%d", s.home.instance, s.serial), stamp: sandbox.NewStamp(),
		job: jobW, out: outR, created: time.Now(),
		booted: make(chan struct{}), sent: make(chan struct{}), over: make(chan struct{})}
	b.proc, err = s.launch(b.id, bundle, jobR, outW)
	err = errors.Join(err, jobR.Close(), outW.Close()) // the box has its own copies
	if err != nil {
		err = errors.Join(err, jobW.Close(), outR.Close())
		return nil, s.advice(fmt.Errorf("boot: %w", err), "")
	}
	s.inflight.Go(func() { s.await(b) })
	return b, nil
}

// await waits for a box to be ready, and cleans up when it has ended.
func (s *Sandbox) await(b *box) {
	_ = b.out.SetReadDeadline(time.Now().Add(bootTime))
	err := sandbox.ReadReady(b.out)
	if err == nil {
		err = b.out.SetReadDeadline(time.Time{})
	}
	if err == nil {
		err = b.proc.findMemory()
	}
	if err != nil {
		b.kill()
		<-b.proc.done
		b.bootErr = s.advice(fmt.Errorf("boot: %w", err), b.proc.said())
	}
	close(b.booted)
	<-b.proc.done
	b.closeUnused()
	s.home.sweepBox(s.opt, b.id)
}

// closeUnused closes the pipes of a box that has ended before anybody used it. Of
// one that somebody uses they close them: what it said last is still in the pipe.
func (b *box) closeUnused() {
	if !b.hasBegun() {
		_ = b.job.Close()
		_ = b.out.Close()
	}
}

func (b *box) hasBegun() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.begun
}

// dead tells whether its processes have ended.
func (b *box) dead() bool {
	select {
	case <-b.proc.done:
		return true
	default:
		return false
	}
}

// kill ends its processes. It does not wait.
func (b *box) kill() {
	b.mu.Lock()
	b.killed = true
	b.mu.Unlock()
	b.proc.kill()
}

// start hands the job over, once. Later calls wait for the first one.
func (b *box) start(ctx context.Context, job approval.Job) error {
	b.mu.Lock()
	if b.begun {
		b.mu.Unlock()
		return b.handed(ctx)
	}
	if err := sandbox.CheckJob(job); err != nil && b.refused == nil {
		b.refused = &approval.BoxError{Err: fmt.Errorf("start %s: %w", b.id, err),
			Words: "What was to run is not what was approved, so it has not started: " + err.Error() + "."}
	}
	if b.refused != nil { // for good: whoever hears it relies on nothing ever starting here
		b.mu.Unlock()
		return b.refused
	}
	if b.killed || b.dead() {
		b.mu.Unlock()
		return gone(b.id)
	}
	b.begun, b.started = true, time.Now()
	b.mu.Unlock()
	// From here on the box owns the job: a caller that gives up stops nothing.
	job.Inputs = slices.Clone(job.Inputs)
	go func() {
		defer close(b.sent)
		_ = errors.Join(sandbox.WriteJob(b.job, job, b.stamp), b.job.Close()) // a box that cannot read it has no result, which says it all
	}()
	go b.collect(job)
	return b.handed(ctx)
}

func (b *box) handed(ctx context.Context) error {
	select {
	case <-b.sent:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("start %s: %w", b.id, ctx.Err())
	}
}

// collect guards the run and takes in what comes out.
func (b *box) collect(job approval.Job) {
	limit := time.Duration(job.Limits.Seconds)*time.Second + grace
	clock := time.AfterFunc(limit, func() { b.stop(approval.TimedOut) })
	stopMeter := b.meter(memoryLimit(job))
	result, err := sandbox.ReadResult(&firstByte{from: b.out, box: b}, job.Limits, b.stamp)
	clock.Stop()
	b.proc.kill()
	<-b.proc.done
	stopMeter()
	_ = b.out.Close()

	b.mu.Lock()
	defer b.mu.Unlock()
	b.judge(&result, err, job.Limits)
	result.Box = time.Since(b.created)
	result.Code = min(result.Code, time.Since(b.started))
	if result.Code == 0 {
		result.Code = time.Since(b.started)
	}
	b.result = result
	close(b.over)
}

// judge gives a result without its end the outcome that is known here.
func (b *box) judge(result *approval.Result, err error, limits approval.Limits) {
	if err == nil {
		return
	}
	switch {
	case b.why == approval.OutOfRAM:
		result.Outcome = approval.OutOfRAM
		result.Error = fmt.Sprintf("It was stopped because it used more than its %d MB of memory.", limits.MemoryMB)
	case b.why == approval.TimedOut:
		result.Outcome = approval.TimedOut
		result.Error = fmt.Sprintf("It was stopped at its limit of %d seconds.", limits.Seconds)
	case sandbox.Tampered(err):
		result.Error = "What came out of the box is not what its supervisor would have sent: the code may have tampered with it."
	default:
		result.Error = "The box ended before its result was complete."
	}
}

// stop kills the box for a limit. The first reason stands.
func (b *box) stop(why approval.Outcome) {
	b.mu.Lock()
	if b.why == "" {
		b.why = why
	}
	b.mu.Unlock()
	b.proc.kill()
}

// wait returns the result when there is one.
func (b *box) wait(ctx context.Context) (approval.Result, error) {
	if !b.hasBegun() {
		if b.dead() {
			return approval.Result{}, gone(b.id)
		}
		return approval.Result{}, fmt.Errorf("result of %s: %w", b.id, approval.ErrNotStarted)
	}
	select {
	case <-b.over:
	case <-ctx.Done():
		return approval.Result{}, fmt.Errorf("result of %s: %w", b.id, ctx.Err())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.killed {
		return approval.Result{}, gone(b.id)
	}
	return b.result, nil
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
