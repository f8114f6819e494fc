package steps

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"countersign/approval"
	"countersign/budget"
)

// Payer is what can be done about a step that a budget has refused.
type Payer struct {
	store interface {
		Budgets
		Requests
	}
	writer  Catalogue
	sandbox Inspector
	log     *slog.Logger
	*Settings

	boxes  *Boxes
	costs  *Costs
	ends   *Ends
	people *People
}

// unpaid stores that. Losing it loses nothing but these lines: the change was refused.
func (s *Ends) unpaid(ctx context.Context, ruling Ruling, what string, refused *budget.ExceededError) {
	// Written although the person's envelope may be answered by now: the card is to say why nothing came.
	_, err := s.store.Update(context.WithoutCancel(ctx), ruling.RequestID, func(r *approval.Request, now time.Time) error {
		return r.Money().Unpaid(what, refused, ruling.Click.User, now)
	})
	if err != nil && ended(err) != nil {
		s.log.Error("note a change without money", "request", ruling.RequestID, "error", err)
	}
}

// replace downgrades as was found a moment ago, unless another model writes by now.
func replace(r *approval.Request, d *approval.Downgraded, now time.Time) {
	if d != nil && r.Model == d.From && (r.State == approval.Drafting || r.State == approval.Pending) {
		r.Money().Downgrade(*d, now)
	}
}

// Insist has a question wait for the model that was asked for, in place of having
// a cheaper one write it: by its asker.
func (s *Payer) Insist(ctx context.Context, id string, click approval.Click) (*approval.Request, error) {
	r, err := current(func() (*approval.Request, error) { return s.insist(ctx, id, click) })
	if err == nil {
		s.sandbox.Discard(id)
	}
	return r, err
}

// insist is Insist by one case, which has the budgets as they stand.
func (s *Payer) insist(ctx context.Context, id string, click approval.Click) (*approval.Request, error) {
	c, err := s.store.Case(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.store.Act(ctx, c, func(r *approval.Request, now time.Time) error {
		if err := asks(click)(r); err != nil {
			return err
		}
		var needed budget.USD
		if r.Downgraded != nil {
			var err error
			if needed, err = s.costs.draftCost(r.Downgraded.From, now); err != nil {
				return err
			}
		}
		return r.Money().Insist(c.Standings, needed, s.Policy, now)
	})
}

// insists keeps a question waiting whose asker has declined what a policy still wants.
func (s *Payer) insists(ctx context.Context, id string, d *approval.Downgraded, standings []budget.Standing) (*approval.Request, error) {
	r, err := s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
		if r.Blocked == nil {
			return approval.Unblocked(r, "go on with")
		}
		r.Money().InsistStill(*d, standings, r.Blocked.Needed, now)
		return nil
	})
	if err != nil {
		return r, err
	}
	return r, &approval.MoveError{Request: r, Verb: "go on with", Why: approval.Reason{Code: approval.WhyStillSaving, Name: d.From, Other: string(d.Scope.Kind)}}
}

// What the asker of a blocked request can do about it.

// Choices are the ways on, computed from the budgets as they are now.
type Choices struct {
	Block    *approval.Block // nil: it does not wait for money (any more)
	Fits     bool            // the step would fit by now
	Models   []ModelChoice   // that are cheaper and fit, for a draft
	FitsFrom time.Time       // when the budgets that refuse will have begun anew; zero: never, or not by that alone
	Missing  budget.USD      // in the tightest
	TopUp    *approval.TopUp // that waits for an answer
	CanTopUp bool            // there is somebody who could grant one

	standings []budget.Standing // as they are now
}

// ModelChoice is a model and what a draft by it costs at most.
type ModelChoice struct {
	Model string
	Most  budget.USD
}

// Choices says how a blocked request can go on.
func (s *Payer) Choices(ctx context.Context, id string) (*Choices, error) {
	at, err := s.store.Case(ctx, id)
	if err != nil || at.Request.Blocked == nil {
		return &Choices{}, err
	}
	r, standings, now, reach := at.Request, at.Standings, at.Now, s.costs.reach(at)
	needed := r.Blocked.Needed
	if worst, err := s.costs.draftCost(r.Model, now); err == nil && r.Blocked.Purpose == budget.ForDraft {
		needed = worst // prices may have changed
	}
	c := &Choices{Block: r.Blocked, TopUp: r.Money().OpenTopUp(), standings: standings}
	// Where the workspace rests, more money would not help; otherwise somebody else has to be there who grants it.
	// Who has left the workspace, or is a guest by now, is named and grants nothing.
	if others := slices.DeleteFunc(slices.Clone(at.Roster(s.Policy, "").Admins), func(admin string) bool { return admin == r.Asker }); !r.Blocked.Rests() && len(others) > 0 {
		gone := s.people.barred(ctx, r.Team, others)
		c.CanTopUp = slices.ContainsFunc(others, func(admin string) bool { return !gone(admin) })
	}
	c.Fits = budget.Check(needed, standings) == nil
	c.FitsFrom, _ = budget.FitsFrom(needed, standings)
	if tight, ok := budget.Tightest(standings); ok {
		c.Missing = max(0, needed-tight.Left())
	}
	if r.Blocked.Declined != nil {
		saves, err := s.costs.substitute(r, reach, apart(r, standings))
		if saves != nil || err != nil {
			c.Fits, c.Missing = false, max(c.Missing, needed)
			c.FitsFrom, _ = budget.FreeFrom(r.Model, needed, standings)
		}
	}
	if r.Blocked.Purpose == budget.ForDraft {
		for _, model := range s.writer.Models() {
			most, err := s.costs.draftCost(model, now)
			_, off := budget.Without(standings, budget.WithoutModel(model))
			if err == nil && !off && model != r.Model && reach.StepsIn(model, r.Model) && most < needed && budget.Check(most, standings) == nil {
				c.Models = append(c.Models, ModelChoice{Model: model, Most: most})
			}
		}
	}
	return c, nil
}

// asks refuses whoever is not the asker.
func asks(click approval.Click) func(r *approval.Request) error {
	return func(r *approval.Request) error {
		if r.Team != click.Team {
			return approval.ErrNotFound
		}
		if r.Asker != click.User {
			return &approval.NotAllowedError{Who: click.User, Why: approval.Because(approval.WhyAskerChooses)}
		}
		return nil
	}
}

// Continue tries a blocked request again, with another model if one is named.
// When it still does not fit: *budget.ExceededError, and the block says why now.
func (s *Payer) Continue(ctx context.Context, id, model string, click approval.Click) (*approval.Request, error) {
	return s.goOn(ctx, id, model, click.User, asks(click))
}

// goOn takes the money for the step that was refused and ends the block, or
// refreshes the block.
func (s *Payer) goOn(ctx context.Context, id, model, by string, may func(*approval.Request) error) (*approval.Request, error) {
	return current(func() (*approval.Request, error) { return s.tryGoOn(ctx, id, model, by, may) })
}

// tryGoOn is one attempt of goOn. What is refused for good comes before what only lacks money:
// who may, whether anything can run, whether the model may be asked. The money itself is asked
// for by the hold of GoOn, in the transaction that ends the block.
func (s *Payer) tryGoOn(ctx context.Context, id, model, by string, may func(*approval.Request) error) (*approval.Request, error) {
	c, err := s.store.Case(ctx, id)
	if err != nil {
		return nil, err
	}
	r, standings := c.Request, c.Standings
	if err := may(r); err != nil {
		return nil, err
	}
	if r.Blocked == nil {
		return r, approval.Unblocked(r, "go on with")
	}
	if why := s.boxes.noBox(); why != "" {
		// It costs nothing to wait, and nobody knows what a box costs that is not there.
		return nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyNothingRuns, Said: why}}
	}
	// The list may be older than the switch.
	if by, off := budget.Without(standings, budget.WithoutModel(model)); off {
		return nil, modelOff(by, model)
	}
	reach := s.costs.reach(c)
	if model != "" && model != r.Model && !reach.StepsIn(model, r.Model) {
		why := reach.Bars(model)
		if why.None() {
			why = approval.Reason{Code: approval.WhyNoStepIn, Name: model, Other: r.Model}
		}
		return nil, &approval.InputError{Why: why}
	}
	// Without a model it is Continue, a sweep or a grant: then a policy may still choose a cheaper one.
	purpose := r.Blocked.Purpose
	var cheaper *approval.Downgraded
	if model == "" && purpose == budget.ForDraft {
		if cheaper, err = s.costs.substitute(r, reach, apart(r, standings)); err != nil {
			return nil, err
		}
		if cheaper != nil && r.Blocked.Declined != nil {
			return s.insists(ctx, id, cheaper, standings)
		}
	}
	if purpose == budget.ForRun {
		// Nothing is held before somebody approves again; that there is room is all that is wanted.
		err = budget.Check(r.Blocked.Needed, standings)
	}
	if err == nil {
		r, err = s.store.Act(ctx, c, func(r *approval.Request, now time.Time) error {
			if err := may(r); err != nil {
				return err
			}
			replace(r, cheaper, now)
			with := model
			if with == "" {
				with = r.Model
			}
			worst, err := s.costs.draftCost(with, now)
			if err != nil && purpose == budget.ForDraft {
				return err
			}
			if purpose == budget.ForDraft && !r.Fallback.Used() {
				r.Fallback = s.costs.fallback(apart(r, standings), reach, with, worst, now)
				worst += r.Fallback.Held()
			}
			return r.Money().GoOn(with, worst, by, s.Policy, now)
		})
	}
	refused, ok := errors.AsType[*budget.ExceededError](err)
	if !ok {
		return r, err
	}
	if model == "" {
		if blocked, blocking := s.ends.block(ctx, id, nil, purpose, refused, by); blocking == nil {
			return blocked, refused
		}
	}
	return r, err
}

// block stores that a budget has refused the next paid step of a request, which the
// caller may have loaded.
func (s *Ends) block(ctx context.Context, id string, c *Case, purpose budget.Purpose, refused *budget.ExceededError, by string) (*approval.Request, error) {
	ctx = context.WithoutCancel(ctx)
	change := func(r *approval.Request, now time.Time) error {
		if r.Repeats != nil && purpose == budget.ForDraft {
			return r.Fail(approval.OverBudget(approval.WhyOverBudget, refused), now) // there is no model to choose
		}
		return r.Money().Block(purpose, refused, by, s.Policy, now)
	}
	if c != nil {
		return anyway(ctx, s.store, c, change)
	}
	return s.store.Update(ctx, id, change)
}

// tryAgain is what a sweep does for a blocked request whose time has come.
func (s *Payer) tryAgain(ctx context.Context, id string) error {
	if s.boxes.noBox() != "" {
		return nil // it goes on waiting as it is
	}
	_, err := s.goOn(ctx, id, "", approval.System, func(*approval.Request) error { return nil })
	if errors.As(err, new(*budget.ExceededError)) || errors.As(err, new(*approval.MoveError)) {
		return nil // the block says so, or somebody else was faster
	}
	return s.ends.failOrLater(ctx, id, err)
}

// WaitForReset has a blocked request go on by itself when the budgets that
// refused it have begun anew.
func (s *Payer) WaitForReset(ctx context.Context, id string, click approval.Click) (*approval.Request, error) {
	c, err := s.Choices(ctx, id)
	if err != nil {
		return nil, err
	}
	// There is room by now: whoever wants to wait need not.
	if c.Block != nil && c.Fits {
		return s.Continue(ctx, id, "", click)
	}
	if c.Block != nil && c.FitsFrom.IsZero() {
		return nil, &approval.InputError{Why: approval.Because(approval.WhyWaitInVain)}
	}
	return s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
		if err := asks(click)(r); err != nil {
			return err
		}
		return r.Money().Wait(c.FitsFrom, click.User, s.Policy, now)
	})
}
