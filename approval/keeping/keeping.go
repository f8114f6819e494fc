// Package keeping is how administrators have a person's questions forgotten, or kept whatever happens.
//
// Its one idea: forgetting takes two, keeping takes one. What two administrators want forgotten goes with
// the next round of the daily rule, as far as neither of them has asked it, decided on it or written its
// code; a legal hold of one stops it. Decisions, money and all hashes stay, so the trail still verifies.
package keeping

import (
	"context"

	"countersign/approval"
)

// Store keeps what administrators want.
type Store interface {
	// WantErased stores that somebody wants forgotten what a person has asked, and tells who else has wanted
	// it lately.
	WantErased(ctx context.Context, team, person, by string) (others []string, err error)
	// HoldLegally stores that a person's questions are kept whatever anybody wants, or not any more; without
	// a person everybody's are.
	HoldLegally(ctx context.Context, team, person, by string, held bool) error
	// OnHold tells whether a person's questions are.
	OnHold(ctx context.Context, team, person string) (bool, error)
}

// People knows who is an administrator.
type People interface {
	Administers(ctx context.Context, team, who string, why approval.Reason) error
}

// Keeper takes what administrators want.
type Keeper struct {
	store  Store
	people People
}

// New makes one.
func New(store Store, people People) *Keeper { return &Keeper{store, people} }

// Erase has forgotten what a person has asked, once another administrator wants it too. It has committed when
// it returns; what goes, goes within the hour.
func (k *Keeper) Erase(ctx context.Context, click approval.Click, person string) (others []string, err error) {
	if err := k.may(ctx, click); err != nil {
		return nil, err
	}
	if person == click.User {
		return nil, &approval.InputError{Why: approval.Because(approval.WhyEraseSelf)}
	}
	held, err := k.store.OnHold(ctx, click.Team, person)
	if err != nil {
		return nil, err
	}
	if held {
		return nil, &approval.InputError{Why: approval.Because(approval.WhyOnLegalHold)}
	}
	return k.store.WantErased(ctx, click.Team, person, click.User)
}

// Hold puts a person's questions on legal hold, or ends it.
func (k *Keeper) Hold(ctx context.Context, click approval.Click, person string, held bool) error {
	if err := k.may(ctx, click); err != nil {
		return err
	}
	return k.store.HoldLegally(ctx, click.Team, person, click.User, held)
}

func (k *Keeper) may(ctx context.Context, click approval.Click) error {
	return k.people.Administers(ctx, click.Team, click.User, approval.Words("Only administrators can say what is kept of a person's questions."))
}
