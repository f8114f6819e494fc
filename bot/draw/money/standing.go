// Package money draws budgets: how they stand, the form in which they are set, and
// what has become of the money.
package money

import (
	"fmt"
	"strings"

	"countersign/bot/kit"
	"countersign/budget"
)

// Whose names a budget to somebody. Every budget but a thread's has a name that
// is good everywhere; a thread's is meant where one question is spoken of.
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
var roleBudgets = map[string]string{budget.Members: "Everybody's usual budget", budget.Reviewers: "Every reviewer's usual budget", budget.Admins: "Every administrator's usual budget"}

// Within is whose inside a sentence.
func Within(s budget.Scope, reader string) []kit.Part {
	return kit.Inside(Whose(s, reader))
}

// During says of which stretch an amount is; perWindow what a limit is per.
var (
	During    = map[budget.Window]string{budget.Day: " today", budget.Week: " this week", budget.Month: " this month"}
	perWindow = map[budget.Window]string{budget.Day: " per day", budget.Week: " per week", budget.Month: " per month", budget.None: " in all"}
)

// Standing draws a budget: its name, a bar, and the same in a sentence. named is
// whose it is.
func Standing(p *kit.Page, s budget.Standing, named []kit.Part) {
	if s.Limit.Scope.Kind == budget.Role {
		p.Say(kit.Flow(named, kit.Words(fmt.Sprintf(": %s%s, for each of them who has no budget of their own.%s", s.Limit.Amount, perWindow[s.Limit.Window], policyWords(s.Limit.Policy))))...)
		return
	}
	said := kit.Flow(kit.Bold(named), kit.Words(During[s.Limit.Window]+": "+percent(s)+" used"+stateWord(s)+"\n"), bar(s), kit.Words("\n"+figures(s)))
	if !s.ResetsAt.IsZero() {
		said = append(said, kit.Words(" It starts anew "), kit.Moment(s.ResetsAt), kit.Words("."))
	}
	said = append(said, kit.Words(comesFrom(s)+consequences(s)))
	b, size, line := kit.Section(said)
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
	switch hard := s.Limit.Hard(); {
	case used <= 0:
		return "0 %"
	case used >= hard:
		return "100 %"
	case float64(used) < float64(hard)/100:
		return "less than 1 %"
	default:
		return fmt.Sprintf("%d %%", min(99, int(float64(used)/float64(hard)*100+0.5)))
	}
}

// Share is a part of an amount in percent.
func Share(part, whole budget.USD) string {
	if whole <= 0 {
		return "0 %"
	}
	return kit.PercentOf(float64(part) / float64(whole))
}

// figures are a budget in numbers.
func figures(s budget.Standing) string {
	text := fmt.Sprintf("%s of %s spent", s.Spent.Approx(), s.Limit.Hard())
	if under := s.Held - s.Uncertain; under > 0 {
		text += fmt.Sprintf(", %s set aside for work under way", under.Approx())
	}
	if s.Uncertain > 0 {
		text += fmt.Sprintf(", %s uncertain (a model did not say what its calls cost)", s.Uncertain.Approx())
	}
	text += fmt.Sprintf(", %s left.", max(0, s.Left()).ApproxLeft())
	if s.Limit.Extra > 0 {
		text += fmt.Sprintf(" %s of it has been granted on top.", s.Limit.Extra)
	}
	return text
}

// stateWord says how a budget stands, where that is worth a word.
func stateWord(s budget.Standing) string {
	switch s.State() {
	case budget.Warned:
		marks := s.Reached()
		return fmt.Sprintf(", past the mark of %d %%", marks[len(marks)-1])
	case budget.Degraded:
		return ", saving"
	case budget.Stopped:
		return ", used up"
	}
	return ""
}

// comesFrom says where a limit comes from that nobody has set for this person.
func comesFrom(s budget.Standing) string {
	switch {
	case !s.Limit.Default:
		return ""
	case s.Limit.Role == budget.Reviewers:
		return " It is what every reviewer has."
	case s.Limit.Role == budget.Admins:
		return " It is what every administrator has."
	case s.Limit.Role != "":
		return " It is what everybody has."
	}
	return " Nobody has set it, so it is the usual amount."
}

// consequences say what is different past the soft limit, once it is passed.
func consequences(s budget.Standing) string {
	switch state := s.State(); {
	case state == budget.Stopped:
		return " Nothing more can be started on it."
	case state != budget.Degraded:
		return ""
	}
	return fmt.Sprintf(" Because %d %% are spent, %s.", s.Limit.Policy.SoftMark(), Saving(s.Limit.Policy))
}

// Saving says what a policy does past its soft limit, in half a sentence.
func Saving(p budget.LimitPolicy) string {
	var said []string
	for _, d := range p.Downgrade {
		if d.From == "" {
			said = append(said, fmt.Sprintf("%s may write instead of a dearer model", d.To))
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
		marks = append(marks, fmt.Sprintf("%d %%", m))
	}
	text = fmt.Sprintf(" Warned at %s.", kit.Enumeration(marks, "and"))
	if p.Consequences() {
		text += fmt.Sprintf(" Past %d %%, %s.", p.SoftMark(), Saving(p))
	}
	return text
}

// limitWords say a limit whole: "$25.00 per month. Warned at 80 %."
func limitWords(l budget.Limit) string {
	return l.Amount.String() + perWindow[l.Window] + "." + policyWords(l.Policy)
}
