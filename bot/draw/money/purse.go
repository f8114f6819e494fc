package money

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// roomForOne is what one more budget or change may take of a message, in characters: one with a long
// policy and a long name.
const roomForOne = 1500

// Purse is what somebody may see of budgets: their own, and as an administrator
// every one that is set.
type Purse struct {
	Reader string
	Own    []budget.Standing
	Admin  bool
	All    []budget.Standing
	Named  Namer
}

// Namer names a budget where nothing around it says which thread is meant.
type Namer func(budget.Scope) []kit.Part

// Show draws it as the answer to a command.
func (m Purse) Show(p *kit.Page) {
	if m.Admin {
		m.Bars(p, 12)
		return
	}
	for _, s := range m.Own {
		Standing(p, s, Whose(s.Limit.Scope, m.Reader))
	}
	// That nothing limits the whole team is worth a word: people look for the bar.
	if !teams(m.Own) {
		p.Say(kit.Words("The team has no budget of its own."))
	}
}

// Bars draws one's own budget, and for administrators every one that is set, at
// most so many of them.
// It stops at the room of the page rather than at the count alone: on a Home other sections come after it.
func (m Purse) Bars(p *kit.Page, most int) {
	for _, s := range m.Own {
		if s.Limit.Scope.Kind == budget.User {
			Standing(p, s, Whose(s.Limit.Scope, m.Reader))
		}
	}
	if !m.Admin {
		return
	}
	if !teams(m.Own) {
		p.Say(kit.Words("The team has no budget of its own. Set one with "), kit.Mono(ids.CommandBudget+" set team 200 per month"))
	}
	// The fullest come first, because not all of them may fit.
	ByUse(m.All)
	shown := 0
	for _, s := range m.All[:min(most, len(m.All))] {
		if p.Room() < roomForOne {
			break
		}
		shown++
		Standing(p, s, m.Named(s.Limit.Scope))
		edit := kit.Button(ids.ActionEditLimit, "Edit", ScopeValue(s.Limit.Scope), slack.StyleDefault)
		edit.AccessibilityLabel = "Edit this budget"
		p.Buttons("limit "+ScopeValue(s.Limit.Scope), edit)
	}
	if more := len(m.All) - shown; more > 0 {
		p.Say(kit.Words(fmt.Sprintf("and %s more, which are used less. To see one: ", kit.Count(more, "budget"))), kit.Mono(ids.CommandBudget+" show @user"))
	}
}

// teams tells whether there is a budget for the team.
func teams(standings []budget.Standing) bool {
	return slices.ContainsFunc(standings, func(s budget.Standing) bool { return s.Limit.Scope.Kind == budget.Team })
}

// ByUse sorts budgets: the team's first, then the fullest first, and the defaults of
// roles last.
// Held money counts as used, because nobody else can spend it; Hard is at least 1 here, so that a budget of
// nothing does not divide by zero.
func ByUse(all []budget.Standing) {
	rank := map[budget.ScopeKind]int{budget.Team: 0, budget.Role: 2}
	used := func(s budget.Standing) float64 { return float64(s.Spent+s.Held) / float64(max(1, s.Limit.Hard())) }
	of := func(s budget.Standing) int {
		if r, ok := rank[s.Limit.Scope.Kind]; ok {
			return r
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b budget.Standing) int {
		return cmp.Or(cmp.Compare(of(a), of(b)), cmp.Compare(used(b), used(a)))
	})
}

// ThreadName is a way to the thread that a budget is for.
func ThreadName(who kit.Identity, at approval.Session) []kit.Part {
	return []kit.Part{kit.Words("The budget of "), kit.Link{URL: who.Permalink(at.Channel, at.ThreadTS, ""), Label: "a thread"}, kit.Words(" in "), kit.Place(at.Channel)}
}

// OneBudget shows one, or that it is not set.
func OneBudget(named []kit.Part, standings []budget.Standing) *kit.Page {
	p := &kit.Page{}
	for _, s := range standings {
		Standing(p, s, named)
	}
	if len(standings) == 0 {
		p.Say(append(named, kit.Words(" is not set, so it limits nothing by itself."))...)
	}
	return p
}

// LimitSet tells what holds now and what held before.
func LimitSet(named []kit.Part, l budget.Limit, before []budget.Standing) *kit.Page {
	p := &kit.Page{}
	p.Say(append(kit.Bold(named), kit.Words(" is now "+limitWords(l)))...)
	for _, s := range before {
		// What held by default was set by nobody.
		if !s.Limit.Default {
			p.Say(kit.Words("Before, it was " + limitWords(s.Limit)))
		}
	}
	return p
}

// LimitRemoved tells what holds instead.
func LimitRemoved(named []kit.Part, now []budget.Standing) *kit.Page {
	p := &kit.Page{}
	p.Say(append(kit.Bold(named), kit.Words(" has been removed."))...)
	for _, left := range now {
		if left.Limit.Default {
			p.Say(kit.Words("The default applies instead: " + limitWords(left.Limit)))
		}
	}
	return p
}
