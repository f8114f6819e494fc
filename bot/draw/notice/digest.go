package notice

import (
	"fmt"
	"slices"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/money"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// digestNotice is a week in figures, for administrators. It is drawn from what was counted when the
// week ended, so it says the same however often and late it is drawn.
//
//	What was spent, 16 to 22 November
//	$12.40 for 48 questions. Of these, 41 answered, 4 rejected and 3 expired.
//	By person / By channel / By model and sandbox
//	bars of the fullest budgets
//	How well it went: quotes against what runs cost, and how often a budget refused
func digestNotice(with draw.With, v *steps.NoticeView, to string) (*kit.Page, error) {
	said, err := read[steps.Digest](v)
	if err != nil {
		return nil, err
	}
	from, until := said.From.In(with.Calendar), said.Until.In(with.Calendar)
	p := &kit.Page{}
	p.Head("What was spent, " + money.Stretch(from, until))
	p.Say(kit.Strong(money.Spent(said.Total)), kit.Words(fmt.Sprintf(" for %s. %s", kit.Count(said.Requests, "question"), outcomes(said.Outcomes))))
	for _, list := range []struct {
		title string
		by    steps.Ranking
		of    []steps.Spender
	}{{"By person", steps.ByPeople, said.People}, {"By channel", steps.ByChannels, said.Projects}, {"By model and sandbox", steps.ByModels, said.Models}} {
		if len(list.of) > 0 {
			p.List([]kit.Part{kit.Strong(list.title)}, money.Ranked(list.by, list.of, 8))
		}
	}
	digestLimits(p, said.Limits, to)
	p.List([]kit.Part{kit.Strong("How well it went")}, quality(said))
	return p, nil
}

// outcomes say what became of the questions, in a sentence.
func outcomes(all map[approval.State]int) string {
	var said []string
	// In the order of a life, so that two weeks can be compared.
	for _, state := range approval.States() {
		if all[state] > 0 {
			said = append(said, kit.Thousands(all[state])+" "+outcomeOf[state])
		}
	}
	if len(said) == 0 {
		return ""
	}
	return "Of these, " + kit.Enumeration(said, "and") + "."
}

// outcomeOf says how questions stand, behind how many they are.
var outcomeOf = map[approval.State]string{approval.Drafting: "being written", approval.Asking: "waiting for the asker", approval.Pending: "waiting for a reviewer", approval.Approved: "approved and not yet run",
	approval.Running: "running", approval.Done: "answered", approval.Failed: "failed", approval.Rejected: "rejected", approval.Expired: "expired",
	approval.Withdrawn: "cancelled", approval.Lost: "lost"}

// mostLimits is how many budgets a digest draws, each as a block of its own. The command lists all.
const mostLimits = 6

// digestLimits draws the budgets that pay, the most used first.
func digestLimits(p *kit.Page, all []budget.Standing, to string) {
	// Defaults of roles spend nothing.
	all = slices.DeleteFunc(slices.Clone(all), func(s budget.Standing) bool { return s.Limit.Scope.Kind == budget.Role })
	money.ByUse(all)
	for _, s := range all[:min(mostLimits, len(all))] {
		money.Standing(p, s, money.Whose(s.Limit.Scope, to))
	}
	if more := len(all) - mostLimits; more > 0 {
		p.Say(kit.Words(fmt.Sprintf("and %s more: ", kit.Count(more, "budget"))), kit.Mono(ids.CommandBudget+" show"))
	}
}

// quality says how good the quotes were, and how often money was missing. Half and 19 of 20 are the
// median and the 95th percentile: a mean would be moved by one run that went wrong.
func quality(d steps.Digest) (items [][]kit.Part) {
	if d.Runs > 0 && d.Quoted > 0 {
		items = append(items, []kit.Part{kit.Words(fmt.Sprintf("%s: %s spent, %s expected.", kit.Count(d.Runs, "run"), money.Spent(d.Actual), money.Spent(d.Quoted)))},
			[]kit.Part{kit.Words(fmt.Sprintf("Half of the runs were within %s of their estimate, 19 of 20 within %s.", kit.PercentOf(d.Off), kit.PercentOf(d.OffP95)))})
	}
	if d.Paid+d.Refused > 0 {
		items = append(items, []kit.Part{kit.Words(fmt.Sprintf("Budgets allowed %s, and refused a step of %s.", kit.Count(d.Paid, "paid step"), kit.Count(d.Refused, "question")))})
	}
	if len(items) == 0 {
		items = [][]kit.Part{{kit.Words("Nothing ran.")}}
	}
	return items
}
