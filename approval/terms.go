package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Tier is what the manifest seals. One of version 1 seals none: the findings say
// what it would be.
func (r *Revision) Tier() Tier {
	if r.Manifest.Tier != "" {
		return r.Manifest.Tier
	}
	tier, _ := TierOf(r.Findings, 0, Rules{})
	return tier
}

// Needs is how many different people must approve: as many as were sealed, and
// where nothing was, as the settings say.
func (r *Request) Needs(p Policy) int {
	if r.Revision != nil && r.Revision.Manifest.Approvals > 0 {
		return r.Revision.Manifest.Approvals
	}
	return max(p.Quorum, 1)
}

// grade puts into a manifest how much attention the program needs, and by which
// rules. Where no box reaches anything, nothing is promised.
func (m *Manifest) grade(set RuleSet, findings []Finding, reaches bool) {
	m.Tier, _ = TierOf(findings, m.CostCap, set.Rules)
	m.Approvals, m.Policy = set.Rules.For(m.Tier).Approvals, set.Name()
	if reaches && slices.ContainsFunc(findings, func(f Finding) bool { return f.Kind == findsNetwork }) {
		// Only a program that wants a network gets one, and only as far as the rules name hosts.
		m.Network = slices.Clone(set.Rules.Hosts)
	}
}

// terms are what the current revision needs, by the rules that are sealed with it
// and by those that hold now, where they are stricter.
func (s *Service) terms(ctx context.Context, r *Request) (Terms, error) {
	t := Terms{Slack: true, Approvals: r.Needs(s.Policy)}
	if r.Revision == nil {
		return t, nil
	}
	now, err := s.RulesOf(ctx, r.Team, r.Project)
	if err != nil {
		return t, err
	}
	m := r.Revision.Manifest
	sealed := RuleSet{Rules: DefaultRules(s.Policy)}
	if m.Policy == now.Name() {
		sealed = now
	} else if m.Policy != "" && m.Policy != sealed.Name() {
		sealed, err = s.Store.RulesNamed(ctx, r.Team, m.Policy)
		if errors.Is(err, ErrNotFound) {
			sealed, err = now, nil // a seal that names what was never there is broken, and is found to be
		}
		if err != nil {
			return t, err
		}
	}
	t.Tier, t.Policy, t.Digest = r.Revision.Tier(), m.Policy, r.Revision.Digest
	_, t.Why = TierOf(r.Revision.Findings, m.CostCap, sealed.Rules)
	for _, rules := range []TierRules{sealed.Rules.For(t.Tier), now.Rules.For(t.Tier)} {
		t.Owners, t.Typed, t.Slack = t.Owners || rules.Owners, t.Typed || rules.Typed, t.Slack && rules.Slack
	}
	return t, nil
}

// under is the roster as these terms leave it.
func (r Roster) under(t Terms) Roster {
	if t.Owners {
		r.Reviewers, r.Fallback = r.Owners, nil
	}
	return r
}

// rosterFor is who may do what with this very request.
func (s *Service) rosterFor(ctx context.Context, r *Request) (Roster, error) {
	roster, err := s.Reviewers(ctx, r.Team, r.Project)
	if err != nil {
		return Roster{}, err
	}
	t, err := s.terms(ctx, r)
	return roster.under(t), err
}

// authority is what a decision rests on.
type authority struct {
	terms     Terms
	rules     Rules  // of the channel, with every freeze that holds there
	inPlaceOf string // the reviewer who let them decide, when they are none themselves
}

// mayReview says by what right somebody decides: who was named once may have been
// removed by now, or, as far as a look of the last minute tells, become a guest or
// left. Who may not gets the words for it.
func (s *Service) mayReview(ctx context.Context, id string, click Click) (a authority, err error) {
	look := s.ahead(ctx, click.Team, click.User)
	r, err := s.Store.Request(ctx, id)
	if err != nil {
		return a, err
	}
	if r.Team != click.Team {
		return a, ErrNotFound
	}
	roster, err := s.Reviewers(ctx, r.Team, r.Project)
	if err != nil {
		return a, err
	}
	if a.terms, err = s.terms(ctx, r); err != nil {
		return a, err
	}
	if a.rules, err = s.freezes(ctx, r.Team, r.Project); err != nil {
		return a, err
	}
	no := &NotAllowedError{Who: click.User}
	roster, absent, err := s.present(ctx, r.Team, roster, no.Who)
	if err != nil {
		return a, err
	}
	if a.inPlaceOf, no.Why = r.right(no.Who, roster, a.terms); no.Why == "" {
		person, err := look()
		if err != nil {
			return a, err
		}
		no.Why = person.barred()
	} else if absent {
		no.Why = "The person in whose place you would decide could not decide themselves any more: they have left, or are a guest here now. Nothing has changed."
	}
	if no.Why != "" {
		return a, no
	}
	return a, nil
}

// mayRule is mayReview for what changes something, at the door where it is asked.
func (s *Service) mayRule(ctx context.Context, ruling Ruling) (authority, error) {
	a, err := s.mayReview(ctx, ruling.RequestID, ruling.Click)
	if err == nil && ruling.Click.Door == "" && !a.terms.Slack {
		err = &NotAllowedError{Who: ruling.Click.User, Why: a.terms.elsewhere(ruling.RequestID)}
	}
	return a, err
}

// elsewhere says where a tier is decided that is not decided on in Slack.
func (t Terms) elsewhere(id string) string {
	return fmt.Sprintf("Code of %s risk is not decided on in Slack here. Your administrators have set that it takes the command line: countersign decide %s", t.Tier, id)
}

// present is the roster without the word of people who could not decide themselves
// any more: nobody decides in the place of who has left. absent tells that somebody
// had let this person decide whose word does not count.
func (s *Service) present(ctx context.Context, team string, r Roster, user string) (_ Roster, absent bool, err error) {
	for _, from := range r.InPlaceOf(user) {
		person, err := s.sight(ctx, team, from)
		if err != nil {
			return r, false, err
		}
		if person.barred() != "" {
			absent = true
			r.Delegations = slices.DeleteFunc(slices.Clone(r.Delegations), func(d Delegation) bool { return d.From == from })
		}
	}
	return r, absent, nil
}

// right is by what right somebody may decide on a request: their own, or that of
// somebody who is away and has let them; or why they may not. Nobody acts in the
// place of the asker, of the author, or of somebody who has decided already.
func (r *Request) right(user string, roster Roster, t Terms) (inPlaceOf, why string) {
	narrow := roster.under(t)
	if narrow.Reviewer(user) {
		return "", ""
	}
	for _, from := range narrow.InPlaceOf(user) {
		switch {
		case from == r.Asker:
			why = "The person in whose place you decide has asked this question, so somebody else has to review the code."
		case r.Revision != nil && from == r.Revision.Author:
			why = "The person in whose place you decide wrote this version of the code, so somebody else has to review it."
		case slices.ContainsFunc(r.Decisions, func(d Decision) bool { return d.voice() == from && d.Reviewer != user }):
			why = "The person in whose place you decide has a say in this already. One person has one."
		default:
			return from, ""
		}
	}
	switch {
	case why != "":
		return "", why
	case roster.Reviewer(user) || len(roster.InPlaceOf(user)) > 0:
		return "", fmt.Sprintf("Code of %s risk is decided on by the channel's own reviewers here. Nothing has changed.", t.Tier)
	}
	return "", "Only the people who are named as reviewers can decide. Nothing has changed."
}

// voice is whose say a decision is.
func (d Decision) voice() string {
	if d.InPlaceOf != "" {
		return d.InPlaceOf
	}
	return d.Reviewer
}

// people are all in whose name a decision was given: who gave it, and in whose place.
func (d Decision) people() []string { return slices.Compact([]string{d.Reviewer, d.voice()}) }

// typed holds what somebody has typed against what they saw.
func (t Terms) typed(ruling Ruling) error {
	typed := strings.ToLower(strings.TrimSpace(ruling.Typed))
	if !t.Typed || ruling.Verdict != Approve || len(typed) >= typedLength && strings.HasPrefix(ruling.Digest, typed) {
		return nil
	}
	return &InputError{Why: fmt.Sprintf("To approve code of %s risk, type the first %d characters of its digest as the card shows it. Nothing has been decided.", t.Tier, typedLength)}
}

// fallen says why an approval does not count any more, in sentences: it is of
// people who could not give it now, or of a network that the rules give nobody now.
func (s *Service) fallen(ctx context.Context, r *Request) (why []string, err error) {
	roster, err := s.rosterFor(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, d := range r.Decisions {
		switch {
		case !roster.Reviewer(d.voice()):
			why = append(why, fmt.Sprintf("<@%s>, whose approval it has, is not a reviewer here any more.", d.voice()))
			continue
		case d.InPlaceOf != "" && !slices.Contains(roster.InPlaceOf(d.Reviewer), d.InPlaceOf):
			why = append(why, fmt.Sprintf("<@%s>, who approved it, does not decide in place of <@%s> any more.", d.Reviewer, d.InPlaceOf))
			continue
		}
		for _, who := range d.people() {
			person, err := s.person(ctx, r.Team, who)
			if err != nil {
				return nil, err
			}
			if person.barred() != "" {
				why = append(why, fmt.Sprintf("<@%s>, whose approval it has, is not a full member of this workspace any more.", who))
			}
		}
	}
	now, err := s.RulesOf(ctx, r.Team, r.Project)
	if beyond := r.Revision.Manifest.beyond(now.Rules); beyond != "" {
		why = append(why, beyond)
	}
	return why, err
}

// beyond says which hosts of a manifest the rules let no code reach; nothing when
// there are none.
func (m Manifest) beyond(rules Rules) string {
	hosts := slices.DeleteFunc(slices.Clone(m.Network), func(host string) bool { return slices.Contains(rules.Hosts, host) })
	if len(hosts) == 0 {
		return ""
	}
	return fmt.Sprintf("It may reach %s, which the rules let no code reach any more.", strings.Join(hosts, ", "))
}

// Freeze keeps an approved request waiting until nothing forbids it to start. The
// time that an approval lasts counts from then, and so does its money.
func (r *Request) Freeze(until time.Time, why string, p Policy, now time.Time) error {
	if !r.can("Freeze") {
		return r.refuse("hold back")
	}
	expires := until.Add(p.RunExpiry)
	if !r.ExpiresAt.Before(expires) {
		return nil
	}
	for _, h := range r.runHolds() {
		r.release(now)
		r.hold(h.Purpose, h.Amount, now, expires.Sub(now)+r.runTime())
	}
	r.frozen(until, why, now)
	r.ExpiresAt = expires
	r.touch(now, StepShow)
	return nil
}

func (r *Request) frozen(until time.Time, why string, now time.Time) {
	r.note(now, System, "frozen", map[string]any{"until": until, "rule": why, "revision": r.Revision.Number})
}

// runTime is the longest that the code may run.
func (r *Request) runTime() time.Duration {
	return time.Duration(r.Revision.Manifest.Limits.Seconds) * time.Second
}

// heldBack tells whether the rules let nothing start now, and has the request wait.
func (s *Service) heldBack(ctx context.Context, r *Request) (bool, error) {
	rules, err := s.freezes(ctx, r.Team, r.Project)
	if err != nil || len(rules.Freezes) == 0 {
		return false, err
	}
	frozen := false
	_, err = s.Store.Update(ctx, r.ID, func(r *Request, now time.Time) error {
		until, why := rules.Frozen(now, s.Policy.Zone)
		if frozen = !until.IsZero(); !frozen || r.State != Approved || !now.Before(r.ExpiresAt) {
			return nil
		}
		return r.Freeze(until, why, rules.within(s.Policy), now)
	})
	if move := new(MoveError); errors.As(err, &move) {
		return true, ended(err)
	}
	return frozen, err
}
