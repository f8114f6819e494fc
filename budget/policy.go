package budget

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// LimitPolicy is what happens before a limit is reached. The zero value warns at 80%
// and changes nothing.
type LimitPolicy struct {
	Soft      int         `json:"soft,omitempty"`      // per cent of the limit; 0 stands for 80
	Warn      []int       `json:"warn,omitempty"`      // further marks, per cent
	Downgrade []Downgrade `json:"downgrade,omitempty"` // past the soft limit, in the order of preference
	Without   []Ability   `json:"without,omitempty"`   // what is switched off past the soft limit
	// Ready is the most that a box may cost that waits while reviewers read, where boxes are billed by the second; 0: none waits.
	Ready USD `json:"ready,omitempty"`
}

// Downgrade replaces a model by a cheaper one.
type Downgrade struct {
	From string `json:"from,omitempty"` // empty: any model
	To   string `json:"to"`
}

// Ability is something that a policy can switch off.
type Ability string

// The abilities. A model is one as well: see WithoutModel.
const (
	Upload   Ability = "upload"    // files come with the question
	LongRuns Ability = "long runs" // runs of more than ShortRun
	Network  Ability = "network"   // programs reach hosts
)

// ShortRun is the longest run while LongRuns is switched off.
const ShortRun = 30 * time.Second

// WithoutModel is the ability to use a model.
func WithoutModel(name string) Ability { return Ability("model " + name) }

// Model returns the model of an ability made by WithoutModel.
func (a Ability) Model() (name string, ok bool) {
	name, ok = strings.CutPrefix(string(a), "model ")
	return name, ok && name != ""
}

// DefaultSoft is the soft limit, in per cent, of a policy that names none.
const DefaultSoft = 80

// SoftMark is the soft limit in per cent.
func (p LimitPolicy) SoftMark() int {
	if p.Soft == 0 {
		return DefaultSoft
	}
	return p.Soft
}

// Marks are the points at which people are warned, in per cent, the lowest first.
func (p LimitPolicy) Marks() []int {
	marks := append([]int{p.SoftMark()}, p.Warn...)
	slices.Sort(marks)
	return slices.Compact(marks)
}

// Consequences tells whether passing the soft limit changes anything.
func (p LimitPolicy) Consequences() bool { return len(p.Downgrade)+len(p.Without) > 0 }

// Validate says in plain words what is wrong with a policy.
func (p LimitPolicy) Validate() error {
	for _, mark := range p.Marks() {
		if mark < 1 || mark > 100 {
			return fmt.Errorf("%d%% is no share of a budget: a mark lies between 1%% and 100%%", mark)
		}
	}
	if p.Ready < 0 {
		return fmt.Errorf("a sandbox that waits while reviewers read cannot cost less than nothing")
	}
	for _, d := range p.Downgrade {
		if d.To == "" || d.From == d.To {
			return fmt.Errorf("a downgrade names another, cheaper model")
		}
	}
	for _, a := range p.Without {
		if _, model := a.Model(); !model && a != Upload && a != LongRuns && a != Network {
			return fmt.Errorf("%q cannot be switched off: there is upload, long runs, network and model NAME", string(a))
		}
	}
	return nil
}

// State says how much of a budget is used up. It is computed on demand and never stored.
type State string

// The states, from the best to the worst.
const (
	Active   State = "active"
	Warned   State = "warned"   // a mark has been reached
	Degraded State = "degraded" // past the soft limit, and the policy has consequences
	Stopped  State = "stopped"  // nothing is left
)

// State computes the state of the budget.
func (s Standing) State() State {
	switch {
	case s.Left() <= 0:
		return Stopped
	case s.Soft() && s.Limit.Policy.Consequences():
		return Degraded
	case len(s.Reached()) > 0:
		return Warned
	}
	return Active
}

// Soft tells that spending has passed the soft limit.
func (s Standing) Soft() bool { return s.reached(s.Limit.Policy.SoftMark()) }

// Reached returns the marks that spending has reached. Money that is only held does not
// count: it may be released.
func (s Standing) Reached() (marks []int) {
	for _, mark := range s.Limit.Policy.Marks() {
		if s.reached(mark) {
			marks = append(marks, mark)
		}
	}
	return marks
}

// reached compares spent*100 with hard*mark, in 128 bits. Nothing is no share of nothing.
func (s Standing) reached(mark int) bool {
	hard := s.Limit.Hard()
	if s.Spent <= 0 || hard <= 0 {
		return s.Spent > 0
	}
	spentHi, spentLo := bits.Mul64(uint64(s.Spent), 100)
	markHi, markLo := bits.Mul64(uint64(hard), uint64(max(mark, 0)))
	return spentHi > markHi || spentHi == markHi && spentLo >= markLo
}

// Without tells whether a budget that is past its soft limit has switched this
// off, and which.
func Without(standings []Standing, a Ability) (by Standing, off bool) {
	for _, s := range standings {
		if s.Soft() && slices.Contains(s.Limit.Policy.Without, a) {
			return s, true
		}
	}
	return Standing{}, false
}

// Ready returns what a box may cost that waits while reviewers read: the least that one of the budgets that pay
// allows, of those that allow any. Where one of them is past its soft limit, people save, and none waits.
func Ready(standings []Standing) (most USD) {
	for _, s := range standings {
		allowed := s.Limit.Policy.Ready
		if s.Soft() {
			return 0
		}
		if allowed > 0 && (most == 0 || allowed < most) {
			most = allowed
		}
	}
	return most
}

// Cheaper returns the model that a budget past its soft limit wants instead of this one,
// and that budget. The replacement must be allowed, must cost less in the worst case, and
// must fit every budget. Chains of replacements are followed; a model without a price is
// skipped.
func Cheaper(standings []Standing, model string, worst func(model string) (USD, error)) (to string, by Standing, ok bool) {
	present, err := worst(model)
	if err != nil {
		return "", Standing{}, false
	}
	for _, s := range standings {
		if !s.Soft() {
			continue
		}
		for _, to := range s.Limit.Policy.chain(model) {
			cost, err := worst(to)
			_, off := Without(standings, WithoutModel(to))
			if err == nil && !off && cost < present && Check(cost, standings) == nil {
				return to, s, true
			}
		}
	}
	return "", Standing{}, false
}

// FreeFrom returns when a model that is replaced or switched off now may be used again:
// when every budget that stands against it, or has no room for what is needed, has
// started a new window. ok is false where a new window alone does not help.
func FreeFrom(model string, needed USD, standings []Standing) (at time.Time, ok bool) {
	for _, s := range standings {
		saves := s.Soft() && (len(s.Limit.Policy.chain(model)) > 0 || slices.Contains(s.Limit.Policy.Without, WithoutModel(model)))
		switch {
		case !saves && s.Left() >= needed:
			continue
		case !s.anew(needed):
			return time.Time{}, false
		case s.ResetsAt.After(at):
			at = s.ResetsAt
		}
	}
	return at, !at.IsZero()
}

// chain lists what a model may become, step by step.
func (p LimitPolicy) chain(model string) (reach []string) {
	seen := []string{model}
	for i := 0; i < len(seen); i++ {
		for _, d := range p.Downgrade {
			if (d.From == "" || d.From == seen[i]) && !slices.Contains(seen, d.To) {
				seen = append(seen, d.To)
			}
		}
	}
	return seen[1:]
}

// Forecast returns when a budget will be used up at the rate of its window so far. There
// is no forecast before a tenth of the window and six hours have passed, when the window
// ends first, or when the budget is used up already.
func Forecast(s Standing, now time.Time) (time.Time, bool) {
	passed, whole := now.Sub(s.From), s.ResetsAt.Sub(s.From)
	if s.ResetsAt.IsZero() || s.Spent <= 0 || s.Spent >= s.Limit.Hard() || passed < whole/10 || passed < 6*time.Hour || passed >= whole {
		return time.Time{}, false
	}
	needed := float64(passed) * (float64(s.Limit.Hard()) / float64(s.Spent)) // exact enough for a date, and no overflow
	if needed >= float64(whole) {
		return time.Time{}, false
	}
	return s.From.Add(time.Duration(needed)), true
}

// FitsFrom returns when work that does not fit now will fit: when every budget that
// refuses it has started a new window. There is no such time when one of them has no
// window, or is smaller than the work.
func FitsFrom(needed USD, standings []Standing) (at time.Time, ok bool) {
	for _, s := range standings {
		if s.Left() >= needed {
			continue
		}
		if !s.anew(needed) {
			return time.Time{}, false
		}
		if s.ResetsAt.After(at) {
			at = s.ResetsAt
		}
	}
	return at, !at.IsZero()
}

// anew tells whether a new window of a budget has room for work. What is granted on top does not count: it ends with the
// window, or within a day (steps.GrantEnds), and whoever waited for it would be refused once more.
func (s Standing) anew(needed USD) bool {
	return !s.ResetsAt.IsZero() && s.Limit.Amount >= needed && !s.Limit.Rests
}
