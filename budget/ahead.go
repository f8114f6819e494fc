package budget

import (
	"slices"
	"time"
)

// Ahead is how budgets stood while nobody had locked them, with what tells under their locks whether holds that were
// weighed by it still fit. So the locks wait for nobody who weighs. Where it is doubtful, holds are weighed anew.
type Ahead struct {
	Scopes    []Scope    // that were looked at
	Standings []Standing // of those with a limit, in lock order
	Now       time.Time  // when all of it was read
	Until     time.Time  // from when on it counts no more: a window or a top-up ends, or it is too old
	Taken     map[Scope]USD
	Version   int64 // of limits and roles: it grows with every change
	Authority int64 // of people and rules alone
}

// AheadFor is how long holds may be weighed by it: longer than Slack waits for an answer, so that whoever has waited for the
// budgets of a busy workspace does not begin anew.
const AheadFor = 5 * time.Second

// End has it count no longer than until a moment; zero is no moment.
func (a *Ahead) End(at time.Time) {
	if !at.IsZero() && at.Before(a.Until) {
		a.Until = at
	}
}

// Of tells whether it is about these scopes. A thread that was none yet had no budget to look at.
func (a *Ahead) Of(scopes []Scope) bool {
	return a != nil && !slices.ContainsFunc(scopes, func(s Scope) bool {
		return !slices.Contains(a.Scopes, s) && (s.Kind != Session || slices.ContainsFunc(a.Scopes, func(t Scope) bool { return t.Kind == Session }))
	})
}

// Most is how much may have been taken from a scope, which is all that was ever held in it, once the holds are there that
// were weighed by this; nil: nothing limits it. What comes back meanwhile is left out, so it is never too much.
func (a *Ahead) Most(scope Scope) *USD {
	for _, s := range a.Standings {
		if s.Limit.Scope == scope {
			most := a.Taken[scope] + s.Left()
			return &most
		}
	}
	return nil
}
