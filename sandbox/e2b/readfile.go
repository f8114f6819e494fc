package e2b

import (
	"bytes"
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
	metaRead    = "countersign_reading" // a number of its own, by which a doubtful create is found again
	readLease   = 4 * time.Minute       // of the box
	readEnd     = 20 * time.Second      // of it, to be killed in
	readSeconds = 120                   // for the file
	lineRate    = 4 << 20               // bytes a second that come in at least, and are read at least
	readRoom    = 1024
	readCap     = 16 << 20
)

// fileLimits stand in the metadata of a box that reads. No job is ever started in it.
func fileLimits(size int64) approval.Limits {
	return approval.Limits{Seconds: readSeconds + int(size/lineRate), MemoryMB: readRoom, OutputBytes: readCap, Files: 1}
}

// ReadLease is how long the box of one file can exist: a large one takes its time to come in and to be read.
func (c *Client) ReadLease(size int64) time.Duration {
	return readLease + 2*time.Duration(size/lineRate)*time.Second
}

// Desk names the Python that reads files.
func (c *Client) Desk() string { return sandbox.Desk() }

// ReadFile has a file read in a box of its own that has no network and is killed at once. The
// reader is watched as a program is. The time of the box stands in the readout even beside an
// error, because it is billed all the same.
func (c *Client) ReadFile(ctx context.Context, f steps.InputFile) (out steps.Readout, err error) {
	o := order{fresh: true, need: readLease / 2, mark: map[string]string{metaInstallation: c.installation, metaRead: approval.NewID(16)}}
	lease := c.ReadLease(f.Size)
	o.body = c.bodyFor(o.mark, lease)
	o.body.Metadata[metaLimits] = spellLimits(fileLimits(f.Size))
	b, err := c.obtain(ctx, o)
	if err != nil {
		err = c.boxError(err)
		if refused, ok := errors.AsType[*steps.BoxError](err); ok {
			out.Box = refused.Box
		}
		return out, fmt.Errorf("read: %w", err)
	}
	err = c.readIn(ctx, b, f, &out)
	out.Box = c.abandon(ctx, b.id, lease, b.age)
	if err != nil {
		return out, fmt.Errorf("read in box %s: %w", b.id, err)
	}
	return out, nil
}

// readIn has read.py read the file. From its start on whatever ends the box is the file's doing,
// as far as anybody can tell.
func (c *Client) readIn(ctx context.Context, b *box, f steps.InputFile, out *steps.Readout) (err error) {
	said := &out.Answer
	// Our own bound ends before the box does, so that its end is ours to tell.
	short, cancel := context.WithTimeout(ctx, c.ReadLease(f.Size)-readEnd)
	defer cancel()
	packed := sandbox.PackReadJob(sandbox.ReadJob{Seconds: fileLimits(f.Size).Seconds, MemoryMB: readRoom, Files: []sandbox.ReadFile{sandbox.FileToRead(f)}}, c.stamp(b))
	if err := launch(short, c, b, stream{size: packed.Size(), write: packed.Write}, "root", sandbox.ReadCommand(base, python)); err != nil {
		// Nothing has read the file yet, so it is not the file's fault.
		if short.Err() != nil && ctx.Err() == nil {
			return tooSlow(err)
		}
		return c.lost(ctx, b.id, err)
	}
	b.began()
	how, err := c.watch(short, b)
	var data []byte
	if err == nil && how == finished {
		data, err = c.read(short, b, readCap, baseName, "result")
	} else if err == nil {
		err = c.unready(short, b)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		sink := &sandbox.OneAnswer{Looks: f.Look != approval.Shape, Letters: sandbox.Letters{Encodings: len(f.Compare)}}
		if err = sandbox.ReadReadings(bytes.NewReader(data), c.stamp(b), 1, sink); err == nil {
			*said = sink.Answered
			out.Letters, err = sink.Letters.Places()
		}
	}
	if _, ok := errors.AsType[*steps.BoxError](err); ok {
		return err
	}
	switch f := asFailure(err); {
	// A box that is gone, that says too much or that stands still is the file's doing; a failed call is not.
	case f != nil && !errors.Is(err, errTooBig) && !f.gone() && short.Err() == nil:
		return c.boxError(err) // E2B does not answer, which no file makes it do
	case err != nil:
		return fmt.Errorf("%w: %w", steps.ErrReaderDied, err)
	}
	if sandbox.Misbehaved(witnessed(ctx, c, b)) {
		*said = reading.Answer{Problem: &reading.Problem{Code: "misbehaved"}}
	}
	return nil
}

// unready tells why a reader has given no result: an error for people where it never got to
// the file, as in a template without pandas.
func (c *Client) unready(ctx context.Context, b *box) error {
	// The reader says that it is ready before it touches the file: with that word in the part, it has died over the file.
	begun, err := c.read(ctx, b, readCap, baseName, "result.part")
	if err == nil && sandbox.ReadReady(bytes.NewReader(begun)) == nil {
		return errors.New("the reader ended")
	}
	return &steps.BoxError{Err: fmt.Errorf("no reader in the box: %w", errors.Join(err, errIdle)),
		Words: fmt.Sprintf("Files cannot be read in boxes of the E2B template %q: an administrator should check that it has Python 3 with pandas.", c.template)}
}
