package notice

import (
	"fmt"

	"countersign/approval/habits"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/money"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// habitsNotice tells those who answer for reviews how people have approved.
func habitsNotice(with draw.With, v *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[habits.Digest](v)
	if err != nil {
		return nil, err
	}
	p := Habits(with, said)
	p.Small(kit.Words("Type "), kit.Mono(ids.CommandAnalyze+" reviews"), kit.Words(" to see the last seven days at any time."))
	return p, nil
}

// mostHabits is how many people a message names, and how many pairs.
const mostHabits = 20

// Habits draws how people have approved, for the weekly message and for the command. It gives
// counts and the requests to look at, and no verdict: who faster than anybody reads, and who nearly only each other.
func Habits(with draw.With, d habits.Digest) *kit.Page {
	p := &kit.Page{}
	p.Head("How code was approved, " + money.Stretch(d.From.In(with.Calendar), d.Until.In(with.Calendar)))
	p.Say(kit.Words(kit.Count(d.Approvals, "approval") + "."))
	var items [][]kit.Part
	for _, f := range d.Fast[:min(mostHabits, len(d.Fast))] {
		item := []kit.Part{kit.Person(f.Reviewer), kit.Words(fmt.Sprintf(": %d of %s (", f.Count, kit.Count(f.Approvals, "approval")))}
		for i, id := range f.Requests {
			if i > 0 {
				item = append(item, kit.Words(", "))
			}
			item = append(item, kit.Mono(id))
		}
		items = append(items, append(item, kit.Words(")")))
	}
	if items == nil {
		p.Say(kit.Words("None came faster than somebody can read the code."))
	} else {
		p.List([]kit.Part{kit.Strong("Faster than reading: "), kit.Words("approved within less than half a second a line of opening the code")}, items)
	}
	items = nil
	for _, pair := range d.Pairs[:min(mostHabits, len(d.Pairs))] {
		items = append(items, []kit.Part{kit.Person(pair.One), kit.Words(" and "), kit.Person(pair.Other),
			kit.Words(fmt.Sprintf(": %d of %d, and %d of %d in return", pair.Given, pair.Of, pair.Back, pair.OfAll))})
	}
	if items == nil {
		p.Say(kit.Words("No two people approve nearly only each other."))
	} else {
		p.List([]kit.Part{kit.Strong("Nearly only each other: "), kit.Words("of the approvals that each gave in four weeks, those for the other")}, items)
	}
	return p
}
