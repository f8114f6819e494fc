package notice

import (
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/money"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// overrunNotice says that work has cost more than was held for it.
func overrunNotice(with draw.With, v *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[approval.Overrun](v)
	if err != nil {
		return nil, err
	}
	p := &kit.Page{}
	p.Say(kit.Strong("Something cost more than expected. "), kit.Mono(said.What), kit.Words(fmt.Sprintf(" cost %s, and %s was reserved. "+
		"Budgets were charged no more than that, so your provider's bill is higher than ours.", money.Spent(said.Cost), money.Most(said.Held))))
	// The provider answers with another model than the one that was asked: then that one's price counts.
	if said.Asked != "" && said.Asked != said.What {
		p.Say(kit.Mono(said.Asked), kit.Words(" was requested, but the provider answered with a more expensive model. Request that one by its name, or another."))
	}
	p.Say(kit.Words("You are told once a month for each model and kind of sandbox; the audit trail has every case."))
	linked(p, with, v)
	return p, nil
}

// thresholdNotice says that spending has reached a mark.
func thresholdNotice(with draw.With, v *steps.NoticeView, to string) (*kit.Page, error) {
	said, err := read[approval.Threshold](v)
	if err != nil {
		return nil, err
	}
	p, named := &kit.Page{}, namedIn(with, v, said.Standing.Limit.Scope, to)
	p.Say(append(kit.Bold(named), kit.Words(fmt.Sprintf(" has reached %d%%%s.", said.Mark, money.During[said.Standing.Limit.Window])))...)
	money.Standing(p, said.Standing, named)
	// Past the soft limit, Standing itself says what changes.
	if policy := said.Standing.Limit.Policy; policy.Consequences() && said.Mark < policy.SoftMark() {
		p.Say(kit.Words(fmt.Sprintf("From %d%% on, %s.", policy.SoftMark(), money.Saving(policy))))
	}
	raise(p, v, said.Standing.Limit.Scope, to)
	return p, nil
}

// stopNotice says that a budget has refused work.
// Administrators get it once in a window of the budget, however often it refuses; everybody whom it refuses
// gets it once.
func stopNotice(with draw.With, v *steps.NoticeView, to string) (*kit.Page, error) {
	said, err := read[approval.Stop](v)
	if err != nil {
		return nil, err
	}
	p, named := &kit.Page{}, namedIn(with, v, said.Standing.Limit.Scope, to)
	// The same notice goes to the asker and to the administrators, each in their own words.
	asks := []kit.Part{kit.Words("A question")}
	switch {
	case said.Person == to && to != "":
		asks = []kit.Part{kit.Words("Your question")}
	case said.Person != "":
		asks = []kit.Part{kit.Words("A question of "), kit.Person(said.Person)}
	}
	if said.Standing.Limit.Rests {
		p.Say(kit.Flow(kit.Strong("Paused. "), asks, kit.Words(" waits. "+budget.RestWords))...)
		linked(p, with, v)
		return p, nil
	}
	p.Say(kit.Flow(kit.Strong("Budget reached. "), asks, kit.Words(fmt.Sprintf(" is paused: its next step could cost up to %s, and %s is left.", money.Most(said.Needed), money.Left(said.Standing.Left()))))...)
	money.Standing(p, said.Standing, named)
	linked(p, with, v)
	if said.Person == to {
		p.Say(kit.Words("The question's thread shows what you can do."))
	}
	raise(p, v, said.Standing.Limit.Scope, to)
	return p, nil
}

// forecastNotice says when a budget will be used up.
func forecastNotice(with draw.With, v *steps.NoticeView, to string) (*kit.Page, error) {
	said, err := read[approval.Forecast](v)
	if err != nil {
		return nil, err
	}
	s := said.Standing
	p, named := &kit.Page{}, namedIn(with, v, s.Limit.Scope, to)
	p.Say(kit.Flow(kit.Strong("At this pace "), kit.Inside(named), kit.Words(fmt.Sprintf(" will be used up on %s, before the %s ends.", kit.Day(said.At.In(with.Calendar)), s.Limit.Window)))...)
	money.Standing(p, s, named)
	raise(p, v, s.Limit.Scope, to)
	return p, nil
}

// spikeNotice says that a day costs far more than the same weekday usually does.
func spikeNotice(with draw.With, v *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[approval.Spike](v)
	if err != nil {
		return nil, err
	}
	p, day := &kit.Page{}, said.Day.In(with.Calendar)
	p.Say(kit.Strong(fmt.Sprintf("Unusual spending: %s on %s.", money.Spent(said.Spent), day.Format("Monday, 2 January"))),
		kit.Words(fmt.Sprintf(" A %s usually costs %s; over the four before it, %s more or less.", day.Weekday(), money.Spent(said.Usual), money.Spent(said.Sigma))))
	for _, list := range []struct {
		title string
		by    steps.Ranking
		of    []approval.SpentOn
	}{{"Most of it", steps.ByPeople, said.People}, {"Where", steps.ByChannels, said.Channels}} {
		var items [][]kit.Part
		for _, s := range list.of {
			items = append(items, append(money.Spender(list.by, steps.Spender{ID: s.ID}), kit.Words(": "+money.Spent(s.Amount))))
		}
		if items != nil {
			p.List([]kit.Part{kit.Strong(list.title)}, items)
		}
	}
	p.Small(kit.Words("You are told once a day. Budgets hold all the same: a lower one can be set here."))
	p.Buttons("spending", kit.Button(ids.ActionTop, "Spending", "", slack.StyleDefault), kit.Button(ids.ActionSetLimit, "Set a budget", "", slack.StyleDefault))
	return p, nil
}

// differsNotice says where a provider and the ledger do not agree. It has no buttons: neither side is
// known to be right, and the ledger is never changed to fit.
func differsNotice(_ draw.With, v *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[approval.Differs](v)
	if err != nil {
		return nil, err
	}
	when := "on " + said.From
	if said.To != said.From {
		when = "from " + said.From + " to " + said.To
	}
	p := &kit.Page{}
	p.Say(kit.Strong("The books do not agree. "), kit.Words(said.Provider+" counts something else than we do, by more than 2%, "+when+" (UTC)."))
	var items [][]kit.Part
	for _, l := range said.Lines {
		item := []kit.Part{kit.Words(l.Day + ", "), kit.Mono(kit.Cut(l.Model, 80))}
		switch {
		case said.Boxes:
			item = []kit.Part{kit.Words(fmt.Sprintf("%s: %s here, %s there", l.Day, boxTime(l.Ours), boxTime(l.Theirs)))}
		// Where one side has no line at all, "0 tokens" would hide that it is missing.
		case l.Ours == 0 && l.Paid == 0:
			item = append(item, kit.Words(fmt.Sprintf(": %s tokens there, none here", kit.Thousands(int(l.Theirs)))))
		case l.Theirs == 0 && l.Billed == 0:
			item = append(item, kit.Words(fmt.Sprintf(": %s tokens here, none there", kit.Thousands(int(l.Ours)))))
		default:
			item = append(item, kit.Words(fmt.Sprintf(": %s tokens here, %s there", kit.Thousands(int(l.Ours)), kit.Thousands(int(l.Theirs)))))
		}
		if l.Billed > 0 {
			item = append(item, kit.Words(fmt.Sprintf("; %s here, %s there", money.Spent(l.Paid), money.Spent(l.Billed))))
		}
		items = append(items, item)
	}
	if said.More > 0 {
		items = append(items, []kit.Part{kit.Words("and " + kit.Count(said.More, "more line"))})
	}
	p.List(nil, items)
	if said.Boxes {
		p.Say(kit.Words("How long code had a sandbox, by our ledger and by E2B's own lists. More there than here: a sandbox ran that nobody has paid for, such as one that a crash left behind. More here: a run was charged in full because nobody saw its end. To see all of it: "), kit.Mono("countersign reconcile"))
		return p, nil
	}
	p.Say(kit.Words("More there than here: somebody else uses the same key, or a call was never booked. More here: a call was charged in full because nobody was told what it cost. To see all of it: "), kit.Mono("countersign reconcile"))
	return p, nil
}

// boxTime says how long there were boxes, as people say it: milliseconds, rounded to the second.
func boxTime(ms int64) string {
	return kit.Thousands(int((ms+500)/1000)) + " s"
}

// raise gives administrators the way to change the budget that a notice is about.
// The button opens the form with what holds then, so an old notice cannot put an old amount back.
func raise(p *kit.Page, v *steps.NoticeView, s budget.Scope, to string) {
	// The owner of a budget reads the same notice, and cannot change it.
	if !v.Roster.Admin(to) {
		return
	}
	edit := kit.Button(ids.ActionEditLimit, "Edit this budget", money.ScopeValue(s), "")
	p.Buttons("limit "+money.ScopeValue(s), edit)
}

// priceNotice tells of a model or a box that nobody can price. The one who needs it reads it as well,
// because their question is refused by it or costs their budget more.
func priceNotice(_ draw.With, v *steps.NoticeView, to string) (*kit.Page, error) {
	said, err := read[approval.PriceMissing](v)
	if err != nil {
		return nil, err
	}
	p, what, uses := &kit.Page{}, "The model ", "Its calls are"
	if said.Box {
		what, uses = "The sandbox ", "Its boxes are"
	}
	if said.Refused {
		p.Say(kit.Strong("A price is missing."), kit.Words(" There is no price for "), kit.Mono(said.Model), kit.Words(", so it is not used, and work that needs it is refused."))
	} else {
		p.Say(kit.Strong("A price is missing. "), kit.Words(what), kit.Mono(said.Model), kit.Words(" was used, and has no price. "+
			uses+" charged at the highest possible price, so budgets run down faster than they need to."))
	}
	if said.Asked != "" && said.Asked != said.Model {
		p.Say(kit.Words("It was requested as "), kit.Mono(said.Asked), kit.Words("."))
	}
	if v.Roster.Admin(to) {
		p.Say(kit.Words("To fix this, add a line for it to the file that "), kit.Mono("PRICES_FILE"), kit.Words(" names, and restart the app."))
	} else {
		p.Say(kit.Words("An administrator can add its price; they have been told."))
	}
	return p, nil
}
