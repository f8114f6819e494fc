package local

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/sandbox"
)

// grace is the time that the supervisor in the box has after the code's own limit. It writes
// tables and charts in it (WRITING in supervise.py), ends all processes and sends the result.
const grace = 40 * time.Second

// box is one sandbox. It goes through five states: in line, booting, ready, started, over.
// Each comes once and in this order. A box that is killed skips the rest.
//
// The channels tell of the states, each closed once by the one goroutine that brings it about, so
// that any number of callers can wait for one. What only one of them may do (put a job in, have it
// begin) is decided under mu.
type box struct {
	id     string
	stamp  sandbox.Stamp
	bundle string
	born   time.Time
	urgent atomic.Int32  // its rank
	at     atomic.Int32  // where it stands in the line; 0 when it is not in it
	doomed chan struct{} // closed when it is killed

	booted  chan struct{} // closed when it is ready, or never will be
	bootErr error
	boot    time.Duration // the processor time of booting
	done    chan struct{} // closed when its processes have ended, or never will be any

	// Set when its turn to boot has come.
	proc *process
	view *view    // what its kernel tells of it; nil where nobody watches
	job  *os.File // the write end: into the box
	out  *os.File // the read end: out of the box

	// Guarded by the sandbox's lock.
	warm bool        // it was ready before anybody was waiting for it
	had  bool        // somebody was given it
	idle *time.Timer // until when it is kept for its request

	mu      sync.Mutex
	given   *steps.Job    // what is put into it
	fault   error         // why that did not come into it whole
	filled  chan struct{} // closed when it is in the box but for its end, or cannot be
	begun   bool
	refused error // why nothing will ever start here
	killed  bool
	sent    chan struct{} // closed when the job is in the box, or cannot be
	over    chan struct{} // closed when result holds what came out
	started time.Time
	first   time.Time        // when the first byte of the result came
	last    sandbox.LastLine // that was printed; it guards itself
	result  approval.Result
	why     approval.Outcome // set by whoever kills it for a limit
}

// closeUnused closes the pipes of a box that ended before anybody used it. Whoever uses a box
// closes them, since the box's last words are still in the pipe.
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

// dead reports whether the box's processes have ended.
func (b *box) dead() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

// isReady reports whether the box has booted, or has failed to.
func (b *box) isReady() bool {
	select {
	case <-b.booted:
		return true
	default:
		return false
	}
}

// kill takes the box out of the line, or kills its processes. It does not wait for their end, and
// may be called at any time and as often as one likes.
func (b *box) kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.killed {
		b.killed = true
		close(b.doomed)
	}
	if b.proc != nil {
		b.proc.kill()
	}
}

// collect enforces the limits of the run and reads its result.
//
// The box is killed also where its result is whole: the supervisor says that all has ended, and
// code that got the better of it would go on. What the box's kernel has to tell is complete only
// after that, so the witness is asked last.
func (b *box) collect(job steps.Job) {
	limit := time.Duration(job.Limits.Seconds)*time.Second + grace
	// The runner in the box stops the code at its limit. This one is for a runner that no longer does.
	clock := time.AfterFunc(limit, func() { b.stop(approval.TimedOut) })
	stopMeter := b.meter(memoryLimit(job))
	result, err := sandbox.ReadPrinting(&firstByte{from: b.out, box: b}, job.Limits, b.stamp, b.last.Take)
	clock.Stop()
	b.proc.kill()
	<-b.proc.done
	stopMeter()
	_ = b.out.Close()
	result.Observed.Witness = b.view.told()

	b.mu.Lock()
	defer b.mu.Unlock()
	b.judge(&result, err, job.Limits)
	result.Box = min(b.paid()+time.Since(b.started), lease(job.Limits)) // that this machine takes long over its end is not billed
	result.Code = min(result.Code, time.Since(b.started))
	// Without a report nobody knows how long the code itself ran: all of the time counts.
	if result.Code == 0 {
		result.Code = time.Since(b.started)
	}
	b.result = result
	close(b.over)
}

// judge sets the outcome of a result that has no end, by what is known on this side. A result that
// has one stands, also where a limit was reached in the same moment.
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

// stop kills the box because of a limit. The first reason is kept.
func (b *box) stop(why approval.Outcome) {
	b.mu.Lock()
	if b.why == "" {
		b.why = why
	}
	b.mu.Unlock()
	b.proc.kill()
}
