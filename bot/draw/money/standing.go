// Package money draws budgets: what is spent and left, the form that sets a budget, and
// what each question cost.
package money

import (
	"fmt"
	"strings"

	"countersign/bot/kit"
	"countersign/budget"
)

// Whose names a budget. A thread's name is only clear where one question is spoken of;
// every other name is clear anywhere.
func Whose(s budget.Scope, reader string) []kit.Part {
	switch {
	case s.Kind == budget.User && s.ID == reader:
		return []kit.Part{kit.Words("Your budget")}
	case s.Kind == budget.User:
		return []kit.Part{kit.Words("The budget of "), kit.Person(s.ID)}
	case s.Kind == budget.Session:
		return []kit.Part{kit.Words("The budget of the thread")}
	case s.Kind == budget.Project:
		return []kit.Part{kit.Words("The budget of "), kit.Place(s.ID)}
	case s.Kind == budget.Role:
		return []kit.Part{kit.Words(roleBudgets[s.ID])}
	}
	return []kit.Part{kit.Words("The team's budget")}
}

// roleBudgets name those who share a role to people, by the ids of their scopes.
var roleBudgets = map[string]string{budget.Members: "Everybody's default budget", budget.Reviewers: "Every reviewer's default budget", budget.Admins: "Every administrator's default budget"}

// Within is Whose for the middle of a sentence.
func Within(s budget.Scope, reader string) []kit.Part {
	return kit.Inside(Whose(s, reader))
}

// Has names somebody with a budget and their verb: "You have", "#sales has".
func Has(s budget.Scope, reader string) []kit.Part {
	switch {
	case s.Kind == budget.User && s.ID == reader:
		return []kit.Part{kit.Words("You have ")}
	case s.Kind == budget.User:
		return []kit.Part{kit.Person(s.ID), kit.Words(" has ")}
	case s.Kind == budget.Session:
		return []kit.Part{kit.Words("The thread has ")}
	case s.Kind == budget.Project:
		return []kit.Part{kit.Place(s.ID), kit.Words(" has ")}
	}
	return []kit.Part{kit.Words("The team has ")}
}

// During says of which stretch an amount is; perWindow what a limit is per.
var (
	During    = map[budget.Window]string{budget.Day: " today", budget.Week: " this week", budget.Month: " this month"}
	perWindow = map[budget.Window]string{budget.Day: " per day", budget.Week: " per week", budget.Month: " per month", budget.None: " in all"}
)

// Standing draws a budget: its name, a bar, and the same in a sentence. named is
// whose it is.
//
//	Your budget this month: 99% used, past 80%
//	▓▓▓▓▓▓▓▓▓░
//	$9.97 of $10 spent, $0.03 left. Resets on 1 December. Default budget.
func Standing(p *kit.Page, s budget.Standing, named []kit.Part) {
	// A role's budget is nobody's purse: nothing is spent in it, so there is no bar.
	if s.Limit.Scope.Kind == budget.Role {
		p.Say(kit.Flow(named, kit.Words(fmt.Sprintf(": %s%s each, unless they have a budget of their own.%s", Dollars(s.Limit.Amount), perWindow[s.Limit.Window], policyWords(s.Limit.Policy))))...)
		return
	}
	if s.Limit.Rests {
		p.Say(kit.Flow(kit.Bold(named), kit.Words(": paused. "+budget.RestWords))...)
		return
	}
	said := kit.Flow(kit.Bold(named), kit.Words(During[s.Limit.Window]+": "+percent(s)+" used"+stateWord(s)+"\n"), bar(s), kit.Words("\n"+figures(s)))
	if !s.ResetsAt.IsZero() {
		said = append(said, kit.Words(" Resets on "), kit.Day(s.ResetsAt), kit.Words("."))
	}
	said = append(said, kit.Words(comesFrom(s)+consequences(s)))
	b, size, line := kit.Section(said)
	// For those who hear a message the bar is no words, and would leave an empty line.
	p.Rich(b, size, strings.ReplaceAll(line, "\n\n", "\n")) // where the bar was
}

// bar is a budget at a glance.
func bar(s budget.Standing) kit.Bar {
	return kit.Bar{Limit: int64(s.Limit.Hard()), Spent: int64(s.Spent), Held: int64(s.Held)}
}

// percent is how much of a budget is used up. Nearly nothing is more than
// nothing, and nearly all is not all.
func percent(s budget.Standing) string {
	used := s.Spent + s.Held
	// What is only held counts as well: it cannot be spent by anything else.
	switch hard := s.Limit.Hard(); {
	case used <= 0:
		return "0%"
	case used >= hard:
		return "100%"
	case float64(used) < float64(hard)/100:
		return "under 1%"
	default:
		return fmt.Sprintf("%d%%", min(99, int(float64(used)/float64(hard)*100+0.5)))
	}
}

// Share is a part of an amount in percent.
func Share(part, whole budget.USD) string {
	if whole <= 0 {
		return "0%"
	}
	return kit.PercentOf(float64(part) / float64(whole))
}

// figures are a budget in numbers.
func figures(s budget.Standing) string {
	text := fmt.Sprintf("%s of %s spent", Spent(s.Spent), Dollars(s.Limit.Hard()))
	// Uncertain money is held, too, but for another reason: it would be counted twice.
	if under := s.Held - s.Uncertain; under > 0 {
		text += fmt.Sprintf(", %s reserved for work in progress", Most(under))
	}
	if s.Uncertain > 0 {
		text += fmt.Sprintf(", %s uncertain (a model did not say what its calls cost)", Most(s.Uncertain))
	}
	text += fmt.Sprintf(", %s left.", Left(s.Left()))
	if s.Limit.Extra > 0 {
		text += fmt.Sprintf(" Includes a %s top-up.", Dollars(s.Limit.Extra))
	}
	return text
}

// stateWord says how a budget stands, where that is worth a word.
func stateWord(s budget.Standing) string {
	switch s.State() {
	case budget.Warned:
		marks := s.Reached()
		return fmt.Sprintf(", past %d%%", marks[len(marks)-1])
	case budget.Degraded:
		return ", past its soft limit"
	case budget.Stopped:
		return ", used up"
	}
	return ""
}

// comesFrom says that a limit is a default, and whose.
func comesFrom(s budget.Standing) string {
	switch {
	case !s.Limit.Default:
		return ""
	case s.Limit.Role == budget.Reviewers:
		return " Default for reviewers."
	case s.Limit.Role == budget.Admins:
		return " Default for administrators."
	case s.Limit.Role != "":
		return " Default for everybody."
	}
	return " Default budget."
}

// consequences say what changes once the soft limit is passed.
func consequences(s budget.Standing) string {
	switch state := s.State(); {
	// Nothing starts any more, so what a policy switches off before that does not matter.
	case state == budget.Stopped:
		return " Nothing more can be started on it."
	case state != budget.Degraded:
		return ""
	}
	return fmt.Sprintf(" Past %d%%: %s.", s.Limit.Policy.SoftMark(), Saving(s.Limit.Policy))
}

// Saving says what a policy does past its soft limit, in half a sentence.
// Without From a downgrade holds for any model that is dearer than To; a pair comes from policies that were
// typed so.
func Saving(p budget.LimitPolicy) string {
	var said []string
	for _, d := range p.Downgrade {
		if d.From == "" {
			said = append(said, fmt.Sprintf("%s may write instead of a more expensive model", d.To))
		} else {
			said = append(said, fmt.Sprintf("%s may write instead of %s", d.To, d.From))
		}
	}
	for _, a := range p.Without {
		said = append(said, without(a))
	}
	return kit.Enumeration(said, "and")
}

// without says what an ability that is switched off means.
func without(a budget.Ability) string {
	switch model, ok := a.Model(); {
	case ok:
		return model + " is not used"
	case a == budget.Upload:
		return "no files are uploaded"
	case a == budget.LongRuns:
		return fmt.Sprintf("runs take at most %d seconds", int(budget.ShortRun.Seconds()))
	}
	return "programs have no network"
}

// policyWords say what is set beside an amount, as sentences, each with a space before it.
func policyWords(p budget.LimitPolicy) (text string) {
	var marks []string
	for _, m := range p.Marks() {
		marks = append(marks, fmt.Sprintf("%d%%", m))
	}
	text = fmt.Sprintf(" Warned at %s.", kit.Enumeration(marks, "and"))
	if p.Consequences() {
		text += fmt.Sprintf(" Past %d%%: %s.", p.SoftMark(), Saving(p))
	}
	if p.Ready > 0 {
		text += fmt.Sprintf(" A sandbox is kept ready while people review, for up to %s a question.", p.Ready)
	}
	return text
}

// limitWords say a limit whole: "$25 per month. Warned at 80%."
func limitWords(l budget.Limit) string {
	return Dollars(l.Amount) + perWindow[l.Window] + "." + policyWords(l.Policy)
}
