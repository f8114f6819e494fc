package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	var inputs []InputFile // when they have been read just now
	if r.State == Approved {
		if r, inputs, err = s.start(ctx, r); err != nil || r.State != Running {
			return err
		}
	}
	if r.State == Done && s.Sandbox != nil {
		// Repeated after its end: whoever ended it may not have come to this.
		return s.Sandbox.Kill(ctx, r.Run.BoxID)
	}
	if r.State != Running {
		return nil
	}
	result, err := s.collect(ctx, r, inputs)
	if err != nil {
		return s.uncollected(ctx, r, err)
	}
	// The code has run: its result is kept even when this replica is told to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	_, err = s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		if r.State != Running {
			return r.refuse("finish")
		}
		return r.Finish(result, s.boxCharge(r, result.Box, now), s.Policy, now)
	})
	if err = ended(err); err != nil {
		return err
	}
	return s.Sandbox.Kill(ctx, r.Run.BoxID)
}

// uncollected sorts out why a run has given no result: it never started and
// never will, nobody will ever know, or it is only a matter of time.
func (s *Service) uncollected(ctx context.Context, r *Request, err error) error {
	var never *neverError
	switch {
	case errors.As(err, &never):
		_, err = s.Store.Update(ctx, r.ID, func(r *Request, now time.Time) error {
			if r.State != Running {
				return r.refuse("void")
			}
			if broken := new(BrokenSealError); errors.As(never, &broken) {
				r.Changes.Events = append(r.Changes.Events, r.sealBroken(broken.Why, now))
			}
			return r.Void(never.words, s.boxCharge(r, now.Sub(r.Run.StartedAt), now), now)
		})
	case errors.Is(err, ErrBoxGone):
		_, err = s.Store.Update(ctx, r.ID, func(r *Request, now time.Time) error { return r.Lose(now) })
	}
	return ended(err)
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

// start checks what was sealed, takes a box and names it in the row. The inputs
// that it has read are given on: a Slack that is away now need not be asked again.
func (s *Service) start(ctx context.Context, r *Request) (*Request, []InputFile, error) {
	if s.Sandbox == nil {
		return r, nil, s.fail(ctx, r.ID, "Nothing can run code here at the moment: "+s.NoBox)
	}
	if waits, err := s.heldBack(ctx, r); err != nil || waits {
		return r, nil, s.failOrLater(ctx, r.ID, err)
	}
	if why := r.BrokenSeal(s.Policy); why != nil {
		return r, nil, s.breakSeal(ctx, r, &BrokenSealError{Why: why})
	}
	if m := r.Revision.Manifest; m.Sandbox != s.Sandbox.Size().Kind || m.Template != s.Sandbox.Template() {
		return r, nil, s.breakSeal(ctx, r, &BrokenSealError{Why: []string{fmt.Sprintf("It would run in another sandbox: %s (%s) instead of %s (%s).",
			s.Sandbox.Size().Kind, s.Sandbox.Template(), m.Sandbox, m.Template)}})
	}
	why, err := s.fallen(ctx, r)
	if err != nil {
		return r, nil, err
	}
	if why != nil {
		return r, nil, s.breakSeal(ctx, r, &BrokenSealError{Why: why})
	}
	inputs, err := s.sealed(ctx, r)
	if broken := new(BrokenSealError); errors.As(err, &broken) {
		return r, nil, s.breakSeal(ctx, r, broken)
	}
	if gone := new(InputError); errors.As(err, &gone) {
		// There is nothing that reviewers could look at again: it ends, below.
		if err := s.Store.Audit(ctx, r.ID, r.sealBroken([]string{gone.Why}, time.Now().UTC().Truncate(time.Microsecond))); err != nil {
			return r, nil, err
		}
	}
	if err != nil {
		s.Sandbox.Discard(r.ID)
		return r, nil, s.failOrLater(ctx, r.ID, err)
	}
	seal := r.Revision.Manifest
	if seal.Limits, err = s.affordable(seal, time.Now()); err != nil {
		s.Sandbox.Discard(r.ID)
		return r, nil, s.failOrLater(ctx, r.ID, err)
	}
	box, err := s.Sandbox.Create(ctx, r.ID, seal)
	if err != nil {
		var failed *BoxError
		if errors.As(err, &failed) && failed.Retry {
			return r, nil, &LaterError{After: 5 * time.Second, Err: err}
		}
		return r, nil, s.failOrLater(ctx, r.ID, err)
	}
	started, err := s.Store.Update(ctx, r.ID, func(r *Request, now time.Time) error {
		if r.State == Approved && !now.Before(r.ExpiresAt) {
			return r.Expire(now)
		}
		return r.Start(box, s.Policy, now)
	})
	if err == nil && started.State == Expired {
		return started, nil, s.Sandbox.Kill(context.WithoutCancel(ctx), box)
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
		}
		if stale != nil {
			return r, nil, s.breakSeal(ctx, r, &BrokenSealError{Why: stale.Request.BrokenSeal(s.Policy)})
		}
		return r, nil, ended(err)
	}
	return started, inputs, nil
}

// otherSandbox is why an approval does not hold any more: what would run the code
// is not what was approved to run it.
const otherSandbox = "The sandbox is not the one that the approval names any more, so nothing was run. Please ask again."

// orphanLife is longer than any box exists beyond the time of its code.
const orphanLife = time.Hour

// collect starts the code if it has not started, and waits for its result. The
// inputs are read unless they are given.
func (s *Service) collect(ctx context.Context, r *Request, inputs []InputFile) (Result, error) {
	box, m := r.Run.BoxID, r.Revision.Manifest
	if m.Sandbox != "local" && (s.Sandbox == nil || s.Sandbox.Size().Kind != m.Sandbox) {
		// Other replicas, or this one once it is set up again, can still reach a box that is not on this machine.
		if time.Since(r.Run.StartedAt) > orphanLife+time.Duration(m.Limits.Seconds)*time.Second {
			return Result{}, ErrBoxGone
		}
		return Result{}, &LaterError{After: 30 * time.Second, Err: fmt.Errorf("no way to its %s box from here", m.Sandbox)}
	}
	if s.Sandbox == nil {
		return Result{}, ErrBoxGone
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
	if m.Template != s.Sandbox.Template() {
		return Result{}, s.never(ctx, box, otherSandbox, fmt.Errorf("approved for %s", m.Template))
	}
	if inputs == nil {
		inputs, err = s.sealed(ctx, r)
		var in *InputError
		var broken *BrokenSealError
		switch {
		case errors.As(err, &broken):
			err = s.never(ctx, box, strings.Join(broken.Why, " ")+" So it was not run. Please ask again.", err)
		case errors.As(err, &in):
			err = s.never(ctx, box, in.Why, err)
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
	_, err = s.Store.Update(ctx, r.ID, func(r *Request, now time.Time) error {
		if r.Run != nil && !r.Run.BegunAt.IsZero() {
			return nil // another replica has heard it first
		}
		return r.Begin(now)
	})
	if err != nil {
		return Result{}, err
	}
	return s.Sandbox.Result(ctx, box)
}

// sealed fetches the inputs and holds them against the manifest: by name and by
// content, no file more, no file less. What differs breaks the seal.
func (s *Service) sealed(ctx context.Context, r *Request) ([]InputFile, error) {
	files, contents, err := s.inputs(ctx, r)
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
		case errors.Is(err, ErrFileGone):
			return nil, nil, &InputError{Why: fmt.Sprintf("%s has been deleted, or is not shared with me any more. The inputs have changed, so nothing was run.", f.Name)}
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
