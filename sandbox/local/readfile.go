package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/sandbox"
)

const (
	// readTime is the processor time of a file, a second is usual, and readRate how much more a large one has. The clock on the
	// wall bounds only what stands still.
	readTime  = 2 * time.Minute
	readRate  = 1 << 20 // bytes a second
	fileWait  = 600     // seconds on the wall
	fileRoom  = 1024    // MB, beside the file itself
	closedNow = "The sandbox is shutting down."
)

// ReadLease is the longest that the box of one file is billed for.
func (s *Sandbox) ReadLease(size int64) time.Duration { return bootTime + timeFor(size) + grace }

// timeFor is the processor time that a file of so many bytes may take.
func timeFor(size int64) time.Duration {
	return readTime + time.Duration(size/readRate)*time.Second
}

// Desk names the Python that reads files.
func (s *Sandbox) Desk() string { return sandbox.Desk() }

// ReadFile has one file read in a box of its own, which its kernel watches. A file over which
// the box did what reading never needs is refused, whatever the box says of it.
func (s *Sandbox) ReadFile(ctx context.Context, f steps.InputFile) (out steps.Readout, err error) {
	b, err := s.bootForFile()
	if err != nil {
		return out, err
	}
	defer b.tell(ctx)()
	defer b.kill()
	stop := context.AfterFunc(ctx, b.kill)
	defer stop()
	// It closes at the context's end as well, which kills the box.
	<-b.booted
	out.Box = b.boot
	if ctx.Err() != nil {
		return out, fmt.Errorf("read: %w", ctx.Err())
	}
	if b.bootErr != nil {
		return out, b.bootErr
	}
	most := timeFor(f.Size)
	clock := b.clock(b.boot, most, s.standstill)
	sink := &sandbox.OneAnswer{Looks: f.Look != approval.Shape, Letters: sandbox.Letters{Encodings: len(f.Compare)}}
	job := sandbox.ReadJob{Seconds: fileWait, MemoryMB: fileRoom, Files: []sandbox.ReadFile{sandbox.FileToRead(f)}}
	err = b.read(job, sink)
	used, late := clock.stop()
	// Where the file did not come, or was another, the box has died of that and not of what it read.
	uncome := new(steps.ContentError)
	out.Box += used
	switch {
	case ctx.Err() != nil:
		return out, fmt.Errorf("read: %w", ctx.Err())
	case errors.As(err, &uncome):
		return out, fmt.Errorf("read: %w", err)
	// What has used up its processor time is the file's doing, and counts against the file (ErrReaderDied).
	case late != nil && used < most: // it stood still, which no file makes it do
		return out, lateness(fmt.Errorf("read: %w", late))
	case err != nil:
		return out, fmt.Errorf("read in box %s: %w: %w", b.id, steps.ErrReaderDied, err)
	}
	// What the box's kernel has to tell is complete only when the box has ended.
	b.kill()
	<-b.proc.done
	if out.Letters, err = sink.Letters.Places(); err != nil {
		return out, err
	}
	// The witness has the last word: a reading that a hostile file has made up is thrown away with its box.
	if out.Answer = sink.Answered; sandbox.Misbehaved(b.view.told()) {
		out.Answer = reading.Answer{Problem: &reading.Problem{Code: "misbehaved"}}
	}
	return out, nil
}

func (s *Sandbox) bootForFile() (*box, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, &steps.BoxError{Err: errors.New("closed"), Words: closedNow, Retry: true}
	}
	if s.notYet != nil {
		return nil, s.notYet
	}
	return s.boot(s.home.readBundle, forInspection), nil
}
