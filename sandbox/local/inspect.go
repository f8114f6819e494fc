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

// Inspect has the code parsed in a box of its own, which has neither network
// nor inputs and ends right after. Nothing of the code runs.
func (s *Sandbox) Inspect(ctx context.Context, code string, files []approval.File) (steps.Inspection, error) {
	all, used, err := s.inspectAll(ctx, []string{code}, files)
	if err != nil {
		return steps.Inspection{Box: used}, err
	}
	all[0].Box = used
	s.Learn(all[0].Libraries)
	return all[0], nil
}

// inspectAll has several programs with the same inputs parsed in one box, and
// says how much processor time it has used, beside an error, too.
func (s *Sandbox) inspectAll(ctx context.Context, programs []string, files []approval.File) (all []steps.Inspection, used time.Duration, err error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, 0, &steps.BoxError{Err: errors.New("closed"), Words: "The sandbox is shutting down.", Retry: true}
	}
	if err := s.notYet; err != nil {
		s.mu.Unlock()
		return nil, 0, err
	}
	// Never a box that waits: those have the bundle of a run.
	b := s.boot(s.home.inspectBundle, forInspection)
	s.mu.Unlock()
	// In this order at the end: the context is let go, the box dies, and whoever waits is told no more.
	defer b.tell(ctx)()
	defer b.kill()
	stop := context.AfterFunc(ctx, b.kill)
	defer stop()
	<-b.booted // soon after the context's end as well: a box that is killed leaves the line
	used = b.boot
	if ctx.Err() != nil {
		return nil, used, fmt.Errorf("inspect: %w", ctx.Err())
	}
	if b.bootErr != nil {
		return nil, used, b.bootErr
	}
	// Beyond its boot, which was counted by itself and is paid as well.
	clock := b.clock(b.boot, s.inspectTime, s.standstill)
	all, err = b.inspect(programs, files)
	more, late := clock.stop()
	used += more
	switch {
	case err == nil:
		return all, used, nil
	// The context's end kills the box, so it is asked before what the box says of that.
	case ctx.Err() != nil:
		return nil, used, fmt.Errorf("inspect: %w", ctx.Err())
	case late != nil:
		return nil, used, lateness(fmt.Errorf("inspect: %w", late))
	}
	return nil, used, s.advice(fmt.Errorf("inspect: %w", err), b.proc.said())
}

// inspect talks to a box that is ready. Its memory is bounded as that of a run is, since code can be
// written so that it takes much to parse.
func (b *box) inspect(programs []string, files []approval.File) ([]steps.Inspection, error) {
	b.mu.Lock()
	b.begun = true // from here on its pipes are closed here
	b.mu.Unlock()
	defer func() { _ = errors.Join(b.job.Close(), b.out.Close()) }() // both have been used up, or are of no use
	// 512 MB to parse in.
	stopMeter := b.meter(int64(512+baseMB) << 20)
	defer stopMeter()
	if err := sandbox.WriteInspections(b.job, programs, files, b.stamp); err != nil {
		return nil, err
	}
	return sandbox.ReadInspections(b.out, b.stamp, len(programs))
}
