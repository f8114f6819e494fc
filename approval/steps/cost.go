package steps

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

// Costs reckons what steps cost at most, and which model a budget lets write.
type Costs struct {
	store interface {
		Budgets
		Notices
	}
	writer  Catalogue
	sandbox interface {
		BoxTerms
		FileReader
	}
	*Settings
}

// readCost is the most that reading a file of so many bytes can cost, with the boxes that fail before it.
func (s *Costs) readCost(size int64, now time.Time) (budget.USD, error) {
	box, err := s.Prices.BoxCharge(s.sandbox.Size(), inspectTries*s.sandbox.ReadLease(size), now)
	return box.Amount, err
}

// inspectTries is how many boxes may be paid for until one of them has answered.
const inspectTries = 2

// draftCost is the most that one draft can cost: the call and its inspection.
func (s *Costs) draftCost(model string, now time.Time) (budget.USD, error) {
	tokens, err := s.worstTokens(model, now)
	if err != nil {
		return 0, err
	}
	box, err := s.inspectCost(now)
	return tokens + box, err
}

// inspectCost is the most that an inspection can cost, with those that fail before it.
func (s *Costs) inspectCost(now time.Time) (budget.USD, error) {
	box, err := s.Prices.BoxCharge(s.sandbox.Size(), inspectTries*s.sandbox.InspectLease(), now)
	return box.Amount, err
}

// runCost is the most that a run can cost, which is what its approval agrees to.
func (s *Costs) runCost(limits approval.Limits, now time.Time) (budget.USD, error) {
	box, err := s.Prices.BoxCharge(s.sandbox.Size(), s.sandbox.Lease(limits), now)
	return box.Amount, err
}

// missing tells the administrators, and whoever's question it is, that nobody can
// price something: once a month for each model and kind of box.
func (s *Costs) missing(team, asker string, m approval.PriceMissing, now time.Time) approval.Notice {
	m.Box = m.Model == s.sandbox.Size().Kind
	if m.Asked == m.Model || m.Box {
		m.Asked = ""
	}
	return approval.Notice{Key: fmt.Sprintf("%s %s %s in %s", approval.NoticePrice, team, m.Model, now.UTC().Format("2006-01")), Team: team, Kind: approval.NoticePrice,
		To: []string{asker}, Admins: true, At: now, Data: approval.Encode(m), Once: true}
}

// unpriced notes it with a request, if that is what is wrong.
func (s *Costs) unpriced(r *approval.Request, err error, refused bool, now time.Time) {
	if unknown, ok := errors.AsType[*budget.UnknownPriceError](err); ok {
		r.Tell(s.missing(r.Team, r.Asker, approval.PriceMissing{Model: unknown.What, Asked: r.Model, Refused: refused}, now))
	}
}

// boxCharge is what a run's box costs. Where its price has gone since, what was
// agreed is charged, as an estimate, and nothing is left to settle.
func (s *Costs) boxCharge(r *approval.Request, used time.Duration, now time.Time) budget.Charge {
	charge, err := s.Prices.BoxCharge(s.sandbox.Size(), used, now)
	if err != nil {
		s.unpriced(r, err, false, now)
		// Settled here, so whoever books the charge finds no hold left, and nothing is paid twice.
		for _, h := range r.Money().ForRun() {
			r.Money().Settle(h.InFull(now, s.sandbox.Size().Kind))
		}
	}
	return charge
}

// notifyMissing is unpriced for a question that is refused at once.
func (s *Costs) notifyMissing(ctx context.Context, q approval.Question, err error, now time.Time) error {
	unknown, ok := errors.AsType[*budget.UnknownPriceError](err)
	if !ok {
		return nil
	}
	return s.store.Notify(ctx, s.missing(q.Team, q.Asker, approval.PriceMissing{Model: unknown.What, Refused: true}, now))
}

// What budgets past their soft limits make of a question.

// worstTokens is what a call of a model costs at most. A model that is not
// offered here has no cost.
func (s *Costs) worstTokens(model string, now time.Time) (budget.USD, error) {
	promptBytes, maxTokens := s.writer.Bound()
	return s.Prices.WorstTokens(model, promptBytes, maxTokens, now)
}

// worst prices the drafts of a model, and of those that may take its place.
func (s *Costs) worst(reach review.Reach, from string, now time.Time) func(model string) (budget.USD, error) {
	return func(model string) (budget.USD, error) {
		// A model that may not step in has no price here, so nothing that compares prices can choose it.
		if !slices.Contains(s.writer.Models(), model) || model != from && !reach.StepsIn(model, from) {
			return 0, &budget.UnknownPriceError{What: model, At: now}
		}
		return s.draftCost(model, now)
	}
}

// within decides who writes what is asked, and refuses what a policy has switched
// off: *InputError. Whoever has chosen a model themselves is asked to choose again.
func (s *Costs) within(standings []budget.Standing, reach review.Reach, model string, chosen, uploads bool, now time.Time) (string, *approval.Downgraded, error) {
	if by, off := budget.Without(standings, budget.Upload); off && uploads {
		return "", nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyUploadsOff, Standing: &by}}
	}
	cheaper, err := s.instead(standings, reach, model, now)
	by, off := budget.Without(standings, budget.WithoutModel(model))
	switch {
	case err != nil:
		return "", nil, err
	case cheaper == nil:
		return model, nil, nil
	case off && chosen && cheaper.Off:
		return "", nil, modelOff(by, model)
	}
	return cheaper.To, cheaper, nil
}

// instead is the model that writes in place of this one, wherever one is about to
// be called: a cheaper one that a policy wants, or, where this one is switched off,
// the cheapest that is not and costs no more at most; nil when this one may. Whether
// there is money for it the hold finds out. With no model left: *InputError.
func (s *Costs) instead(standings []budget.Standing, reach review.Reach, model string, now time.Time) (*approval.Downgraded, error) {
	worst := s.worst(reach, model, now)
	if to, by, ok := budget.Cheaper(standings, model, worst); ok {
		return &approval.Downgraded{From: model, To: to, Scope: by.Limit.Scope}, nil
	}
	by, off := budget.Without(standings, budget.WithoutModel(model))
	if !off {
		return nil, nil
	}
	least, err := worst(model)
	if err != nil {
		least = math.MaxInt64 // it was offered once, and nobody can price it any more
	}
	to := ""
	// The first may cost as much as the one that is switched off. After that only a cheaper one takes
	// its place, so among equals the settings' order decides.
	for _, other := range s.writer.Models() {
		_, off := budget.Without(standings, budget.WithoutModel(other))
		if cost, err := worst(other); err == nil && !off && cost <= least && (to == "" || cost < least) {
			to, least = other, cost
		}
	}
	if to == "" {
		return nil, modelOff(by, model)
	}
	return &approval.Downgraded{From: model, To: to, Scope: by.Limit.Scope, Off: true}, nil
}

func modelOff(by budget.Standing, model string) error {
	return &approval.InputError{Why: approval.Reason{Code: approval.WhyModelOff, Name: model, Standing: &by}}
}

// apart are the standings without what is held for this request and not under way:
// the next step takes its place, or carries it along. What is held counts in the window of today whenever it was held, so
// nothing is taken off that a midnight in between had left out.
func apart(r *approval.Request, standings []budget.Standing) []budget.Standing {
	standings = slices.Clone(standings)
	for _, h := range r.Holds {
		for i := range standings {
			if !h.Called || h.Uncertain() {
				standings[i].Held -= h.Amount
			}
		}
	}
	return standings
}

// draftTerms are what the budgets make of a draft, read before the model is
// called: from the call on nothing must come between the money and its booking.
type draftTerms struct {
	standings []budget.Standing // without what is held for the draft itself
	limits    approval.Limits   // of the run, shorter where a policy says so
	offline   bool              // a policy has switched off the network
	run       time.Duration     // what the run is expected to take
}

// substitute is the model that writes in place of the request's, if another one does.
// What somebody has granted for just this request is not saved again.
func (s *Costs) substitute(r *approval.Request, reach review.Reach, standings []budget.Standing) (*approval.Downgraded, error) {
	if r.Money().Funded() {
		return nil, nil
	}
	return s.instead(standings, reach, r.Model, time.Now())
}

// fallback is the model that may write where this one, which costs worst, cannot be reached:
// as the rules of the channel have it, and as far as the budgets have room for both. Nil
// where there is none.
func (s *Costs) fallback(standings []budget.Standing, reach review.Reach, model string, worst budget.USD, now time.Time) *approval.Fallback {
	f := &approval.Fallback{Model: reach.Rules.Fallback, Cap: reach.Rules.Most}
	if f.Model == "" || f.Model == model || !reach.StepsIn(f.Model, model) {
		return nil
	}
	tokens, err := s.worstTokens(f.Model, now)
	if err != nil {
		return nil // nobody knows what it costs, so it is not used
	}
	box, err := s.inspectCost(now)
	// The cap bounds what the calls cost, so no more than that has to be held for them.
	if f.Cap > 0 {
		tokens = min(tokens, f.Cap)
	}
	f.Most = tokens + box
	if _, off := budget.Without(standings, budget.WithoutModel(f.Model)); off || err != nil || budget.Check(worst+f.Most, standings) != nil {
		return nil
	}
	return f
}

// reach is where the prompts of a request may go, by the rules that were read with it.
func (s *Costs) reach(c *Case) review.Reach { return c.Rules(s.Policy).Reach(s.writer.Offers()) }

// usualRun is what a run is expected to take where there has been none.
const usualRun = 10 * time.Second

// draftTerms finds them for budgets that stand so. A run is no longer than the policy of any budget past its soft limit
// allows, and it is expected to take as long as the workspace's usual one.
func (s *Costs) draftTerms(ctx context.Context, r *approval.Request, standings []budget.Standing) (t draftTerms, err error) {
	t.standings = apart(r, standings)
	_, t.offline = budget.Without(standings, budget.Network)
	t.limits = s.Policy.Limits
	if _, off := budget.Without(standings, budget.LongRuns); off {
		t.limits.Seconds = min(t.limits.Seconds, int(budget.ShortRun/time.Second))
	}
	// A workspace without any run yet has no usual time.
	typical, runs, err := s.store.TypicalRun(ctx, r.Team)
	if t.run = typical; runs == 0 {
		t.run = usualRun
	}
	return t, err
}

// quote is what a run is expected to cost: as much as the workspace's latest ones
// in the median, and never more than it may.
func (s *Costs) quote(run time.Duration, cap budget.USD, now time.Time) (budget.USD, error) {
	box, err := s.Prices.BoxCharge(s.sandbox.Size(), run, now)
	return min(box.Amount, cap), err
}

// affordable are the limits under which a run costs no more than is held for it, at
// the price of a moment. They are the sealed ones unless the price has risen since, or
// a box in which nothing started has taken its part of what was agreed.
func (s *Costs) affordable(r *approval.Request, at time.Time) (approval.Limits, error) {
	m := r.Revision.Manifest
	limits := m.Limits
	// A box in which nothing started has been paid from the hold, so less than the cap may be left.
	var held budget.USD
	for _, h := range r.Money().ForRun() {
		held += h.Amount
	}
	most := min(held, m.CostCap)
	short := &approval.InputError{Why: approval.Reason{Code: approval.WhyDearer, Amount: most}}
	if most == 0 && m.CostCap > 0 {
		return limits, short
	}
	fits := func(seconds int) (bool, error) {
		limits.Seconds = seconds
		box, err := s.Prices.BoxCharge(s.sandbox.Size(), s.sandbox.Lease(limits), at)
		if _, ok := errors.AsType[*budget.UnknownPriceError](err); ok {
			return true, nil // what is held is what will be charged
		}
		return box.Amount <= most, err
	}
	// The cost only grows with the seconds, so halving finds the longest run that is paid for.
	low, high := 0, m.Limits.Seconds // low is too short or fits, high+1 is too long
	if ok, err := fits(high); ok || err != nil {
		return limits, err
	}
	for low < high {
		middle := (low + high + 1) / 2
		ok, err := fits(middle)
		if err != nil {
			return limits, err
		}
		if ok {
			low = middle
		} else {
			high = middle - 1
		}
	}
	if limits.Seconds = low; low < 1 {
		return limits, short
	}
	return limits, nil
}

// writes tells whether any model writes here.
func (s *Costs) writes() bool { return len(s.writer.Models()) > 0 }

// Models lists what an asker may choose from, the default first.
func (s *Costs) Models() []string { return s.writer.Models() }

// DraftCost is the most that one draft can cost, which is what it is charged when
// nobody knows what it has used.
func (s *Costs) DraftCost(model string, now time.Time) (budget.USD, error) {
	return s.draftCost(model, now)
}

// manifest is what an approval would seal now: these inputs, this sandbox, these
// limits, the notes by which the code was written, the most that the run can cost at
// today's prices, and how much attention that asks for by these rules.
func (s *Costs) manifest(r *approval.Request, rules review.RuleSet, findings []approval.Finding, environment []string, notes approval.SealedNotes, saw approval.Sight, told approval.Context, terms draftTerms, now time.Time) (approval.Manifest, error) {
	if r.Repeats != nil {
		terms.limits = r.Repeats.Manifest.Limits
	}
	cap, err := s.runCost(terms.limits, now)
	if err != nil {
		return approval.Manifest{}, err
	}
	m := approval.Manifest{Version: approval.ManifestVersion, Sandbox: s.sandbox.Size().Kind, Template: s.sandbox.Template(),
		Limits: terms.limits, CostCap: cap, Today: now.In(s.Calendar()).Format(time.DateOnly), Zone: s.Calendar().String(), Environment: environment, Notes: notes, Saw: saw, Thread: told}
	m = r.Repeats.Terms(m)
	// Sealed with their readings, which name how a program's load will read them.
	for _, f := range r.Files {
		m.Inputs = append(m.Inputs, sealedInput(f))
	}
	review.Grade(&m, rules, findings, s.sandbox.ReachesHosts() && !terms.offline)
	return m, nil
}
