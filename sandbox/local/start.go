package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/sandbox"
)

// How a program gets to run here: its request is given a box (Create), the job is put in (Fill), and the
// end of the job has it begin (Start). A job comes through one pipe that the code behind it reads to its
// end: so what has begun cannot begin again, and what was filled in and never started never ran.

// patience is how long a call waits for a box, which goes on without it.
const patience = 45 * time.Second

// Create makes the box for a request, or finds the one that was made before.
// It returns when the box is ready for its code, or after a while with a
// *steps.BoxError that says Kept: the box is on its way, whoever asks again finds it.
func (s *Sandbox) Create(ctx context.Context, requestID string, seal approval.Manifest) (string, error) {
	if err := s.sealed(seal); err != nil {
		return "", err
	}
	if err := s.Ready(); err != nil {
		return "", err
	}
	b, err := s.adopt(requestID)
	if err != nil {
		return "", err
	}
	defer b.tell(ctx)()
	// The call does not wait for as long as the line is: a job that waits takes a worker from all
	// others, and one that is put off takes nothing.
	select {
	case <-b.booted:
	case <-time.After(s.patience):
		s.keep(b, requestID)
		return "", &steps.BoxError{Err: fmt.Errorf("box %s is not ready yet", b.id), Words: "This machine is busy.", Retry: true, Kept: true}
	case <-ctx.Done():
		s.keep(b, requestID)
		return "", fmt.Errorf("create box for %s: %w", requestID, ctx.Err())
	}
	if b.bootErr != nil {
		s.forget(b)
		return "", b.bootErr
	}
	return b.id, s.give(b, requestID)
}

// Fill puts the job into the box, all but the end that has it begin.
func (s *Sandbox) Fill(ctx context.Context, boxID string, job steps.Job) error {
	b := s.box(boxID)
	if b == nil {
		return s.absent(boxID)
	}
	return b.fill(ctx, job)
}

// Start hands the job to the box, at most once: a box has one pipe for it,
// which is closed behind it.
func (s *Sandbox) Start(ctx context.Context, boxID string, job steps.Job) error {
	b := s.box(boxID)
	if b == nil {
		return s.absent(boxID)
	}
	return b.start(ctx, job)
}

// fill puts all of a job into the box but its end, once. Later calls wait until the first one has
// done so. A box that did not get all of it is killed.
func (b *box) fill(ctx context.Context, job steps.Job) error {
	if err := b.take(job); err != nil {
		return err
	}
	select {
	case <-b.filled:
	case <-ctx.Done():
		return fmt.Errorf("fill %s: %w", b.id, ctx.Err())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fault
}

// take has the job put in, unless it is on its way.
//
// A refusal is for good: whoever hears one takes the run back and relies on nothing ever starting
// here, so this box takes nothing afterwards, not even what was approved.
func (b *box) take(job steps.Job) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	packed, err := sandbox.PackJob(job, b.stamp)
	// A second Fill with the same job is a repetition; with another one it is a mistake that must not run.
	if err == nil && b.given != nil && !sandbox.SameJob(*b.given, job) {
		err = errors.New("the box holds something else")
	}
	if err != nil && b.refused == nil && !b.begun {
		b.refused = &steps.BoxError{Err: fmt.Errorf("fill %s: %w", b.id, err),
			Words: "What was to run is not what was approved, so it has not started: " + err.Error() + "."}
	}
	if together := inputsOf(job); together > MaxInputMB<<20 && b.refused == nil && !b.begun {
		b.refused = &steps.BoxError{Err: fmt.Errorf("fill %s: %d bytes of inputs", b.id, together),
			Words: fmt.Sprintf("A sandbox on this machine holds at most %d MB of files together, so the code has not started.", MaxInputMB)}
	}
	switch {
	case b.refused != nil:
		return b.refused
	case b.given != nil:
		return nil
	case b.killed || b.dead():
		return gone(b.id)
	}
	b.given = &job
	go func() { // it goes on when the caller gives up, as far as the contents do
		defer close(b.filled)
		err := packed.Fill(b.job)
		if err == nil {
			return
		}
		b.kill()
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.fault = gone(b.id); errors.As(err, new(*steps.ContentError)) {
			b.fault = fmt.Errorf("fill %s: %w", b.id, err)
		}
	}()
	return nil
}

// start has the job begin, once: it puts in what is not there yet, and then its end. Later calls
// wait until the first one has done so.
func (b *box) start(ctx context.Context, job steps.Job) error {
	if b.hasBegun() {
		return b.handed(ctx)
	}
	if err := b.fill(ctx, job); err != nil {
		return err
	}
	b.mu.Lock()
	if b.begun {
		b.mu.Unlock()
		return b.handed(ctx)
	}
	if b.killed || b.dead() {
		b.mu.Unlock()
		return gone(b.id)
	}
	// Under the lock that kill takes: a box that is killed first never begins, and one that begins
	// first has an end of its own, which its result tells.
	b.begun, b.started = true, time.Now()
	b.mu.Unlock()
	go func() {
		defer close(b.sent)
		_ = errors.Join(sandbox.Packed{}.End(b.job), b.job.Close()) // a box that cannot read it has no result, which says it all
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
