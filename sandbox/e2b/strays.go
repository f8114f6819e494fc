package e2b

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// strayAge is how old a box must be to be a stray: one that is just being made may not
// stand in any row yet, and one of an inspection lives for less. Sweeps come every 15
// seconds, so a stranger's box is killed within two minutes of its beginning.
const strayAge = 75 * time.Second

// Strays kills the boxes of this installation that no request needs: those left by a
// crash, by a create whose answer was lost, or by a second create. known says whether the
// request needs this box: it is approved and has no box yet, or it runs in this one. Where
// known fails, the box is left alone. Boxes of other installations are never touched.
//
// listed hears of every box of this installation that E2B has now, by its id, with when it began; at is E2B's
// clock. That is what E2B bills, by its own word. It may be nil. It hears nothing of a list that has not all of them,
// or that does not tell E2B's time: it would take boxes for gone that are there.
func (c *Client) Strays(ctx context.Context, known func(ctx context.Context, requestID, boxID string) (bool, error), listed func(ctx context.Context, at time.Time, began map[string]time.Time) error) error {
	found, now, err := c.list(ctx, map[string]string{metaInstallation: c.installation})
	var faults []error
	switch {
	case errors.Is(err, errMore): // what was found, the oldest, is looked at all the same
		faults = append(faults, fmt.Errorf("look for stray boxes: %w", err))
	case err != nil:
		return fmt.Errorf("look for stray boxes: %w", c.boxError(err))
	case listed == nil:
	case now.IsZero():
		faults = append(faults, errors.New("list boxes for the books: E2B does not tell its time (a Date header)"))
	default:
		began := map[string]time.Time{}
		for _, l := range found {
			if l.State != paused { // what is paused costs nothing
				began[l.SandboxID] = l.StartedAt
			}
		}
		faults = append(faults, listed(ctx, now, began))
	}
	now = orOurs(now)
	for _, l := range found {
		// A box that reads has no row that names it. A large file takes it minutes, so it has all of its lease.
		if now.Sub(l.StartedAt) < strayAge || l.Metadata[metaRead] != "" && now.Before(l.EndAt) {
			continue
		}
		if request := l.Metadata[metaRequest]; request != "" {
			needed, err := known(ctx, request, l.SandboxID)
			if err != nil {
				faults = append(faults, fmt.Errorf("is box %s known: %w", l.SandboxID, err))
				continue
			}
			if needed {
				continue
			}
		}
		c.log.WarnContext(ctx, "e2b: killing a stray box", "box", l.SandboxID, "request", l.Metadata[metaRequest], "age", now.Sub(l.StartedAt))
		faults = append(faults, c.Kill(ctx, l.SandboxID))
	}
	return errors.Join(faults...)
}

// Check says whether E2B can be reached and accepts the key. It costs nothing. Only an
// Inspect shows that boxes work, and that costs a few seconds of box time.
func (c *Client) Check(ctx context.Context) error {
	if _, _, err := c.list(ctx, map[string]string{metaInstallation: c.installation}); err != nil {
		return fmt.Errorf("check E2B: %w", c.boxError(err))
	}
	return nil
}
