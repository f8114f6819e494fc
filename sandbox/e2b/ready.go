package e2b

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
)

// A box that is made while reviewers read carries a mark of its own. Nothing is put into it, and Create never takes it for
// one that an earlier call has made: it becomes the box of a run by Claim alone, so one that is being ended never does.

// metaReady is on a box that was made before anybody had approved what it is for.
const metaReady = "countersign_ready"

// Reserve makes an empty box that ends by itself after so long, or finds the one that an earlier call has made.
func (c *Client) Reserve(ctx context.Context, requestID string, seal approval.Manifest, life time.Duration) (string, error) {
	if seal.Sandbox != Kind || seal.Template != c.Template() {
		return "", fmt.Errorf("reserve a box for %s: sealed for %s %s: %w", requestID, seal.Sandbox, seal.Template, steps.ErrNoBox)
	}
	told := c.Size()
	o := c.orderFor(requestID, seal)
	o.mark[metaReady], o.body.Metadata[metaReady] = "yes", "yes"
	// It has no run's life yet, and any that an earlier call has made will do, however little is left of it.
	o.body.Timeout, o.need = int(life/time.Second), 0
	b, err := c.obtain(ctx, o)
	// ErrNoBox: it is certain that none was made, so its money comes back at once.
	if f := asFailure(err); f != nil && f.what == creating && !f.doubtful() {
		return "", fmt.Errorf("reserve a box for %s: %w: %w", requestID, steps.ErrNoBox, err)
	}
	if err != nil {
		return "", fmt.Errorf("reserve a box for %s: %w", requestID, c.boxError(err))
	}
	// As in Create: it would cost more than was held.
	if now := c.Size(); now.VCPU > told.VCPU || now.MemoryMB > told.MemoryMB {
		return "", &steps.BoxError{Box: c.abandon(ctx, b.id, life, b.age), Err: fmt.Errorf("reserve a box for %s: it has %d vCPU and %d MB", requestID, now.VCPU, now.MemoryMB)}
	}
	return b.id, nil
}

// There tells whether a box is still there.
func (c *Client) There(ctx context.Context, id string) (bool, error) {
	id, err := boxID(id)
	if err != nil {
		return false, nil // no box of E2B's was ever called that
	}
	_, _, err = c.detail(ctx, id)
	if f := asFailure(err); f != nil && f.gone() {
		return false, nil
	}
	return err == nil, err
}

// Claim has a reserved box live as long as one that was made for a run. E2B only ever extends a life. One that is gone, is
// for something else than what was approved, or cannot live so long: steps.ErrBoxGone.
func (c *Client) Claim(ctx context.Context, id, requestID string, seal approval.Manifest) error {
	err := c.claim(ctx, id, requestID, seal)
	if err != nil {
		return fmt.Errorf("claim box %s for %s: %w", id, requestID, c.lost(ctx, id, err))
	}
	return nil
}

func (c *fleet) claim(ctx context.Context, id, requestID string, seal approval.Manifest) error {
	id, err := boxID(id)
	if err != nil {
		return fmt.Errorf("%w: %w", err, steps.ErrBoxGone)
	}
	d, _, err := c.detail(ctx, id)
	if err != nil {
		return err
	}
	// By what E2B keeps and the box cannot change: it is for this request and this very version.
	if d.Metadata[metaRequest] != requestID || d.Metadata[metaDigest] != seal.Digest() {
		return fmt.Errorf("it is for request %q: %w", clean(d.Metadata[metaRequest]), steps.ErrBoxGone)
	}
	c.forget(id) // it has another end from now on
	m, err := c.connect(ctx, id, Lease(seal.Limits))
	if err != nil {
		return err
	}
	d, now, err := c.detail(ctx, id)
	if err != nil {
		return err
	}
	if d.EndAt.Sub(now) < c.needed(seal.Limits) {
		return fmt.Errorf("E2B does not let it live long enough: %w", steps.ErrBoxGone) // Release ends it, and knows for how long it was there
	}
	_, err = c.inhabit(id, m, d, now, nil)
	return err
}

// Release ends all boxes that were reserved for a request, and tells for how long those lived that were there.
func (c *Client) Release(ctx context.Context, requestID string) (lived time.Duration, err error) {
	found, now, err := c.list(ctx, map[string]string{metaInstallation: c.installation, metaRequest: requestID, metaReady: "yes"})
	var faults []error
	for _, l := range found {
		c.forget(l.SandboxID)
		there, err := c.delete(ctx, l.SandboxID)
		if faults = append(faults, err); there {
			// The Date header has whole seconds, rounded down: a second more makes the age no shorter than it is.
			lived += max(0, orOurs(now).Add(time.Second).Sub(l.StartedAt))
		}
	}
	// Beside a listing that was not whole, too: what was found has been ended and is paid.
	if err = errors.Join(append(faults, err)...); err != nil {
		return lived, fmt.Errorf("release the boxes of %s: %w", requestID, c.boxError(err))
	}
	return lived, nil
}
