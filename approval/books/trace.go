package books

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/approval"
	"countersign/budget"
)

// Tracer charges calls of which nobody was told the cost by what their provider says of that day.
type Tracer struct {
	Store interface {
		Update(ctx context.Context, id string, change func(r *approval.Request, now time.Time) error) (*approval.Request, error)
	}
	Prices budget.Prices
}

// Settle charges what was found. Where there is no price for it nothing is settled: then the
// call stays unknown, and is charged in full in the end.
func (t Tracer) Settle(ctx context.Context, list []budget.Traced) error {
	var faults []error
	for _, found := range list {
		charge, err := t.Prices.TokenCharge(found.Usage, found.Call.Last)
		if err == nil {
			_, err = t.Store.Update(ctx, found.Call.RequestID, func(r *approval.Request, now time.Time) error {
				approval.Trace(r, found, charge, now)
				return nil
			})
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("settle a call of %s by the usage of %s: %w", found.Call.RequestID, found.Day, err))
		}
	}
	return errors.Join(faults...)
}
