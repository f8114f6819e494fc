package approval

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/budget"
)

// Wish is a version of the code that a reviewer has read, and what they want
// changed. The model gets both.
type Wish struct {
	Revision int
	Code     string
	By       string
	Words    string
	At       time.Time
}

// Edit is code that a person has written in place of the current revision, from
// the click until it has been inspected.
type Edit struct {
	By    string `json:"by"`
	Code  string `json:"code"` // canonical
	Click Click  `json:"click"`
}

// anotherRound refuses to have code changed for ever: every round costs money and
// somebody's attention.
func (r *Request) anotherRound(p Policy) error {
	if r.Rounds < p.MaxRounds {
		return nil
	}
	return &MoveError{Request: r, Verb: "change the code of", Why: fmt.Sprintf("This code has been changed %d times already, and no more than that is possible. "+
		"Approve or reject it; the asker can ask anew in other words.", r.Rounds)}
}

// requestChanges has the model write another version, which nobody has approved.
// It is the end of Decide, which has checked everything.
func (r *Request) requestChanges(d Decision, cost budget.USD, p Policy, now time.Time) {
	r.Rounds++
	r.Attempts, r.Reason = 0, ""
	r.Wishes = append(r.Wishes, Wish{Revision: d.Revision, Code: r.Revision.Code, By: d.Reviewer, Words: d.Reason, At: now})
	r.note(now, d.Reviewer, "changes requested", map[string]any{"revision": d.Revision, "digest": d.Digest, "reason": d.Reason, "click": d.Click})
	r.hold(budget.ForDraft, cost, now, draftHoldLife)
	r.move(Drafting, now, now.Add(p.Expiry), StepDraft)
}

// TakeEdit takes code that somebody has written in place of the revision that
// they saw, and has it inspected. The time that is left for a decision goes on:
// if the inspection refuses the edit, everything stands as it stood.
func (r *Request) TakeEdit(e Edit, revision int, digest string, cost budget.USD, p Policy, now time.Time) error {
	if !r.can("Edit") {
		return r.refuse("edit")
	}
	if revision != r.Revision.Number || digest != r.Revision.Digest || !r.Revision.Intact() {
		return &StaleError{Request: r}
	}
	if !now.Before(r.ExpiresAt) {
		return &MoveError{Request: r, Verb: "edit", Why: "The time for a decision has run out."}
	}
	if e.By == r.Asker {
		return &NotAllowedError{Who: e.By, Why: "You asked this question, so somebody else has to review the code and change it."}
	}
	if err := r.anotherRound(p); err != nil {
		return err
	}
	if e.Code == r.Revision.Code {
		return &InputError{Why: "Nothing in the code has been changed."}
	}
	r.Attempts, r.Edit = 0, &e
	r.note(now, e.By, "edited", map[string]any{"revision": revision, "digest": digest, "code_sha256": Hash([]byte(e.Code)), "click": e.Click})
	r.hold(budget.ForDraft, cost, now, draftHoldLife)
	r.move(Drafting, now, r.ExpiresAt, StepDraft)
	return nil
}

// PutBack gives up an edit that cannot be shown to reviewers: the version that was
// edited stands again, with whatever was decided on it, and the editor is told why.
func (r *Request) PutBack(why string, now time.Time) error {
	if !r.can("PutBack") || r.Edit == nil {
		return r.refuse("put back")
	}
	e := *r.Edit
	r.release(now)
	r.note(now, System, "edit refused", map[string]any{"revision": r.Revision.Number, "by": e.By, "reason": why})
	r.tell(Notice{Key: fmt.Sprintf("edit %s %d %s %s", r.ID, r.Revision.Number, e.By, e.Click.ActionTS), Kind: NoticeEditFailed, To: []string{e.By}, At: now,
		Data: encode(EditRefused{Revision: r.Revision.Number, Why: why, Code: e.Code})})
	r.move(Pending, now, r.ExpiresAt)
	return nil
}

// MayEdit says whether this person could edit this revision now, without doing so:
// for the modal in which they would. The error is the one that Edit would give.
func (s *Service) MayEdit(ctx context.Context, ruling Ruling) (*Request, error) {
	return s.edit(ctx, ruling, "\n", errLook)
}

// Edit takes a reviewer's own version of the code. It has committed when it
// returns; the inspection follows, and then somebody else may approve it.
func (s *Service) Edit(ctx context.Context, ruling Ruling, code string) (*Request, error) {
	code, err := Canonical(code)
	if err != nil {
		return nil, &InputError{Why: "This cannot be shown truthfully to whoever reviews it: " + err.Error() + "."}
	}
	r, err := s.edit(ctx, ruling, code, nil)
	if refused := new(budget.ExceededError); errors.As(err, &refused) {
		s.unpaid(ctx, ruling, "edit", refused)
	}
	if err == nil {
		s.Sandbox.Discard(r.ID) // a box that waits for the code before
	}
	return r, err
}

func (s *Service) edit(ctx context.Context, ruling Ruling, code string, then error) (*Request, error) {
	if why := s.noBox(); why != "" {
		return nil, &InputError{Why: "Nothing can inspect code here at the moment: " + why}
	}
	if _, err := s.mayRule(ctx, ruling); err != nil {
		return nil, s.audited(ctx, ruling, true, err)
	}
	e := Edit{By: ruling.Click.User, Code: code, Click: ruling.Click}
	var seen *Request
	r, err := s.Store.Update(ctx, ruling.RequestID, func(r *Request, now time.Time) error {
		seen = r
		if r.Team != ruling.Click.Team {
			return ErrNotFound
		}
		if r.edited(e) {
			return errTwice
		}
		if then != nil {
			r = new(*r) // a copy bears what only wanted to be known
		}
		cost, err := s.inspectCost(now)
		if err != nil {
			return err
		}
		if err := r.TakeEdit(e, ruling.Revision, ruling.Digest, cost, s.Policy, now); err != nil {
			return err
		}
		return then
	})
	if errors.Is(err, errTwice) || errors.Is(err, errLook) {
		return seen, nil
	}
	return r, s.audited(ctx, ruling, true, err)
}

// edited tells whether this edit has been taken before: it is being inspected, or
// it is what stands now.
func (r *Request) edited(e Edit) bool {
	return r.Edit != nil && *r.Edit == e ||
		r.State == Pending && r.Revision.Author == e.By && r.Revision.Code == e.Code
}

// inspectEdit brings what a person has written before the reviewers, or puts the
// version before it back. It is Draft without a model.
func (s *Service) inspectEdit(ctx context.Context, r *Request) error {
	id, e, files := r.ID, *r.Edit, r.Files
	if why := s.noBox(); why != "" {
		return s.putBack(ctx, id, e, "Nothing can inspect code here at the moment: "+why)
	}
	if later := s.startsLater(); later != nil {
		return errors.Join(later, s.inLine(ctx, id, Starting))
	}
	if r.Attempts >= s.Policy.MaxAttempts {
		return s.putBack(ctx, id, e, "Its inspection did not come to an end in several attempts. Please try again later.")
	}
	var call calling
	r, err := s.Store.Update(ctx, r.ID, func(r *Request, now time.Time) (err error) {
		if call.boxes, err = s.inspectCost(now); err != nil {
			return err
		}
		return r.Call(call.boxes, call.boxes, s.Policy, now)
	})
	if err != nil {
		if words := s.foreseen(err); words != "" {
			return s.putBack(ctx, id, e, words)
		}
		return ended(err)
	}
	call.hold, _ = r.CalledHold()

	// From here on money may have been spent: it is booked even when this replica is told to stop.
	ctx = context.WithoutCancel(ctx)
	seen, failed := s.inspect(s.tellLine(ctx, r), e.Code, files)
	rules, err := s.RulesOf(ctx, r.Team, r.Project)
	if err != nil {
		return err
	}
	terms, err := s.draftTerms(ctx, r)
	if err != nil {
		return err
	}
	err = s.book(ctx, r.ID, call, budget.Usage{}, seen.Box, func(r *Request, now time.Time) error {
		if r.Edit == nil || *r.Edit != e {
			return nil // another replica was first, and the request has moved on since
		}
		if failed != nil {
			return r.PutBack(s.why(r.ID, failed), now)
		}
		if seen.Problem != "" {
			return r.PutBack(seen.Problem, now)
		}
		manifest, err := s.manifest(r, rules, seen.Findings, terms, now)
		if err != nil {
			return r.PutBack(s.why(r.ID, err), now)
		}
		quote, err := s.quote(terms.run, manifest.CostCap, now)
		if err != nil {
			return r.PutBack(s.why(r.ID, err), now)
		}
		return r.Drafted(Revision{Code: e.Code, Author: e.By, Findings: seen.Findings, Manifest: manifest, Quote: quote}, rules.Rules.within(s.Policy), now)
	})
	if err == nil && seen.Problem == "" {
		s.Sandbox.Prepare(r.ID)
	}
	return err
}

func (s *Service) putBack(ctx context.Context, id string, e Edit, why string) error {
	_, err := s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		if r.State != Drafting || r.Edit == nil || *r.Edit != e {
			return nil
		}
		return r.PutBack(why, now)
	})
	return err
}
