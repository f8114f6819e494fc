package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/budget"
)

// What the asker of a blocked request can do about it.

// Choices are the ways on, computed from the budgets as they are now.
type Choices struct {
	Block    *Block        // nil: it does not wait for money (any more)
	Fits     bool          // the step would fit by now
	Models   []ModelChoice // that are cheaper and fit, for a draft
	FitsFrom time.Time     // when the budgets that refuse will have begun anew; zero: never, or not by that alone
	Missing  budget.USD    // in the tightest
	TopUp    *TopUp        // that waits for an answer
	CanTopUp bool          // there is somebody who could grant one

	standings []budget.Standing // as they are now
}

// ModelChoice is a model and what a draft by it costs at most.
type ModelChoice struct {
	Model string
	Most  budget.USD
}

// Choices says how a blocked request can go on.
func (s *Service) Choices(ctx context.Context, id string) (*Choices, error) {
	r, err := s.Store.Request(ctx, id)
	if err != nil || r.Blocked == nil {
		return &Choices{}, err
	}
	standings, err := s.Store.Standings(ctx, r.Scopes())
	if err != nil {
		return nil, err
	}
	now := time.Now()
	needed := r.Blocked.Needed
	if worst, err := s.draftCost(r.Model, now); err == nil && r.Blocked.Purpose == budget.ForDraft {
		needed = worst // prices may have changed
	}
	c := &Choices{Block: r.Blocked, TopUp: r.OpenTopUp(), standings: standings}
	if c.CanTopUp, err = s.canTopUp(ctx, r); err != nil {
		return nil, err
	}
	c.Fits = budget.Check(needed, standings) == nil
	c.FitsFrom, _ = budget.FitsFrom(needed, standings)
	if tight, ok := budget.Tightest(standings); ok {
		c.Missing = max(0, needed-tight.Left())
	}
	if r.Blocked.Declined != nil {
		saves, err := s.writer(r, draftTerms{standings: r.apart(standings)})
		if saves != nil || err != nil {
			c.Fits, c.Missing = false, max(c.Missing, needed)
			c.FitsFrom, _ = budget.FreeFrom(r.Model, needed, standings)
		}
	}
	if r.Blocked.Purpose == budget.ForDraft {
		for _, model := range s.Writer.Models() {
			most, err := s.draftCost(model, now)
			_, off := budget.Without(standings, budget.WithoutModel(model))
			if err == nil && !off && model != r.Model && most < needed && budget.Check(most, standings) == nil {
				c.Models = append(c.Models, ModelChoice{Model: model, Most: most})
			}
		}
	}
	return c, nil
}

// canTopUp tells whether anybody else could grant this asker something.
func (s *Service) canTopUp(ctx context.Context, r *Request) (bool, error) {
	roster, err := s.Reviewers(ctx, r.Team, "")
	return slices.ContainsFunc(roster.Admins, func(admin string) bool { return admin != r.Asker }), err
}

// asks refuses whoever is not the asker.
func asks(click Click) func(r *Request) error {
	return func(r *Request) error {
		if r.Team != click.Team {
			return ErrNotFound
		}
		if r.Asker != click.User {
			return &NotAllowedError{Who: click.User, Why: "Only the person who asked can choose how this goes on."}
		}
		return nil
	}
}

// Continue tries a blocked request again, with another model if one is named.
// When it still does not fit: *budget.ExceededError, and the block says why now.
func (s *Service) Continue(ctx context.Context, id, model string, click Click) (*Request, error) {
	if model != "" && !slices.Contains(s.Writer.Models(), model) {
		return nil, s.noModel(model)
	}
	return s.goOn(ctx, id, model, click.User, asks(click))
}

// goOn takes the money for the step that was refused and ends the block, or
// refreshes the block.
func (s *Service) goOn(ctx context.Context, id, model, by string, may func(*Request) error) (*Request, error) {
	r, err := s.Store.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := may(r); err != nil {
		return nil, err
	}
	if r.Blocked == nil {
		return r, r.unblocked("go on with")
	}
	if why := s.noBox(); why != "" {
		// It costs nothing to wait, and nobody knows what a box costs that is not there.
		return nil, &InputError{Why: "Nothing can run code here at the moment: " + why}
	}
	standings, err := s.Store.Standings(ctx, r.Scopes())
	if err != nil {
		return nil, err
	}
	if by, off := budget.Without(standings, budget.WithoutModel(model)); off {
		return nil, modelOff(by, model)
	}
	purpose := r.Blocked.Purpose
	var cheaper *Downgraded
	if model == "" && purpose == budget.ForDraft {
		if cheaper, err = s.writer(r, draftTerms{standings: r.apart(standings)}); err != nil {
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
		r, err = s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
			if err := may(r); err != nil {
				return err
			}
			r.replace(cheaper, now)
			with := model
			if with == "" {
				with = r.Model
			}
			worst, err := s.draftCost(with, now)
			if err != nil && purpose == budget.ForDraft {
				return err
			}
			return r.GoOn(with, worst, by, s.Policy, now)
		})
	}
	var refused *budget.ExceededError
	if !errors.As(err, &refused) {
		return r, err
	}
	if model == "" {
		if blocked, blocking := s.block(ctx, id, purpose, refused, by); blocking == nil {
			return blocked, refused
		}
	}
	return r, err
}

// block stores that a budget has refused the next paid step.
func (s *Service) block(ctx context.Context, id string, purpose budget.Purpose, refused *budget.ExceededError, by string) (*Request, error) {
	return s.Store.Update(context.WithoutCancel(ctx), id, func(r *Request, now time.Time) error {
		return r.Block(purpose, refused, by, s.Policy, now)
	})
}

// tryAgain is what a sweep does for a blocked request whose time has come.
func (s *Service) tryAgain(ctx context.Context, id string) error {
	if s.noBox() != "" {
		return nil // it goes on waiting as it is
	}
	_, err := s.goOn(ctx, id, "", System, func(*Request) error { return nil })
	var refused *budget.ExceededError
	var move *MoveError
	if errors.As(err, &refused) || errors.As(err, &move) {
		return nil // the block says so, or somebody else was faster
	}
	return s.failOrLater(ctx, id, err)
}

// WaitForReset has a blocked request go on by itself when the budgets that
// refused it have begun anew.
func (s *Service) WaitForReset(ctx context.Context, id string, click Click) (*Request, error) {
	c, err := s.Choices(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.Block != nil && c.Fits {
		return s.Continue(ctx, id, "", click)
	}
	if c.Block != nil && c.FitsFrom.IsZero() {
		return nil, &InputError{Why: "Waiting does not help here: the budget does not start anew, or is smaller than this needs. Choose a cheaper model, or ask for more."}
	}
	return s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		if err := asks(click)(r); err != nil {
			return err
		}
		return r.Wait(c.FitsFrom, click.User, s.Policy, now)
	})
}

// maxReason bounds what people give as a reason.
const maxReason = 500

// AskTopUp asks the administrators for money on top of the budget that refused.
func (s *Service) AskTopUp(ctx context.Context, id string, amount budget.USD, reason string, click Click) (*Request, error) {
	reason = cut(Plain(reason), maxReason)
	if strings.TrimSpace(reason) == "" {
		return nil, &InputError{Why: "Please say what it is for. The administrator gets to read it."}
	}
	c, err := s.Choices(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.Block != nil && amount < max(c.Missing, 1) {
		return nil, &InputError{Why: fmt.Sprintf("That is not enough: %s more is needed at least.", c.Missing.Approx())}
	}
	if c.Block != nil && amount > mostTopUp {
		return nil, &InputError{Why: fmt.Sprintf("That is more than can be asked for at once; the most is %s.", mostTopUp)}
	}
	return s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		if err := asks(click)(r); err != nil {
			return err
		}
		if c.Block != nil && !c.CanTopUp {
			return &InputError{Why: "There is no other administrator here who could grant it. Choose a cheaper model, or wait."}
		}
		if b := r.Blocked; b != nil {
			// What refused it may have room by now, and another budget none: the money is for the one that is in the way.
			fresh := *b
			fresh.Standings = c.standings
			r.Blocked = &fresh
		}
		return r.AskTopUp(amount, reason, s.Policy, now)
	})
}

// mostTopUp is where a typing error is likelier than a wish.
const mostTopUp = 10_000 * budget.Dollar

// longestGrant bounds how long granted money may lie about.
const longestGrant = 366 * 24 * time.Hour

// Grant gives a top-up, until a moment, and has the request go on. Only an
// administrator may who is not the asker.
func (s *Service) Grant(ctx context.Context, topUp string, until time.Time, click Click) (*Request, error) {
	if time.Until(until) > longestGrant {
		return nil, &InputError{Why: "That is too far away: money can be granted for a year at most."}
	}
	r, err := s.answer(ctx, topUp, true, until, "", click)
	if err != nil {
		return nil, err
	}
	gone, err := s.goOn(ctx, r.ID, "", click.User, func(*Request) error { return nil })
	var refused *budget.ExceededError
	if errors.As(err, &refused) {
		return gone, nil // it is granted; what else is in the way the block says
	}
	if err != nil {
		s.Log.Warn("a granted request goes on at the next sweep", "request", r.ID, "error", err)
		return r, nil
	}
	return gone, nil
}

// Decline refuses a top-up, with a reason that the asker reads.
func (s *Service) Decline(ctx context.Context, topUp, reason string, click Click) (*Request, error) {
	reason = cut(Plain(reason), maxReason)
	if strings.TrimSpace(reason) == "" {
		return nil, &InputError{Why: "Please say why. The asker gets to read it."}
	}
	return s.answer(ctx, topUp, false, time.Time{}, reason, click)
}

func (s *Service) answer(ctx context.Context, id string, granted bool, until time.Time, reason string, click Click) (*Request, error) {
	if err := s.administers(ctx, click.Team, click.User, "Only administrators answer this."); err != nil {
		return nil, err
	}
	t, err := s.Store.TopUp(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.Store.Update(ctx, t.RequestID, func(r *Request, now time.Time) error {
		if r.Team != click.Team {
			return ErrNotFound
		}
		return r.DecideTopUp(id, granted, until.Truncate(time.Microsecond), reason, click.User, now)
	})
}

// GrantEnd is a moment until which money may be granted, in words.
type GrantEnd struct {
	Words string
	At    time.Time
}

// GrantEnds are the moments that an administrator chooses from, the soonest first.
func (s *Service) GrantEnds(ctx context.Context, topUp string) ([]GrantEnd, error) {
	t, err := s.Store.TopUp(ctx, topUp)
	if err != nil {
		return nil, err
	}
	now := time.Now().Truncate(time.Minute)
	_, midnight := budget.Day.Range(now, s.Calendar())
	ends := []GrantEnd{{"until the end of today", midnight}, {"for 24 hours", now.Add(24 * time.Hour)}}
	standings, err := s.Store.Standings(ctx, []budget.Scope{t.Scope})
	if err != nil {
		return nil, err
	}
	for _, st := range standings {
		if reset := st.ResetsAt; reset.After(ends[1].At) {
			ends = append(ends, GrantEnd{"until the budget starts anew on " + reset.In(s.Calendar()).Format("2 January"), reset})
		}
	}
	return ends, nil
}
