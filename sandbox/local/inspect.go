package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/approval"
	"countersign/sandbox"
)

const inspectTime = 90 * time.Second

// Inspect has the code parsed in a box of its own, which has neither network
// nor inputs and ends right after. Nothing of the code runs.
func (s *Sandbox) Inspect(ctx context.Context, code string, files []approval.File) (approval.Inspection, error) {
	begun := time.Now()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return approval.Inspection{}, &approval.BoxError{Err: errors.New("closed"), Words: "The sandbox is shutting down.", Retry: true}
	}
	b, err := s.boot(s.home.inspectBundle)
	s.mu.Unlock()
	if err != nil {
		return approval.Inspection{}, err
	}
	defer b.kill()
	stop := context.AfterFunc(ctx, b.kill)
	defer stop()
	select {
	case <-b.booted:
	case <-ctx.Done():
		return approval.Inspection{}, fmt.Errorf("inspect: %w", ctx.Err())
	}
	if b.bootErr != nil {
		return approval.Inspection{}, b.bootErr
	}
	inspection, err := b.inspect(code, files)
	if ctx.Err() != nil {
		return approval.Inspection{}, fmt.Errorf("inspect: %w", ctx.Err())
	}
	if err != nil {
		return approval.Inspection{}, s.advice(fmt.Errorf("inspect: %w", err), b.proc.said())
	}
	inspection.Box = time.Since(begun)
	return inspection, nil
}

// inspect talks to a box that is ready.
func (b *box) inspect(code string, files []approval.File) (approval.Inspection, error) {
	stopMeter := b.meter(int64(512+baseMB) << 20)
	defer stopMeter()
	deadline := time.Now().Add(inspectTime)
	if err := errors.Join(b.job.SetDeadline(deadline), b.out.SetDeadline(deadline)); err != nil {
		return approval.Inspection{}, err
	}
	if err := sandbox.WriteInspection(b.job, code, files, b.stamp); err != nil {
		return approval.Inspection{}, err
	}
	return sandbox.ReadInspection(b.out, b.stamp)
}
