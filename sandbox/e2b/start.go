package e2b

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/sandbox"
)

// Fill uploads the job, as a stream. Nothing starts.
func (c *Client) Fill(ctx context.Context, id string, job steps.Job) error {
	if err := c.withJob(ctx, id, job, func(context.Context, *box) error { return nil }); err != nil {
		return fmt.Errorf("fill box %s for %s: %w", id, job.RequestID, c.lost(ctx, id, err))
	}
	return nil
}

// Start uploads what was not filled in and starts the code. However often it is called, and by
// whichever replicas, the code starts at most once in this box.
func (c *Client) Start(ctx context.Context, id string, job steps.Job) error {
	err := c.withJob(ctx, id, job, func(ctx context.Context, b *box) error {
		if err := begin(ctx, c, b, b.upload, "root", sandbox.GuardedCommand(base, python, job.Hosts...)); err != nil {
			return err
		}
		b.began()
		return nil
	})
	if err != nil {
		return fmt.Errorf("start %s in box %s: %w", job.RequestID, id, c.lost(ctx, id, err))
	}
	return nil
}

// withJob makes sure that a job is in its box, and goes on with it unless it has begun.
func (c *Client) withJob(ctx context.Context, id string, job steps.Job, then func(context.Context, *box) error) error {
	b, err := c.attach(ctx, id)
	if err != nil {
		return err
	}
	// By the metadata, which was written when the box was made: the caller's row may name another box by mistake.
	if job.RequestID != b.request || job.Limits != b.limits || len(job.Hosts) > 0 != b.open {
		return &steps.BoxError{Err: fmt.Errorf("the box is for request %q with limits %v, and may reach hosts: %t", b.request, b.limits, b.open),
			Words: "This box was made for something else than what was approved. Nothing has run."}
	}
	select { // two uploads at once would only be in each other's way
	case b.starting <- struct{}{}:
		defer func() { <-b.starting }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if b.seen() {
		return nil
	}
	running, err := c.exists(ctx, b, onceName)
	if err != nil || running {
		return err
	}
	need := c.needed(b.limits)
	if b.upload != "" { // an upload may have taken all the time that there was for it
		need -= startSlack
	}
	if time.Until(b.ends) < need {
		return &steps.BoxError{Err: fmt.Errorf("too little time is left in it: %w", steps.ErrBoxGone),
			Words: "The box had waited too long to still run this in it. Nothing has run. Ask again."}
	}
	packed, err := sandbox.PackJob(job, c.stamp(b))
	if err != nil {
		return &steps.BoxError{Err: err, Words: "What was to run is not what was approved, so it has not started: " + err.Error() + "."}
	}
	// What has been filled in and is no more what shall run stays in its folder, and is removed when the other one starts.
	if b.upload == "" || !sandbox.SameJob(*b.holds, job) {
		if err := bring(ctx, c, b, packed); err != nil {
			return err
		}
		b.holds = &job
	}
	return then(ctx, b)
}

// startSlack is how much of the time that a run needs may be gone once its job is in its box.
const startSlack = 10 * time.Second

// bring uploads a job while enough of the box's life is left for its run. A slow line ends it with
// words: nothing has begun, and nobody pays for a longer life than was agreed.
func bring(ctx context.Context, c *Client, b *box, packed sandbox.Packed) error {
	short, cancel := context.WithDeadline(ctx, b.ends.Add(-c.needed(b.limits)))
	defer cancel()
	upload, err := c.upload(short, b, stream{size: packed.Size(), write: packed.Write})
	if err != nil && short.Err() != nil && ctx.Err() == nil {
		return tooSlow(err)
	}
	b.upload = upload
	return err
}

func tooSlow(err error) error {
	return &steps.BoxError{Err: err, Words: "The files did not come into their box in time: the line to Slack or to E2B is too slow for them. Nothing has run."}
}

// launch uploads a job with the runner and starts the command behind the gate.
func launch(ctx context.Context, c *Client, b *box, job stream, user, command string) error {
	upload, err := c.upload(ctx, b, job)
	if err != nil {
		return err
	}
	return begin(ctx, c, b, upload, user, command)
}

// begin starts the command behind the gate, and waits until somebody has gone through it: for as long as
// patience lasts, because a busy machine takes its time over a process that it has started.
func begin(ctx context.Context, c *Client, b *box, upload, user, command string) error {
	if err := c.start(ctx, b, user, startLine(upload, command)); err != nil {
		return err
	}
	pauses := &backoff.ExponentialBackOff{InitialInterval: 20 * time.Millisecond, MaxInterval: lastPoll, Multiplier: 2}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		running, err := c.exists(ctx, b, onceName)
		if err == nil && !running {
			err = errIdle
		} else if err != nil {
			err = backoff.Permanent(c.doubt(err))
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(c.patience))
	if errors.Is(err, errIdle) {
		return &steps.BoxError{Err: err, Retry: true, Words: "The code did not begin in its box. Please ask again later."}
	}
	return err
}

// MaxInputMB is the most that the inputs of one run can have together: a frame of a job holds no more.
const MaxInputMB = 1024

// uploads is how many files go into a box at the same time: E2B may limit what is
// asked of one box at once, and more of them make nothing quicker.
const uploads = 6

// upload sends a job and the runner into a folder of their own, several files at once: each costs
// a round trip.
func (c *fleet) upload(ctx context.Context, b *box, job stream) (to string, err error) {
	to = "in-" + approval.NewID(8)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	files := sandbox.RunnerFiles()
	faults := make([]error, len(files)+1)
	var all sync.WaitGroup
	turn := make(chan struct{}, uploads)
	put := func(i int, send func() error) {
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			if faults[i] = send(); faults[i] != nil {
				cancel()
			}
		})
	}
	put(0, func() error { return c.pour(ctx, b, job, to, "job") })
	for i, f := range files {
		put(i+1, func() error { return c.write(ctx, b, f.Data, to, "runner", f.Name) })
	}
	all.Wait()
	if err := first(faults); err != nil {
		return "", err
	}
	return to, nil
}

// first picks the error that caused the others: the one that is no cancellation.
func first(faults []error) error {
	var found error
	for _, err := range faults {
		if err != nil && (found == nil || errors.Is(found, context.Canceled)) {
			found = err
		}
	}
	return found
}
