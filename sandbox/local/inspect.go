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
	all, err := s.inspectAll(ctx, []string{code}, files)
	if err != nil {
		return approval.Inspection{}, err
	}
	return all[0], nil
}

// inspectAll has several programs with the same inputs parsed in one box.
func (s *Sandbox) inspectAll(ctx context.Context, programs []string, files []approval.File) ([]approval.Inspection, error) {
	begun := time.Now()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, &approval.BoxError{Err: errors.New("closed"), Words: "The sandbox is shutting down.", Retry: true}
	}
	b, err := s.boot(s.home.inspectBundle)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	defer b.kill()
	stop := context.AfterFunc(ctx, b.kill)
	defer stop()
	select {
	case <-b.booted:
	case <-ctx.Done():
		return nil, fmt.Errorf("inspect: %w", ctx.Err())
	}
	if b.bootErr != nil {
		return nil, b.bootErr
	}
	all, err := b.inspect(programs, files)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("inspect: %w", ctx.Err())
	}
	if err != nil {
		return nil, s.advice(fmt.Errorf("inspect: %w", err), b.proc.said())
	}
	for i := range all {
		all[i].Box = time.Since(begun)
	}
	return all, nil
}

// inspect talks to a box that is ready.
func (b *box) inspect(programs []string, files []approval.File) ([]approval.Inspection, error) {
	stopMeter := b.meter(int64(512+baseMB) << 20)
	defer stopMeter()
	deadline := time.Now().Add(inspectTime)
	if err := errors.Join(b.job.SetDeadline(deadline), b.out.SetDeadline(deadline)); err != nil {
		return nil, err
	}
	if err := sandbox.WriteInspections(b.job, programs, files, b.stamp); err != nil {
		return nil, err
	}
	return sandbox.ReadInspections(b.out, b.stamp, len(programs))
}
