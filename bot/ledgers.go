package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// historyLength is how many changes a message shows.
const historyLength = 20

// budgetHistory shows who has changed a budget, the latest first.
func (b *Bot) budgetHistory(ctx context.Context, c slack.SlashCommand, o order) (*page, error) {
	if o.target.kind == "" {
		return b.changes(ctx, c.TeamID, c.UserID, nil)
	}
	s, err := b.scope(ctx, c.TeamID, o.target)
	if err != nil {
		return nil, err
	}
	return b.changes(ctx, c.TeamID, c.UserID, &s)
}

// changes lists those of one budget, or of all.
func (b *Bot) changes(ctx context.Context, team, reader string, scope *budget.Scope) (*page, error) {
	events, err := b.Service.LimitHistory(ctx, team, reader, scope)
	if err != nil {
		return nil, err
	}
	slices.Reverse(events)
	p, items, room := &page{}, [][]part(nil), maxBlockText-roomForOne
	for _, e := range events[:min(historyLength, len(events))] {
		item, err := b.changed(ctx, e)
		if err != nil {
			return nil, err
		}
		_, size, _ := section(item)
		if room -= size; room < 0 {
			break
		}
		items = append(items, item)
	}
	if len(items) == 0 {
		p.say(words("Nobody has changed a budget yet."))
		return p, nil
	}
	p.list([]part{strong("Changes"), words(", the latest first")}, items)
	if more := len(events) - len(items); more > 0 {
		p.say(words(fmt.Sprintf("and %s before that.", count(more, "change"))))
	}
	return p, nil
}

// changed says one change: when, who, whose, from what to what.
func (b *Bot) changed(ctx context.Context, e approval.Event) ([]part, error) {
	change, err := steps.ReadLimitChange(e)
	if err != nil {
		return nil, err
	}
	item := []part{moment(e.At), words(", ")}
	if e.Actor == approval.System {
		item = append(item, words("the app: "))
	} else {
		item = append(item, person(e.Actor), words(": "))
	}
	named := b.named(ctx, change.Scope, "")
	switch {
	case change.After == nil:
		item = flow(item, named, words(" removed."))
	case !change.Until.IsZero():
		return flow(item, named, words(fmt.Sprintf(" raised by %s until ", change.After.Extra)), moment(change.Until), words(".")), nil
	default:
		item = flow(item, named, words(" set to "+limitWords(*change.After)))
	}
	if change.Before != nil {
		item = append(item, words(" Before, it was "+limitWords(*change.Before)))
	} else {
		item = append(item, words(" Before, nothing was set."))
	}
	return item, nil
}

// purposes name paid steps.
var purposes = map[budget.Purpose]string{budget.ForDraft: "Writing and inspecting the code", budget.ForRun: "Running it"}

// explainLength is how many paid steps a message shows; there are never many.
const explainLength = 12

// explain says which budget decided what about one question.
func (b *Bot) explain(ctx context.Context, c slack.SlashCommand, o order) (*page, error) {
	return b.explained(ctx, c.TeamID, c.UserID, o.request)
}

// explained says it to whoever may know.
func (b *Bot) explained(ctx context.Context, team, reader, id string) (*page, error) {
	e, err := b.Service.Explain(ctx, team, reader, id)
	if errors.Is(err, approval.ErrNotFound) {
		return nil, &approval.InputError{Why: "There is no question with the id " + id + " here. Its id stands in the small print of its card and its answer; /analyze status lists yours."}
	}
	if err != nil {
		return nil, err
	}
	p := &page{}
	p.quote(cut(e.Request.Question, 300), strong("What was decided about money for"))
	for i, w := range e.Steps[:min(explainLength, len(e.Steps))] {
		p.list(weighed(i+1, w, reader))
	}
	if len(e.Steps) == 0 {
		p.say(words("Nothing has been asked of any budget yet."))
	}
	if more := len(e.Steps) - explainLength; more > 0 {
		p.say(words("and " + count(more, "step") + " more."))
	}
	return p, nil
}

// weighed is one paid step: what it needed, what each budget had, how it ended.
func weighed(n int, w steps.Weighing, reader string) (title []part, items [][]part) {
	step := fmt.Sprintf("%d. %s", n, purposes[w.Purpose])
	if w.Purpose == budget.ForDraft && w.Model != "" {
		step += " (" + cut(w.Model, 80) + ")"
	}
	title = []part{strong(step), words(", "), moment(w.At), words(": up to " + w.Needed.Approx())}
	tight := w.Tight().Limit.Scope
	switch {
	case w.Refused:
		title = flow(title, words(" did not fit. Refused by "), within(tight, reader), words("."))
	case w.Settled == nil && w.Uncertain:
		title = append(title, words(" stays set aside: it is uncertain what a call of the model has cost. After two days it counts as spent."))
	case w.Settled == nil:
		title = append(title, words(" is set aside."))
	default:
		spent := fmt.Sprintf(" was set aside, %s was spent.", w.Settled.Spent.Approx())
		if w.Settled.Estimated {
			spent = fmt.Sprintf(" was set aside, and %s counts as spent: nobody knows how much it was.", w.Settled.Spent.Approx())
		}
		if w.Settled.Over > 0 {
			spent += fmt.Sprintf(" It cost %s more than that, which no budget was charged.", w.Settled.Over.Approx())
		}
		title = append(title, words(spent))
	}
	for _, s := range w.Standings {
		item := append(whose(s.Limit.Scope, reader), words(": "+figures(s)))
		if s.Limit.Scope == tight {
			item = append(item, words(" The tightest."))
		}
		items = append(items, item)
	}
	if len(items) == 0 {
		items = [][]part{{words("No budget applied.")}}
	}
	return title, items
}

// topLength is how many lines a ranking shows.
const topLength = 15

// topSpenders adds spending up.
func (b *Bot) topSpenders(ctx context.Context, c slack.SlashCommand, o order) (*page, error) {
	return b.spenders(ctx, c.TeamID, c.UserID, o)
}

func (b *Bot) spenders(ctx context.Context, team, reader string, o order) (*page, error) {
	from, until := periods[o.period].around(time.Now().In(b.Service.Calendar()))
	list, err := b.Service.Top(ctx, team, reader, steps.Ranking(o.by), from, until)
	if err != nil {
		return nil, err
	}
	p := &page{}
	title := []part{strong(capital(o.by)), words(fmt.Sprintf(", %s (%s)", o.period, stretch(from, until)))}
	if len(list) == 0 {
		p.say(append(title, words(": nothing was spent."))...)
		return p, nil
	}
	p.list(title, ranked(steps.Ranking(o.by), list, topLength))
	return p, nil
}

// stretch names the days from one moment to before another.
func stretch(from, until time.Time) string {
	last := until.Add(-time.Second)
	if from.Format(time.DateOnly) == last.Format(time.DateOnly) {
		return day(from).String()
	}
	return day(from).String() + " to " + day(last).String()
}

// ranked lists spenders with their share, and what all of them spent.
func ranked(by steps.Ranking, list []steps.Spender, most int) (items [][]part) {
	var total budget.USD
	for _, s := range list {
		total += s.Amount
	}
	for _, s := range list[:min(most, len(list))] {
		share := 0
		if total > 0 {
			share = int(float64(s.Amount)/float64(total)*100 + 0.5)
		}
		items = append(items, append(spender(by, s), words(fmt.Sprintf(": %s (%d %%)", s.Amount.Approx(), share))))
	}
	if more := len(list) - most; more > 0 {
		items = append(items, []part{words(fmt.Sprintf("and %d more", more))})
	}
	return append(items, []part{strong("Together: " + total.Approx())})
}

// spender names what spending was added up by.
func spender(by steps.Ranking, s steps.Spender) []part {
	if s.ID == approval.System && (by == steps.ByPeople || by == steps.ByChannels) {
		return []part{words("Countersign's own checks")}
	}
	switch by {
	case steps.ByPeople:
		return []part{person(s.ID)}
	case steps.ByChannels:
		return []part{channel(s.ID)}
	case steps.ByDays:
		if at, err := time.Parse(time.DateOnly, s.ID); err == nil {
			return []part{words(at.Format("Monday, 2 January"))}
		}
	}
	return []part{mono(cut(s.ID, 80))}
}
