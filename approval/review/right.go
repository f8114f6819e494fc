package review

import (
	"slices"
	"strings"

	"countersign/approval"
)

// Grade puts into a manifest how much attention the program needs, and by which
// rules. Where no box reaches anything, nothing is promised.
func Grade(m *approval.Manifest, set RuleSet, findings []approval.Finding, reaches bool) {
	m.Tier, _ = TierOf(findings, m.CostCap, set.Rules)
	m.Approvals, m.Policy = set.Rules.For(m.Tier).Approvals, set.Name()
	// A seal names hosts only where the box can reach them. Else an approval would promise what
	// nothing keeps.
	if reaches && slices.ContainsFunc(findings, func(f approval.Finding) bool { return f.Kind == approval.KindNetwork }) {
		// Only a program that wants a network gets one, and only as far as the rules name hosts.
		m.Network = slices.Clone(set.Rules.Hosts)
	}
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

// Right is by what right somebody may decide on a request: their own, or that of
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

// CheckTyped holds what somebody has typed against what they saw.
func (t Terms) CheckTyped(verdict approval.Verdict, digest, typed string) error {
	typed = strings.ToLower(strings.TrimSpace(typed))
	if !t.Typed || verdict != approval.Approve || len(typed) >= TypedLength && strings.HasPrefix(digest, typed) {
		return nil
	}
	return &approval.InputError{Why: approval.Reason{Code: approval.WhyTyped, Name: string(t.Tier), Count: TypedLength}}
}

// Beyond returns the hosts of a manifest that the rules do not allow.
func Beyond(m approval.Manifest, rules Rules) approval.Reason {
	hosts := slices.DeleteFunc(slices.Clone(m.Network), func(host string) bool { return slices.Contains(rules.Hosts, host) })
	if len(hosts) == 0 {
		return approval.Reason{}
	}
	return approval.Reason{Code: approval.WhyBeyondRules, Name: strings.Join(hosts, ", ")}
}
