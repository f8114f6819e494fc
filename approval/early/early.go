// Package early has boxes made while reviewers read, where boxes are billed by the second (E2B) and a budget's policy
// allows the cents: then a click waits for no boot. It is off until somebody sets an amount beside a budget.
//
// An early box is no run. Neither code nor files go into it, nothing ever adopts it but the run of the very version for
// which it was made, and that only by the id that the row names. The row tells of it before it is asked for, so a replica
// that dies leaves a box that the next one finds by E2B's list, and money that stays held until it is settled.
//
// Its money is its own: held in every budget that pays for the question, for all the time for which the box can live, which
// is as long as the policy's amount lasts. E2B ends it then, whoever of us is there. It is settled by the second when it
// becomes the run's (in the approval's own transaction), or when it is not wanted any more. Where a budget is past its soft
// limit, has no room for it and the run, or as many boxes wait as may, there is no box, and nobody hears of it.
package early

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// Store keeps requests.
type Store interface {
	Case(ctx context.Context, id string) (*steps.Case, error)
	Act(ctx context.Context, c *steps.Case, change func(r *approval.Request, now time.Time) error) (*approval.Request, error)
	Update(ctx context.Context, id string, change func(r *approval.Request, now time.Time) error) (*approval.Request, error)
}

// Cloud makes boxes that cost by the second.
type Cloud interface {
	Size() budget.BoxSize
	Template() string
	// Reserve makes an empty box that ends by itself after so long, or finds the one that an earlier call made. ErrNoBox: none was made.
	Reserve(ctx context.Context, requestID string, seal approval.Manifest, life time.Duration) (boxID string, err error)
	// There tells whether a box is still there.
	There(ctx context.Context, boxID string) (bool, error)
	// Claim has such a box live as long as one that was made for a run. One that is gone, or cannot live so long: ErrBoxGone, and whoever is told so ends it.
	Claim(ctx context.Context, boxID, requestID string, seal approval.Manifest) error
	// Release ends all boxes that were reserved for a request, and tells for how long those lived that were there.
	Release(ctx context.Context, requestID string) (lived time.Duration, err error)
}

// Keeper keeps boxes ready. It implements steps.Early.
type Keeper struct {
	store  Store
	cloud  Cloud
	prices budget.Prices
	policy approval.Policy
	log    *slog.Logger
}

var _ steps.Early = (*Keeper)(nil)

// New makes a keeper.
func New(store Store, cloud Cloud, prices budget.Prices, policy approval.Policy, log *slog.Logger) *Keeper {
	return &Keeper{store, cloud, prices, policy, log}
}

const (
	// most is the longest that a box waits, whatever an amount would pay: with the time of a run it stays below the hour
	// for which a box may live on E2B's smallest plan.
	most = 20 * time.Minute
	// least is what is worth the call.
	least = time.Minute
)

// Keep implements steps.Early.
func (k *Keeper) Keep(ctx context.Context, id string) error {
	c, err := k.store.Case(ctx, id)
	if err != nil {
		return err
	}
	r, e := c.Request, approval.Early{Request: c.Request}
	// A box of an earlier version goes first. That makes the case older than the row, which order's Act sees by its version: it
	// asks anew, on the row as it stands, whether a box is wanted.
	if e.Dropped() {
		if err := k.drop(ctx, r); err != nil {
			return err
		}
	}
	now := c.Now.Add(time.Since(c.Read))
	switch {
	case e.Wanted():
		return k.order(ctx, c)
	case !r.Ready.Open():
		return nil
	case !e.Stands() || !now.Before(r.Ready.Until):
		return k.end(ctx, r, 0)
	case r.Ready.Box == "":
		return k.make(ctx, r, r.Ready.Until.Sub(now))
	}
	// Only a box that should wait is asked about: E2B may have ended it for reasons of its own.
	there, err := k.cloud.There(ctx, r.Ready.Box)
	if err == nil && !there {
		err = k.end(ctx, r, 0)
	}
	return err
}

// order holds the money, if a policy allows it and all budgets have room for it beside the run.
func (k *Keeper) order(ctx context.Context, c *steps.Case) error {
	m := c.Request.Revision.Manifest
	frozen, _ := c.Freezes(k.policy).Frozen(c.Now, k.policy.Zone)
	// Sealed for another sandbox or another template it would be of no use to the run, and in a freeze no run comes soon.
	if m.Sandbox != k.cloud.Size().Kind || m.Template != k.cloud.Template() || !frozen.IsZero() {
		return nil
	}
	life, held := k.life(budget.Ready(c.Standings), c.Now)
	// Room for both: a box that waits must never be the reason why the run behind it is refused.
	if life == 0 || budget.Check(held+m.CostCap, c.Standings) != nil {
		return nil
	}
	r, err := k.store.Act(ctx, c, func(r *approval.Request, now time.Time) error {
		return approval.Early{Request: r}.Order(held, life, now)
	})
	switch {
	case errors.As(err, new(*budget.ExceededError)), errors.As(err, new(*approval.MoveError)), errors.Is(err, approval.ErrEnoughReady):
		k.log.Debug("no box is made early", "request", c.Request.ID, "error", err)
		return nil
	case errors.Is(err, steps.ErrOutdated):
		return &steps.LaterError{After: time.Second, Err: err}
	case err != nil:
		return err
	}
	return k.make(ctx, r, life)
}

// life is how long a box may wait for an amount, and what that costs; nothing where it is not worth the call, or has no price.
func (k *Keeper) life(amount budget.USD, now time.Time) (life time.Duration, held budget.USD) {
	second, err := k.prices.BoxCharge(k.cloud.Size(), time.Second, now)
	if err != nil || amount <= 0 {
		return 0, 0
	}
	life = most
	if second.Amount > 0 {
		life = min(life, time.Duration(amount/second.Amount)*time.Second)
	}
	whole, err := k.prices.BoxCharge(k.cloud.Size(), life, now)
	if err != nil || life < least {
		return 0, 0
	}
	return life, whole.Amount
}

// make has the box made, for what is left of its time, and the row name it.
func (k *Keeper) make(ctx context.Context, r *approval.Request, left time.Duration) error {
	if left < time.Second {
		return k.end(ctx, r, 0)
	}
	box, err := k.cloud.Reserve(ctx, r.ID, r.Revision.Manifest, left)
	failed := new(steps.BoxError)
	switch {
	case errors.Is(err, steps.ErrNoBox), errors.As(err, &failed) && !failed.Retry:
		k.log.Warn("no box is made early", "request", r.ID, "error", err)
		return k.end(ctx, r, failed.Box)
	case err != nil:
		return err // there may be one: whoever comes next finds it
	}
	_, err = k.store.Update(ctx, r.ID, func(r *approval.Request, now time.Time) error {
		return approval.Early{Request: r}.Name(box, now)
	})
	if errors.As(err, new(*approval.MoveError)) {
		return &steps.LaterError{Err: err} // it has moved on meanwhile: the row says what becomes of the box
	}
	return err
}

// end ends the box, and pays for as long as it was there; used is how long another one was that was of no use. Where E2B
// does not answer, the job comes again, until the hold is charged in full.
func (k *Keeper) end(ctx context.Context, r *approval.Request, used time.Duration) error {
	lived, err := k.cloud.Release(ctx, r.ID)
	if err != nil {
		return err
	}
	hold := r.Ready.Hold
	_, err = k.store.Update(context.WithoutCancel(ctx), r.ID, func(r *approval.Request, now time.Time) error {
		e, b := approval.Early{Request: r}, r.Ready
		// Somebody else has settled it meanwhile, such as the approval that took the box.
		if !b.Open() || b.Hold != hold {
			return nil
		}
		span := lived + used
		switch {
		case span > 0:
		case b.Box != "":
			span = b.Most(now) // it has ended before, and nobody knows when
		case !now.Before(b.Until):
			e.Lose(k.cloud.Size().Kind, now) // nobody knows whether there was one
			return nil
		}
		charge, err := k.prices.BoxCharge(k.cloud.Size(), span, now)
		if err != nil {
			e.Lose(k.cloud.Size().Kind, now)
			return nil
		}
		e.End(charge, now)
		return nil
	})
	return err
}

// drop ends a box that is not to be the run's any more, or of which nobody knew when its money ended. It pays what is not paid yet.
func (k *Keeper) drop(ctx context.Context, r *approval.Request) error {
	return k.endUnpaid(ctx, r, ending{})
}

// End implements steps.Early.
func (k *Keeper) End(ctx context.Context, r *approval.Request) error {
	return k.endUnpaid(ctx, r, ending{claimed: true})
}

// ending is what is known of a box that is being ended.
type ending struct {
	claimed   bool                                                // its run had it, lives on and pays for it
	otherwise func(e approval.Early, now time.Time) time.Duration // how long it is to be paid where nobody has ended it; nil: not at all
}

// endUnpaid ends a box whose own money is over, and pays what nobody has paid of it: until it was ended, as E2B says. The row says first that it is being
// ended, so that whoever comes after a replica that died over it pays it as well; and one write says that it is no more, and pays it.
func (k *Keeper) endUnpaid(ctx context.Context, was *approval.Request, how ending) error {
	box, again, ends := was.Ready.Box, !was.Ready.Ending.IsZero(), true
	if !again {
		_, err := k.store.Update(ctx, was.ID, func(r *approval.Request, now time.Time) error {
			ends = approval.Early{Request: r}.Ending(box, how.claimed, now)
			return nil
		})
		if err != nil || !ends {
			return err
		}
	}
	lived, err := k.cloud.Release(ctx, was.ID)
	if err != nil {
		return err
	}
	pay := func(refused bool) error {
		_, err := k.store.Update(context.WithoutCancel(ctx), was.ID, func(r *approval.Request, now time.Time) error {
			e := approval.Early{Request: r}
			if r.Ready.Box != box || r.Ready.Ending.IsZero() { // somebody else has paid it, or the box is another one by now
				return nil
			}
			span := time.Duration(0)
			if how.otherwise != nil {
				span = how.otherwise(e, now)
			}
			if unpaid := e.Ended(lived, again || how.claimed); unpaid > 0 {
				span = unpaid
			}
			charge, err := k.prices.BoxCharge(k.cloud.Size(), span, now)
			if err != nil {
				return err
			}
			switch {
			case charge.Amount == 0:
			case (how.claimed || refused) && r.State == approval.Approved && r.Revision.Number == r.Ready.Revision:
				r.Money().PayHeldBack(charge, now)
			case refused:
				k.log.Warn("no budget bears what a box that was made early has cost", "request", r.ID, "box", box, "cost", charge.Amount)
			default:
				e.PayLate(charge, now)
			}
			if lived > 0 || charge.Amount > 0 || how.claimed {
				e.Part(box)
			}
			return nil
		})
		return err
	}
	err = pay(false)
	if errors.As(err, new(*budget.ExceededError)) { // it is spent all the same, and a run whose own money is held does not wait for it
		err = pay(true)
	}
	return err
}

// Spent implements steps.Early.
func (k *Keeper) Spent(b *approval.Ready, now time.Time) (budget.Charge, error) {
	return k.prices.BoxCharge(k.cloud.Size(), b.Most(now), now)
}

// Claim implements steps.Early. A box that was made for other limits than the money still bears, or that E2B does not let live long enough, is of no
// use to the run: it is ended, and paid.
func (k *Keeper) Claim(ctx context.Context, r *approval.Request, seal approval.Manifest) (string, error) {
	if seal.Digest() == r.Ready.Digest && r.Ready.Ending.IsZero() {
		err := k.cloud.Claim(ctx, r.Ready.Box, r.ID, seal)
		if err == nil {
			return r.Ready.Box, nil
		}
		if !errors.Is(err, steps.ErrBoxGone) {
			return "", err
		}
		k.log.Info("a box that was made early is of no use", "request", r.ID, "box", r.Ready.Box, "why", err)
	}
	// The job comes again where this fails: a second box would be paid beside one that nobody has ended, or paid. One that had ended by itself while
	// the run could not start is paid by the clock of the row.
	return "", k.endUnpaid(ctx, r, ending{otherwise: approval.Early.Outwaited})
}
