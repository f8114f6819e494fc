package e2b

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/sandbox"
)

// What lies in the folder of a box:
//
//	in-XXXXXXXX/   what one attempt to start has uploaded
//	once/          made by the first start that gets here; all others turn back
//	box/           the upload of that first start: the BASE of package sandbox
//	box/exit       the runner's exit status, written by the shell that started it
const (
	onceName = "once"
	baseName = "box"
	exitName = "exit"
)

// startLine is what the shell in the box does. Each attempt uploads into a
// folder of its own, so that an upload that arrives late can never change what
// is running, and the uploads of the others are removed before the code starts:
// they hold the stamp.
func startLine(upload, command string) string {
	return "mkdir " + onceName + " 2>/dev/null || exit 17; mv " + upload + " " + baseName + " && rm -rf in-*; " +
		"(" + command + "); echo $? >" + baseName + "/" + exitName
}

// The base is absolute, because the runner changes folders, and spelled by the
// shell, because only the box knows where its folder really is.
const (
	base   = "$PWD/" + baseName
	python = "python3"
)

// errIdle is a process that has been started and does not begin.
var errIdle = errors.New("the process was started, but it did nothing")

// doubt keeps what goes wrong while the code may be running from passing for a
// refusal: whoever hears of one relies on nothing having run.
func (c *wire) doubt(err error) error {
	f := asFailure(err)
	if f == nil || f.gone() {
		return err
	}
	words, retry := c.words(f)
	if retry {
		return err
	}
	return &steps.BoxError{Err: errors.New(err.Error()), Retry: true, Words: words}
}

// began notes that the code has been seen to run by now. The wall limit counts
// from the first such moment, which is never too early.
func (b *box) began() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running.IsZero() {
		b.running = time.Now()
	}
}

// seen tells that the code has been seen to run. From then on the box is not
// asked again: what is in it may have removed what would say so.
func (b *box) seen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.running.IsZero()
}

// deadline is when the host stops waiting for the runner: after the code's time
// and what goes with it, and while the box is still there to be asked.
func (c *Client) deadline(b *box) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	due := b.running.Add(c.needed(b.limits))
	if last := b.ends.Add(-10 * time.Second); last.Before(due) {
		return last
	}
	return due
}

// Result waits until a run has ended and returns its result. Any replica can call it while
// the box exists, whichever one started the code.
func (c *Client) Result(ctx context.Context, id string) (approval.Result, error) {
	b, result, err := c.await(ctx, id)
	if err != nil {
		err = c.lost(ctx, id, err)
		if b != nil && errors.Is(err, steps.ErrBoxGone) {
			bequeath(ctx, c, b)
		}
		return approval.Result{}, fmt.Errorf("result of box %s: %w", id, err)
	}
	result.Box = b.age()
	return result, nil
}

func (c *Client) await(ctx context.Context, id string) (*box, approval.Result, error) {
	none := approval.Result{}
	b, err := c.attach(ctx, id)
	if err != nil {
		return nil, none, err
	}
	running := b.seen()
	if !running {
		err = c.persist(ctx, func() (err error) {
			running, err = c.exists(ctx, b, onceName)
			return err
		})
	}
	if err != nil {
		return nil, none, err
	}
	if !running {
		return nil, none, steps.ErrNotStarted
	}
	b.began()
	how, err := c.watch(ctx, b)
	if err != nil {
		return b, none, err
	}
	result, err := c.collect(ctx, b, how)
	return b, result, err
}

// ending is how a run came to its end, as far as can be seen from outside.
type ending int

const (
	finished ending = iota // the result is there
	died                   // the runner is not there any more, nor is a result
	overdue                // neither, at the deadline
)

// The polls of a run: quick at first, because most scripts are short.
const (
	firstPoll = 50 * time.Millisecond
	lastPoll  = time.Second
)

// watch polls until the run has ended.
func (c *Client) watch(ctx context.Context, b *box) (how ending, err error) {
	told := time.Now()
	for wait := firstPoll; ; wait = min(wait*5/4, lastPoll) {
		if time.Since(told) > c.lines {
			told = time.Now()
			steps.TellLine(ctx, lastLine(ctx, c, b))
		}
		var over bool
		err := c.persist(ctx, func() (err error) {
			how, over, err = c.glance(ctx, b)
			return err
		})
		if err != nil || over {
			return how, err
		}
		if time.Now().After(c.deadline(b)) {
			return overdue, nil
		}
		if b.request != "" { // a program runs in it
			follow(ctx, c, b)
		}
		if err := sleep(ctx, wait); err != nil {
			return 0, err
		}
	}
}

// persist asks for as long as patience lasts: E2B being out of reach for a while
// is no reason to give up a run that goes on without us.
func (c *Client) persist(ctx context.Context, ask func() error) error {
	for begin := time.Now(); ; {
		err := ask()
		f := asFailure(err)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case f == nil || !f.transient() || time.Since(begin) > c.patience:
			return err
		}
		if err := sleep(ctx, lastPoll); err != nil {
			return err
		}
	}
}

// glance looks once. The exit status is written after the result, so a result
// that is missing beside it is looked for once more.
func (c *Client) glance(ctx context.Context, b *box) (how ending, over bool, err error) {
	there := func(name string) bool {
		if err != nil {
			return false
		}
		var yes bool
		yes, err = c.exists(ctx, b, baseName, name)
		return yes
	}
	switch {
	case there("result"):
		return finished, true, nil
	case !there(exitName):
		return 0, false, err
	case there("result"):
		return finished, true, nil
	}
	return died, err == nil, err
}

// overhead is what a result may weigh beside its files and its text: heads,
// tables, notes, at the caps of package sandbox.
const overhead = 24 << 20

// collect takes the result out of the box, or what there is of it.
func (c *Client) collect(ctx context.Context, b *box, how ending) (approval.Result, error) {
	name := "result"
	if how != finished {
		name = "result.part"
	}
	var data []byte
	err := c.persist(ctx, func() (err error) {
		data, err = c.read(ctx, b, int64(b.limits.OutputBytes)+sandbox.MaxText+overhead, baseName, name)
		return err
	})
	switch {
	case errors.Is(err, errTooBig):
		return approval.Result{Outcome: approval.Broken, Error: "More came out of the box than the limits allow, so nothing of it was taken."}, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return approval.Result{}, err
	}
	result, err := sandbox.ReadResult(bytes.NewReader(data), b.limits, c.stamp(b))
	switch {
	case how == overdue:
		result.Outcome = approval.TimedOut
		result.Error = "It did not stop at its time limit, so the box was stopped."
	case how == died:
		result.Outcome = approval.Broken
		result.Error = c.obituary(ctx, b)
	case sandbox.Tampered(err):
		result.Error = "What came out of the box was not in its proper form."
	case err != nil:
		result.Error = "What came out of the box had no proper end."
	}
	result.Observed.Witness = witnessed(ctx, c, b)
	// The code's own process knows hosts by the addresses of the door, for which a whole account has their names.
	if w := result.Observed.Witness; b.open && w != nil && w.Complete {
		result.Observed.Connected = slices.DeleteFunc(result.Observed.Connected, func(at string) bool { return strings.HasPrefix(at, inside) })
	}
	return result, nil
}

// obituary says why the runner ended without a result. A kill that nobody here
// ordered is nearly always the box's kernel out of memory, but only nearly: the
// code could have done it itself.
func (c *Client) obituary(ctx context.Context, b *box) string {
	status, err := c.read(ctx, b, 16, baseName, exitName)
	if err == nil && strings.TrimSpace(string(status)) == "137" {
		return "The run was killed inside its box, most likely because it used more memory than the box has."
	}
	return "The run ended inside its box without a result."
}
