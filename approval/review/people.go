package review

import (
	"slices"
	"time"

	"countersign/approval"
)

// PersonRole is what somebody has been named for.
type PersonRole string

// The roles.
const (
	RoleReviewer PersonRole = "reviewer"      // decides
	RoleFallback PersonRole = "fallback"      // decides as well, and is asked when the others do not
	RoleAdmin    PersonRole = "administrator" // names people, sets rules and budgets; of a whole workspace
	RoleGlass    PersonRole = "break-glass"   // has code run that nobody approved, in an emergency; of a whole workspace
	RoleAuditor  PersonRole = "auditor"       // sees all and changes nothing; of a whole workspace, and nothing else beside it
)

// Decides tells whether whoever has the role decides on code.
func (r PersonRole) Decides() bool { return r == RoleReviewer || r == RoleFallback }

// Whole tells whether the role is of a whole workspace, and never of one channel.
func (r PersonRole) Whole() bool { return r == RoleAdmin || r == RoleAuditor || r == RoleGlass }

// Apart tells of two roles that nobody has both of: who sees whether others did right does nothing here themselves.
func (r PersonRole) Apart(other PersonRole) bool { return (r == RoleAuditor) != (other == RoleAuditor) }

// Grant is a role that somebody has: of a workspace, or of one channel.
type Grant struct {
	Team    string
	Project string // empty: of the whole workspace
	Role    PersonRole
	User    string // Slack user id, never a name or an address
	By      string // who has named them; empty: the settings, where nobody in Slack can remove them
	At      time.Time
}

// Delegation is somebody's word that another may decide in their place for a while.
type Delegation struct {
	Team  string
	From  string // the reviewer who is away
	To    string
	Until time.Time
	At    time.Time
	By    string // who ends it, when it is an administrator; empty: From
}

// Over is the error of a delegation whose day has passed.
func Over() *approval.InputError {
	return &approval.InputError{Why: approval.Because(approval.WhyDayPassed)}
}

// Roster is who may do what in one channel at one moment: what the settings say
// and what administrators have named since. Whether a person may act on what
// they asked or wrote is another question, which the verbs answer.
type Roster struct {
	Reviewers   []string // of the workspace, and of the channel
	Owners      []string // those of them who are named for the channel itself
	Fallback    []string // of the workspace, and of the channel
	Admins      []string
	Auditors    []string     // none of them is in a list above, whatever else names them
	Delegations []Delegation // that have not ended
}

// Sees tells whether somebody may look at all that happened: administrators and auditors.
func (r Roster) Sees(user string) bool { return r.Admin(user) || slices.Contains(r.Auditors, user) }

// Admin tells whether somebody is an administrator.
func (r Roster) Admin(user string) bool { return slices.Contains(r.Admins, user) }

// Reviewer tells whether somebody decides in their own right.
func (r Roster) Reviewer(user string) bool {
	return slices.Contains(r.Reviewers, user) || slices.Contains(r.Fallback, user)
}

// InPlaceOf lists the reviewers in whose place somebody may decide.
func (r Roster) InPlaceOf(user string) (from []string) {
	for _, d := range r.Delegations {
		if d.To == user && r.Reviewer(d.From) {
			from = append(from, d.From)
		}
	}
	return from
}

// Deciders are all who may decide: reviewers, those in their place, and the
// fallback reviewers.
func (r Roster) Deciders() []string {
	all := slices.Concat(r.Reviewers, r.Fallback)
	for _, d := range r.Delegations {
		if r.Reviewer(d.From) {
			all = append(all, d.To)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Person is what decides whether somebody may decide.
type Person struct {
	ID       string
	Name     string
	Bot      bool
	Guest    bool
	External bool // of another workspace
	Gone     bool // deactivated, or
	Unknown  bool // there is nobody of that id
}

// Barred returns why somebody may decide nothing, whoever has named them. It is empty for
// people who may.
func (p Person) Barred() approval.Reason {
	switch {
	case p.Gone:
		return approval.Because(approval.WhyDeactivated)
	case p.Bot:
		return approval.Because(approval.WhyApp)
	case p.External:
		return approval.Because(approval.WhyStranger)
	case p.Guest:
		return approval.Because(approval.WhyGuest)
	}
	return approval.Reason{}
}
