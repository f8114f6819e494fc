package review

import (
	"cmp"
	"reflect"
	"slices"

	"countersign/approval"
	"countersign/budget"
)

// A file that is known by its content from a stricter channel brings what holds there along: of the data
// switch, the models, the class, the costs, the hosts and what a tier needs, the stricter of both holds.
// A question that names no channel goes by the strictest in force: all channels bring theirs along.

// noModel stands on a list of models on which none is left. An empty list would allow all.
const noModel = "-"

// Joined are rules with those of other channels that files bring along. What none of them makes
// stricter stays as it is, and what has become stricter is named by its version.
func (s RuleSet) Joined(others []RuleSet) RuleSet {
	s.Brought = nil
	for _, o := range others {
		stricter := s.Rules.stricter(o.Rules)
		if !reflect.DeepEqual(stricter, s.Rules) && !slices.Contains(s.Brought, o.Name()) {
			s.Brought = append(s.Brought, o.Name())
		}
		s.Rules = stricter
	}
	slices.Sort(s.Brought)
	return s
}

// stricter are rules of which none is laxer than the other's.
func (r Rules) stricter(o Rules) Rules {
	tier := func(a, b TierRules) TierRules {
		return TierRules{Approvals: max(a.Approvals, b.Approvals), Owners: a.Owners || b.Owners, Typed: a.Typed || b.Typed, Slack: a.Slack && b.Slack,
			LineSeconds: max(a.LineSeconds, b.LineSeconds), Hourly: fewer(a.Hourly, b.Hourly)}
	}
	r.Low, r.Medium, r.High = tier(r.Low, o.Low), tier(r.Medium, o.Medium), tier(r.High, o.High)
	// The lower amount is the stricter one: from less money on, a run counts as a higher risk.
	r.CostMedium, r.CostHigh = lower(r.CostMedium, o.CostMedium), lower(r.CostHigh, o.CostHigh)
	classes := []Class{Public, Internal, Confidential}
	if slices.Index(classes, o.Class) > slices.Index(classes, r.Class) {
		r.Class = o.Class
	}
	// Sights are listed from the narrowest on, and the narrower one is the stricter.
	if slices.Index(approval.Sights(), o.Shows) < slices.Index(approval.Sights(), r.Shows) {
		r.Shows = o.Shows
	}
	r.Hosts, r.Masked = both(r.Hosts, o.Hosts), r.Masked || o.Masked
	if models := cmp.Or(o.Models, &Models{}).narrow(*cmp.Or(r.Models, &Models{})); r.Models != nil || !reflect.DeepEqual(models, Models{}) {
		r.Models = &models
	}
	return r
}

// narrow is a list of models, as far as this one has them as well.
func (m Models) narrow(own Models) Models {
	switch {
	case len(own.Allowed) == 0:
		own.Allowed = slices.Clone(m.Allowed)
	case len(m.Allowed) > 0:
		if own.Allowed = both(own.Allowed, m.Allowed); len(own.Allowed) == 0 {
			own.Allowed = []string{noModel}
		}
	}
	allowed := func(model string) bool { return len(own.Allowed) == 0 || slices.Contains(own.Allowed, model) }
	// A provider's models step in for another's only where both let them.
	own.StepsIn = both(own.StepsIn, m.StepsIn)
	if !allowed(own.Default) {
		own.Default = ""
	}
	switch {
	case !allowed(own.Fallback):
		own.Fallback, own.Most = "", 0
	case own.Fallback != "":
		own.Most = lower(own.Most, m.Most)
	}
	return own
}

// both are the values of one list that the other has as well.
func both(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(v string) bool { return !slices.Contains(b, v) })
}

// lower is the lower of two marks; 0 is none.
func lower(a, b budget.USD) budget.USD {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// Among are the rules of a direct message that names no channel, of which the workspace's hold, with the
// own ones of all channels beside them: Or joins those.
func (s RuleSet) Among(own []RuleSet, house RuleSet) RuleSet {
	for _, o := range own {
		s.Beside = append(s.Beside, Effective(o, house))
	}
	return s
}

// Brought are the rules of the other channels that hold for a request as well as its own.
func (b Book) Brought(p approval.Policy) (others []RuleSet) {
	for _, own := range b.Elsewhere {
		others = append(others, Effective(own, b.House).Or(p))
	}
	return others
}

// Lacks is why the current revision may not run as it was sealed: a file of it is known by now from a
// channel that asks for more than was weighed. None where nothing is missing.
func (b Book) Lacks(r *approval.Request, p approval.Policy) approval.Reason {
	if r.Revision == nil {
		return approval.Reason{}
	}
	m := r.Revision.Manifest
	tiers := approval.Tiers()
	for _, o := range b.Brought(p) {
		if slices.Contains(m.Brought, o.Name()) {
			continue // it was weighed by them
		}
		// By what was found and sealed: neither does the code change, nor what was found in it.
		least, _ := TierOf(r.Revision.Findings, m.CostCap, o.Rules)
		if slices.Index(tiers, least) > slices.Index(tiers, m.Tier) || o.Rules.For(m.Tier).Approvals > r.Needs(p) {
			if b.Placeless {
				return approval.Because(approval.WhyStricterRules)
			}
			return approval.Because(approval.WhyStricterFile)
		}
	}
	return approval.Reason{}
}
