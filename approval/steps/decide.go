package steps

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/review"
	"countersign/budget"
)

// Decider takes verdicts, and takes requests back.
type Decider struct {
	store interface {
		Notices
		Requests
	}
	sandbox Inspector
	log     *slog.Logger
	*Settings

	boxes  *Boxes
	costs  *Costs
	ends   *Ends
	people *People
}

// Ruling is a reviewer's click.
type Ruling struct {
	RequestID string
	Revision  int
	Digest    string // of what the reviewer saw
	Verdict   approval.Verdict
	Reason    string
	Typed     string // the beginning of the digest, where the rules want it typed (Terms.Typed)
	Click     approval.Click
	Case      *Case // loaded a moment ago, for what was shown; nil: it is loaded
}

// decision is the ruling as the request keeps it. Nothing in it is taken from the person's text
// but the reason, which is made plain.
func (r Ruling) decision() approval.Decision {
	return approval.Decision{RequestID: r.RequestID, Revision: r.Revision, Digest: r.Digest, Reviewer: r.Click.User,
		Verdict: r.Verdict, Reason: approval.Plain(r.Reason), Click: r.Click}
}

// errTwice ends an Update that has nothing to do because the same click was taken before.
var errTwice = errors.New("the same click again")

// Decide takes a reviewer's verdict. It has committed when it returns.
func (s *Decider) Decide(ctx context.Context, ruling Ruling) (*approval.Request, error) {
	if ruling.Verdict == approval.Reject && strings.TrimSpace(ruling.Reason) == "" {
		return nil, &approval.InputError{Why: approval.Because(approval.WhyNoReason)}
	}
	if ruling.Verdict == approval.Rewrite && strings.TrimSpace(ruling.Reason) == "" {
		return nil, &approval.InputError{Why: approval.Because(approval.WhyNoWish)}
	}
	if ruling.Verdict != approval.Approve && ruling.Verdict != approval.Reject && ruling.Verdict != approval.Rewrite {
		return nil, &approval.InputError{Why: approval.Because(approval.WhyNoVerdict)}
	}
	// Set where a budget refused before anything was changed: the block can then be written from the
	// same case, without loading it again.
	var unchanged *Case
	r, err := current(func() (r *approval.Request, err error) {
		r, unchanged, err = s.decide(ctx, ruling)
		ruling.Case = nil // another attempt rests on what stands then
		return r, err
	})
	refused := new(budget.ExceededError)
	switch {
	case !errors.As(err, &refused):
	case ruling.Verdict == approval.Rewrite:
		s.ends.unpaid(ctx, ruling, "rewrite", refused)
	case ruling.Verdict == approval.Approve:
		// The approval is not taken; the asker learns what is in its way and can do something about it.
		if _, err := s.ends.block(ctx, ruling.RequestID, unchanged, budget.ForRun, refused, ruling.Click.User); err != nil {
			s.log.Error("block a run without money", "request", ruling.RequestID, "error", err)
		}
	}
	if err == nil && (r.State == approval.Rejected || r.State == approval.Drafting) {
		s.sandbox.Discard(r.ID)
	}
	return r, err
}

// MayDecide says whether this person could decide on this revision now: for the modal
// that asks for a reason. It looks, and locks nothing. The error is the one that Decide
// would give.
func (s *Decider) MayDecide(ctx context.Context, ruling Ruling) (*approval.Request, error) {
	c, _, err := s.mayDecide(ctx, ruling)
	if err != nil {
		return nil, err
	}
	return c.Request, nil
}

// mayDecide is MayDecide with the case it looked at, and by what right. A refused attempt to
// reject or to ask for changes is audited; to open code that one may not approve is none.
func (s *Decider) mayDecide(ctx context.Context, ruling Ruling) (*Case, authority, error) {
	c, by, err := s.judge(ctx, ruling)
	if err == nil {
		d := ruling.decision()
		d.InPlaceOf = by.inPlaceOf
		// The modal of a click that was taken is shown as if it had been the first.
		if has(c.Request, d) {
			return c, by, nil
		}
		if _, err := s.cost(c.Request, d.Verdict, c.Now); err != nil {
			return nil, by, err
		}
		err = c.Request.MayDecide(d, by.rules.Within(s.Policy), c.Now)
	}
	if err != nil && ruling.Verdict != approval.Approve { // who opens what they may not approve has tried nothing
		err = s.people.audited(ctx, ruling, err)
	}
	return c, by, err
}

// MayChange is MayDecide for a wish for changes. It also says who may approve what comes
// of it. Where nobody may, the administrators are told, and there is no error.
func (s *Decider) MayChange(ctx context.Context, ruling Ruling) (next review.Next, _ error) {
	ruling.Verdict = approval.Rewrite
	c, by, err := s.mayDecide(ctx, ruling)
	if err != nil || c.Request.State != approval.Pending {
		return next, err
	}
	next = c.Next(c.Request, ruling.Click.User, by.inPlaceOf, s.Policy)
	return next.Without(s.people.barred(ctx, c.Request.Team, next.Who)), nil
}

// Stuck tells the administrators that a wish for changes would lead to a version that
// nobody could approve: somebody has to be named.
func (s *Decider) Stuck(ctx context.Context, id string, click approval.Click) error {
	r, err := s.store.Request(ctx, id)
	if err != nil {
		return err
	}
	return s.store.Notify(ctx, approval.StuckNotice(r, click.User))
}

// judge finds the request, and by what right somebody would decide on it.
func (s *Decider) judge(ctx context.Context, ruling Ruling) (*Case, authority, error) {
	// Without a sandbox nobody starts or inspects anything, so only a no is taken in Slack. The other
	// door is a program that has no sandbox of its own, and is not asked for one.
	if why := s.boxes.noBox(); why != "" && ruling.Verdict != approval.Reject && ruling.Click.Door == "" {
		return nil, authority{}, &approval.InputError{Why: approval.Reason{Code: approval.WhyNothingRuns, Said: why}}
	}
	return s.people.mayRule(ctx, ruling)
}

// cost is what a verdict's next step holds. A reviewer has agreed to the cap that the
// manifest names, and to no cent more.
func (s *Decider) cost(r *approval.Request, verdict approval.Verdict, now time.Time) (budget.USD, error) {
	switch {
	case verdict == approval.Rewrite && s.costs.writes(): // without a writer, the draft holds what it costs before its call
		return s.costs.draftCost(r.Model, now)
	case verdict != approval.Approve || r.Revision == nil:
		return 0, nil
	}
	agreed := r.Revision.Manifest.CostCap
	if s.boxes.noBox() != "" {
		return agreed, nil // on the command line; the run settles what it costs
	}
	worst, err := s.costs.runCost(r.Revision.Manifest.Limits, now)
	return min(worst, agreed), err
}

// Opened keeps that somebody has opened a version of the code: how long a decision
// took counts from then (Statistics), and so does the time for reading that rules ask for (review.Pace).
func (s *Decider) Opened(ctx context.Context, id string, revision int, click approval.Click) error {
	data := map[string]any{"revision": revision}
	if click.Door != "" {
		data["click"] = click
	}
	return s.store.Audit(ctx, id, approval.Event{Actor: click.User, Kind: approval.OpenedReview, Data: data})
}

// Rate keeps what somebody thinks of an answer. The last word of each person counts.
func (s *Decider) Rate(ctx context.Context, id string, good bool, click approval.Click) error {
	return s.store.Audit(ctx, id, approval.Event{Actor: click.User, Kind: approval.EventRated, Data: map[string]any{"good": good, "click": click}})
}

// afford refuses an approval whose run the budgets have no room for, as they stood a
// moment ago: before anything is locked. Where they have, or nobody has looked, the write weighs it.
func (s *Decider) afford(c *Case, d approval.Decision, rules review.Rules) error {
	r := c.Request
	if d.Verdict != approval.Approve || has(r, d) || r.MayDecide(d, rules.Within(s.Policy), c.Now) != nil ||
		r.Approvals()+1 < r.Needs(s.Policy) || !review.Beyond(r.Revision.Manifest, rules).None() {
		return nil // nothing is held, or there is more to say
	}
	cost, err := s.cost(r, d.Verdict, c.Now)
	if err != nil {
		return err
	}
	err = budget.Check(cost, s.givenBack(r, c.Standings, c.Now))
	if refused, ok := errors.AsType[*budget.ExceededError](err); ok {
		refused.At = c.Now
	}
	return err
}

// decide also returns the case, where it was refused before it was changed.
func (s *Decider) decide(ctx context.Context, ruling Ruling) (_ *approval.Request, unchanged *Case, _ error) {
	c, by, err := s.judge(ctx, ruling)
	if err != nil {
		return nil, nil, s.people.audited(ctx, ruling, err)
	}
	// A slip in typing is no attempt at anything: it is not audited.
	if err := by.terms.CheckTyped(ruling.Verdict, ruling.Digest, ruling.Typed); err != nil {
		return nil, nil, err
	}
	d := ruling.decision()
	d.InPlaceOf = by.inPlaceOf
	d.Settings = slices.Contains(s.Policy.Reviewers, d.Voice())
	if c.Request.MayDecide(d, by.rules.Within(s.Policy), c.Now) == nil && !has(c.Request, d) { // else there is more to say
		if err := by.terms.CheckPace(d.Verdict, d.Reviewer, c.Pace, c.Now); err != nil {
			return nil, nil, s.people.audited(ctx, ruling, err)
		}
	}
	if err := s.signed(ctx, c, d); err != nil {
		return nil, nil, s.people.audited(ctx, ruling, err)
	}
	if d.Verdict == approval.Rewrite && c.Request.State == approval.Pending && !has(c.Request, d) && c.Next(c.Request, d.Reviewer, d.InPlaceOf, s.Policy).Stuck() {
		err := s.store.Notify(ctx, approval.StuckNotice(c.Request, d.Reviewer))
		return nil, nil, cmp.Or(err, error(&approval.MoveError{Request: c.Request, Verb: string(d.Verdict), Why: approval.Because(approval.WhyNobodyNext)}))
	}
	// Which model writes next is decided before the write, because it rests on the budgets as read.
	var cheaper *approval.Downgraded
	if d.Verdict == approval.Rewrite && s.costs.writes() {
		if cheaper, err = s.costs.substitute(c.Request, s.costs.reach(c), apart(c.Request, c.Standings)); err != nil {
			return nil, nil, err
		}
	}
	if r := c.Request; d.Verdict == approval.Approve && r.State == approval.Pending && !has(r, d) {
		// What would be refused at the start is refused here, in the same words.
		for _, why := range []approval.Reason{pins.Bars(r.Files, r.Project, r.Asker, c.Pins), c.Lacks(r, s.Policy)} {
			if !why.None() {
				return nil, nil, &approval.MoveError{Request: r, Verb: string(d.Verdict), Why: why}
			}
		}
	}
	if err := s.afford(c, d, by.rules); err != nil {
		return nil, c, err
	}
	// The closure has the request as it stands at the write. Of a repeated click that is the answer.
	var seen *approval.Request
	r, err := s.store.Act(ctx, c, func(r *approval.Request, now time.Time) error {
		if seen = r; has(r, d) {
			return errTwice
		}
		if d.Verdict == approval.Rewrite {
			replace(r, cheaper, now)
		}
		cost, err := s.cost(r, d.Verdict, now)
		if err != nil {
			return err
		}
		if d.Verdict == approval.Approve && r.State == approval.Pending {
			// What would be refused at the start is refused here, in the same words.
			if beyond := review.Beyond(r.Revision.Manifest, by.rules); !beyond.None() {
				return &approval.MoveError{Request: r, Verb: string(d.Verdict), Why: beyond}
			}
		}
		p := by.rules.Within(s.Policy)
		until, why := by.rules.Frozen(now, s.Policy.Zone)
		if !until.IsZero() {
			p.RunExpiry += until.Sub(now) // an approval lasts from when something may start
		}
		if err := r.Decide(d, cost, p, now); err != nil {
			return err
		}
		switch {
		case r.State != approval.Approved:
		case until.IsZero():
			s.use(r, now)
		default:
			approval.NoteFreeze(r, until, why, now)
		}
		return nil
	})
	if errors.Is(err, errTwice) {
		return seen, nil, nil
	}
	return r, nil, s.people.audited(ctx, ruling, err)
}

// audited keeps a click that was refused to somebody. It belongs to no verb, so
// losing it to a database that is away loses nothing but this line.
func (s *People) audited(ctx context.Context, ruling Ruling, err error) error {
	no, ok := errors.AsType[*approval.NotAllowedError](err)
	if !ok {
		return err
	}
	event := approval.Event{At: time.Now().UTC().Truncate(time.Microsecond), Actor: no.Who, Kind: approval.EventRefusedClick,
		Data: map[string]any{"verdict": ruling.Verdict, "why": no.Why.Told(), "click": ruling.Click}}
	if lost := s.store.Audit(ctx, ruling.RequestID, event); lost != nil {
		s.log.Error("audit a refused click", "request", ruling.RequestID, "error", lost)
	}
	return err
}

// Withdraw takes a request back, by its asker or an administrator. One that runs is ended by
// whoever watches it, on whichever replica that is.
func (s *Decider) Withdraw(ctx context.Context, id string, click approval.Click) (*approval.Request, error) {
	r, err := current(func() (*approval.Request, error) { return s.withdraw(ctx, id, click) })
	if err == nil && r.State != approval.Running {
		s.sandbox.Discard(id)
	}
	return r, s.people.audited(ctx, Ruling{RequestID: id, Verdict: "withdraw", Click: click}, err)
}

// withdraw is Withdraw by one case. Whether somebody is an administrator is only asked where they
// are not the asker.
func (s *Decider) withdraw(ctx context.Context, id string, click approval.Click) (*approval.Request, error) {
	admin := false
	c, err := s.store.Case(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.Request.Team == click.Team && c.Request.Asker != click.User {
		err := s.people.isAdmin(ctx, c.Roster(s.Policy, ""), click.Team, click.User, onlyAdmins("take back what others asked"))
		if err != nil && !errors.As(err, new(*approval.NotAllowedError)) {
			return nil, err
		}
		admin = err == nil
	}
	return s.store.Act(ctx, c, func(r *approval.Request, now time.Time) error {
		if r.Team != click.Team {
			return approval.ErrNotFound
		}
		if r.Asker != click.User && !admin {
			return &approval.NotAllowedError{Who: click.User, Why: approval.Because(approval.WhyAskerWithdraws)}
		}
		if r.State == approval.Running {
			return approval.Stopping{Request: r}.Stop(click.User, now)
		}
		return r.Withdraw(click.User, now)
	})
}

// Stranger keeps a press by somebody of another workspace, on a button or a modal of
// a request: a message in a shared channel is seen by them, too. It does nothing.
func (s *Decider) Stranger(ctx context.Context, id string, click approval.Click) error {
	if _, err := s.store.Request(ctx, id); err != nil {
		return err
	}
	no := &approval.NotAllowedError{Who: click.User, Why: review.Person{External: true}.Barred()}
	s.people.audited(ctx, Ruling{RequestID: id, Click: click}, no)
	return nil
}
