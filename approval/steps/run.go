package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"countersign/approval"
	"countersign/approval/verify"
)

// Runner takes an approved request through its one run.
type Runner struct {
	store interface {
		Requests
		Results
	}
	sandbox interface {
		BoxTerms
		Inspector
		Starter
	}
	slack Posting
	log   *slog.Logger
	*Settings

	boxes     *Boxes
	costs     *Costs
	ends      *Ends
	inputs    *Inputs
	people    *People
	presenter *Presenter
	seals     *Seals
	stops     *Stops
	watch     *Watch
}

// Run takes an approved request through its one run. Whoever calls it after a crash goes on where the row says: a box that has
// been named is the only one there will ever be, and in it the code starts at most once.
func (s *Runner) Run(ctx context.Context, id string) error {
	r, err := s.store.Request(ctx, id)
	if err != nil {
		return err
	}
	var now opening
	if r.State == approval.Approved {
		if r, now, err = s.start(ctx, r); err != nil || r.State != approval.Running {
			return err
		}
	}
	if r.State == approval.Done {
		return s.outlived(ctx, r) // repeated after its end: whoever ended it may not have come to this
	}
	if r.State != approval.Running {
		return nil
	}
	// Cancelled, and whoever watched it has not come to end it: nothing is started or waited for any more.
	if !r.Run.StoppedAt.IsZero() {
		return ended(s.stops.end(ctx, r, now.age()))
	}
	// Here the row names a box, whoever named it. From here on a crash costs nothing but time.
	unwatched := s.stops.watch(ctx, r)
	result, err := s.collect(s.lines(ctx, r), r, now.job)
	unwatched()
	if err != nil {
		return s.uncollected(ctx, r, now, err)
	}
	// The code has run: its result is kept even when this replica is told to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	box := r.Run.BoxID
	result.Box -= min(result.Box, approval.Early{Request: r}.Waited(box)) // which has been paid
	// Before the write, which locks the row and must not wait for what another request's files take to read.
	if result.Compared, err = s.compared(ctx, r, result); err != nil {
		return err
	}
	_, err = s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
		if !runsIn(r, box) {
			return r.Illegal("finish")
		}
		return r.Finish(result, s.costs.boxCharge(r, result.Box, now), s.Policy, now)
	})
	if err = ended(err); err != nil {
		return err
	}
	// Last, when the result is stored: while the box lives, another replica can still collect it.
	return s.sandbox.Kill(ctx, box)
}

// Results are what came out of runs, and whether anybody still wants it.
type Results interface {
	// Stopped tells that somebody has cancelled the run in a box, or that it is over.
	Stopped(ctx context.Context, id, box string) (bool, error)
	// Artifacts are the files that came out of a request's run, with what is in them.
	Artifacts(ctx context.Context, id string) ([]approval.Artifact, error)
}

// compared holds a result against that of the run that it repeats; nil where it repeats none,
// whatever the box says.
func (s *Runner) compared(ctx context.Context, r *approval.Request, now approval.Result) (*approval.Compared, error) {
	if r.Repeats == nil {
		return nil, nil
	}
	first, err := s.store.Request(ctx, r.Repeats.Request)
	if err != nil {
		return nil, err
	}
	if first.Taken != nil { // nothing of it is said again, so neither is what differs from it
		return &approval.Compared{With: first.ID, Gone: true}, nil
	}
	before := *first.Run.Result
	if before.Artifacts, err = s.store.Artifacts(ctx, first.ID); err != nil {
		return nil, err
	}
	c := verify.Compare(first.ID, before, now)
	return &c, nil
}

// lineLife is how long Slack may take over such a line.
const lineLife = 2 * time.Second

// lines is a context in which the asker hears how their program gets on, where nobody else reads along: of a question in a
// channel in a direct message, because others there would read a line of data that no answer holds.
func (s *Runner) lines(ctx context.Context, r *approval.Request) context.Context {
	v, err := s.presenter.drawn(ctx, r.ID)
	if err != nil {
		s.log.Warn("nobody is told how a program gets on", "request", r.ID, "error", err)
		return ctx
	}
	// A sandbox tells one line after another, so the view needs no lock.
	known, remembered, box := v.Posts[SurfaceRunning], true, r.Run.BoxID
	return WithLines(ctx, func(line string) {
		// Whoever watches the program waits for this, with a box that is paid by the second.
		soon, cancel := context.WithTimeout(ctx, lineLife)
		defer cancel()
		// Once it is cancelled, the thread and this message say that it is being stopped.
		if stopped, err := s.stops.store.Stopped(soon, r.ID, box); err != nil || stopped {
			return
		}
		v.Now = time.Now()
		post := s.slack.Running(soon, v, line)
		if post.TS == "" {
			return
		}
		// A box that is paid waits for what follows, too, so a database that is away is not waited for.
		brief, over := context.WithTimeout(ctx, lineLife)
		defer over()
		defer s.presenter.overrun(brief, v.Now, post)
		if post.TS != known.TS || !remembered {
			v.Posts[SurfaceRunning] = known // in whose place it stands
			if post, remembered = s.presenter.kept(brief, v, post); remembered {
				known = post
			}
		}
		v.Posts[SurfaceRunning] = post // what it shows is drawn from the row again when the run ends
	})
}

// runsIn tells whether the request's run is the one in this box. Whoever has waited for a box may come late: the run may have
// been taken back, and have another by now.
func runsIn(r *approval.Request, box string) bool {
	return r.State == approval.Running && r.Run.BoxID == box
}

// uncollected sorts out why a run has given no result: it never started and
// never will, nobody will ever know, or it is only a matter of time.
func (s *Runner) uncollected(ctx context.Context, r *approval.Request, opened opening, err error) error {
	var never *neverError
	var broken *approval.BrokenSealError
	var gone *approval.CauseError
	box := r.Run.BoxID
	// A neverError wraps why nothing started, so the cases that want both stand first. A broken seal or a
	// missing file without it says nothing about this box, which is still there: the job comes again.
	switch {
	case errors.As(err, &broken) && errors.As(err, &never):
		return s.seals.breakSeal(ctx, r, broken)
	case errors.As(err, &gone) && errors.As(err, &never):
		err = s.seals.void(ctx, r, approval.Reason{}, opened.age(), &gone.Cause)
	case errors.As(err, &never):
		err = s.seals.void(ctx, r, never.why, opened.age(), nil)
	case errors.Is(err, ErrBoxGone):
		_, err = s.store.Update(ctx, r.ID, func(r *approval.Request, now time.Time) error {
			switch {
			case !runsIn(r, box):
				return r.Illegal("lose")
			case !r.Run.StoppedAt.IsZero():
				return s.stops.stopped(r, opened.age(), now)
			}
			return r.Lose(now)
		})
	}
	return ended(err)
}

// void ends a run that has not started and, its box being killed, never will. The box
// may be older than the row knows. Where there is a cause it says why, in place of a reason.
func (s *Seals) void(ctx context.Context, was *approval.Request, why approval.Reason, age time.Duration, cause *approval.Cause) error {
	_, err := s.store.Update(ctx, was.ID, func(r *approval.Request, now time.Time) error {
		if !runsIn(r, was.Run.BoxID) {
			return r.Illegal("void")
		}
		r.Cause = cause
		return r.Void(why, s.costs.boxCharge(r, max(now.Sub(r.Run.StartedAt), age), now), now)
	})
	return err
}

// neverError is a run that has not started and, its box being killed, never will.
type neverError struct {
	why approval.Reason
	err error
}

func (e *neverError) Error() string { return "never started: " + e.err.Error() }

func (e *neverError) Unwrap() error { return e.err }

// never kills the box of such a run. While that fails, the run is not over.
func (s *Runner) never(ctx context.Context, box string, why approval.Reason, err error) error {
	if kill := s.sandbox.Kill(ctx, box); kill != nil {
		return fmt.Errorf("kill box %s that refused to start: %w", box, kill)
	}
	return &neverError{why: why, err: err}
}

// ended turns the error of a verb that came too late into none: somebody else has ended the
// request, and a job that repeated the step would only find the same.
func ended(err error) error {
	if move, ok := errors.AsType[*approval.MoveError](err); ok && move.Request.State.Final() {
		return nil
	}
	return err
}

// collect starts the code if it has not started, and waits for its result. The job is
// the one that is in the box; nil where another replica has named that.
func (s *Runner) collect(ctx context.Context, r *approval.Request, job *Job) (approval.Result, error) {
	box := r.Run.BoxID
	if err := s.stops.reach(r); err != nil {
		return approval.Result{}, err
	}
	result, err := s.sandbox.Result(ctx, box)
	if !errors.Is(err, ErrNotStarted) {
		return result, err
	}
	if !r.Run.BegunAt.IsZero() {
		// It has begun, and somebody has removed the mark: what was approved does not get a second start.
		s.log.Error("a box says that nothing was started in it, but it was", "request", r.ID, "box", box)
		if err := s.sandbox.Kill(ctx, box); err != nil {
			return approval.Result{}, err
		}
		return approval.Result{}, ErrBoxGone
	}
	err = nil
	// Whoever has just made the box knows what is in it. Anybody else makes the job anew, and checks
	// all of it again.
	if job == nil {
		job, err = s.again(ctx, r)
	}
	if err == nil {
		err = s.unwanted(ctx, r.ID, box)
	}
	if err == nil {
		err = s.sandbox.Start(ctx, box, *job)
	}
	if errors.Is(err, ErrChanged) {
		err = s.inputs.differ(ctx, r)
	}
	if err != nil {
		return approval.Result{}, s.refused(ctx, box, err)
	}
	// Noted after the start, so a crash between the two leaves a started box without the note. The
	// next call finds it running: the box's own mark says so.
	if err := s.begun(ctx, r.ID, box); err != nil {
		return approval.Result{}, err
	}
	return s.sandbox.Result(ctx, box)
}

// unwanted looks once more, right before the code begins, whether anybody has cancelled it: all that was read and
// made for it took a while. Then its box is no more, and its run ends as one that was cancelled.
func (s *Runner) unwanted(ctx context.Context, id, box string) error {
	stopped, err := s.store.Stopped(ctx, id, box)
	if err != nil || !stopped {
		return err
	}
	return cmp.Or(s.sandbox.Kill(ctx, box), ErrBoxGone)
}

// again makes the job for a box that somebody else has named, some time ago: what they checked is
// checked again.
func (s *Runner) again(ctx context.Context, r *approval.Request) (*Job, error) {
	c, err := s.store.Case(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	inputs, _, err := s.seals.unbroken(ctx, r, c) // what a lost reading takes is less than a box that began nothing, which the run pays
	if err != nil {
		return nil, err
	}
	limits, err := s.costs.affordable(r, r.Run.StartedAt)
	return jobOf(r, inputs, limits), err
}

// refused ends a box that the row names, and in which nothing has started, over what will not pass.
func (s *Runner) refused(ctx context.Context, box string, err error) error {
	gone, broken, in, said := new(approval.CauseError), new(approval.BrokenSealError), new(approval.InputError), new(BoxError)
	switch {
	case errors.As(err, &gone) && gone.Cause.Passes():
		// A box is not kept for what may come back in an hour: it takes a new decision, once it is there.
		return s.never(ctx, box, approval.Reason{}, &approval.BrokenSealError{Why: []approval.Reason{approval.Because(approval.WhyInputUnread)}})
	case errors.As(err, &gone), errors.As(err, &broken):
		return s.never(ctx, box, approval.Reason{}, err)
	case errors.As(err, &in):
		return s.never(ctx, box, in.Why, err)
	case errors.As(err, &said) && !said.Retry && !errors.Is(err, ErrBoxGone):
		return s.never(ctx, box, approval.Words(said.Words), err)
	}
	return err
}

// fill puts what was sealed into a box that has just been made, before the row names it. Content
// that is not what was sealed takes the request back to review, and its box is paid for.
func (s *Runner) fill(ctx context.Context, r *approval.Request, opened *opening, box string) (stop bool, err error) {
	failed := new(BoxError)
	err = s.sandbox.Fill(ctx, box, *opened.job)
	switch {
	case err == nil:
		return false, nil
	case errors.Is(err, ErrChanged):
		err = s.inputs.differ(ctx, r)
	case errors.Is(err, ErrBoxGone):
		err = &LaterError{After: time.Second, Err: err} // nothing has begun: the next box is made anew
	case errors.As(err, &failed) && failed.Retry:
		_, waits := s.store.Update(ctx, r.ID, func(r *approval.Request, now time.Time) error { return r.AwaitBox(failed.Words, now) })
		err = errors.Join(&LaterError{After: 5 * time.Second, Err: err}, ended(waits))
	}
	return true, s.thrown(ctx, r, opened, box, err)
}

// given tells by their first bytes whether Slack gives files that it had shown and not given, so
// that no box is made, and paid, for each time that it does not.
func (s *Runner) given(ctx context.Context, r *approval.Request) (stop bool, err error) {
	for _, f := range r.Files {
		err := s.inputs.begins(ctx, f)
		if gone, ok := errors.AsType[*approval.CauseError](err); ok {
			return true, s.watch.withoutInput(ctx, r, gone.Cause)
		}
		if err != nil {
			return true, s.ends.failOrLater(ctx, r.ID, err)
		}
	}
	return s.watch.inPlace(ctx, r, true)
}

// jobOf is what goes into the box of a run.
func jobOf(r *approval.Request, inputs []InputFile, limits approval.Limits) *Job {
	m := r.Revision.Manifest
	return &Job{RequestID: r.ID, Code: r.Revision.Code, CodeSHA256: m.CodeSHA256, Inputs: inputs, Limits: limits,
		Today: m.Today, Zone: m.Zone, Environment: m.Environment, Hosts: m.Network, Currency: m.Notes.Currency}
}

// mayStart checks all of it by one case, which the start then rests on.
func (s *Runner) mayStart(ctx context.Context, r *approval.Request) (c *Case, stop bool, err error) {
	if c, stop, err = s.heldBack(ctx, r); stop || err != nil {
		return c, stop, err
	}
	if err := s.people.stand(ctx, c); err != nil {
		return c, true, err
	}
	if err := s.watch.mayUse(ctx, c); err != nil {
		return c, true, err
	}
	stop, err = s.watch.inPlace(ctx, r, true)
	return c, stop, err
}

// begun notes that the code has begun in its box. A run that somebody has taken
// back in that very moment, because they found its box empty, has begun all the
// same: its box is no more, and the audit trail says so.
func (s *Runner) begun(ctx context.Context, id, box string) error {
	_, err := s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
		if runsIn(r, box) && !r.Run.BegunAt.IsZero() {
			return nil // another replica has heard it first
		}
		if !runsIn(r, box) {
			return r.Illegal("begin")
		}
		return r.Begin(now)
	})
	if move, ok := errors.AsType[*approval.MoveError](err); ok && !move.Request.State.Final() {
		s.log.Error("code has begun in a box whose run was taken back", "request", id, "box", box)
		event := approval.Event{Actor: approval.System, Kind: approval.EventBegunTooLate, Data: map[string]any{"box": box}}
		return errors.Join(err, s.store.Audit(ctx, id, event), s.sandbox.Kill(ctx, box))
	}
	return err
}
