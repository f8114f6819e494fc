package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

// Examiner has code inspected, whoever wrote it, and puts it before the reviewers.
type Examiner struct {
	store   Requests
	sandbox interface {
		BoxTerms
		Inspector
	}
	*Settings

	boxes  *Boxes
	costs  *Costs
	ends   *Ends
	people *People
}

// Inspect has what a model or a person has written inspected. It may be repeated after any
// crash: no model is paid for it. What cannot be shown goes back to the model, or to the
// person, and not to a reviewer.
func (s *Examiner) Inspect(ctx context.Context, id string) error {
	r, err := s.store.Request(ctx, id)
	if err != nil || r.State != approval.Drafting || r.Blocked != nil || approval.NextStep(r) != approval.StepInspect {
		return err
	}
	// What is inspected is remembered, because the request may hold something else when the box answers.
	was := inspected{subject: subjectOf(r), repeats: r.Repeats != nil}
	if why := s.boxes.noBox(); why != "" {
		return s.giveUp(ctx, id, was.subject, approval.Reason{Code: approval.WhyNothingInspects, Said: why}, nil)
	}
	if later := s.boxes.startsLater(); later != nil {
		return errors.Join(later, s.boxes.inLine(ctx, id, approval.Starting))
	}
	r, call, err := s.begin(ctx, id)
	if err != nil {
		return s.notBegun(ctx, id, was, err)
	}

	// From here on money may have been spent: it is booked even when this replica is told to stop.
	ctx = context.WithoutCancel(ctx)
	was.seen, was.failed = s.look(s.boxes.tellLine(ctx, r), was.revision.Code, r.Files)
	// Only now, because the box may have let it wait for hours: what is sealed is what the rules ask for today.
	var standings []budget.Standing
	was.rules, standings, err = s.people.bounds(ctx, r)
	if err == nil {
		was.terms, err = s.costs.draftTerms(ctx, r, standings)
	}
	if err != nil {
		// What the box found is lost, and it is inspected again. This one is paid as it was used all the same.
		_, booked := s.ends.book(ctx, id, call, budget.Usage{}, was.seen.Box, func(*approval.Request, time.Time) error { return nil })
		return errors.Join(err, booked)
	}
	shown := false
	// The box is paid whatever it found, in the move that says what follows.
	went, err := s.ends.book(ctx, id, call, budget.Usage{}, was.seen.Box, func(r *approval.Request, now time.Time) (err error) {
		shown, err = s.follow(r, was, now) // again where somebody else has written since
		return err
	})
	// A hint that a run may follow: a box can be booted while the reviewers read.
	if err == nil && went && shown {
		s.sandbox.Prepare(id)
	}
	return err
}

// begin notes in the row that a box inspects, and what that may cost.
func (s *Examiner) begin(ctx context.Context, id string) (r *approval.Request, call calling, err error) {
	r, err = s.store.Update(ctx, id, func(r *approval.Request, now time.Time) (err error) {
		if call.boxes, err = s.costs.inspectCost(now); err != nil {
			return err
		}
		return r.Money().Boxes().Inspect(call.boxes, s.Policy, now)
	})
	if err == nil {
		call.hold, _ = r.Money().CalledHold()
	}
	return r, call, err
}

// notBegun does for a request what the error of begin means. What somebody edited, and what repeats a
// run, waits for no money.
func (s *Examiner) notBegun(ctx context.Context, id string, was inspected, err error) error {
	if refused, ok := errors.AsType[*budget.ExceededError](err); ok && was.edit == nil && !was.repeats {
		_, err = s.ends.block(ctx, id, nil, budget.ForDraft, refused, approval.System)
		return ended(err)
	}
	if why := foreseen(err); !why.None() {
		return s.giveUp(ctx, id, was.subject, why, err)
	}
	return ended(err)
}

// inspected is what was inspected, what the box has said of it, and what the rules ask for since.
type inspected struct {
	subject
	repeats bool // the code of another request, which nobody changes
	seen    Inspection
	failed  error // no box has said anything
	rules   review.RuleSet
	terms   draftTerms
}

// follow is the move that an inspection leads to: before the reviewers (shown), back to who wrote it,
// or an end.
func (s *Examiner) follow(r *approval.Request, was inspected, now time.Time) (shown bool, err error) {
	if !was.stands(r) {
		return false, nil // another replica was first, and the request has moved on since
	}
	if was.failed != nil {
		return false, was.end(r, s.ends.why(r.ID, was.failed), now)
	}
	if sent, err := s.back(r, was, now); sent || err != nil {
		return false, err
	}
	rev, hides := was.revision, was.rules.Rules.Hides()
	rev.Findings = append(approval.NotAsked(was.seen.Findings, asked(r)...), approval.OfNames(r.Files)...)
	rev.Findings = append(rev.Findings, approval.Personal(rev.Code, hides)...)
	if rev.Manifest, err = s.costs.manifest(r, was.rules, rev.Findings, was.seen.Libraries, was.notes, was.saw, was.thread, was.terms, now); err == nil {
		rev.Quote, err = s.costs.quote(was.terms.run, rev.Manifest.CostCap, now)
	}
	if err != nil {
		s.costs.unpriced(r, err, true, now)
		return false, was.end(r, s.ends.why(r.ID, err), now)
	}
	if was.repeats {
		if why := r.Repeats.Bars(rev.Manifest); !why.None() {
			return false, r.Fail(why, now)
		}
	}
	if err := r.Drafted(rev, was.rules.Rules.Within(s.Policy), now); err != nil {
		return false, err
	}
	if s.Early != nil && budget.Ready(was.terms.standings) > 0 {
		approval.Early{Request: r}.Wish(now)
	}
	return true, nil
}

// back sends back what cannot be put before reviewers. A repetition has nobody to go back to.
func (s *Examiner) back(r *approval.Request, was inspected, now time.Time) (sent bool, err error) {
	code := was.revision.Code
	switch why := was.seen.Problem; {
	case why != "" && was.repeats:
		return true, r.Fail(approval.Reason{Code: approval.WhyRefusedToday, Said: why}, now)
	case why != "" && was.edit != nil:
		return true, r.PutBack(approval.Words(why), now)
	case why != "":
		return true, s.ends.sendBack(r, approval.Refusal{Code: code, Reason: why}, now)
	case was.repeats:
		return false, nil
	}
	if why := strange(was.seen.Findings, r.Files); why != "" && was.edit == nil && s.ends.mayRepair(r) {
		return true, s.ends.sendBack(r, approval.Refusal{Code: code, Reason: why}, now)
	}
	// Not even where it insists: a person who edits can take it out, and so can the model.
	switch why := approval.Leaked(code, was.rules.Rules.Hides()); {
	case why == "":
		return false, nil
	case was.edit != nil:
		return true, r.PutBack(approval.Words(why), now)
	default:
		return true, s.ends.sendBack(r, approval.Refusal{Code: code, Reason: why}, now)
	}
}

// asked is what people have written to the model: the question, and what reviewers wanted.
func asked(r *approval.Request) []string {
	texts := []string{r.Question}
	if r.Repeats != nil {
		texts = append(texts, r.Repeats.Question)
	}
	for _, w := range r.Wishes {
		texts = append(texts, w.Words)
	}
	return texts
}

// strange tells the model that its program reads a file that is no input: most often a name that
// it has misspelt. Where it insists, because the program writes the file itself, a reviewer decides.
func strange(findings []approval.Finding, files []approval.File) string {
	var names []string
	for _, f := range files {
		names = append(names, strconv.Quote(f.Name))
	}
	for _, f := range findings {
		if f.Kind == approval.KindRead && f.Level == approval.Caution && f.About != "" && !slices.Contains(names, strconv.Quote(f.About)) {
			// The sentence is for the model.
			have := "There are no inputs."
			if len(names) > 0 {
				have = "The inputs are " + strings.Join(names, ", ") + "."
			}
			return fmt.Sprintf("Line %d: it reads %q, which is no input. %s", f.Line, f.About, have)
		}
	}
	return ""
}

// subject is what is inspected: of a model or of a person.
type subject struct {
	revision approval.Revision
	notes    approval.SealedNotes // by which it was written
	saw      approval.Sight       // what its model was let see
	thread   approval.Context     // and what it was told of the thread
	edit     *approval.Edit
	at       time.Time
}

// subjectOf is what waits to be inspected. A person's edit keeps the notes and the sight of the
// version that it was made from: no model has written it, so nothing new was seen.
func subjectOf(r *approval.Request) subject {
	if e := r.Edit; e != nil {
		return subject{revision: approval.Revision{Code: e.Code, Author: e.By}, notes: r.Revision.Manifest.Notes, saw: r.Revision.Manifest.Saw, thread: r.Revision.Manifest.Thread, edit: e}
	}
	w := r.Written
	return subject{revision: approval.Revision{Code: w.Code, Summary: w.Summary, Author: w.Author, Provider: w.Provider, Host: w.Host, PromptVersion: w.PromptVersion, Next: w.Next}, notes: w.Notes, saw: w.Saw, thread: w.Thread, at: w.At}
}

// stands tells whether it is still what waits to be inspected.
func (s subject) stands(r *approval.Request) bool {
	if r.State != approval.Drafting {
		return false
	}
	if s.edit != nil {
		return r.Edit != nil && *r.Edit == *s.edit
	}
	return r.Written != nil && r.Written.At.Equal(s.at)
}

// end gives it up: an edit is put back, a draft has failed.
func (s subject) end(r *approval.Request, why approval.Reason, now time.Time) error {
	if s.edit != nil {
		return r.PutBack(why, now)
	}
	return r.Fail(why, now)
}

// giveUp ends it over an error, of which administrators may have to hear.
func (s *Examiner) giveUp(ctx context.Context, id string, was subject, why approval.Reason, over error) error {
	_, err := s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
		if !was.stands(r) {
			return nil
		}
		s.costs.unpriced(r, over, true, now)
		return was.end(r, why, now)
	})
	return err
}

// look tries a few times: what is written is paid for, and a box that cannot be had
// this second may be had the next.
func (s *Examiner) look(ctx context.Context, code string, files []approval.File) (seen Inspection, err error) {
	used, err := patiently(ctx, s.sandbox.InspectLease(), func(ctx context.Context) (time.Duration, error) {
		seen, err = s.sandbox.Inspect(ctx, code, files)
		return seen.Box, err
	})
	seen.Box = used
	return seen, err
}

// patiently has a box tried a few times. Those that failed are billed as well, and another one
// may take its whole time: no more than is held.
func patiently(ctx context.Context, lease time.Duration, try func(context.Context) (time.Duration, error)) (used time.Duration, err error) {
	ctx, cancel := patient(ctx, inspectTries*lease+time.Minute)
	defer cancel()
	pauses := &backoff.ExponentialBackOff{InitialInterval: time.Second, MaxInterval: 8 * time.Second, Multiplier: 2}
	for tries := 1; ; tries++ {
		box, err := try(ctx)
		used += box
		failed, ok := errors.AsType[*BoxError](err)
		if !ok || !failed.Retry || tries == 5 || used > (inspectTries-1)*lease {
			return used, err
		}
		select {
		case <-time.After(pauses.NextBackOff()):
		case <-ctx.Done():
			return used, err
		}
	}
}
