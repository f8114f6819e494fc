package review

import (
	"slices"

	"countersign/approval"
	"countersign/approval/pins"
)

// Book is what administrators have set that bears on one request, read at one
// moment: the rules of its channel, and who has which part.
type Book struct {
	Own         RuleSet    // of the channel; version 0 where it never had any
	House       RuleSet    // of the workspace
	Sealed      RuleSet    // the version that the current revision names; version 0 where there is none of that name
	Notes       Notes      // that the current revision names; none where nobody has written any
	Pins        []pins.Pin // that stand, of the files of the request
	Elsewhere   []RuleSet  // the own ones of other channels: of those from which its files, or those of its thread, are known, and of all where it names none
	Placeless   bool       // no channel was named: a direct message by itself has no rules
	Grants      []Grant    // in the whole workspace
	Delegations []Delegation
	Pace        Pace // of the current revision
	Glass       Glass
}

// Rules are those that hold in the channel, and of those that files bring along what is stricter.
func (b Book) Rules(p approval.Policy) RuleSet {
	return Effective(b.Own, b.House).Or(p).Joined(b.Brought(p))
}

// Freezes are the rules of the channel with the freezes of the workspace beside its
// own: what nobody starts in the whole workspace, nobody starts in a channel.
func (b Book) Freezes(p approval.Policy) Rules {
	rules := b.Rules(p)
	// Without rules of its own a channel has the workspace's, and their freezes are in them already.
	if rules.Project != "" {
		rules.Rules.Freezes = slices.Concat(rules.Rules.Freezes, b.House.Rules.Freezes)
	}
	if b.Placeless { // else a freeze would be left behind by asking in a direct message
		all := slices.Clone(rules.Rules.Freezes)
		for _, o := range b.Brought(p) {
			all = append(all, o.Rules.Freezes...)
		}
		slices.Sort(all)
		rules.Rules.Freezes = slices.Compact(all)
	}
	return rules.Rules
}

// Terms are what the current revision needs, by the rules that are sealed with it
// and by those that hold now, where they are stricter.
func (b Book) Terms(r *approval.Request, p approval.Policy) Terms {
	t := Terms{Slack: true, Approvals: r.Needs(p)}
	if r.Revision == nil {
		return t
	}
	// The reviewers saw a card that was drawn by the sealed rules, so those count even after others
	// have been set. The loop below adds what has become stricter since.
	now, sealed := b.Rules(p), RuleSet{Rules: DefaultRules(p)}
	switch m := r.Revision.Manifest; {
	case m.Policy == now.Name():
		sealed = now
	case m.Policy == "" || m.Policy == sealed.Name():
	case m.Policy == b.Sealed.Name():
		sealed = b.Sealed
	default:
		sealed = now // a seal that names what was never there is broken, and is found to be
	}
	t.Tier, t.Policy, t.Digest, t.Lines = r.Revision.Tier(), r.Revision.Manifest.Policy, r.Revision.Digest, linesOf(r.Revision.Code)
	_, t.Why = TierOf(r.Revision.Findings, r.Revision.Manifest.CostCap, sealed.Rules)
	if i := slices.Index(t.Why, itIsConfidential); b.Placeless && i >= 0 && b.House.Rules.Class != Confidential {
		t.Why[i] = someIsConfidential
	}
	for _, rules := range []TierRules{sealed.Rules.For(t.Tier), now.Rules.For(t.Tier)} {
		t.Owners, t.Typed, t.Slack = t.Owners || rules.Owners, t.Typed || rules.Typed, t.Slack && rules.Slack
		t.Reading, t.Hourly = max(t.Reading, rules.Reading(t.Lines)), fewer(t.Hourly, rules.Hourly)
	}
	return t
}

// Roster is who has a part in a channel, or in the whole workspace when project is empty.
func (b Book) Roster(p approval.Policy, project string) Roster {
	r := Roster{Reviewers: slices.Clone(p.Reviewers), Admins: slices.Clone(p.Admins), Delegations: b.Delegations}
	for _, g := range b.Grants {
		if b.owning(g) {
			r.Owners = append(r.Owners, g.User)
		}
		// A grant without a channel is for the whole workspace.
		if g.Project != "" && g.Project != project {
			continue
		}
		switch g.Role {
		case RoleAdmin:
			r.Admins = append(r.Admins, g.User)
		case RoleAuditor:
			r.Auditors = append(r.Auditors, g.User)
		case RoleFallback:
			r.Fallback = append(r.Fallback, g.User)
		case RoleReviewer:
			r.Reviewers = append(r.Reviewers, g.User)
			if g.Project != "" {
				r.Owners = append(r.Owners, g.User)
			}
		}
	}
	// The settings may name an auditor for something else as well: what they were named for in Slack holds.
	audits := func(user string) bool { return slices.Contains(r.Auditors, user) }
	for _, list := range []*[]string{&r.Reviewers, &r.Owners, &r.Fallback, &r.Admins} {
		slices.Sort(*list)
		*list = slices.DeleteFunc(slices.Compact(*list), audits)
	}
	slices.Sort(r.Auditors)
	if len(r.Auditors) > 0 {
		r.Delegations = slices.DeleteFunc(slices.Clone(r.Delegations), func(d Delegation) bool { return audits(d.From) || audits(d.To) })
	}
	return r
}

// owning tells whether somebody is named for a channel that wants its own people to decide, where a
// request names no channel: nobody is named for a direct message, and their rules hold for it as well.
func (b Book) owning(g Grant) bool {
	return b.Placeless && g.Role == RoleReviewer && slices.ContainsFunc(b.Elsewhere, func(o RuleSet) bool {
		return o.Project == g.Project && (o.Rules.Low.Owners || o.Rules.Medium.Owners || o.Rules.High.Owners)
	})
}
