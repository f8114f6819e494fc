// Package epoch is what is asked of administrators after a copy of the database was put back.
//
// Its one idea: the copy does not know what was spent since it was made, so nothing that costs money
// starts in a workspace until one of its administrators has said how much that was. What they say is
// booked on the workspace's budget and stands in the trail under their name.
package epoch

import (
	"context"
	"errors"

	"countersign/approval"
	"countersign/budget"
)

// Store keeps which workspaces rest.
type Store interface {
	Rest(ctx context.Context, team string) (*approval.Rest, error)
	Reckon(ctx context.Context, team, person string, spent budget.USD, click approval.Click) (ends bool, err error)
	AuditPeople(ctx context.Context, team string, e approval.Event) error
}

// People knows who is an administrator.
type People interface {
	Administers(ctx context.Context, team, who string, why approval.Reason) error
}

// Desk is where an administrator ends the rest of a workspace.
type Desk struct {
	store  Store
	people People
}

// New makes the desk.
func New(store Store, people People) *Desk { return &Desk{store, people} }

// Rest says why a workspace rests; nil where it does not.
func (d *Desk) Rest(ctx context.Context, team string) (*approval.Rest, error) {
	return d.store.Rest(ctx, team)
}

// only is what anybody else is told.
var only = approval.Reason{Code: approval.WhyAdminsOnly, Name: what}

const what = "confirm what was spent"

// ToReckon says why a workspace rests to who is about to end that: an administrator.
func (d *Desk) ToReckon(ctx context.Context, team, actor string) (*approval.Rest, error) {
	if err := d.people.Administers(ctx, team, actor, only); err != nil {
		return nil, err
	}
	return d.store.Rest(ctx, team)
}

// Reckon books what was spent after the copy, and work may start again. Whoever comes second has
// nothing left to say: the first word stands. Where copies were put back one after another, it ends the rest after all of them.
func (d *Desk) Reckon(ctx context.Context, click approval.Click, spent budget.USD) error {
	err := d.people.Administers(ctx, click.Team, click.User, only)
	if no, ok := errors.AsType[*approval.NotAllowedError](err); ok {
		return errors.Join(err, d.store.AuditPeople(ctx, click.Team, approval.Event{Actor: no.Who, Kind: approval.EventRefusedClick,
			Data: map[string]any{"what": what, "why": no.Why.Told(), "click": click}}))
	}
	if err != nil {
		return err
	}
	ends, err := d.store.Reckon(ctx, click.Team, click.User, spent, click)
	if err == nil && !ends {
		return &approval.InputError{Why: approval.Because(approval.WhyReckoned)}
	}
	return err
}
