package steps

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/review"
	"countersign/approval/thread"
	"countersign/budget"
)

// Drafter has code written. What comes is kept, and paid for, at once.
type Drafter struct {
	store interface {
		Asking
		Requests
		Work
	}
	writer Writer
	*Settings

	boxes  *Boxes
	costs  *Costs
	ends   *Ends
	reader *Reader
	watch  *Watch
}

// uncertain tells whether the cost of a call is not known, so that money may still be charged.
func uncertain(r *approval.Request) bool {
	return slices.ContainsFunc(r.Holds, budget.OpenHold.Uncertain)
}

// maxRepairs is how often a draft may go back to the model before the asker is
// told that it does not get there. Every round is paid for.
const maxRepairs = 2

// Draft has the code of a request written. Between the call and its booking is nothing
// that could fail: what a model was paid for is not written again.
func (s *Drafter) Draft(ctx context.Context, id string) error {
	c, err := s.store.Case(ctx, id)
	if err != nil || c.Request.State != approval.Drafting || c.Request.Blocked != nil || approval.NextStep(c.Request) != approval.StepDraft {
		return err
	}
	if stop, err := s.waits(ctx, c.Request); stop || err != nil {
		return err
	}
	d := drafting{Case: c, reach: s.costs.reach(c), rules: c.Rules(s.Policy).Rules, memory: s.Policy.Limits.MemoryMB,
		today: time.Now().In(s.costs.Calendar()), libraries: s.libraries()}
	d.notes = cmp.Or(d.rules.Notes, &review.Notes{})
	if d.terms, err = s.costs.draftTerms(ctx, c.Request, c.Standings); err != nil {
		return err
	}
	if d.cheaper, err = s.costs.substitute(c.Request, d.reach, d.terms.standings); err != nil {
		return s.ends.failOrLater(ctx, id, err)
	}
	if stop, err := s.gather(ctx, &d); stop || err != nil {
		return err
	}
	r, call, err := s.begin(ctx, &d)
	if err != nil {
		return s.notBegun(ctx, id, err)
	}
	draft, err := s.writer.Write(ctx, d.brief(r))

	// From here on money may have been spent: it is booked even when this replica is told to stop.
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		return s.noDraft(ctx, id, call, s.next(r, d.reach, d.brief), err)
	}
	if draft.Ask != nil {
		return s.askBack(ctx, r, call, draft)
	}
	held := d.told.Held(draft.Whole, draft.Summed)
	if !d.rested.IsZero() { // sealed, so that the answer, its reviewers and the record say the same
		held.Rested = d.rested.In(s.costs.Calendar()).Format(time.DateOnly)
	}
	return s.keep(ctx, r, call, draft, approval.Written{Notes: d.notes.Seal(r.Project), Saw: d.saw, Thread: held})
}

// waits tells whether nothing is written now: there is no box that could inspect it, the attempts are
// spent, or what the question rests on is not there. What follows from that is done.
func (s *Drafter) waits(ctx context.Context, r *approval.Request) (stop bool, err error) {
	if why := s.boxes.noBox(); why != "" {
		return true, s.ends.fail(ctx, r.ID, approval.Reason{Code: approval.WhyNothingRuns, Said: why})
	}
	if later := s.boxes.startsLater(); later != nil {
		return true, errors.Join(later, s.boxes.inLine(ctx, r.ID, approval.Starting)) // what is written now could not be inspected
	}
	// A job that was repeated after a crash may find the last attempt spent.
	if r.Attempts >= s.Policy.MaxAttempts || len(r.Refused) > maxRepairs {
		return true, s.ends.fail(ctx, r.ID, gaveUp(r))
	}
	if r.Away != nil {
		return s.watch.inPlace(ctx, r, true)
	}
	return false, nil
}

// drafting is what a call is made from: the case, today's rules, and what its prompt holds.
type drafting struct {
	*Case
	reach   review.Reach
	rules   review.Rules
	notes   *review.Notes // of the channel
	terms   draftTerms
	cheaper *approval.Downgraded // the model that budgets want in the place of the one that was asked

	// The same for what is held and for what is sent.
	memory    int
	today     time.Time
	libraries []string

	told   thread.Told                 // of the thread
	rested time.Time                   // since when the thread was at rest; zero: it was not
	seen   map[string]*reading.Glimpse // of the files, beyond their shape
	saw    approval.Sight              // what the model is let see now, whatever the switch says later: sealed with the code
}

// brief is what a model is told of the request.
func (d *drafting) brief(r *approval.Request) Brief {
	return Brief{RequestID: r.ID, SessionID: r.SessionID, Asker: r.Asker, Model: r.Model, Today: d.today, MemoryMB: d.memory, Libraries: d.libraries, Notes: *d.notes, Sight: d.rules.Shows, Seen: d.seen,
		Question: r.Question, Files: r.Files, History: d.told.Said, Summary: d.told.Summary.Text, Until: d.told.Until, Rested: d.rested, Clarified: r.Clarified, Wishes: r.Wishes, Refused: r.Refused, Hides: d.rules.Hides()}
}

// gather finds out what the prompt holds of the thread, and beyond the shape of the files.
func (s *Drafter) gather(ctx context.Context, d *drafting) (stop bool, err error) {
	r, sight := d.Request, d.rules.Shows
	// Looking at files for the prompt costs money. Where the rules will bar the call, it is not spent.
	ahead, looks := *r, sight
	if replace(&ahead, d.cheaper, d.Now); !barred(&ahead, d.reach).None() {
		looks = approval.Shape // nothing will be asked
	}
	// Before the looks: a question that waits for another one's summary comes again, and would pay for
	// each look again. What the looks take of the room is not known yet; the oldest give way to it.
	past, err := s.past(ctx, &ahead, d.reach, sight, d.brief(&ahead))
	if err != nil {
		return true, err
	}
	seen, goesOn, err := s.reader.looks(ctx, r, looks)
	if err != nil || !goesOn {
		return true, s.reader.stopped(ctx, r, err)
	}
	// A box takes seconds, in which an answer of the thread may be taken back.
	if d.seen = seen; len(seen) > 0 {
		if past, err = s.store.History(ctx, r.ID); err != nil {
			return true, err
		}
	}
	d.rested = past.Rested(r.CreatedAt, s.Policy.Stale)
	d.told = past.Tell(sight, s.writer.Room(d.brief(&ahead)))
	d.saw = sawOf(sight, seen, d.told.Results)
	return false, nil
}

// begin notes in the row that a model is called, by which hold, and what that may cost.
func (s *Drafter) begin(ctx context.Context, d *drafting) (r *approval.Request, call calling, err error) {
	r, err = s.store.Update(ctx, d.Request.ID, func(r *approval.Request, now time.Time) (err error) {
		replace(r, d.cheaper, now)
		if why := barred(r, d.reach); !why.None() {
			if alone := review.Effective(d.Own, d.House).Or(s.Policy).Reach(s.writer.Offers()); barred(r, alone).None() { // the channel would have let it
				why = approval.Reason{Code: approval.WhyModelOfFile, Name: r.Model, Other: strings.Join(d.reach.Models(), ", ")}
				if d.Placeless {
					why.Code = approval.WhyModelPlaceless
				}
			}
			return &approval.InputError{Why: why}
		}
		if call, err = s.calling(r, d.brief(r), now); err != nil {
			return err
		}
		// The budgets of the case choose, and those under the lock bear: Call holds it with the draft, and is weighed.
		// What is held for a fallback follows today's budgets and rules until it has been called. From then
		// on it is what its calls are charged against.
		if !r.Fallback.Used() {
			r.Fallback = s.costs.fallback(d.terms.standings, d.reach, r.Model, call.worst, now)
		}
		to, _ := d.reach.Offer(r.Model)
		call.to = to.Addressee
		return r.Money().Call(call.worst, call.tokens+call.boxes, call.to, s.Policy, now)
	})
	if err == nil {
		call.hold, _ = r.Money().CalledHold()
	}
	return r, call, err
}

// notBegun does for a request what the error of begin means.
func (s *Drafter) notBegun(ctx context.Context, id string, err error) error {
	if errors.Is(err, approval.ErrNoRoom) {
		return s.ends.fail(ctx, id, approval.Because(approval.WhyNoRoom))
	}
	if refused, ok := errors.AsType[*budget.ExceededError](err); ok {
		_, err = s.ends.block(ctx, id, nil, budget.ForDraft, refused, approval.System)
		return ended(err)
	}
	return s.ends.failOrLater(ctx, id, err)
}

// calling is a call of a model with what it may cost.
type calling struct {
	hold   budget.OpenHold
	model  string
	to     approval.Addressee
	worst  budget.USD // of any draft by this model: what is held
	tokens budget.USD // of this call
	boxes  budget.USD // of the inspection of what comes
}

// calling is what this call can cost, of this model and with this prompt. A fallback has a cap of
// its own, beside what was held for it: past that it is refused before anything is sent.
func (s *Drafter) calling(r *approval.Request, b Brief, now time.Time) (c calling, err error) {
	c.model = b.Model
	if c.worst, err = s.costs.draftCost(b.Model, now); err != nil {
		return c, err
	}
	// The hold covers any draft by this model (worst). Of this call the real prompt counts, which is
	// what stays uncertain if no bill comes.
	bytes, tokens := s.writer.Size(b)
	if c.tokens, err = s.Prices.WorstTokens(b.Model, bytes, tokens, now); err != nil {
		return c, err
	}
	c.boxes, err = s.costs.inspectCost(now)
	if f := r.Fallback; r.FellBack() && err == nil {
		c.worst = min(c.worst, f.Most)
		if f.Cap > 0 && f.Spent+c.tokens > f.Cap {
			err = &approval.InputError{Why: approval.Reason{Code: approval.WhyFallbackSpent, Name: b.Model, Amount: f.Cap}}
		}
	}
	return c, err
}

// barred is why the model of a request is not called: rules may have changed since it was
// asked, and so may the host that a setting names.
func barred(r *approval.Request, reach review.Reach) approval.Reason {
	if why := reach.Bars(r.Model); !why.None() {
		return why
	}
	from := r.Model
	switch {
	case r.FellBack():
		from = r.Fallback.From
	case r.Downgraded != nil:
		from = r.Downgraded.From
	}
	if reach.StepsIn(r.Model, from) {
		return approval.Reason{}
	}
	return approval.Reason{Code: approval.WhyNoStepIn, Name: r.Model, Other: from}
}

// next is who is asked where the model that has just been asked cannot be reached; nil where
// nobody is, or where just this question could cost more with the fallback than is held for it.
func (s *Drafter) next(r *approval.Request, reach review.Reach, brief func(*approval.Request) Brief) *approval.Addressee {
	f := r.Fallback
	if f == nil || f.Used() {
		return nil
	}
	b := brief(r)
	b.Model = f.Model
	call, err := s.calling(r, b, time.Now())
	if err != nil || call.tokens+call.boxes > f.Most {
		return nil
	}
	to, _ := reach.Offer(f.Model)
	return &to.Addressee
}

// callsBefore is how often a model is called in vain until its fallback is.
const callsBefore = 2

// gaveUp tells the asker why there will be no more attempts.
func gaveUp(r *approval.Request) approval.Reason {
	if n := len(r.Refused); n > 0 {
		return approval.Reason{Code: approval.WhyGaveUp, Said: r.Refused[n-1].Reason}
	}
	// A call that failed said so and ended the request, so the last one was cut short by the end of a replica.
	return approval.Because(approval.WhyNoAnswer)
}

// keep stores what came, beside what its prompt held. What cannot be shown truthfully goes
// back to the model.
func (s *Drafter) keep(ctx context.Context, r *approval.Request, call calling, draft Draft, written approval.Written) error {
	author := draft.Usage.Model
	// An answer with a program and without tokens cannot be true.
	if author == "" || draft.Usage.Output <= 0 {
		// A program came, and no word on what it cost.
		author, draft.Usage.Model = r.Model, unknownUsage
	}
	if !slices.Contains(s.writer.Models(), author) {
		author = r.Model // a name that only an answer has may be a person's; the bill keeps it
	}
	code, err := approval.Canonical(draft.Code)
	if err != nil {
		return s.refuse(ctx, r.ID, call, draft.Usage, approval.Refusal{Reason: err.Error()})
	}
	written.Code, written.Summary, written.Author, written.Next = code, approval.Plain(draft.Summary), author, approval.NextQuestions(draft.Next)
	written.Provider, written.Host, written.PromptVersion = draft.Provider, draft.Host, draft.PromptVersion
	_, err = s.ends.book(ctx, r.ID, call, draft.Usage, 0, func(r *approval.Request, now time.Time) error {
		return r.Keep(written, call.boxes, now)
	})
	return err
}

// noDraft books a call that gave no program and decides how to go on.
// Where the model cannot be reached, next writes from here on, if there is somebody.
func (s *Drafter) noDraft(ctx context.Context, id string, call calling, next *approval.Addressee, err error) error {
	var failed *WriterError
	var why approval.Reason
	if errors.As(err, &failed) {
		why = approval.Words(failed.Words)
	} else {
		failed, why = &WriterError{Err: err, Billed: true}, s.ends.why(id, err)
	}
	usage := failed.Usage
	if usage.Model == "" && failed.Billed {
		// Nobody knows what will be billed.
		usage.Model = unknownUsage
	}
	if failed.Repair != "" {
		return s.refuse(ctx, id, call, usage, approval.Refusal{Reason: failed.Repair})
	}
	var later *LaterError
	went, err := s.ends.book(ctx, id, call, usage, 0, func(r *approval.Request, now time.Time) error {
		// The store may run this closure again: a decision of an earlier run must not survive.
		later = nil
		again := failed.Retry && r.Attempts < s.Policy.MaxAttempts
		// What has failed and may have been billed so often fails the same way again, and is billed again.
		billed := usage.Model == unknownUsage && riskedSoFar(r) >= mostUnknown*call.tokens
		same := again && !billed && failed.After <= longestWait && r.Money().Fits(call.worst, call.tokens+call.boxes)
		switch {
		case failed.Prose != "":
			return r.Fail(approval.Reason{Code: approval.WhyProse, Said: approval.Cut(approval.Plain(failed.Prose), 2000)}, now)
		case again && next != nil && (!same || r.Attempts >= callsBefore):
			return r.Money().FallBack(*next, failed.Words, now)
		case same:
			later = &LaterError{After: max(failed.After, time.Duration(1<<r.Attempts)*time.Second), Err: failed}
			return r.Again(failed.Words, now)
		}
		return r.Fail(why, now)
	})
	if err != nil || !went || later == nil {
		return err
	}
	return later
}

// mostUnknown is how many calls of one question may be billed without a word from the model.
const mostUnknown = 3

// riskedSoFar is what the calls of which nobody knows may have cost so far.
func riskedSoFar(r *approval.Request) (sum budget.USD) {
	for _, h := range r.Holds {
		if h.Uncertain() && h.Purpose != budget.ForSummary {
			sum += h.Risked
		}
	}
	return sum
}

// longestWait is how long a question waits for a model that says when to come back.
const longestWait = 10 * time.Minute

// refuse books a call whose answer cannot be used, and sends the reason back to the model.
func (s *Drafter) refuse(ctx context.Context, id string, call calling, usage budget.Usage, why approval.Refusal) error {
	_, err := s.ends.book(ctx, id, call, usage, 0, func(r *approval.Request, now time.Time) error {
		return s.ends.sendBack(r, why, now)
	})
	return err
}
