package answers

import (
	"context"
	"errors"
	"time"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/review"
)

// Store keeps the requests that answers belong to.
type Store interface {
	Request(ctx context.Context, id string) (*approval.Request, error)
	Update(ctx context.Context, id string, change func(r *approval.Request, now time.Time) error) (*approval.Request, error)
	Audit(ctx context.Context, id string, e approval.Event) error
}

// People knows who has which part.
type People interface {
	// Administers refuses, for this reason, whoever is no administrator.
	Administers(ctx context.Context, team, who string, why approval.Reason) error
	// RulesOf are those that hold in a channel; RulesFor those of a request, with what its files bring along.
	RulesOf(ctx context.Context, team, project string) (review.RuleSet, error)
	RulesFor(ctx context.Context, r *approval.Request) (review.RuleSet, error)
}

// Slack is where answers are shared.
type Slack interface {
	// Place looks at a channel, Within tells whether somebody is in it, and Person who they are: all of it now.
	Place(ctx context.Context, channel, user string) (approval.Place, error)
	Within(ctx context.Context, channel, user string) (bool, error)
	Person(ctx context.Context, team, user string) (review.Person, error)
	// Hidden is the first of some files that not everybody in a channel may see; nil where they may all.
	Hidden(ctx context.Context, files []approval.File, channel string) (*approval.File, error)
}

// Pins knows who may use pinned files, and read what comes of them.
type Pins interface {
	Check(ctx context.Context, u pins.Use) (private bool, err error)
}

// Desk does with answers what people ask for.
type Desk struct {
	store  Store
	people People
	slack  Slack
	pins   Pins
}

// New makes the desk.
func New(store Store, people People, slack Slack, pinned Pins) *Desk {
	return &Desk{store: store, people: people, slack: slack, pins: pinned}
}

// TakeBack has an answer go from Slack: its messages, its charts and its files. It has committed
// when it returns. Whoever takes back what was taken back already has it looked at again.
func (d *Desk) TakeBack(ctx context.Context, id string, click approval.Click) (*approval.Request, error) {
	r, err := d.store.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.Team != click.Team {
		return nil, approval.ErrNotFound
	}
	// A verification says the same answer again, so whose answer it is may take it back there too.
	if r.Asker != click.User && (r.Repeats == nil || r.Repeats.Asker != click.User) {
		why := approval.Because(approval.WhyAskerTakesBack)
		if err := d.people.Administers(ctx, r.Team, click.User, why); err != nil {
			return nil, d.refused(ctx, id, "take the answer back", click, err)
		}
	}
	return d.store.Update(ctx, id, func(r *approval.Request, now time.Time) error { return takeBack(r, click, now) })
}

// refused keeps on record that somebody was not let do something.
func (d *Desk) refused(ctx context.Context, id, what string, click approval.Click, err error) error {
	no, ok := errors.AsType[*approval.NotAllowedError](err)
	if !ok {
		return err
	}
	lost := d.store.Audit(ctx, id, approval.Event{Actor: click.User, Kind: approval.EventRefusedClick, Data: map[string]any{"what": what, "why": no.Why.Told(), "click": click}})
	return errors.Join(err, lost)
}

// takeBack is the move: it can be made once, and of what came of a run.
func takeBack(r *approval.Request, click approval.Click, now time.Time) error {
	if !Came(r) {
		return &approval.MoveError{Request: r, Verb: "take back the answer of", Why: approval.Because(approval.WhyNothingCame)}
	}
	r.Changes.Jobs = append(r.Changes.Jobs, approval.StepShow)
	if r.Taken != nil {
		return nil
	}
	r.Taken = &approval.TakenBack{By: click.User, At: now}
	r.Changes.Taken = r.Taken
	tell(r, click, now, approval.EventTookBack, nil)
	return nil
}

// Came tells of a request that something came of: an answer, or an error of its code.
func Came(r *approval.Request) bool {
	return r.State == approval.Done && r.Run != nil && r.Run.Result != nil
}

// tell notes the event of a deed. What people have been told of the request is drawn anew.
func tell(r *approval.Request, click approval.Click, now time.Time, kind approval.EventKind, data map[string]any) {
	if data == nil {
		data = map[string]any{}
	}
	data["click"] = click
	r.ChangedAt, r.Changes.Retell = now, true
	r.Changes.Events = append(r.Changes.Events, approval.Event{At: now, Actor: click.User, Kind: kind, Data: data})
}
