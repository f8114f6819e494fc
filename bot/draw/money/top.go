package money

import (
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/command"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// rankingChoices and periodChoices are what can be chosen, in the order of the lists.
var (
	rankingChoices = []string{string(steps.ByPeople), string(steps.ByChannels), string(steps.ByModels), string(steps.ByDays)}
	periodChoices  = []string{"today", "yesterday", "this week", "last week", "this month", "last month"}
)

// TopView is a ranking under the lists to choose from.
// Each press on a list draws the modal anew. The lists stand in actions blocks: input blocks would tell us
// nothing until a form is submitted, and this one has no button for that.
func TopView(p *kit.Page, o command.Order) slack.ModalViewRequest {
	list := func(field, chosen string, values []string) slack.Block {
		var options []*slack.OptionBlockObject
		for _, v := range values {
			options = append(options, slack.NewOptionBlockObject(v, kit.Plain(kit.Capital(v)), nil))
		}
		e := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, field, options...)
		for i, v := range values {
			if v == chosen {
				e.InitialOption = options[i]
			}
		}
		return slack.NewActionBlock(field, e)
	}
	view := kit.NoteOf("Spending", p)
	view.CallbackID = ids.CallbackTop
	view.Blocks.BlockSet = append([]slack.Block{list(ids.FieldRanking, o.By, rankingChoices), list(ids.FieldPeriod, o.Period, periodChoices)}, view.Blocks.BlockSet...)
	return view
}

// topLength is how many lines a ranking shows. Their shares are of all, also of those that have no line.
const topLength = 15

// Ranking lists who has spent how much.
func Ranking(p *kit.Page, o command.Order, from, until time.Time, list []steps.Spender) {
	title := []kit.Part{kit.Strong(kit.Capital(o.By)), kit.Words(fmt.Sprintf(", %s (%s)", o.Period, Stretch(from, until)))}
	if len(list) == 0 {
		p.Say(append(title, kit.Words(": nothing spent."))...)
		return
	}
	p.List(title, Ranked(steps.Ranking(o.By), list, topLength))
}

// Paced says how fast money goes this month, above a ranking of it.
// pace.Days is how many days the pace is taken from.
func Paced(p *kit.Page, pace budget.Pace) {
	if pace.Days == 0 {
		return // a first day leads nowhere yet
	}
	last := pace.Until.Add(-time.Second)
	p.Say(kit.Strong(fmt.Sprintf("At this pace about %s by %s.", pace.Projected.Approx(), kit.Day(last))),
		kit.Words(fmt.Sprintf(" %s this month so far; %s a day over the last %s.", Spent(pace.Spent), Spent(pace.PerDay), kit.Count(pace.Days, "day"))))
}

// Stretch names the days from one moment to before another.
func Stretch(from, until time.Time) string {
	// The end is the first moment after the stretch, and people name its last day.
	last := until.Add(-time.Second)
	if from.Format(time.DateOnly) == last.Format(time.DateOnly) {
		return kit.Day(from).String()
	}
	return kit.Day(from).String() + " to " + kit.Day(last).String()
}

// Ranked lists spenders with their share, and what all of them spent.
func Ranked(by steps.Ranking, list []steps.Spender, most int) (items [][]kit.Part) {
	var total budget.USD
	for _, s := range list {
		total += s.Amount
	}
	for _, s := range list[:min(most, len(list))] {
		items = append(items, append(Spender(by, s), kit.Words(fmt.Sprintf(": %s (%s)", Spent(s.Amount), Share(s.Amount, total)))))
	}
	if more := len(list) - most; more > 0 {
		items = append(items, []kit.Part{kit.Words(fmt.Sprintf("and %d more", more))})
	}
	return append(items, []kit.Part{kit.Strong("Together: " + Spent(total))})
}

// Spender names what spending was added up by.
func Spender(by steps.Ranking, s steps.Spender) []kit.Part {
	// What doctor and self-tests try belongs to nobody and to no channel.
	if s.ID == approval.System && (by == steps.ByPeople || by == steps.ByChannels) {
		return []kit.Part{kit.Words("Countersign's own checks")}
	}
	switch by {
	case steps.ByPeople:
		return []kit.Part{kit.Person(s.ID)}
	case steps.ByChannels:
		return []kit.Part{kit.Place(s.ID)}
	case steps.ByDays:
		// With its weekday, which is what people compare days by.
		if at, err := time.Parse(time.DateOnly, s.ID); err == nil {
			return []kit.Part{kit.Words(at.Format("Monday, 2 January"))}
		}
	}
	return []kit.Part{kit.Mono(kit.Cut(s.ID, 80))}
}
