package money

import (
	"fmt"
	"slices"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/kit"
)

// historyLength is how many changes a message shows.
const historyLength = 20

// LimitChanges lists them, the latest first.
// events come oldest first, as the database has them, and are reversed in place.
func LimitChanges(events []approval.Event, named Namer) (*kit.Page, error) {
	slices.Reverse(events)
	p, items, room := &kit.Page{}, [][]kit.Part(nil), kit.MaxBlockText-roomForOne
	for _, e := range events[:min(historyLength, len(events))] {
		item, err := limitChanged(e, named)
		if err != nil {
			return nil, err
		}
		// Policies can be long, so the message may be full before historyLength.
		_, size, _ := kit.Section(item)
		if room -= size; room < 0 {
			break
		}
		items = append(items, item)
	}
	if len(items) == 0 {
		p.Say(kit.Words("No budget has been changed yet."))
		return p, nil
	}
	p.List([]kit.Part{kit.Strong("Changes"), kit.Words(", the latest first")}, items)
	if more := len(events) - len(items); more > 0 {
		p.Say(kit.Words(fmt.Sprintf("and %s before that.", kit.Count(more, "change"))))
	}
	return p, nil
}

// limitChanged says one change: when, who, whose, from what to what.
func limitChanged(e approval.Event, names Namer) ([]kit.Part, error) {
	change, err := steps.ReadLimitChange(e)
	if err != nil {
		return nil, err
	}
	item := []kit.Part{kit.Moment(e.At), kit.Words(", ")}
	// The guided set-up (countersign init) sets the team's first budget, before anybody has a role.
	if e.Actor == approval.System {
		item = append(item, kit.Words("the app: "))
	} else {
		item = append(item, kit.Person(e.Actor), kit.Words(": "))
	}
	if e.Kind == approval.EventReckoned {
		return append(item, kit.Words(fmt.Sprintf("confirmed that %s was spent after the copy of the database that was put back.", change.Spent))), nil
	}
	named := names(change.Scope)
	switch {
	case change.After == nil:
		item = kit.Flow(item, named, kit.Words(" removed."))
	case !change.Until.IsZero():
		return kit.Flow(item, named, kit.Words(fmt.Sprintf(" raised by %s until ", change.After.Extra)), kit.Moment(change.Until), kit.Words(".")), nil
	default:
		item = kit.Flow(item, named, kit.Words(" set to "+limitWords(*change.After)))
	}
	if change.Before != nil {
		item = append(item, kit.Words(" Before, it was "+limitWords(*change.Before)))
	} else {
		item = append(item, kit.Words(" Before, nothing was set."))
	}
	return item, nil
}
