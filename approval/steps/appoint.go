package steps

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/review"
)

// Authority is how administrators name people and set rules.
type Authority struct {
	store interface {
		Listing
		Roles
		RuleBook
	}
	sandbox BoxTerms
	slack   Persons
	*Settings

	boxes  *Boxes
	people *People
}

// Reviewers are the people who have a part in a channel, or in the whole
// workspace when project is empty, as things stand now.
func (s *People) Reviewers(ctx context.Context, team, project string) (review.Roster, error) {
	grants, err := s.store.Grants(ctx, team)
	if err != nil {
		return review.Roster{}, err
	}
	delegations, err := s.store.Delegations(ctx, team)
	if err != nil {
		return review.Roster{}, err
	}
	return review.Book{Grants: grants, Delegations: delegations}.Roster(s.Policy, project), nil
}

// Grants lists every role in a workspace with where it comes from: for the page
// on which administrators name people.
func (s *Authority) Grants(ctx context.Context, team string) ([]review.Grant, error) {
	var all []review.Grant
	for role, users := range map[review.PersonRole][]string{review.RoleReviewer: s.Policy.Reviewers, review.RoleAdmin: s.Policy.Admins} {
		for _, user := range users {
			all = append(all, review.Grant{Team: team, Role: role, User: user})
		}
	}
	named, err := s.store.Grants(ctx, team)
	if err != nil {
		return nil, err
	}
	all = append(all, named...)
	slices.SortFunc(all, compareGrants)
	return all, nil
}

// admin checks that a click is an administrator's, now.
func (s *People) admin(ctx context.Context, click approval.Click, what string) error {
	return s.Administers(ctx, click.Team, click.User, onlyAdmins(what))
}

// onlyAdmins is why nobody else does this.
func onlyAdmins(what string) approval.Reason {
	return approval.Reason{Code: approval.WhyAdminsOnly, Name: what}
}

// mayChange is admin for what changes how a workspace is run: who tries it without
// being one is on record there.
func (s *People) mayChange(ctx context.Context, click approval.Click, what string) error {
	err := s.admin(ctx, click, what)
	if no, ok := errors.AsType[*approval.NotAllowedError](err); ok {
		// The refusal stands whether or not it can be kept: a trail that is away must not let anybody in.
		event := approval.Event{Actor: no.Who, Kind: approval.EventRefusedClick, Data: map[string]any{"what": what, "why": no.Why.Told(), "click": click}}
		if lost := s.store.AuditPeople(ctx, click.Team, event); lost != nil {
			s.log.Error("audit a refused click", "what", what, "error", lost)
		}
	}
	return err
}

// Administers refuses, for this reason, whoever is no administrator, as far as a
// look of the last minute tells.
func (s *People) Administers(ctx context.Context, team, who string, why approval.Reason) error {
	roster, err := s.Reviewers(ctx, team, "")
	if err != nil {
		return err
	}
	return s.isAdmin(ctx, roster, team, who, why)
}

// Sees refuses whoever may not look at all that happened: they are neither an administrator nor an auditor.
func (s *People) Sees(ctx context.Context, team, who string) error {
	return s.seesOr(ctx, team, who, approval.Because(approval.WhyAuditorsOnly))
}

// seesOr is Sees with another reason.
func (s *People) seesOr(ctx context.Context, team, who string, why approval.Reason) error {
	roster, err := s.Reviewers(ctx, team, "")
	if err != nil {
		return err
	}
	roster.Admins = append(roster.Admins, roster.Auditors...)
	return s.isAdmin(ctx, roster, team, who, why)
}

// isAdmin checks the role and then the person: somebody who was named once may be a guest by now.
func (s *People) isAdmin(ctx context.Context, roster review.Roster, team, who string, why approval.Reason) error {
	if !roster.Admin(who) {
		return &approval.NotAllowedError{Who: who, Why: why}
	}
	person, err := s.sight(ctx, team, who)
	if err != nil {
		return err
	}
	if why := person.Barred(); !why.None() {
		return &approval.NotAllowedError{Who: who, Why: why}
	}
	return nil
}

// SetRole names somebody for a role. Only administrators may, and only members of
// the workspace can be named: not guests, apps or people who have left.
func (s *Authority) SetRole(ctx context.Context, click approval.Click, g review.Grant) error {
	if err := s.people.mayChange(ctx, click, "name people"); err != nil {
		return err
	}
	if err := s.checkGrant(&g, click); err != nil {
		return err
	}
	if g.Role == review.RoleGlass && g.User == click.User {
		return &approval.InputError{Why: approval.Because(approval.WhyGlassSelf)}
	}
	person, err := s.slack.Person(ctx, click.Team, g.User)
	if err != nil {
		return err
	}
	if why := person.Barred(); !why.None() {
		return &approval.InputError{Why: approval.Reason{Code: approval.WhyNotNamed, Why: []approval.Reason{why}}}
	}
	if err := s.apart(ctx, g); err != nil {
		return err
	}
	return s.store.Name(ctx, g)
}

// RemoveRole takes a role from somebody. What the settings name stays.
func (s *Authority) RemoveRole(ctx context.Context, click approval.Click, g review.Grant) error {
	if err := s.people.mayChange(ctx, click, "name people"); err != nil {
		return err
	}
	if err := s.checkGrant(&g, click); err != nil {
		return err
	}
	// A role from the settings would be back at once, and the administrator would believe it gone.
	named := map[review.PersonRole][]string{review.RoleReviewer: s.Policy.Reviewers, review.RoleAdmin: s.Policy.Admins}[g.Role]
	if g.Project == "" && slices.Contains(named, g.User) {
		return &approval.InputError{Why: approval.Because(approval.WhyInSettings)}
	}
	return s.store.Unname(ctx, g)
}

// checkGrant takes the workspace and who does it from the click, and never from what a form holds.
func (s *Authority) checkGrant(g *review.Grant, click approval.Click) error {
	g.Team, g.By = click.Team, click.User
	switch {
	case g.User == "":
		return &approval.InputError{Why: approval.Because(approval.WhyNoPerson)}
	case !g.Role.Decides() && !g.Role.Whole():
		return &approval.InputError{Why: approval.Because(approval.WhyNoRole)}
	case g.Role.Whole() && g.Project != "":
		return &approval.InputError{Why: approval.Because(approval.WhyAdminOfAll)}
	}
	return nil
}

// apart refuses a role beside that of an auditor: who holds others to what they did does nothing of it.
func (s *Authority) apart(ctx context.Context, g review.Grant) error {
	all, err := s.Grants(ctx, g.Team)
	if err == nil && slices.ContainsFunc(all, func(had review.Grant) bool { return had.User == g.User && had.Role.Apart(g.Role) }) {
		err = &approval.InputError{Why: approval.Because(approval.WhyAuditorApart)}
	}
	return err
}

// maxDelegation is the longest that somebody can let another decide at a time.
const maxDelegation = 90 * 24 * time.Hour

// Delegate lets somebody decide in the place of the reviewer who clicks, until a
// moment; with nobody it ends at once.
func (s *Authority) Delegate(ctx context.Context, click approval.Click, to string, until time.Time) error {
	d := review.Delegation{Team: click.Team, From: click.User, To: to, Until: until}
	if to == "" {
		d.Until = time.Time{}
		return s.store.Delegate(ctx, d)
	}
	decides, err := s.decidesAnywhere(ctx, click.Team, click.User)
	if err != nil {
		return err
	}
	now := time.Now()
	switch {
	case !decides:
		return &approval.NotAllowedError{Who: click.User, Why: approval.Because(approval.WhyReviewersLet)}
	case to == click.User:
		return &approval.InputError{Why: approval.Because(approval.WhyDelegateSelf)}
	case !until.After(now):
		return review.Over()
	case until.After(now.Add(maxDelegation)):
		return &approval.InputError{Why: approval.Because(approval.WhyTooLong)}
	}
	// Both ends count: a guest gives nobody a say, and gets none.
	for _, who := range []string{click.User, to} {
		person, err := s.slack.Person(ctx, click.Team, who)
		if err != nil {
			return err
		}
		if why := person.Barred(); !why.None() && who == to {
			return &approval.InputError{Why: approval.Reason{Code: approval.WhyNoSubstitute, Why: []approval.Reason{why}}}
		} else if !why.None() {
			return &approval.NotAllowedError{Who: who, Why: why}
		}
	}
	return s.store.Delegate(ctx, d)
}

// EndDelegation ends somebody's word that another decides in their place: for
// administrators, because who is away cannot take it back.
func (s *Authority) EndDelegation(ctx context.Context, click approval.Click, from string) error {
	if err := s.people.mayChange(ctx, click, "end what others have arranged"); err != nil {
		return err
	}
	return s.store.Delegate(ctx, review.Delegation{Team: click.Team, From: from, By: click.User})
}

// decidesAnywhere tells whether somebody is a reviewer of the workspace or of any
// of its channels.
func (s *Authority) decidesAnywhere(ctx context.Context, team, user string) (bool, error) {
	if slices.Contains(s.Policy.Reviewers, user) {
		return true, nil
	}
	grants, err := s.store.Grants(ctx, team)
	return slices.ContainsFunc(grants, func(g review.Grant) bool { return g.User == user && g.Role.Decides() }), err
}

// RulesOf are the rules that hold in a channel, or in the workspace when project
// is empty.
func (s *People) RulesOf(ctx context.Context, team, project string) (review.RuleSet, error) {
	set, err := s.store.Rules(ctx, team, project)
	return set.Or(s.Policy), err
}

// SetRules stores new rules for a channel, or for the workspace; set.Version is
// the version in force there that the administrator had before them, and 0 where
// there was none of its own. They hold for what is
// drafted from now on; what has been sealed stays so.
func (s *Authority) SetRules(ctx context.Context, click approval.Click, set review.RuleSet) (review.RuleSet, error) {
	if err := s.people.mayChange(ctx, click, "set the rules"); err != nil {
		return review.RuleSet{}, err
	}
	set.Team, set.SetBy = click.Team, click.User
	if set.None && set.Project == "" {
		return review.RuleSet{}, &approval.InputError{Why: approval.Because(approval.WhyRulesNeeded)}
	}
	// The form of reviews says nothing of models, notes and the log: they stay what they are.
	now, err := s.people.RulesOf(ctx, click.Team, set.Project)
	if err != nil {
		return review.RuleSet{}, err
	}
	set.Rules.Models, set.Rules.Notes, set.Rules.Shows, set.Rules.Follows = now.Kept(set.Project), now.Rules.Notes, now.Rules.Shows, false
	set.Rules = ofHouse(set.Rules, now, set.Project)
	// A channel that goes back to the workspace's reviews keeps what else it has set.
	if set.None && (now.OwnModels || now.Rules.Notes != nil || now.Rules.Shows != approval.Shape) {
		set.None, set.Rules = false, ofHouse(now.Rules, now, set.Project)
		set.Rules.Follows = true
	} else if !set.None {
		if err := set.Rules.Check(time.Now(), s.Policy.Zone); err != nil {
			return review.RuleSet{}, err
		}
		if err := s.enough(ctx, set); err != nil {
			return review.RuleSet{}, err
		}
		// Where there is no sandbox at all, nobody can say what it would reach.
		if len(set.Rules.Hosts) > 0 && s.boxes.noBox() == "" && !s.sandbox.ReachesHosts() {
			return review.RuleSet{}, &approval.InputError{Why: approval.Because(approval.WhyNoNetwork)}
		}
	}
	stored, err := s.store.SetRules(ctx, set)
	if errors.Is(err, ErrBusy) {
		return review.RuleSet{}, &approval.InputError{Why: approval.Because(approval.WhyRulesChanged)}
	}
	return stored, err
}

// SetNotes stores what every program of a channel should know, and what a model may see of its
// data. base is as SetModels'.
func (s *Authority) SetNotes(ctx context.Context, click approval.Click, project string, notes review.Notes, shows approval.Sight, base int) (review.RuleSet, error) {
	if err := s.people.mayChange(ctx, click, "write notes"); err != nil {
		return review.RuleSet{}, err
	}
	if project == "" {
		return review.RuleSet{}, &approval.InputError{Why: approval.Because(approval.WhyNotesOfChannel)}
	}
	if err := notes.Set(); err != nil {
		return review.RuleSet{}, err
	}
	if !slices.Contains(approval.Sights(), shows) {
		return review.RuleSet{}, &approval.InputError{Why: approval.Because(approval.WhyNoSight)}
	}
	return s.people.setApart(ctx, click, project, base, func(now review.RuleSet, rules *review.Rules) error {
		had := rules.Notes
		if rules.Shows = shows; notes.Empty() {
			rules.Notes = nil
			return nil
		}
		// The version is what a seal names, so it is taken over before the two are compared.
		notes.Version = 0
		if had != nil {
			notes.Version = had.Version
		}
		if had == nil || *had != notes { // what says the same keeps its version
			notes.Version, rules.Notes = 0, &notes
		}
		return nil
	})
}

// setApart stores a part of the rules of a channel, or of the workspace, that has nothing to
// do with its reviews. base is the version that was in force there when the administrator
// looked (RuleSet.Own). All else stays what it is.
func (s *People) setApart(ctx context.Context, click approval.Click, project string, base int, change func(now review.RuleSet, rules *review.Rules) error) (review.RuleSet, error) {
	now, err := s.RulesOf(ctx, click.Team, project)
	if err != nil {
		return review.RuleSet{}, err
	}
	set := review.RuleSet{Team: click.Team, Project: project, Version: base, Rules: now.Rules, SetBy: click.User}
	set.Rules = ofHouse(set.Rules, now, project)
	// Where reviews are done by somebody else's rules, they go on being done by them.
	set.Rules.Follows = now.Version == 0 || now.Project != project
	if err := change(now, &set.Rules); err != nil {
		return review.RuleSet{}, err
	}
	set.None = project != "" && set.Rules.Follows && set.Rules.Models == nil && set.Rules.Notes == nil && set.Rules.Shows == approval.Shape
	stored, err := s.store.SetRules(ctx, set)
	if errors.Is(err, ErrBusy) {
		return review.RuleSet{}, &approval.InputError{Why: approval.Because(approval.WhyRulesChanged)}
	}
	return stored, err
}

// enough refuses rules under which nothing could ever be approved.
func (s *Authority) enough(ctx context.Context, set review.RuleSet) error {
	for _, t := range approval.Tiers() {
		if set.Rules.For(t).Owners && set.Project == "" {
			return &approval.InputError{Why: approval.Because(approval.WhyOwnersOfChannel)}
		}
	}
	roster, err := s.people.Reviewers(ctx, set.Team, set.Project)
	if err != nil {
		return err
	}
	if short := shortages(roster, set.Project, set.Rules); len(short) > 0 {
		return &approval.InputError{Why: approval.Reason{Code: approval.WhyTooFewReviewers, Name: string(short[0].Tier), Most: int64(short[0].Needs), Count: int64(short[0].Have)}}
	}
	return nil
}

// compareGrants puts roles of the workspace before those of channels.
func compareGrants(a, b review.Grant) int {
	return cmp.Or(strings.Compare(a.Project, b.Project), strings.Compare(string(a.Role), string(b.Role)), strings.Compare(a.User, b.User))
}
