package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
)

// homeAway lets a reviewer name somebody who decides while they are away.
func (b *Bot) homeAway(p *page, user string, roster review.Roster) {
	var row []slack.BlockElement
	for _, d := range roster.Delegations {
		switch user {
		case d.From:
			p.say(person(d.To), words(" may decide in your place until "), moment(d.Until), words("."))
			row = append(row, button(actionReturn, "I am back", "", slack.StyleDefault))
		case d.To:
			p.say(words("You may decide in place of "), person(d.From), words(" until "), moment(d.Until), words("."))
		}
	}
	label := "I will be away"
	if row != nil {
		label = "Name somebody else"
	}
	p.buttons("away", append(row, button(actionAway, label, "", slack.StyleDefault))...)
}

// homeAdmin is what administrators see of how reviews are done, and where they change it.
func (b *Bot) homeAdmin(ctx context.Context, p *page, team string, roster review.Roster) error {
	set, err := b.Service.RulesOf(ctx, team, "")
	if err != nil {
		return err
	}
	p.head("Reviews")
	short, err := b.Service.Shortages(ctx, team)
	if err != nil {
		return err
	}
	shortages(p, short)
	items := [][]part{roleLine("Reviewers", roster.Reviewers), roleLine("Fallback reviewers", roster.Fallback), roleLine("Administrators", roster.Admins)}
	for _, d := range roster.Delegations {
		items = append(items, inPlace(d))
	}
	p.list([]part{strong("People")}, slices.DeleteFunc(items, func(i []part) bool { return i == nil }))
	p.list([]part{strong("Rules"), words(" of the workspace (" + setBy(set) + ")")}, rulesLines(set.Rules))
	p.buttons("reviews", button(actionPeople, "People", "", slack.StyleDefault), button(actionRules, "Rules of the workspace", "", slack.StyleDefault),
		button(actionWhose, "Rules of a channel", "", slack.StyleDefault), button(actionFigures, "How reviewers decide", "", slack.StyleDefault))
	return nil
}

// inPlace says who decides in whose place.
func inPlace(d review.Delegation) []part {
	return []part{person(d.To), words(" may decide in place of "), person(d.From), words(" until "), moment(d.Until)}
}

func roleLine(what string, users []string) []part {
	if len(users) == 0 {
		return nil
	}
	return append([]part{words(what + ": ")}, people(users, " and ")...)
}

// setBy says which version of the rules it is.
func setBy(set review.RuleSet) string {
	if set.Version == 0 {
		return "nobody has changed them"
	}
	return fmt.Sprintf("version %d", set.Version)
}

// rulesLines say rules in words, one thing a line.
func rulesLines(r review.Rules) (items [][]part) {
	line := func(text string) { items = append(items, []part{words(text)}) }
	for _, t := range approval.Tiers() {
		line(riskWords[t] + ": " + tierWords(r.For(t)))
	}
	line("Data: " + string(r.Class))
	if r.CostMedium > 0 {
		line("Medium risk from " + r.CostMedium.String() + " on")
	}
	if r.CostHigh > 0 {
		line("High risk from " + r.CostHigh.String() + " on")
	}
	if len(r.Hosts) == 0 {
		line("Code reaches no network")
	} else {
		line("Code may reach " + cut(strings.Join(r.Hosts, ", "), 300))
	}
	if len(r.Freezes) > 0 {
		line("Nothing starts: " + cut(strings.Join(r.Freezes, "; "), 300))
	}
	return items
}

// tierWords say what a tier needs.
func tierWords(t review.TierRules) string {
	said := count(t.Approvals, "approval")
	if t.Owners {
		said += " of the channel's own reviewers"
	}
	if t.Typed {
		said += ", with the digest typed"
	}
	if !t.Slack {
		said += ", on the command line only"
	}
	return said
}

// statisticsDays is how far the figures about reviewers go back.
const statisticsDays = 30

// clickFigures shows administrators how reviewers decide: whether code is read, or
// waved through.
func (b *Bot) clickFigures(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	all, err := b.Service.Statistics(ctx, clickOf(cb, action), time.Now().AddDate(0, 0, -statisticsDays))
	if err != nil {
		return answer{}, err
	}
	return answer{}, b.open(ctx, cb.TriggerID, figuresView(all))
}

// figuresView is one line for each reviewer.
func figuresView(all []steps.ReviewerStatistics) slack.ModalViewRequest {
	p := &page{}
	p.say(words(fmt.Sprintf("The last %d days. ", statisticsDays)), strong("Quick"), words(" is a decision on more than 50 lines within ten seconds of opening them: nobody reads that fast. "), strong("Reversed"),
		words(" is an approval that did not stand, because somebody else said no or it was taken back."))
	var items [][]part
	for _, s := range all[:min(80, len(all))] {
		item := []part{person(s.Reviewer), words(fmt.Sprintf(": %s, %d approved, half of them within %s", count(s.Decisions, "decision"), s.Approvals, span(s.Median)))}
		if s.Long > 0 {
			item = append(item, words(fmt.Sprintf("; quick: %d of %s (%d %%)", s.Quick, count(s.Long, "long program"), 100*s.Quick/s.Long)))
		}
		items = append(items, append(item, words(fmt.Sprintf("; reversed: %d", s.Reversals))))
	}
	if items == nil {
		p.say(words("Nobody has decided on anything yet."))
	}
	p.list(nil, items)
	return noteOf("How reviewers decide", p)
}

// span says how long something took, as a person would.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return count(int(d/time.Second), "second")
	case d < 2*time.Hour:
		return count(int(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return count(int(d/time.Hour), "hour")
	}
	return count(int(d/(24*time.Hour)), "day")
}

// clickAway asks who decides in the meantime.
func (b *Bot) clickAway(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	return answer{}, b.open(ctx, cb.TriggerID, delegateView())
}

// delegateView asks who decides, and until when.
func delegateView() slack.ModalViewRequest {
	who := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, plain("Choose a person"), fieldPerson)
	until := slack.NewDatePickerBlockElement(fieldUntil)
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackDelegate, Title: plain("While you are away"), Submit: plain("Save"), Close: plain("Cancel"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewInputBlock(fieldPerson, plain("Who decides in your place"), plain("Never on what they have asked or written themselves."), who),
			slack.NewInputBlock(fieldUntil, plain("The last day"), nil, until)}}}
}

// submitDelegate names them.
func (b *Bot) submitDelegate(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	fields := fieldsOf(cb)
	zone := b.Policy().Zone
	if zone == nil {
		zone = time.UTC
	}
	day, err := time.ParseInLocation(time.DateOnly, fields[fieldUntil].SelectedDate, zone)
	if err != nil {
		return beside(fieldUntil, "Please choose a day."), nil
	}
	err = b.Service.Delegate(ctx, modalClick(cb, origin{}), fields[fieldPerson].SelectedUser, day.AddDate(0, 0, 1))
	return saved(err, fieldPerson)
}

// clickReturn ends a delegation.
func (b *Bot) clickReturn(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	return answer{}, b.Service.Delegate(ctx, clickOf(cb, action), "", time.Time{})
}

// beside says beside a field what is wrong.
func beside(field, text string) answer {
	return answer{payload: slack.NewErrorsViewSubmissionResponse(map[string]string{field: cut(text, 2000)})}
}

// saved ends a form: it closes, or says beside a field or in its place what is wrong.
func saved(err error, field string) (answer, error) {
	text, ok := known(err)
	switch {
	case err == nil:
		return answer{payload: slack.NewClearViewSubmissionResponse()}, nil
	case !ok:
		return answer{}, err
	case isInput(err):
		return beside(field, text), nil
	}
	return answer{payload: slack.NewUpdateViewSubmissionResponse(noteView("Nothing has changed", text))}, nil
}
