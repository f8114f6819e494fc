package bot

import (
	"fmt"
	"slices"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// digestNotice is a week in figures, for administrators.
func (b *Bot) digestNotice(v *steps.NoticeView, to string) (*page, error) {
	said, err := read[steps.Digest](v)
	if err != nil {
		return nil, err
	}
	from, until := said.From.In(b.Service.Calendar()), said.Until.In(b.Service.Calendar())
	p := &page{}
	p.head("What was spent, " + stretch(from, until))
	p.say(strong(said.Total.Approx()), words(fmt.Sprintf(" for %s. %s", count(said.Requests, "question"), outcomes(said.Outcomes))))
	for _, list := range []struct {
		title string
		by    steps.Ranking
		of    []steps.Spender
	}{{"By person", steps.ByPeople, said.People}, {"By channel", steps.ByChannels, said.Projects}, {"By model and sandbox", steps.ByModels, said.Models}} {
		if len(list.of) > 0 {
			p.list([]part{strong(list.title)}, ranked(list.by, list.of, 8))
		}
	}
	b.digestLimits(p, said.Limits, to)
	p.list([]part{strong("How well it went")}, quality(said))
	return p, nil
}

// outcomes say what became of the questions, in a sentence.
func outcomes(all map[approval.State]int) string {
	var said []string
	for _, state := range approval.States() {
		if all[state] > 0 {
			said = append(said, thousands(all[state])+" "+outcomeOf[state])
		}
	}
	if len(said) == 0 {
		return ""
	}
	return "Of these, " + enumeration(said, "and") + "."
}

// outcomeOf says how questions stand, behind how many they are.
var outcomeOf = map[approval.State]string{approval.Drafting: "being written", approval.Pending: "waiting for a reviewer", approval.Approved: "approved and not yet run",
	approval.Running: "running", approval.Done: "answered", approval.Failed: "failed", approval.Rejected: "rejected", approval.Expired: "expired",
	approval.Withdrawn: "taken back", approval.Lost: "lost"}

// digestLimits draws the budgets that pay, the most used first.
func (b *Bot) digestLimits(p *page, all []budget.Standing, to string) {
	all = slices.DeleteFunc(slices.Clone(all), func(s budget.Standing) bool { return s.Limit.Scope.Kind == budget.Role })
	byUse(all)
	for _, s := range all[:min(6, len(all))] {
		p.standing(s, whose(s.Limit.Scope, to))
	}
	if more := len(all) - 6; more > 0 {
		p.say(words(fmt.Sprintf("and %s more: ", count(more, "budget"))), mono(commandBudget+" show"))
	}
}

// quality says how good the quotes were, and how often money was missing.
func quality(d steps.Digest) (items [][]part) {
	if d.Runs > 0 && d.Quoted > 0 {
		items = append(items, []part{words(fmt.Sprintf("%s: %s expected, %s spent, which is %s of it.", count(d.Runs, "run"), d.Quoted.Approx(), d.Actual.Approx(), share100(d.Actual, d.Quoted)))},
			[]part{words(fmt.Sprintf("In the median a run missed what was expected of it by %s, and 19 of 20 by no more than %s.", percentOf(d.Off), percentOf(d.OffP95)))})
	}
	if d.Paid+d.Refused > 0 {
		items = append(items, []part{words(fmt.Sprintf("Budgets bore %s, and refused a step of %s.", count(d.Paid, "paid step"), count(d.Refused, "question")))})
	}
	if len(items) == 0 {
		items = [][]part{{words("Nothing was run.")}}
	}
	return items
}

// share100 is a share in percent.
func share100(part, whole budget.USD) string {
	if whole <= 0 {
		return "0 %"
	}
	return percentOf(float64(part) / float64(whole))
}

func percentOf(share float64) string { return fmt.Sprintf("%d %%", int(share*100+0.5)) }
