package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/approval"
)

// A request may stand in line for its box for hours. What was checked before that is
// checked again when the box is there: that nothing is frozen, that who approved it may
// still do so, that all it rests on is there. The order of a start is therefore: check, box,
// fill, check again, name the box in the row, start. Until the row names it, nothing can
// have started in it, and it may be thrown away.

// checkedLife is how old a check may be when a box is named. Most boxes are there sooner.
const checkedLife = 2 * time.Second

// recheck does that. Where the request does not start now, its box is killed and paid for,
// and the error is that of the start.
func (s *Runner) recheck(ctx context.Context, r *approval.Request, opened *opening, box string) (stop bool, err error) {
	if time.Since(opened.checked) < checkedLife {
		return false, nil
	}
	opened.checked = time.Now()
	if opened.by, stop, err = s.mayStart(ctx, r); err == nil && !stop {
		return false, nil
	}
	return true, s.thrown(ctx, r, opened, box, err)
}

// thrown kills a box in which nothing will start, pays for it, and does for its request what the
// error means.
func (s *Runner) thrown(ctx context.Context, r *approval.Request, opened *opening, box string, err error) error {
	ctx = context.WithoutCancel(ctx) // even when this replica is told to stop
	used := opened.age()
	// Another replica that has named it since has checked for itself.
	if now, unread := s.store.Request(ctx, r.ID); unread != nil || now.Run == nil || now.Run.BoxID != box {
		used = s.discard(ctx, r, box, used)
	}
	broken, gone := new(approval.BrokenSealError), new(approval.CauseError)
	switch {
	case errors.As(err, &broken):
		broken.Box += used
		err = s.seals.breakSeal(ctx, r, broken)
	case errors.As(err, &gone):
		err = s.watch.withoutInput(ctx, r, gone.Cause)
		s.payHeldBack(ctx, r, used)
	default:
		s.payHeldBack(ctx, r, used)
	}
	return s.ends.failOrLater(ctx, r.ID, err)
}

// discard kills a box in which nothing has started, and returns for how long it is still to be paid. One that was made early is paid here:
// the row knows it, so that whoever comes after a replica that died over it pays it as well.
func (s *Runner) discard(ctx context.Context, r *approval.Request, box string, used time.Duration) (unpaid time.Duration) {
	if s.Early != nil && r.Ready != nil && r.Ready.Box == box {
		if err := s.Early.End(ctx, r); err != nil {
			s.log.Warn("end a box that was made early and is not started", "request", r.ID, "box", box, "error", err)
		}
		return 0
	}
	if err := s.sandbox.Kill(ctx, box); err != nil {
		s.log.Warn("kill unused box", "request", r.ID, "box", box, "error", err)
	}
	return used
}

// payHeldBack charges a box in which nothing started. A request that is to run yet pays
// it out of what is held for its run, so that both cost no more than was agreed to.
func (s *Runner) payHeldBack(ctx context.Context, was *approval.Request, used time.Duration) {
	if used <= 0 {
		return // there was none, or it is paid (discard)
	}
	_, err := s.store.Update(ctx, was.ID, func(r *approval.Request, now time.Time) error {
		charge, err := s.Prices.BoxCharge(s.sandbox.Size(), used, now)
		switch {
		case err != nil:
			return err
		case r.State == approval.Approved && r.Revision.Number == was.Revision.Number:
			r.Money().PayHeldBack(charge, now)
		default:
			r.Money().Unused(charge, now)
		}
		return nil
	})
	if err != nil {
		s.log.Warn("charge a box that is not started", "request", was.ID, "error", err)
	}
}

// opening is what whoever has just had a box made knows beside the row.
type opening struct {
	job   *Job      // that is in the box: nothing of it has to be asked for again
	asked time.Time // for the box, which is billed from then on

	checked time.Time // whether it may start,
	by      *Case     // and by which people and rules
}

// age is how long the box has existed at most; zero when somebody else had it made.
func (o opening) age() time.Duration {
	if o.asked.IsZero() {
		return 0
	}
	return time.Since(o.asked)
}

// start takes an approved request to a box that its row names: it is checked, a box is made and
// filled, and the row names that. A box that no row will name is killed, and paid for.
func (s *Runner) start(ctx context.Context, r *approval.Request) (_ *approval.Request, opened opening, _ error) {
	inputs, stop, err := s.check(ctx, r, &opened)
	if stop {
		return r, opened, err
	}
	box, stop, err := s.create(ctx, r, &opened, inputs)
	if stop {
		return r, opened, err
	}
	if stop, err := s.fill(ctx, r, &opened, box); stop {
		return r, opened, err
	}
	started, stop, err := s.enter(ctx, r, &opened, box)
	switch {
	case stop:
		return r, opened, err
	case err != nil:
		return r, opened, s.unnamed(ctx, r, opened, box, err)
	case started.State == approval.Expired:
		return started, opened, s.sandbox.Kill(context.WithoutCancel(ctx), box)
	}
	return started, opened, nil
}

// check finds out whether the request may start here and now, by all that costs no box. It returns the
// files that go into one. Where it stops, it has done for the request what the reason asks for.
func (s *Runner) check(ctx context.Context, r *approval.Request, opened *opening) (inputs []InputFile, stop bool, err error) {
	// Before anything else: what cannot run here may well run there.
	if err := s.leave(ctx, r); err != nil {
		return nil, true, err
	}
	if why := s.boxes.noBox(); why != "" {
		return nil, true, s.ends.fail(ctx, r.ID, approval.Reason{Code: approval.WhyNothingRuns, Said: why})
	}
	if later := s.boxes.startsLater(); later != nil {
		return nil, true, errors.Join(later, s.boxes.inLine(ctx, r.ID, approval.Starting))
	}
	opened.checked = time.Now()
	by, waits, err := s.heldBack(ctx, r)
	if opened.by = by; err != nil || waits {
		return nil, true, s.ends.failOrLater(ctx, r.ID, err)
	}
	// Start would refuse it as well. Here it costs no box.
	if wait := approval.QuietUntil(by.Request).Sub(by.Now); wait > 0 {
		return nil, true, &LaterError{After: wait, Err: errors.New("it was approved by another door than Slack, and may be withdrawn")}
	}
	if stop, err := s.watch.inPlace(ctx, r, false); stop || err != nil {
		return nil, true, err
	}
	if err := s.watch.mayUse(ctx, by); err != nil {
		return nil, true, s.ends.failOrLater(ctx, r.ID, err)
	}
	inputs, used, err := s.seals.unbroken(ctx, r, by)
	if broken, ok := errors.AsType[*approval.BrokenSealError](err); ok {
		return nil, true, s.seals.breakSeal(ctx, r, broken)
	}
	s.payHeldBack(ctx, r, used)
	if gone, ok := errors.AsType[*approval.CauseError](err); ok {
		return nil, true, s.watch.withoutInput(ctx, r, gone.Cause)
	}
	if err != nil {
		// A box may have been prepared while the reviewers read.
		s.sandbox.Discard(r.ID)
		return nil, true, s.ends.failOrLater(ctx, r.ID, err)
	}
	if withheld(r) {
		if stop, err := s.given(ctx, r); stop || err != nil {
			return nil, true, err
		}
	}
	return inputs, false, nil
}

// create has a box made for the request, as it was sealed, and notes what goes into it.
func (s *Runner) create(ctx context.Context, r *approval.Request, opened *opening, inputs []InputFile) (box string, stop bool, err error) {
	seal := r.Revision.Manifest
	if seal.Limits, err = s.costs.affordable(r, time.Now()); err != nil {
		s.sandbox.Discard(r.ID)
		return "", true, s.ends.failOrLater(ctx, r.ID, err)
	}
	opened.asked = time.Now()
	line := s.boxes.tellLine(ctx, r)
	if box, err = s.claim(ctx, r, seal); box != "" {
		opened.job = jobOf(r, inputs, seal.Limits)
		return box, false, nil
	}
	if err == nil {
		box, err = s.sandbox.Create(withLine(line, func(place int) {
			if place != approval.NotInLine {
				opened.asked = time.Now() // nobody pays for the wait in a line
			}
			TellPlace(line, place)
		}), r.ID, seal)
	}
	var failed *BoxError
	switch {
	case err == nil:
		opened.job = jobOf(r, inputs, seal.Limits)
		return box, false, nil
	case errors.As(err, &failed) && failed.Kept:
		// Nothing is noted for people: the box is booting, and the next call finds it.
		return "", true, &LaterError{After: time.Second, Err: err}
	case errors.As(err, &failed) && failed.Retry:
		_, waits := s.store.Update(ctx, r.ID, func(r *approval.Request, now time.Time) error { return r.AwaitBox(failed.Words, now) })
		return "", true, errors.Join(&LaterError{After: 5 * time.Second, Err: err}, ended(waits))
	}
	return "", true, s.ends.failOrLater(ctx, r.ID, err)
}

// claim is the box that waited while the reviewers read; none where there is none, or none that may live as long as
// the run needs. One that was made for other limits than the money still bears is of no use.
func (s *Runner) claim(ctx context.Context, r *approval.Request, seal approval.Manifest) (box string, err error) {
	if b := r.Ready; s.Early == nil || b == nil || !b.Used {
		return "", nil
	}
	return s.Early.Claim(ctx, r, seal)
}

// enter checks again what is older than checkedLife, and has the row name the box. Where it stops, the
// box is thrown away, and what becomes of the request is done.
func (s *Runner) enter(ctx context.Context, r *approval.Request, opened *opening, box string) (started *approval.Request, stop bool, err error) {
	started, err = current(func() (*approval.Request, error) {
		if stop, err = s.recheck(ctx, r, opened, box); stop {
			return r, err
		}
		named, err := s.name(ctx, *opened, box)
		if errors.Is(err, ErrOutdated) {
			opened.checked = time.Time{} // whatever was checked is checked again
		}
		return named, err
	})
	return started, stop, err
}

// unnamed sorts out why the row does not name the box.
func (s *Runner) unnamed(ctx context.Context, r *approval.Request, opened opening, box string, err error) error {
	var move *approval.MoveError
	stale, _ := errors.AsType[*approval.StaleError](err)
	if stale == nil && !(errors.As(err, &move) && (move.Request.Run == nil || move.Request.Run.BoxID != box)) {
		// The row may name it, or another replica has named it just now: then the next call finds the same box.
		return ended(err)
	}
	// Nothing has started in it and nothing will: the row does not name it.
	used := s.discard(context.WithoutCancel(ctx), r, box, opened.age())
	if stale != nil {
		return s.seals.breakSeal(ctx, r, &approval.BrokenSealError{Why: stale.Request.BrokenSeal(s.Policy), Box: used})
	}
	if used > 0 {
		s.payUnused(context.WithoutCancel(ctx), r.ID, used)
	}
	return ended(err)
}

// leftAlone is how long a request waits for a replica that has its sandbox.
const leftAlone = 2 * time.Second

// leave leaves a request that was sealed for another sandbox to a replica that has it: while a new version takes
// the place of an old one, both work on one database. What none has any more goes back to its reviewers, or ends
// where this replica has no sandbox at all.
func (s *Runner) leave(ctx context.Context, r *approval.Request) error {
	other, there, err := s.seals.elsewhere(ctx, r)
	if err == nil && other && there {
		err = &LaterError{After: leftAlone, Err: fmt.Errorf("another replica has the sandbox that %s was sealed for", r.ID)}
	}
	return err
}

// name names the box in the row, by the people and rules that were checked.
func (s *Runner) name(ctx context.Context, opened opening, box string) (*approval.Request, error) {
	freezes := opened.by.Freezes(s.Policy)
	return s.store.Act(ctx, opened.by, func(r *approval.Request, now time.Time) error {
		if r.State == approval.Approved && !now.Before(r.ExpiresAt) {
			r.Money().PayBox(s.costs.boxCharge(r, opened.age(), now), now)
			approval.Early{Request: r}.Part(box) // paid here: else the move would wake who pays it once more
			return r.Expire(now)
		}
		if until, _ := freezes.Frozen(now, s.Policy.Zone); !until.IsZero() && r.State == approval.Approved {
			return ErrOutdated // it has begun since
		}
		return r.Start(box, s.Policy, now)
	})
}

// payUnused charges a box whose request was taken from it while it was made, and
// the run's hold with it: its seconds are held and settled in one. What no budget
// bears any more is our loss.
func (s *Runner) payUnused(ctx context.Context, id string, used time.Duration) {
	_, err := s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
		charge, err := s.Prices.BoxCharge(s.sandbox.Size(), used, now)
		if err == nil {
			r.Money().Unused(charge, now)
		}
		return err
	})
	if err != nil {
		s.log.Warn("charge unused box", "request", id, "error", err)
	}
}

// outlived kills the box of a run that is over. Where it was there until now, because whoever ended the run has
// died in between, somebody is billed for it until now.
func (s *Runner) outlived(ctx context.Context, r *approval.Request) error {
	lived := false
	if err := s.sandbox.Kill(withLived(ctx, func() { lived = true }), r.Run.BoxID); err != nil || !lived {
		return err
	}
	// Whoever comes again finds no box, and pays for none.
	_, err := s.store.Update(context.WithoutCancel(ctx), r.ID, func(r *approval.Request, now time.Time) error {
		late := min(now.Sub(r.Run.FinishedAt), s.sandbox.Lease(r.Revision.Manifest.Limits)-r.Run.Result.Box)
		if late < time.Second {
			return nil // as long as every box takes to be killed
		}
		charge, err := s.Prices.BoxCharge(s.sandbox.Size(), late, now)
		if err == nil {
			r.Money().Outlived(charge, now)
		}
		return err
	})
	if err != nil {
		s.log.Warn("charge a box that outlived its run", "request", r.ID, "error", err)
	}
	return nil
}

// heldBack tells whether the rules let nothing start now, and has the request wait. It
// returns the case by which it looked.
func (s *Runner) heldBack(ctx context.Context, r *approval.Request) (c *Case, frozen bool, err error) {
	_, err = current(func() (*approval.Request, error) {
		c, frozen, err = s.freeze(ctx, r)
		return nil, err
	})
	return c, frozen, err
}

// freeze is one attempt of heldBack. It writes nothing where nothing is frozen.
func (s *Runner) freeze(ctx context.Context, r *approval.Request) (c *Case, frozen bool, err error) {
	if c, err = s.store.Case(ctx, r.ID); err != nil {
		return nil, false, err
	}
	rules := c.Freezes(s.Policy)
	if until, _ := rules.Frozen(c.Now, s.Policy.Zone); until.IsZero() {
		return c, false, nil
	}
	_, err = s.store.Act(ctx, c, func(r *approval.Request, now time.Time) error {
		until, why := rules.Frozen(now, s.Policy.Zone)
		if frozen = !until.IsZero(); !frozen || r.State != approval.Approved || !now.Before(r.ExpiresAt) {
			return nil
		}
		return r.Freeze(until, why, rules.Within(s.Policy), now)
	})
	if _, ok := errors.AsType[*approval.MoveError](err); ok {
		return c, true, ended(err)
	}
	return c, frozen, err
}
