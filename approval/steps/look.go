package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/approval"
	"countersign/approval/reading"
)

// looks has the files of a request looked at, each in a box of its own, for the prompt that is
// about to be made. What is seen is kept nowhere: after a crash it is read, and paid, anew. A
// file that is not what it was, or that cannot be looked at, shows its shape alone.
func (s *Reader) looks(ctx context.Context, r *approval.Request, sight approval.Sight) (seen map[string]*reading.Glimpse, goesOn bool, err error) {
	if sight == approval.Shape {
		return nil, true, nil
	}
	// Boxes of several questions at once would count as boxes that the file has ended. All files are
	// taken before the first is paid for, in one order, so that nobody waits for one with others in hand.
	var taken []string
	for _, f := range r.Files {
		taken = append(taken, "look "+s.inputs.of(r, f).Key())
	}
	slices.Sort(taken)
	err = s.alone(ctx, slices.Compact(taken), func(ctx context.Context) error {
		seen, goesOn, err = s.lookedAt(ctx, r, sight)
		return err
	})
	if errors.Is(err, ErrBusy) {
		err = &LaterError{After: time.Second, Err: fmt.Errorf("look at the files: %w", err)}
	}
	return seen, goesOn && err == nil, err
}

// alone is Work.Alone with several at once.
func (s *Reader) alone(ctx context.Context, all []string, work func(context.Context) error) error {
	if len(all) == 0 {
		return work(ctx)
	}
	return s.store.Alone(ctx, all[0], approval.StepRead, func(ctx context.Context) error { return s.alone(ctx, all[1:], work) })
}

// lookedAt looks at the files one after another. Each box is held, booked and paid by itself, so
// a crash loses one look and no more.
func (s *Reader) lookedAt(ctx context.Context, r *approval.Request, sight approval.Sight) (seen map[string]*reading.Glimpse, goesOn bool, err error) {
	seen = map[string]*reading.Glimpse{}
	for _, f := range r.Files {
		// content notes in its argument what the file is now; f stays what the reading is about.
		now := f
		in, err := s.inputs.content(ctx, &now)
		if err != nil {
			return nil, false, err
		}
		// The glimpse would be of other rows than the reading says.
		if now.SHA256 != f.SHA256 || f.Reading == nil {
			continue
		}
		in.Look = sight
		said, on, err := s.paid(ctx, r.ID, f.Size, true, func(ctx context.Context) (Readout, error) { return s.inputs.look(ctx, s.inputs.of(r, f), in) })
		if err != nil || !on {
			return nil, false, err
		}
		if said.Glimpse != nil {
			seen[f.Name] = said.Glimpse
		}
	}
	return seen, true, nil
}

// sawOf is what a prompt shows of the data beyond its shape: no more than the switch lets it, and
// less where no file could be looked at.
func sawOf(sight approval.Sight, seen map[string]*reading.Glimpse, results bool) approval.Sight {
	switch {
	case sight == approval.Shape || len(seen) == 0 && !results:
		return approval.Shape
	case len(seen) == 0:
		return approval.Statistics // results of the thread
	}
	return sight
}

// inBox has a file read, and keeps what the box said. The box is counted before the file is
// touched, so that a file which takes everything down with it is tried twice, whoever tries.
func (s *Inputs) inBox(ctx context.Context, c approval.Content, f InputFile) (said Readout, err error) {
	begun, err := s.store.BeginReading(ctx, c)
	if err != nil {
		return said, err
	}
	if !begun {
		return Readout{Answer: endedItsBoxes}, nil
	}
	said, err = s.tried(ctx, f)
	switch {
	case err == nil:
		if said.Answer.Reading != nil {
			said.Answer.Reading.Told = f.Told
		}
		return said, s.store.KeepReading(ctx, c, said.Answer)
	case errors.Is(err, ErrReaderDied):
		return said, err
	}
	return said, errors.Join(err, s.store.Uncount(ctx, c, false)) // the file was not in it, or the box is not to blame it
}

// tried has a box read, a few times where none can be had.
func (s *Inputs) tried(ctx context.Context, f InputFile) (said Readout, err error) {
	said.Box, err = patiently(ctx, s.sandbox.ReadLease(f.Size), func(ctx context.Context) (time.Duration, error) {
		got, err := s.sandbox.ReadFile(ctx, f)
		said = got
		return got.Box, err
	})
	return said, err
}

// look is inBox for a glimpse, of which nothing is kept but how many boxes it has ended.
func (s *Inputs) look(ctx context.Context, c approval.Content, f InputFile) (said Readout, err error) {
	c.Desk = "look " + c.Desk
	begun, err := s.store.BeginReading(ctx, c)
	if err != nil {
		return said, err
	}
	if !begun {
		return Readout{Answer: endedItsBoxes}, nil
	}
	said, err = s.tried(ctx, f)
	if errors.Is(err, ErrReaderDied) {
		return said, err
	}
	return said, errors.Join(err, s.store.Uncount(ctx, c, err == nil))
}
