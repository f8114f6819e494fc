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

// Settle charges what was found. A provider's usage does not say which tokens it had in its cache, or put there, so each
// counts at the dearest price that such a prompt can have. Without a price nothing is settled: the call stays unknown,
// and is charged in full in the end.
func (t Tracer) Settle(ctx context.Context, list []budget.Traced) error {
	var faults []error
	for _, found := range list {
		call := found.Call
		// At the prices of the day of the last call: a price may have changed since.
		amount, err := t.Prices.WorstTokens(call.Model, found.Input, found.Output, call.Last)
		if err == nil {
			charge := budget.Charge{Kind: budget.Tokens, What: call.Model, Amount: amount, Usage: budget.Usage{Model: call.Model, Input: found.Input, Output: found.Output}}
			// Where it was settled meanwhile, Trace does nothing.
			_, err = t.Store.Update(ctx, call.RequestID, func(r *approval.Request, now time.Time) error {
				approval.Trace(r, found, charge, now)
				return nil
			})
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("settle a call of %s by the usage of %s: %w", call.RequestID, found.Day, err))
		}
	}
	return errors.Join(faults...)
}
