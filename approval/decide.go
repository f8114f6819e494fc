package approval

import (
	"context"
	"errors"
	"strings"
	"time"

	"countersign/budget"
)

// Ruling is a reviewer's click.
type Ruling struct {
	RequestID string
	Revision  int
	Digest    string // of what the reviewer saw
	Verdict   Verdict
	Reason    string
	Typed     string // the beginning of the digest, where the rules want it typed (Terms.Typed)
	Click     Click
}

func (r Ruling) decision() Decision {
	return Decision{RequestID: r.RequestID, Revision: r.Revision, Digest: r.Digest, Reviewer: r.Click.User,
		Verdict: r.Verdict, Reason: Plain(r.Reason), Click: r.Click}
}

// errTwice ends an Update that has nothing to do because the same click was taken before.
var errTwice = errors.New("the same click again")

// errLook ends an Update that was only to find out.
var errLook = errors.New("only looking")

// Decide takes a reviewer's verdict. It has committed when it returns.
func (s *Service) Decide(ctx context.Context, ruling Ruling) (*Request, error) {
	if ruling.Verdict == Reject && strings.TrimSpace(ruling.Reason) == "" {
		return nil, &InputError{Why: "Please say why. The asker gets to read it."}
	}
	if ruling.Verdict == Rewrite && strings.TrimSpace(ruling.Reason) == "" {
		return nil, &InputError{Why: "Please say what should be different. The model gets to read it, and so does the asker."}
	}
	if ruling.Verdict != Approve && ruling.Verdict != Reject && ruling.Verdict != Rewrite {
		return nil, &InputError{Why: "A decision is to approve, to reject, or to request changes."}
	}
	r, err := s.decide(ctx, ruling, nil)
	refused := new(budget.ExceededError)
	switch {
	case !errors.As(err, &refused):
	case ruling.Verdict == Rewrite:
		s.unpaid(ctx, ruling, "rewrite", refused)
	case ruling.Verdict == Approve:
		// The approval is not taken; the asker learns what is in its way and can do something about it.
		if _, err := s.block(ctx, ruling.RequestID, budget.ForRun, refused, ruling.Click.User); err != nil {
			s.Log.Error("block a run without money", "request", ruling.RequestID, "error", err)
		}
	}
	if err == nil && (r.State == Rejected || r.State == Drafting) {
		s.Sandbox.Discard(r.ID)
	}
	return r, err
}

// MayDecide says whether this person could decide on this revision now, without
// deciding: for the modal that asks for a reason. The error is the one that
// Decide would give.
func (s *Service) MayDecide(ctx context.Context, ruling Ruling) (*Request, error) {
	return s.decide(ctx, ruling, errLook)
}

// OpenedReview is the event of somebody opening the whole of a program to read it.
const OpenedReview = "opened review"

// Opened keeps that somebody has opened a version of the code: how long a decision
// took counts from then (Statistics).
func (s *Service) Opened(ctx context.Context, id string, revision int, click Click) error {
	return s.Store.Audit(ctx, id, Event{Actor: click.User, Kind: OpenedReview, Data: map[string]any{"revision": revision}})
}

func (s *Service) decide(ctx context.Context, ruling Ruling, then error) (*Request, error) {
	if why := s.noBox(); why != "" && ruling.Verdict != Reject && ruling.Click.Door == "" {
		return nil, &InputError{Why: "Nothing can run code here at the moment: " + why}
	}
	// Whose request it is comes first: in another workspace there is none, and nothing to note in its trail.
	known, err := s.Store.Request(ctx, ruling.RequestID)
	if err != nil {
		return nil, err
	}
	if known.Team != ruling.Click.Team {
		return nil, ErrNotFound
	}
	by, err := s.mayRule(ctx, ruling)
	if err != nil {
		return nil, s.audited(ctx, ruling, then == nil || ruling.Verdict != Approve, err)
	}
	if err := by.terms.typed(ruling); err != nil && then == nil {
		return nil, err
	}
	d := ruling.decision()
	d.InPlaceOf = by.inPlaceOf
	var cheaper *Downgraded
	if d.Verdict == Rewrite && then == nil && s.Writer != nil {
		terms, err := s.draftTerms(ctx, known)
		if err != nil {
			return nil, err
		}
		if cheaper, err = s.writer(known, terms); err != nil {
			return nil, err
		}
	}
	var seen *Request
	r, err := s.Store.Update(ctx, ruling.RequestID, func(r *Request, now time.Time) error {
		seen = r
		if r.has(d) {
			return errTwice
		}
		if then != nil {
			// A copy bears what only wanted to be known.
			r = new(*r)
		}
		var cost budget.USD
		if d.Verdict == Approve && r.Revision != nil {
			// The reviewer agreed to the cap that the manifest names, and to no cent more.
			cost = r.Revision.Manifest.CostCap
			if s.noBox() == "" { // on the command line there is none; the run settles what it costs
				worst, err := s.runCost(r.Revision.Manifest.Limits, now)
				if err != nil {
					return err
				}
				cost = min(worst, cost)
			}
		}
		if d.Verdict == Rewrite && s.Writer != nil { // without one, the draft holds what it costs before its call
			var err error
			r.replace(cheaper, now)
			if cost, err = s.draftCost(r.Model, now); err != nil {
				return err
			}
		}
		if d.Verdict == Approve && then == nil && r.Revision != nil {
			// Looking is free; what would be refused at the start is refused here, in the same words.
			if beyond := r.Revision.Manifest.beyond(by.rules); beyond != "" && r.State == Pending {
				return &MoveError{Request: r, Verb: string(d.Verdict), Why: beyond}
			}
		}
		p := by.rules.within(s.Policy)
		until, why := by.rules.Frozen(now, s.Policy.Zone)
		if !until.IsZero() {
			p.RunExpiry += until.Sub(now) // an approval lasts from when something may start
		}
		if err := r.Decide(d, cost, p, now); err != nil {
			return err
		}
		if r.State == Approved && !until.IsZero() {
			r.frozen(until, why, now)
		}
		return then
	})
	if errors.Is(err, errTwice) || errors.Is(err, errLook) {
		return seen, nil
	}
	return r, s.audited(ctx, ruling, then == nil || ruling.Verdict != Approve, err)
}

// audited keeps a click that was refused to somebody, unless they only wanted to
// look: who opens what they may not decide has tried nothing. It belongs to no verb,
// so losing it to a database that is away loses nothing but this line.
func (s *Service) audited(ctx context.Context, ruling Ruling, act bool, err error) error {
	var no *NotAllowedError
	if !act || !errors.As(err, &no) {
		return err
	}
	event := Event{At: time.Now().UTC().Truncate(time.Microsecond), Actor: no.Who, Kind: "refused click",
		Data: map[string]any{"verdict": ruling.Verdict, "why": no.Why, "click": ruling.Click}}
	if lost := s.Store.Audit(ctx, ruling.RequestID, event); lost != nil {
		s.Log.Error("audit a refused click", "request", ruling.RequestID, "error", lost)
	}
	return err
}

// Withdraw takes a request back, by its asker or an administrator.
func (s *Service) Withdraw(ctx context.Context, id string, click Click) (*Request, error) {
	admin := false
	known, err := s.Store.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	if known.Team == click.Team && known.Asker != click.User {
		err := s.admin(ctx, click, "take back what others asked")
		if no := new(NotAllowedError); err != nil && !errors.As(err, &no) {
			return nil, err
		}
		admin = err == nil
	}
	r, err := s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		if r.Team != click.Team {
			return ErrNotFound
		}
		if r.Asker != click.User && !admin {
			return &NotAllowedError{Who: click.User, Why: "Only the person who asked, or an administrator, can take a request back."}
		}
		return r.Withdraw(click.User, now)
	})
	if err == nil {
		s.Sandbox.Discard(id)
	}
	return r, s.audited(ctx, Ruling{RequestID: id, Verdict: "withdraw", Click: click}, true, err)
}

// Stranger keeps a press by somebody of another workspace, on a button or a modal of
// a request: a message in a shared channel is seen by them, too. It does nothing.
func (s *Service) Stranger(ctx context.Context, id string, click Click) error {
	if _, err := s.Store.Request(ctx, id); err != nil {
		return err
	}
	no := &NotAllowedError{Who: click.User, Why: Person{External: true}.barred()}
	s.audited(ctx, Ruling{RequestID: id, Click: click}, true, no)
	return nil
}
