package e2b

import (
	"context"
	"errors"
	"net/http"

	"countersign/approval/steps"
)

// lost puts an error into the port's terms, and forgets what was known of a box
// that is gone or that has refused its token.
func (c *fleet) lost(ctx context.Context, id string, err error) error {
	f := asFailure(err)
	if f != nil && f.edge && f.gone() {
		err = c.confirm(ctx, id, err)
	}
	// A token that is refused is asked for anew (connect), which only happens for a box that is not known.
	if f != nil && (f.gone() || f.status == http.StatusUnauthorized || f.status == http.StatusForbidden) {
		if short, bad := boxID(id); bad == nil {
			c.forget(short)
		}
	}
	return c.boxError(err)
}

// confirm asks the control plane about a box that the edge does not know. The edge
// does not know paused boxes either, nor does it know every box at every moment,
// and a run is given up for good on this word.
func (c *fleet) confirm(ctx context.Context, id string, unknown error) error {
	short, bad := boxID(id)
	if bad != nil {
		return unknown
	}
	d, _, err := c.detail(ctx, short)
	unknown = errors.New(unknown.Error()) // it does not mean what it says
	switch {
	case err != nil:
		return err // that it is gone, or that nobody knows
	case d.State == paused:
		return &steps.BoxError{Err: unknown, Retry: true, Words: "Somebody has paused the box at E2B. It is woken when this is tried again."}
	}
	return &steps.BoxError{Err: unknown, Retry: true, Words: "E2B says that the box runs, and finds no way to it. Please ask again later; if it goes on, look at E2B's status page."}
}
