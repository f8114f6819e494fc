package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"countersign/approval/steps"
	"countersign/sandbox"
)

// readSlack is what a reading box gets on top: time beyond that of its files, and memory beyond
// the file's own, because the file itself lies in the box's memory, at times twice.
const readSlack = 60 * time.Second

// Read reads files in one box, one after another, each in its own process with no network and
// nothing but the file and the image's libraries. Results go to the sink as they come. An error
// means that the box ended early; files for which the sink got no answer may be read again.
func (s *Sandbox) Read(ctx context.Context, job sandbox.ReadJob, sink sandbox.ReadSink) error {
	b, err := s.bootToRead()
	if err != nil {
		return err
	}
	defer b.kill()
	stop := context.AfterFunc(ctx, b.kill)
	defer stop()
	select {
	case <-b.booted:
	case <-ctx.Done():
		return fmt.Errorf("read: %w", ctx.Err())
	}
	if b.bootErr != nil {
		return b.bootErr
	}
	err = b.read(job, sink)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("read: %w", ctx.Err())
	}
	return fmt.Errorf("read in box %s: %w", b.id, err)
}

// bootToRead starts a box whose only difference is the program that it runs.
func (s *Sandbox) bootToRead() (*box, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, &steps.BoxError{Err: errors.New("closed"), Words: "The sandbox is shutting down.", Retry: true}
	}
	return s.boot(s.home.readBundle, forInspection), nil // somebody waits for it, and nothing is run
}

// read talks to a box that is ready.
func (b *box) read(job sandbox.ReadJob, sink sandbox.ReadSink) error {
	b.mu.Lock()
	b.begun = true // from here on its pipes are closed here
	b.mu.Unlock()
	defer func() { _ = errors.Join(b.job.Close(), b.out.Close()) }() // both have been used up, or are of no use
	var largest int64
	for _, f := range job.Files {
		largest = max(largest, f.Size)
	}
	// The file itself, what is decompressed of it, and what is made of it are in memory together.
	stopMeter := b.meter(int64(job.MemoryMB+baseMB)<<20 + 3*largest)
	defer stopMeter()
	into := &waited{box: b, time: time.Duration(job.Seconds*len(job.Files))*time.Second + readSlack}
	if err := into.extend(); err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() {
		err := sandbox.WriteReadJob(into, job, b.stamp)
		sent <- errors.Join(err, b.job.Close())
		if err != nil {
			b.kill() // it would wait for the rest
		}
	}()
	// Writing and reading go on side by side: the box answers for a file before it takes the next,
	// and both pipes are small.
	err := sandbox.ReadReadings(b.out, b.stamp, len(job.Files), sink)
	if err != nil {
		b.kill() // so that a box that still waits for its files does not keep the sender
	}
	sending := <-sent
	if err != nil && sending != nil && !errors.Is(sending, os.ErrClosed) {
		return errors.Join(err, sending)
	}
	return err
}

// waited writes into a box that reads, whose time begins anew with each piece: a file that comes
// slowly is not the box's fault.
type waited struct {
	box  *box
	time time.Duration
}

func (w *waited) extend() error {
	deadline := time.Now().Add(w.time)
	return errors.Join(w.box.job.SetDeadline(deadline), w.box.out.SetDeadline(deadline))
}

// Write implements io.Writer.
func (w *waited) Write(p []byte) (int, error) {
	if err := w.extend(); err != nil {
		return 0, err
	}
	return w.box.job.Write(p)
}
