package approval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Run takes an approved request through its one run. Whoever calls it after a
// crash goes on where the row says: a box that has been named is the only one
// there will ever be, and in it the code starts at most once.
func (s *Service) Run(ctx context.Context, id string) error {
	r, err := s.Store.Request(ctx, id)
	if err != nil {
		return err
	}
	var now opening
	if r.State == Approved {
		if r, now, err = s.start(ctx, r); err != nil || r.State != Running {
			return err
		}
	}
	if r.State == Done {
		// Repeated after its end: whoever ended it may not have come to this.
		return s.Sandbox.Kill(ctx, r.Run.BoxID)
	}
	if r.State != Running {
		return nil
	}
	result, err := s.collect(ctx, r, now.inputs)
	if err != nil {
		return s.uncollected(ctx, r, now, err)
	}
	// The code has run: its result is kept even when this replica is told to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	box := r.Run.BoxID
	_, err = s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		if !r.runsIn(box) {
			return r.refuse("finish")
		}
		return r.Finish(result, s.boxCharge(r, result.Box, now), s.Policy, now)
	})
	if err = ended(err); err != nil {
		return err
	}
	return s.Sandbox.Kill(ctx, box)
}

// runsIn tells whether the request's run is the one in this box. Whoever has waited
// for a box may come late: the run may have been taken back, and have another by now.
func (r *Request) runsIn(box string) bool { return r.State == Running && r.Run.BoxID == box }

// uncollected sorts out why a run has given no result: it never started and
// never will, nobody will ever know, or it is only a matter of time.
func (s *Service) uncollected(ctx context.Context, r *Request, opened opening, err error) error {
	var never *neverError
	var broken *BrokenSealError
	var gone *CauseError
	box := r.Run.BoxID
	switch {
	case errors.As(err, &broken) && errors.As(err, &never):
		return s.breakSeal(ctx, r, broken)
	case errors.As(err, &gone) && errors.As(err, &never):
		err = s.void(ctx, r, "", opened.age(), &gone.Cause)
	case errors.As(err, &never):
		err = s.void(ctx, r, never.words, opened.age(), nil)
	case errors.Is(err, ErrBoxGone):
		_, err = s.Store.Update(ctx, r.ID, func(r *Request, now time.Time) error {
			if !r.runsIn(box) {
				return r.refuse("lose")
			}
			return r.Lose(now)
		})
	}
	return ended(err)
}

// void ends a run that has not started and, its box being killed, never will. The box
// may be older than the row knows. Where there is a cause it says why, in place of words.
func (s *Service) void(ctx context.Context, was *Request, words string, age time.Duration, cause *Cause) error {
	_, err := s.Store.Update(ctx, was.ID, func(r *Request, now time.Time) error {
		if !r.runsIn(was.Run.BoxID) {
			return r.refuse("void")
		}
		r.Cause = cause
		return r.Void(words, s.boxCharge(r, max(now.Sub(r.Run.StartedAt), age), now), now)
	})
	return err
}

// neverError is a run that has not started and, its box being killed, never will.
type neverError struct {
	words string
	err   error
}

func (e *neverError) Error() string { return "never started: " + e.err.Error() }
func (e *neverError) Unwrap() error { return e.err }

// never kills the box of such a run. While that fails, the run is not over.
func (s *Service) never(ctx context.Context, box, words string, err error) error {
	if kill := s.Sandbox.Kill(ctx, box); kill != nil {
		return fmt.Errorf("kill box %s that refused to start: %w", box, kill)
	}
	return &neverError{words: words, err: err}
}

// ended forgives a verb that came too late: somebody else has ended the request.
func ended(err error) error {
	var move *MoveError
	if errors.As(err, &move) && move.Request.State.Final() {
		return nil
	}
	return err
}

// opening is what whoever has just had a box made knows beside the row.
type opening struct {
	inputs []InputFile // as they were read just now: a Slack that is away since need not be asked again
	asked  time.Time   // for the box, which is billed from then on

	checked time.Time // whether it may start
}

// age is how long the box has existed at most; zero when somebody else had it made.
func (o opening) age() time.Duration {
	if o.asked.IsZero() {
		return 0
	}
	return time.Since(o.asked)
}

// start checks what was sealed, takes a box and names it in the row. A box that
// no row will name is killed, and paid for.
func (s *Service) start(ctx context.Context, r *Request) (_ *Request, opened opening, _ error) {
	if why := s.noBox(); why != "" {
		return r, opened, s.fail(ctx, r.ID, "Nothing can run code here at the moment: "+why)
	}
	if later := s.startsLater(); later != nil {
		return r, opened, errors.Join(later, s.inLine(ctx, r.ID, Starting))
	}
	opened.checked = time.Now()
	if waits, err := s.heldBack(ctx, r); err != nil || waits {
		return r, opened, s.failOrLater(ctx, r.ID, err)
	}
	if stop, err := s.inPlace(ctx, r, false); stop || err != nil {
		return r, opened, err
	}
	inputs, err := s.unbroken(ctx, r)
	opened.inputs = inputs
	if gone := new(CauseError); errors.As(err, &gone) {
		return r, opened, s.withoutInput(ctx, r, gone.Cause)
	}
	if broken := new(BrokenSealError); errors.As(err, &broken) {
		return r, opened, s.breakSeal(ctx, r, broken)
	}
	if err != nil {
		s.Sandbox.Discard(r.ID)
		return r, opened, s.failOrLater(ctx, r.ID, err)
	}
	if r.withheld() {
		if stop, err := s.inPlace(ctx, r, true); stop || err != nil {
			return r, opened, err
		}
	}
	seal := r.Revision.Manifest
	if seal.Limits, err = s.affordable(seal, time.Now()); err != nil {
		s.Sandbox.Discard(r.ID)
		return r, opened, s.failOrLater(ctx, r.ID, err)
	}
	opened.asked = time.Now()
	line := s.tellLine(ctx, r)
	box, err := s.Sandbox.Create(withLine(line, func(place int) {
		if place != NotInLine {
			opened.asked = time.Now() // nobody pays for the wait in a line
		}
		TellPlace(line, place)
	}), r.ID, seal)
	if err != nil {
		var failed *BoxError
		if errors.As(err, &failed) && failed.Kept {
			return r, opened, &LaterError{After: time.Second, Err: err}
		}
		if errors.As(err, &failed) && failed.Retry {
			_, waits := s.Store.Update(ctx, r.ID, func(r *Request, now time.Time) error { return r.AwaitBox(failed.Words, now) })
			return r, opened, errors.Join(&LaterError{After: 5 * time.Second, Err: err}, ended(waits))
		}
		return r, opened, s.failOrLater(ctx, r.ID, err)
	}
	if stop, err := s.recheck(ctx, r, opened, box); stop {
		return r, opened, err
	}
	started, err := s.Store.Update(ctx, r.ID, func(r *Request, now time.Time) error {
		if r.State == Approved && !now.Before(r.ExpiresAt) {
			r.payBox(s.boxCharge(r, opened.age(), now), now)
			return r.Expire(now)
		}
		return r.Start(box, s.Policy, now)
	})
	if err == nil && started.State == Expired {
		return started, opened, s.Sandbox.Kill(context.WithoutCancel(ctx), box)
	}
	if err != nil {
		var move *MoveError
		var stale *StaleError
		if errors.As(err, &stale) || errors.As(err, &move) && (move.Request.Run == nil || move.Request.Run.BoxID != box) {
			// Nothing has started in it and nothing will: the row does not name it. After any other error it may, or
			// another replica has named it just now: then the next call finds the same box.
			if kill := s.Sandbox.Kill(context.WithoutCancel(ctx), box); kill != nil {
				s.Log.Warn("kill unused box", "request", r.ID, "error", kill)
			}
			if stale != nil {
				return r, opened, s.breakSeal(ctx, r, &BrokenSealError{Why: stale.Request.BrokenSeal(s.Policy), Box: opened.age()})
			}
			s.payUnused(context.WithoutCancel(ctx), r.ID, opened.age())
		}
		return r, opened, ended(err)
	}
	return started, opened, nil
}

// payUnused charges a box whose request was taken from it while it was made, and
// the run's hold with it: its seconds are held and settled in one. What no budget
// bears any more is our loss.
func (s *Service) payUnused(ctx context.Context, id string, used time.Duration) {
	_, err := s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		charge, err := s.Prices.BoxCharge(s.Sandbox.Size(), used, now)
		if err == nil {
			r.Unused(charge, now)
		}
		return err
	})
	if err != nil {
		s.Log.Warn("charge unused box", "request", id, "error", err)
	}
}

// orphanLife is longer than any box exists beyond the time of its code.
const orphanLife = time.Hour

// collect starts the code if it has not started, and waits for its result. The
// inputs are read unless they are given.
func (s *Service) collect(ctx context.Context, r *Request, inputs []InputFile) (Result, error) {
	box, m := r.Run.BoxID, r.Revision.Manifest
	if m.Sandbox != "local" && s.Sandbox.Size().Kind != m.Sandbox {
		// Other replicas, or this one once it is set up again, can still reach a box that is not on this machine.
		if time.Since(r.Run.StartedAt) > orphanLife+time.Duration(m.Limits.Seconds)*time.Second {
			return Result{}, ErrBoxGone
		}
		return Result{}, &LaterError{After: 30 * time.Second, Err: fmt.Errorf("no way to its %s box from here", m.Sandbox)}
	}
	result, err := s.Sandbox.Result(ctx, box)
	if !errors.Is(err, ErrNotStarted) {
		return result, err
	}
	if !r.Run.BegunAt.IsZero() {
		// It has begun, and somebody has removed the mark: what was approved does not get a second start.
		s.Log.Error("a box says that nothing was started in it, but it was", "request", r.ID, "box", box)
		if err := s.Sandbox.Kill(ctx, box); err != nil {
			return Result{}, err
		}
		return Result{}, ErrBoxGone
	}
	if inputs == nil {
		// Somebody else has named the box, some time ago: what they checked is checked again.
		inputs, err = s.unbroken(ctx, r)
		switch gone, broken := new(CauseError), new(BrokenSealError); {
		case errors.As(err, &gone) && gone.Cause.passes():
			// A box is not kept for what may come back in an hour: it takes a new decision, once it is there.
			err = s.never(ctx, box, "", &BrokenSealError{Why: []string{"An input could not be read any more when it was about to start."}})
		case errors.As(err, &gone), errors.As(err, &broken):
			err = s.never(ctx, box, "", err)
		}
		if err != nil {
			return Result{}, err
		}
	}
	limits, err := s.affordable(m, r.Run.StartedAt)
	if in := new(InputError); errors.As(err, &in) {
		err = s.never(ctx, box, in.Why, err)
	}
	if err != nil {
		return Result{}, err
	}
	job := Job{RequestID: r.ID, Code: r.Revision.Code, CodeSHA256: m.CodeSHA256, Inputs: inputs, Limits: limits}
	if err := s.Sandbox.Start(ctx, box, job); err != nil {
		var refused *BoxError
		if errors.As(err, &refused) && !refused.Retry && !errors.Is(err, ErrBoxGone) {
			err = s.never(ctx, box, refused.Words, err)
		}
		return Result{}, err
	}
	if err := s.begun(ctx, r.ID, box); err != nil {
		return Result{}, err
	}
	return s.Sandbox.Result(ctx, box)
}

// begun notes that the code has begun in its box. A run that somebody has taken
// back in that very moment, because they found its box empty, has begun all the
// same: its box is no more, and the audit trail says so.
func (s *Service) begun(ctx context.Context, id, box string) error {
	_, err := s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		if r.runsIn(box) && !r.Run.BegunAt.IsZero() {
			return nil // another replica has heard it first
		}
		if !r.runsIn(box) {
			return r.refuse("begin")
		}
		return r.Begin(now)
	})
	if move := new(MoveError); errors.As(err, &move) && !move.Request.State.Final() {
		s.Log.Error("code has begun in a box whose run was taken back", "request", id, "box", box)
		event := Event{Actor: System, Kind: "begun too late", Data: map[string]any{"box": box}}
		return errors.Join(err, s.Store.Audit(ctx, id, event), s.Sandbox.Kill(ctx, box))
	}
	return err
}

// sealed fetches the inputs and holds them against the manifest: by name and by
// content, no file more, no file less. What differs breaks the seal.
func (s *Service) sealed(ctx context.Context, r *Request) ([]InputFile, error) {
	files, contents, err := s.inputs(ctx, r)
	if gone, garbled := new(InputError), new(UnreadableError); errors.As(err, &gone) || errors.As(err, &garbled) {
		// They cannot be had as they were: what was approved stays sealed, and is what it takes.
		return nil, &BrokenSealError{Why: []string{"The inputs have changed: " + cmp.Or(gone.Why, garbled.Why)}}
	}
	if err != nil {
		return nil, err
	}
	broken := &BrokenSealError{Files: files}
	want := r.Revision.Manifest.Inputs
	for _, c := range contents {
		switch at := slices.IndexFunc(want, func(in Input) bool { return in.Name == c.Name }); {
		case at < 0:
			broken.Why = append(broken.Why, fmt.Sprintf("%s is not among the inputs that were approved.", c.Name))
		case want[at] != c.Input:
			broken.Why = append(broken.Why, fmt.Sprintf("%s is not what it was: its content has changed.", c.Name))
		}
	}
	for _, in := range want {
		if !slices.ContainsFunc(contents, func(c InputFile) bool { return c.Name == in.Name }) {
			broken.Why = append(broken.Why, fmt.Sprintf("%s, which was approved as an input, is not among the files any more.", in.Name))
		}
	}
	if len(contents) != len(want) && broken.Why == nil {
		broken.Why = []string{"there are not as many as were approved."}
	}
	if broken.Why != nil {
		broken.Why[0] = "The inputs have changed: " + broken.Why[0]
		return nil, broken
	}
	return contents, nil
}

// inputs reads a request's files from Slack. What has not been read before, or
// was something else then, gets its hash and shape.
func (s *Service) inputs(ctx context.Context, r *Request) ([]File, []InputFile, error) {
	files := append([]File(nil), r.Files...)
	contents := make([]InputFile, 0, len(files))
	var together int64
	for i := range files {
		f := &files[i]
		data, err := s.Slack.Fetch(ctx, *f, s.Policy.MaxFileBytes)
		switch {
		case errors.Is(err, ErrFileTooBig):
			return nil, nil, &InputError{Why: fmt.Sprintf("%s is larger than %s.", f.Name, megabytes(s.Policy.MaxFileBytes))}
		case err != nil:
			return nil, nil, fmt.Errorf("fetch %s: %w", f.Name, err)
		}
		together += int64(len(data))
		if err := s.fits(together); err != nil {
			return nil, nil, err
		}
		if sum := Hash(data); f.SHA256 != sum {
			if f.Tables, err = s.Read(f.Name, data); err != nil {
				return nil, nil, err
			}
			f.SHA256, f.Size = sum, int64(len(data))
		}
		contents = append(contents, InputFile{Input: Input{Name: f.Name, SHA256: f.SHA256}, Data: data})
	}
	return files, contents, nil
}
