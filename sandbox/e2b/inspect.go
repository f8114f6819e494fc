package e2b

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/sandbox"
)

const (
	metaInspect  = "countersign_inspection" // a number of its own, by which a doubtful create is found again
	inspectLease = 70 * time.Second         // of the box, below strayAge; three seconds are usual, and as many as this are held
	inspectTime  = 60 * time.Second         // of all that is done in it; a machine with much else to do has taken more than 25
	inspectCap   = 4 << 20
)

// inspectLimits stand in the metadata of a box that inspects. They say only that
// it is one: no job is ever started in it.
var inspectLimits = approval.Limits{Seconds: 1, MemoryMB: 512, OutputBytes: inspectCap, Files: 1}

// InspectLease is how long the box of an inspection can exist.
func (c *Client) InspectLease() time.Duration { return inspectLease }

// Inspect parses the code in a box of its own that has no network and no inputs
// and is killed at once. Nothing of the code runs. The time of the box stands in
// the inspection even beside an error, because it is billed all the same.
func (c *Client) Inspect(ctx context.Context, code string, files []approval.File) (steps.Inspection, error) {
	// A box that is found again after a doubtful create has to have half of its life left, or another one is made.
	o := order{fresh: true, need: inspectLease / 2,
		mark: map[string]string{metaInstallation: c.installation, metaInspect: approval.NewID(16)}}
	o.body = c.bodyFor(o.mark, inspectLease)
	o.body.Metadata[metaLimits] = spellLimits(inspectLimits)
	b, err := c.obtain(ctx, o)
	if err != nil {
		err = c.boxError(err)
		var none steps.Inspection
		if refused, ok := errors.AsType[*steps.BoxError](err); ok {
			none.Box = refused.Box
		}
		return none, fmt.Errorf("inspect: %w", err)
	}
	// Killed before anything else is done: each second of it is paid.
	said, err := c.inspectIn(ctx, b, code, files)
	paid := c.abandon(ctx, b.id, inspectLease, b.age)
	c.Learn(said.Libraries)
	said.Box = paid
	if err != nil {
		return said, fmt.Errorf("inspect in box %s: %w", b.id, err)
	}
	return said, nil
}

func (c *Client) inspectIn(ctx context.Context, b *box, code string, files []approval.File) (steps.Inspection, error) {
	short, cancel := context.WithTimeout(ctx, inspectTime)
	defer cancel()
	data, err := c.parse(short, b, code, files)
	if err == nil {
		var said steps.Inspection
		if said, err = sandbox.ReadInspection(bytes.NewReader(data), c.stamp(b)); err == nil {
			return said, nil
		}
		if lack, ok := errors.AsType[*sandbox.LackError](err); ok {
			return said, c.lacking(lack)
		}
		err = unread(err)
	}
	err = c.lost(ctx, b.id, err)
	// It was our own bound, or the box is gone: the code has done neither.
	if ctx.Err() == nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, steps.ErrBoxGone)) {
		err = unread(err) // another box may do it
	}
	return steps.Inspection{}, err
}

// parse has inspect.py read the code and brings back what it says.
func (c *Client) parse(ctx context.Context, b *box, code string, files []approval.File) ([]byte, error) {
	var packed bytes.Buffer
	if err := sandbox.WriteInspection(&packed, code, files, c.stamp(b)); err != nil {
		return nil, err
	}
	// As the box's user and without a guard: nothing of the code runs.
	if err := launch(ctx, c, b, wholly(packed.Bytes()), c.user, sandbox.InspectCommand(base, python)); err != nil {
		return nil, err
	}
	b.began()
	how, err := c.watch(ctx, b)
	if err != nil {
		return nil, err
	}
	if how != finished {
		return nil, unread(errors.New("inspect.py gave no result"))
	}
	data, err := c.read(ctx, b, inspectCap, baseName, "result")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, unread(err)
	}
	return data, err
}

// lacking is a template that cannot run what is written for it. Another box of it
// would be no better.
func (c *Client) lacking(lack *sandbox.LackError) error {
	return &steps.BoxError{Err: lack, Words: fmt.Sprintf("The E2B template %q is not fit for analyses: %s. "+
		"An administrator should rebuild the template, or set E2B_TEMPLATE to one that has them.", c.template, lack)}
}

func unread(err error) error {
	return &steps.BoxError{Err: err, Retry: true,
		Words: "The code could not be read in its box. Please ask again later; if it goes on, an administrator should check that the E2B template has Python 3."}
}
