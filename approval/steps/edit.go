package steps

import (
	"context"
	"errors"
	"time"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

// Editor takes a reviewer's own version of the code.
type Editor struct {
	store   Requests
	sandbox Inspector
	*Settings

	boxes  *Boxes
	costs  *Costs
	ends   *Ends
	people *People
}

// MayEdit says whether this person could edit this revision now: for the modal in which
// they would. It looks, and locks nothing. The error is the one that Edit would give.
func (s *Editor) MayEdit(ctx context.Context, ruling Ruling) (_ *approval.Request, next review.Next, _ error) {
	c, err := s.admits(ctx, ruling)
	if err != nil {
		return nil, next, err
	}
	if _, err := s.costs.inspectCost(c.Now); err != nil {
		return nil, next, err
	}
	if err := c.Request.MayEdit(ruling.Click.User, ruling.Revision, ruling.Digest, s.Policy, c.Now); err != nil {
		return nil, next, s.people.audited(ctx, ruling, err)
	}
	next = c.Edited(c.Request, ruling.Click.User, s.Policy)
	return c.Request, next.Without(s.people.barred(ctx, c.Request.Team, next.Who)), nil
}

// admits says whether code can be inspected here at all, and this person edits it.
func (s *Editor) admits(ctx context.Context, ruling Ruling) (*Case, error) {
	if why := s.boxes.noBox(); why != "" {
		return nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyNothingInspects, Said: why}}
	}
	c, _, err := s.people.mayRule(ctx, ruling)
	return c, s.people.audited(ctx, ruling, err)
}

// Edit takes a reviewer's own version of the code. It has committed when it
// returns; the inspection follows, and then somebody else may approve it.
func (s *Editor) Edit(ctx context.Context, ruling Ruling, code string) (*approval.Request, error) {
	code, err := approval.Canonical(code)
	if err != nil {
		return nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyUntruthful, Said: err.Error()}}
	}
	r, err := current(func() (*approval.Request, error) { return s.edit(ctx, ruling, code) })
	if refused, ok := errors.AsType[*budget.ExceededError](err); ok {
		s.ends.unpaid(ctx, ruling, "edit", refused)
	}
	if err == nil {
		s.sandbox.Discard(r.ID) // a box that waits for the code before
	}
	return r, err
}

// edit is Edit by the people and rules of one case.
func (s *Editor) edit(ctx context.Context, ruling Ruling, code string) (*approval.Request, error) {
	c, err := s.admits(ctx, ruling)
	if err != nil {
		return nil, err
	}
	e := approval.Edit{By: ruling.Click.User, Code: code, Click: ruling.Click}
	var seen *approval.Request
	r, err := s.store.Act(ctx, c, func(r *approval.Request, now time.Time) error {
		seen = r
		// A second press of Save, or Slack's repetition.
		if edited(r, e) {
			return errTwice
		}
		// By the write's own clock: the hold and its price are of one moment.
		cost, err := s.costs.inspectCost(now)
		if err != nil {
			return err
		}
		return r.TakeEdit(e, ruling.Revision, ruling.Digest, cost, s.Policy, now)
	})
	if errors.Is(err, errTwice) {
		return seen, nil
	}
	return r, s.people.audited(ctx, ruling, err)
}

// edited tells whether this edit has been taken before: it is being inspected, or
// it is what stands now.
func edited(r *approval.Request, e approval.Edit) bool {
	return r.Edit != nil && *r.Edit == e ||
		r.State == approval.Pending && r.Revision.Author == e.By && r.Revision.Code == e.Code
}
