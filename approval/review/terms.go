package review

import (
	"fmt"
	"slices"
	"strings"

	"countersign/approval"
)

// Grade puts into a manifest how much attention the program needs, and by which
// rules. Where no box reaches anything, nothing is promised.
func Grade(m *approval.Manifest, set RuleSet, findings []approval.Finding, reaches bool) {
	m.Tier, _ = TierOf(findings, m.CostCap, set.Rules)
	m.Approvals, m.Policy = set.Rules.For(m.Tier).Approvals, set.Name()
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

// Elsewhere tells a reviewer that code of this tier is decided on the command line.
func (t Terms) Elsewhere(id string) string {
	return fmt.Sprintf("Code of %s risk is not decided on in Slack here. Your administrators have set that it takes the command line: countersign decide %s", t.Tier, id)
}

// Right is by what right somebody may decide on a request: their own, or that of
// somebody who is away and has let them; or why they may not. Nobody acts in the
// place of the asker, of the author, or of somebody who has decided already.
func Right(r *approval.Request, user string, roster Roster, t Terms) (inPlaceOf, why string) {
	narrow := roster.Under(t)
	if narrow.Reviewer(user) {
		return "", ""
	}
	for _, from := range narrow.InPlaceOf(user) {
		switch {
		case from == r.Asker:
			why = "The person in whose place you decide has asked this question, so somebody else has to review the code."
		case r.Revision != nil && from == r.Revision.Author:
			why = "The person in whose place you decide wrote this version of the code, so somebody else has to review it."
		case slices.ContainsFunc(r.Decisions, func(d approval.Decision) bool { return d.Voice() == from && d.Reviewer != user }):
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

// CheckTyped holds what somebody has typed against what they saw.
func (t Terms) CheckTyped(verdict approval.Verdict, digest, typed string) error {
	typed = strings.ToLower(strings.TrimSpace(typed))
	if !t.Typed || verdict != approval.Approve || len(typed) >= typedLength && strings.HasPrefix(digest, typed) {
		return nil
	}
	return &approval.InputError{Why: fmt.Sprintf("To approve code of %s risk, type the first %d characters of its digest as the card shows it. Nothing has been decided.", t.Tier, typedLength)}
}

// Beyond says which hosts of a manifest the rules no longer allow. It is empty when they
// allow all.
func Beyond(m approval.Manifest, rules Rules) string {
	hosts := slices.DeleteFunc(slices.Clone(m.Network), func(host string) bool { return slices.Contains(rules.Hosts, host) })
	if len(hosts) == 0 {
		return ""
	}
	return fmt.Sprintf("It may reach %s, which the rules let no code reach any more.", strings.Join(hosts, ", "))
}
