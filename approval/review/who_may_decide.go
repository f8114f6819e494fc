package review

import (
	"slices"
	"strings"

	"countersign/approval"
)

// MayDecide says by what right somebody may decide on a request: their own, or that of somebody who
// is away and has let them; or why they may not. This is the whole rule but for one thing, which
// only Slack knows: whether they are barred from all decisions (Person.Barred).
//
// The rule has two halves. Roles and rules are looked up here (Right). What follows from the request
// alone the verb holds as well (approval.Request.MayDecide), so that no way around this package
// leads to a self-approval.
func MayDecide(r *approval.Request, user string, roster Roster, t Terms) (inPlaceOf string, why approval.Reason) {
	inPlaceOf, noRight := Right(r, user, roster, t)
	// First what is the person's own: that says more than "you are no reviewer".
	d := approval.Decision{Reviewer: user, InPlaceOf: inPlaceOf}
	for _, why := range []approval.Reason{approval.TheirOwn(r, d), approval.Spoken(r, d), approval.TheirWish(r, d), noRight} {
		if !why.None() {
			return "", why
		}
	}
	return inPlaceOf, approval.Reason{}
}

// Under returns the roster of those who may decide under these terms.
func (r Roster) Under(t Terms) Roster {
	if t.Owners {
		r.Reviewers, r.Fallback = r.Owners, nil
	}
	return r
}

// Elsewhere says where a tier is decided if not in Slack.
func (t Terms) Elsewhere(id string) approval.Reason {
	return approval.Reason{Code: approval.WhyElsewhere, Name: string(t.Tier), Other: id}
}

// Right is the half of roles and rules: by what right somebody may decide on a request: their own, or that of
// somebody who is away and has let them; or why they may not. Nobody acts in the
// place of the asker, of the author, or of somebody who has decided already.
func Right(r *approval.Request, user string, roster Roster, t Terms) (inPlaceOf string, why approval.Reason) {
	narrow := roster.Under(t)
	if narrow.Reviewer(user) {
		return "", why
	}
	for _, from := range narrow.InPlaceOf(user) {
		switch {
		case from == r.Asker:
			why = approval.Because(approval.WhyAbsentAsked)
		case r.Revision != nil && from == r.Revision.Author:
			why = approval.Because(approval.WhyAbsentWrote)
		case slices.ContainsFunc(r.Decisions, func(d approval.Decision) bool { return d.Voice() == from && d.Reviewer != user }):
			why = approval.Because(approval.WhyAbsentDecided)
		default:
			return from, approval.Reason{}
		}
	}
	switch {
	case !why.None():
		return "", why
	case roster.Reviewer(user) || len(roster.InPlaceOf(user)) > 0:
		return "", approval.Reason{Code: approval.WhyOwnersOnly, Name: string(t.Tier)}
	}
	return "", approval.Because(approval.WhyReviewersOnly)
}

// RosterFor is who may do what with this very request.
func (b Book) RosterFor(r *approval.Request, p approval.Policy) Roster {
	return b.Roster(p, r.Project).Under(b.Terms(r, p))
}

// Deciders are the people who may approve the current revision and have not decided, and
// the fallback reviewers among them. Whoever decides in somebody's place is none of them
// where that somebody could not: what they ask, write or want changed is not theirs to lend.
func (b Book) Deciders(r *approval.Request, p approval.Policy) (all, fallback []string) {
	whole, terms := b.Roster(p, r.Project), b.Terms(r, p)
	roster := whole.Under(terms)
	for _, who := range roster.Deciders() {
		if _, why := MayDecide(r, who, whole, terms); !why.None() {
			continue
		}
		all = append(all, who)
		if slices.Contains(roster.Fallback, who) {
			fallback = append(fallback, who)
		}
	}
	return all, fallback
}

// Next is who may approve the version that comes of a wish for changes, or of an edit.
type Next struct {
	Tier   approval.Tier // of the version that stands; what comes may be of another
	Who    []string
	Needs  int  // different people, if it is of the same tier, or of medium risk where that is low
	Enough bool // there are so many

	voices map[string]string // whose say it would be, of each of them
}

// Without is the same where some of them may decide nothing after all.
func (n Next) Without(barred func(who string) bool) Next {
	said := map[string]bool{}
	n.Who = slices.DeleteFunc(slices.Clone(n.Who), barred)
	for _, who := range n.Who {
		said[n.voices[who]] = true
	}
	n.Enough = len(said) >= n.Needs
	return n
}

// Stuck tells that nothing could come of the wish: the version that stands is no low risk,
// and too few people may approve what replaces it.
func (n Next) Stuck() bool { return n.Tier != approval.Low && !n.Enough }

// Next says that of a wish by somebody, perhaps in another's place. It will be medium or
// high risk, as far as anybody can say; of low risk its sender may approve it as well.
func (b Book) Next(r *approval.Request, by, inPlaceOf string, p approval.Policy) Next {
	after, rev := *r, *r.Revision
	after.Decisions, after.Revision = nil, &rev
	after.Authors = append(slices.Clone(r.Authors), rev.Author)
	rev.Author = "" // a model's
	after.Wishes = append(slices.Clone(r.Wishes), approval.Wish{By: by, InPlaceOf: inPlaceOf})
	return b.approving(&after, b.Terms(r, p), p)
}

// Edited says that of an edit by somebody. Whoever wrote a version before it, or asked for changes, approves it as little as they do where it is no low risk.
func (b Book) Edited(r *approval.Request, by string, p approval.Policy) Next {
	after, rev := *r, *r.Revision
	after.Decisions, after.Revision = nil, &rev
	after.Authors = append(slices.Clone(r.Authors), rev.Author)
	rev.Author = by
	return b.approving(&after, b.Terms(r, p), p)
}

// approving are those who may approve a version that comes, under the terms of the one before it.
func (b Book) approving(after *approval.Request, terms Terms, p approval.Policy) Next {
	wishers := after.Wishers()
	rules := b.Rules(p).Rules
	n := Next{Tier: terms.Tier, Needs: max(terms.Approvals, 1), voices: map[string]string{}}
	// What a model writes next may be of more risk than the low one that it replaces. Of low risk
	// whoever asked for the change may approve it, so only the stricter case can get stuck.
	if n.Tier == approval.Low {
		n.Needs = rules.Medium.Approvals
		terms.Owners = rules.Medium.Owners
	}
	roster := b.Roster(p, after.Project)
	for _, who := range roster.Under(terms).Deciders() {
		inPlaceOf, why := Right(after, who, roster, terms)
		d := approval.Decision{Reviewer: who, InPlaceOf: inPlaceOf}
		if !why.None() || slices.ContainsFunc(d.People(), func(one string) bool {
			return one == after.Asker || one == after.Revision.Author || slices.Contains(wishers, one) || slices.Contains(after.Authors, one)
		}) {
			continue
		}
		n.Who, n.voices[who] = append(n.Who, who), d.Voice()
	}
	return n.Without(func(string) bool { return false })
}

// CheckTyped holds what somebody has typed against what they saw.
func (t Terms) CheckTyped(verdict approval.Verdict, digest, typed string) error {
	typed = strings.ToLower(strings.TrimSpace(typed))
	if !t.Typed || verdict != approval.Approve || len(typed) >= TypedLength && strings.HasPrefix(digest, typed) {
		return nil
	}
	return &approval.InputError{Why: approval.Reason{Code: approval.WhyTyped, Name: string(t.Tier), Count: TypedLength}}
}
