package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/reading"
	"countersign/budget"
)

// FileReader has a file read in a box of its own, which has no network and that file alone.
type FileReader interface {
	// ReadFile says how the file is to be read, or why it is not. How long a box was used
	// stands in the readout beside an error, too. ErrReaderDied: the file has ended its box. A
	// *ContentError: it did not come whole, and was not read. Any other error is of a box that
	// could not be had.
	ReadFile(ctx context.Context, f InputFile) (Readout, error)
	// ReadLease is the longest that the box of one file of so many bytes can exist, and so cost.
	ReadLease(size int64) time.Duration
	// Desk names the Python that reads.
	Desk() string
}

// Readout is what a box said of a file, held to its form.
type Readout struct {
	Answer reading.Answer
	Box    time.Duration // how long a box was used
	// Letters are places of a text, each in the encodings that were to be compared: values, which
	// go to the asker alone and are kept nowhere.
	Letters [][]string
}

// ErrReaderDied is a file that has ended the box in which it was read.
var ErrReaderDied = errors.New("the box ended over its file")

// ReadingBook keeps how files are read, and what is known of them by Slack's word alone.
type ReadingBook interface {
	// Known is the sha256 of a file that Slack has shown before by this id, name and size, where
	// it was fetched within so long (0: at any time); empty where nobody knows.
	Known(ctx context.Context, team string, f approval.File, within time.Duration) (sha256 string, err error)
	// Know remembers it.
	Know(ctx context.Context, team string, f approval.File) error
	// Reading is what is known of a content.
	Reading(ctx context.Context, c approval.Content) (KeptReading, error)
	// BeginReading counts a box before the file goes into it; false: its last pair of boxes has
	// ended, and it rests.
	BeginReading(ctx context.Context, c approval.Content) (begun bool, err error)
	// Uncount takes the last one back, since there was no box; all of them where one has read the
	// file after all, and nothing of it is kept.
	Uncount(ctx context.Context, c approval.Content, all bool) error
	// UseReading keeps a reading from now, as if it had just been made; false: there is none.
	UseReading(ctx context.Context, c approval.Content) (there bool, err error)
	// KeepReading stores what a box said.
	KeepReading(ctx context.Context, c approval.Content, a reading.Answer) error
	// ToldBefore is what was told last of a content in its channel.
	ToldBefore(ctx context.Context, c approval.Content) ([]reading.Answered, error)
}

// KeptReading is what is known of a content.
type KeptReading struct {
	Answer *reading.Answer // nil: no box has said anything
	Tries  int             // boxes that were begun, and have not read it since
	At     time.Time       // of the last word, or of the last box
	Now    time.Time
}

// Rests tells that the last pair of boxes has ended, and no other is due yet.
func (k KeptReading) Rests() bool {
	return k.Tries > 0 && k.Tries%approval.BoxesInARow == 0 && k.Now.Sub(k.At) < approval.RestAfter(k.Tries)
}

// answer is what holds now: what a box said, or that the file has ended its boxes. A
// problem that may lie in the box holds for as long as the file rests.
func (k KeptReading) answer() *reading.Answer {
	rest := approval.RestAfter(k.Tries)
	if k.Answer != nil && k.Answer.Problem != nil && k.Answer.Problem.Code == "misbehaved" {
		rest = approval.Rests[len(approval.Rests)-1] // whoever tries to get out of a box gets no other one in minutes
	}
	switch a := k.Answer; {
	case a != nil && (a.Problem == nil || !approval.Passing(*a.Problem) || k.Now.Sub(k.At) < rest):
		return a
	case k.Rests():
		return &endedItsBoxes
	}
	return nil
}

var endedItsBoxes = reading.Answer{Problem: &reading.Problem{Code: "rests"}}

// Reader has the files of a question read before a model is asked. The host looks at their
// sizes, names and hashes alone.
type Reader struct {
	store interface {
		Requests
		Work
		ReadingBook
	}
	*Settings

	boxes  *Boxes
	costs  *Costs
	ends   *Ends
	inputs *Inputs
	people *People
	watch  *Watch
	pins   *pins.Keeper
}

// Read has the files of a request read, one after another. It may be repeated after any
// crash: what a box has said is kept, and no box is paid for it again.
func (s *Reader) Read(ctx context.Context, id string) error {
	r, err := s.store.Request(ctx, id)
	if err != nil || r.State != approval.Drafting || r.Blocked != nil || approval.NextStep(r) != approval.StepRead {
		return err
	}
	if why := s.boxes.noBox(); why != "" {
		return s.ends.fail(ctx, id, approval.Reason{Code: approval.WhyNothingRuns, Said: why})
	}
	if later := s.boxes.startsLater(); later != nil {
		return errors.Join(later, s.boxes.inLine(ctx, id, approval.Starting))
	}
	// A copy: the row is loaded again when the files are noted, and r stays what it was until then.
	files := make([]approval.File, len(r.Files))
	copy(files, r.Files)
	var together int64
	for i := range files {
		f := &files[i]
		goesOn, err := s.one(ctx, r, f)
		if together += f.Size; err == nil {
			err = s.inputs.fits(together)
		}
		if err != nil || !goesOn {
			return s.stopped(ctx, r, err)
		}
	}
	if r.Away != nil {
		if stop, err := s.watch.inPlace(ctx, r, true); stop || err != nil {
			return err
		}
	}
	return s.noted(ctx, r, files)
}

// noted goes on with files that are read: their asker is asked, or the code for them is
// written, or sealed anew where it is there.
func (s *Reader) noted(ctx context.Context, was *approval.Request, files []approval.File) error {
	// What a new seal needs is read before the write, which calls no other store.
	reseal, again := func(*approval.Request, time.Time) error { return nil }, *was
	if again.Files = files; approval.SameColumns(&again) {
		rules, standings, err := s.people.bounds(ctx, was)
		if err != nil {
			return err
		}
		terms, err := s.costs.draftTerms(ctx, was, standings)
		if err != nil {
			return err
		}
		reseal = func(r *approval.Request, now time.Time) error {
			sealed := r.Revision.Manifest
			fresh, err := s.costs.manifest(r, rules, approval.NamedAnew(r.Revision.Findings, files), sealed.Environment, sealed.Notes, sealed.Saw, sealed.Thread, terms, now)
			if err != nil {
				return err
			}
			return r.Reseal(files, fresh, rules.Rules.Within(s.Policy), now)
		}
	}
	_, err := s.store.Update(ctx, was.ID, func(r *approval.Request, now time.Time) error {
		if r.State != approval.Drafting || approval.NextStep(r) != approval.StepRead {
			return nil // another replica was first
		}
		r.Files = files
		_, d, _, doubted := r.Doubted()
		switch {
		case doubted && r.Repeats != nil: // what was answered then does not answer it now
			return r.Fail(approval.Reason{Code: approval.WhyOtherEnvironment, Name: d.Column}, now)
		case doubted:
			return r.AskBack(files, s.Policy, now)
		case approval.SameColumns(&again):
			return reseal(r, now)
		}
		return r.Read(files, now)
	})
	if why := priceReason(err); !why.None() {
		return s.ends.failOver(ctx, was.ID, why, err)
	}
	return err
}

// stopped is for files that cannot be read now, or at all.
func (s *Reader) stopped(ctx context.Context, r *approval.Request, err error) error {
	if gone, ok := errors.AsType[*approval.CauseError](err); ok {
		return s.watch.withoutInput(ctx, r, gone.Cause)
	}
	if errors.Is(err, ErrChanged) {
		err = &LaterError{After: time.Second, Err: err} // it has changed since it was looked at
	}
	return s.ends.failOrLater(ctx, r.ID, err)
}

// one finds out how one file is read: from what is kept, or in a box. What is not read is an
// *approval.InputError. A request that has moved on meanwhile goes no further.
func (s *Reader) one(ctx context.Context, r *approval.Request, f *approval.File) (goesOn bool, err error) {
	if f.Reading != nil {
		return true, nil
	}
	var in InputFile
	// What Slack shows alike may be another content by the time that a thread rests: then it is fetched again.
	if f.SHA256, err = s.store.Known(ctx, r.Team, *f, s.Policy.Stale); err != nil {
		return false, err
	}
	// Known goes by what Slack had shown (id, name, size) before it was fetched, so that is what is
	// remembered, with the hash that came of it.
	shown := *f
	if f.SHA256 == "" {
		if in, err = s.inputs.content(ctx, f); err != nil {
			return false, err
		}
	}
	known, err := s.inputs.recall(ctx, r, *f)
	if err == nil && known == nil && in.Open == nil {
		if in, err = s.inputs.content(ctx, f); err == nil {
			known, err = s.inputs.recall(ctx, r, *f)
		}
	}
	if err == nil {
		err = s.pins.Same(ctx, r, *f) // another content than was pinned is not even read
	}
	if err != nil {
		return false, err
	}
	if shown.SHA256 = f.SHA256; in.Open != nil {
		if err := s.store.Know(ctx, r.Team, shown); err != nil {
			return false, err
		}
	}
	if err := s.offer(ctx, r, f); err != nil {
		return false, err
	}
	if known != nil {
		return s.inVain(ctx, r, f, true, took(f, known))
	}
	goesOn = true
	// Whoever else asks about the same file waits for this box's word, and needs none of their own.
	err = s.store.Alone(ctx, s.inputs.of(r, *f).Key(), approval.StepRead, func(ctx context.Context) error {
		known, err := s.inputs.recall(ctx, r, *f)
		if err != nil || known != nil {
			return errors.Join(err, took(f, known))
		}
		var said reading.Answer
		said, goesOn, err = s.paid(ctx, r.ID, f.Size, false, func(ctx context.Context) (Readout, error) {
			in.Told = f.Told()
			return s.inputs.inBox(ctx, s.inputs.of(r, *f), in)
		})
		if err != nil || !goesOn {
			return err
		}
		return took(f, &said)
	})
	if errors.Is(err, ErrBusy) {
		err = &LaterError{After: time.Second, Err: fmt.Errorf("read %s: %w", f.Name, err)}
	}
	return s.inVain(ctx, r, f, goesOn, err)
}

// offer notes what was told of this content in another thread, for its asker to take or leave.
func (s *Reader) offer(ctx context.Context, r *approval.Request, f *approval.File) error {
	told := func(a reading.Answered) bool { return a.Tells() || a.Doubt == reading.Before() }
	if r.Repeats != nil || len(f.Offered) > 0 || slices.ContainsFunc(f.Heard(), told) {
		return nil
	}
	before, err := s.store.ToldBefore(ctx, s.inputs.of(r, *f))
	f.Offered = slices.DeleteFunc(before, func(a reading.Answered) bool { return !a.Tells() || a.InVain || a.Content != f.SHA256 })
	return err
}

// inVain reads a file as it was found where it cannot be read as it was told.
func (s *Reader) inVain(ctx context.Context, r *approval.Request, f *approval.File, goesOn bool, err error) (bool, error) {
	if why, ok := errors.AsType[*approval.InputError](err); !ok || why.Why.Code != approval.WhyNotRead || f.Told() == nil {
		return goesOn, err
	}
	// Every answer that a box was told is marked, so that the next reading is told nothing: this cannot
	// come here twice for the same file.
	f.Answers = slices.Clone(f.Answers)
	for i := range f.Answers {
		f.Answers[i].InVain = f.Answers[i].InVain || reading.ToldIn(f.Answers[i:i+1]) != nil
	}
	return s.one(ctx, r, f)
}

// took takes a box's word for a file; nil is none.
func took(f *approval.File, a *reading.Answer) error {
	switch {
	case a == nil:
		return nil
	case a.Problem != nil:
		return notRead(f.Name, *a.Problem)
	}
	f.Answers = slices.DeleteFunc(slices.Clone(f.Answers), func(g reading.Answered) bool { return g.Content != f.SHA256 })
	f.Reading, f.ReadAs = a.Reading.Settled(f.Answers), a.Reading.SHA256()
	return nil
}

func notRead(name string, p reading.Problem) error {
	return &approval.InputError{Why: approval.Reason{Code: approval.WhyNotRead, Name: name, Problem: &p}}
}

// paid has a file read in a box, and in another one where it ends the first. Each is held,
// counted and booked by itself. What is optional gets no money that was held for the draft, and
// ends no question: without it, it goes on with nothing said.
func (s *Reader) paid(ctx context.Context, id string, size int64, optional bool, box func(context.Context) (Readout, error)) (_ reading.Answer, goesOn bool, err error) {
	for attempt := 1; attempt <= approval.BoxesInARow; attempt++ {
		var call calling
		// First the box is held for beside the draft's money. Where no budget bears both, the draft's money
		// takes its place, and the draft asks the budgets anew when its turn comes.
		begin := func(instead bool) (*approval.Request, error) {
			return s.store.Update(ctx, id, func(r *approval.Request, now time.Time) (err error) {
				if call.boxes, err = s.costs.readCost(size, now); err != nil {
					return err
				}
				return r.Money().Boxes().Read(call.boxes, attempt, instead, now)
			})
		}
		refused := new(budget.ExceededError)
		r, err := begin(false)
		if errors.As(err, &refused) && optional {
			return reading.Answer{}, true, nil
		}
		if errors.As(err, &refused) {
			r, err = begin(true)
		}
		if errors.As(err, &refused) {
			_, err = s.ends.block(ctx, id, nil, budget.ForDraft, refused, approval.System)
			return reading.Answer{}, false, ended(err)
		}
		if err != nil {
			return reading.Answer{}, false, err
		}
		call.hold, _ = r.Money().CalledHold()
		// From here on money may have been spent: it is booked even when this replica is told to stop.
		kept := context.WithoutCancel(ctx)
		said, failed := box(s.boxes.tellLine(kept, r))
		uncome := new(ContentError)
		went, err := s.ends.book(kept, id, call, budget.Usage{}, said.Box, func(*approval.Request, time.Time) error { return nil })
		switch {
		case err != nil || !went:
			return reading.Answer{}, false, err
		case errors.Is(failed, ErrReaderDied) && attempt < approval.BoxesInARow:
			continue
		case errors.Is(failed, ErrReaderDied):
			return endedItsBoxes, true, nil
		case errors.As(failed, &uncome):
			return reading.Answer{}, false, failed
		case failed != nil && optional:
			return reading.Answer{}, true, nil
		case failed != nil:
			return reading.Answer{}, false, s.ends.failOver(kept, id, s.ends.why(id, failed), failed)
		}
		return said.Answer, true, nil
	}
	return reading.Answer{}, false, nil // not reached: the last attempt returns
}
