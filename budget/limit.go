package budget

import (
	"fmt"
	"time"
)

// ScopeKind says whose spending a budget limits, in Slack's terms.
type ScopeKind string

// The four scopes, in the order in which they are locked.
const (
	User    ScopeKind = "user"    // the asker
	Session ScopeKind = "session" // the thread
	Project ScopeKind = "project" // the channel
	Team    ScopeKind = "team"    // the workspace
)

// Role is a kind of scope that has a limit but never pays: it holds the default limit
// of everybody with that role.
const Role ScopeKind = "role"

// The roles, as the ids of their scopes.
const (
	Members   = "members"
	Reviewers = "reviewers"
	Admins    = "admins"
)

// Scope is one thing that has a budget. IDs of users and channels are only
// unique inside a workspace, so the workspace belongs to it.
type Scope struct {
	Team string    `json:"team"`
	Kind ScopeKind `json:"kind"`
	ID   string    `json:"id"`
}

// rank puts what many share last, so that it is locked for the shortest time.
var rank = map[ScopeKind]int{User: 0, Session: 1, Project: 2, Team: 3, Role: 4}

// Less orders scopes for locking. All transactions lock in this order, so two requests
// that share scopes cannot deadlock.
func (s Scope) Less(t Scope) bool {
	if s.Kind != t.Kind {
		return rank[s.Kind] < rank[t.Kind]
	}
	if s.Team != t.Team {
		return s.Team < t.Team
	}
	return s.ID < t.ID
}

func (s Scope) String() string { return fmt.Sprintf("%s %s", s.Kind, s.ID) }

// Window is the period that a limit covers: a calendar day, week or month, or all time.
type Window string

// The windows. A limit without a window covers everything ever spent.
const (
	Day   Window = "day"
	Week  Window = "week" // from Monday
	Month Window = "month"
	None  Window = "none"
)

// Range returns the window that contains a moment, on the calendar of loc: its first
// instant and the first instant after it. No counter is ever reset; spending counts
// while it lies in the range. None has no bounds and returns two zero times.
func (w Window) Range(at time.Time, loc *time.Location) (from, until time.Time) {
	y, m, d := at.In(loc).Date()
	midnight := func(y int, m time.Month, d int) time.Time {
		t := time.Date(y, m, d, 0, 0, 0, 0, loc)
		// Where midnight falls into a DST gap, Go may land on the day before: the day starts when its date does.
		for t.Day() != time.Date(y, m, d, 12, 0, 0, 0, loc).Day() {
			t = t.Add(time.Hour)
		}
		// Where the clock goes back at the end of the day's first hour, there are two midnights: the first one counts.
		if first := t.Add(-time.Hour); first.Day() == t.Day() {
			t = first
		}
		return t
	}
	switch w {
	case Day:
		return midnight(y, m, d), midnight(y, m, d+1)
	case Week:
		back := (int(at.In(loc).Weekday()) + 6) % 7
		return midnight(y, m, d-back), midnight(y, m, d-back+7)
	case Month:
		return midnight(y, m, 1), midnight(y, m+1, 1)
	}
	return time.Time{}, time.Time{}
}

// Limit is what a scope may spend per window, and what happens before that is reached.
type Limit struct {
	Scope   Scope       `json:"scope"`
	Amount  USD         `json:"amount"`
	Window  Window      `json:"window"`
	Policy  LimitPolicy `json:"policy,omitzero"`
	Extra   USD         `json:"extra,omitempty"`   // top-ups that are in force now
	Default bool        `json:"default,omitempty"` // nobody has set it for this scope: the role's applies, or the built-in one
	Role    string      `json:"role,omitempty"`    // whose default it is; empty for the built-in one

	// Rests tells of a workspace that nothing is held in it, whatever its limit: a copy of the database was
	// put back, and nobody has confirmed yet what was spent since.
	Rests bool `json:"rests,omitempty"`
}

// Hard is the amount plus what was granted on top of it. Nothing is held beyond it.
func (l Limit) Hard() USD { return l.Amount + l.Extra }

// DefaultUserLimit is the limit of a person for whom nobody has set one.
func DefaultUserLimit(scope Scope) Limit {
	return Limit{Scope: scope, Amount: 10 * Dollar, Window: Month, Default: true}
}

// ForRole turns a role's limit into the limit of one user who has none of their own.
func (l Limit) ForRole(user Scope) Limit {
	l.Role, l.Scope, l.Default = l.Scope.ID, user, true
	return l
}

// Standing is a limit and what has been spent and held in its window so far.
type Standing struct {
	Limit Limit `json:"limit"`
	Spent USD   `json:"spent"`
	Held  USD   `json:"held"`

	// Uncertain is how much of what is held is for calls of which nobody knows what
	// they have cost. Only what people look at has it.
	Uncertain USD `json:"uncertain,omitempty"`

	From     time.Time `json:"from,omitzero"`      // the window's first instant; zero when the limit has no window
	ResetsAt time.Time `json:"resets_at,omitzero"` // the first instant after it
}

// Left is the amount that can still be held.
func (s Standing) Left() USD {
	left := s.Limit.Hard() - s.Spent - s.Held
	if s.Limit.Rests {
		return min(0, left)
	}
	return left
}

// ExceededError refuses work that does not fit a budget. It names the tightest budget,
// what is left in it, what the work needs, and when the budget resets.
type ExceededError struct {
	Standing  Standing   // the tightest
	Standings []Standing // all that were weighed, in lock order
	Needed    USD
	At        time.Time // when they were weighed, if that is known
}

func (e *ExceededError) Error() string {
	return fmt.Sprintf("budget of %s: %s needed, %s left", e.Standing.Limit.Scope, e.Needed, e.Standing.Left())
}

// Check returns an *ExceededError unless every budget has room for what is needed.
func Check(needed USD, standings []Standing) error {
	tight, ok := Tightest(standings)
	if ok && tight.Left() < needed {
		return &ExceededError{Standing: tight, Standings: standings, Needed: needed}
	}
	return nil
}

// Tightest returns the budget with the least left; of equal ones the first in lock order. One that rests
// comes before all: nothing else would help.
func Tightest(standings []Standing) (tight Standing, ok bool) {
	for _, s := range standings {
		if s.Limit.Rests {
			return s, true
		}
		if !ok || s.Left() < tight.Left() || s.Left() == tight.Left() && s.Limit.Scope.Less(tight.Limit.Scope) {
			tight, ok = s, true
		}
	}
	return tight, ok
}

// RestWords say why nothing is held in a workspace that rests.
const RestWords = "Nothing that costs money starts at the moment: the database was put back from a copy, and an administrator first has to confirm what was spent since."

// Words is the error for people. "Your budget" is said only to reader, the person whose
// budget it is; where several people read it, reader is empty.
func (e *ExceededError) Words(reader string) string {
	l := e.Standing.Limit
	if l.Rests {
		return RestWords
	}
	asker := "The asker's budget"
	if reader != "" && reader == l.Scope.ID {
		asker = "Your budget"
	}
	whose := map[ScopeKind]string{User: asker, Session: "The budget of this thread",
		Project: "The budget of this channel", Team: "The team's budget"}[l.Scope.Kind]
	per := ""
	if l.Window != None {
		per = fmt.Sprintf(" per %s", l.Window)
	}
	words := fmt.Sprintf("%s of %s%s has %s left, and this could cost up to %s.", whose, l.Hard(), per,
		max(0, e.Standing.Left()).ApproxLeft(), e.Needed.Approx())
	if !e.Standing.ResetsAt.IsZero() {
		words += fmt.Sprintf(" It resets on %s.", e.Standing.ResetsAt.Format("Monday, 2 January 2006"))
	}
	return words + " An administrator can raise it."
}
