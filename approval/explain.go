package approval

import (
	"time"

	"countersign/budget"
)

// Explanation says which budget decided what about a request, with the numbers
// as they stood then.
type Explanation struct {
	Request *Request
	Steps   []Weighing // in the order in which they came
}

// Weighing is one paid step that the budgets were asked for.
type Weighing struct {
	At        time.Time
	Purpose   budget.Purpose
	Needed    budget.USD
	Model     string
	Standings []budget.Standing // as they stood before it, in lock order
	Refused   bool              // by the tightest
	HoldID    string            // empty when it was refused
	Settled   *Settled          // nil while it is held
}

// Tight is the budget that had the least left.
func (w Weighing) Tight() budget.Standing {
	tight, _ := budget.Tightest(w.Standings)
	return tight
}

// Settled is how a hold ended.
type Settled struct {
	At        time.Time
	Spent     budget.USD
	Estimated bool
}
