package home

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/books"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// HomeAway lets a reviewer name somebody who decides while they are away.
func HomeAway(p *kit.Page, user string, roster review.Roster) {
	var row []slack.BlockElement
	for _, d := range roster.Delegations {
		// Both ends of a delegation see it: who is away, and who decides meanwhile.
		switch user {
		case d.From:
			p.Say(kit.Person(d.To), kit.Words(" may decide in your place until "), lastMoment(d.Until), kit.Words("."))
			row = append(row, kit.Button(ids.ActionReturn, "I am back", "", slack.StyleDefault))
		case d.To:
			p.Say(kit.Words("You may decide in place of "), kit.Person(d.From), kit.Words(" until "), lastMoment(d.Until), kit.Words("."))
		}
	}
	// One delegation at a time: choosing again replaces it.
	label := "I will be away"
	if row != nil {
		label = "Choose somebody else"
	}
	p.Buttons("away", append(row, kit.Button(ids.ActionAway, label, "", slack.StyleDefault), kit.Button(ids.ActionKeys, "SSH keys", "", slack.StyleDefault))...)
}

// homeAdmin is what administrators see of how reviews are done, and where they change it.
func homeAdmin(p *kit.Page, roster review.Roster, set review.RuleSet, short []steps.Shortage) {
	p.Head("Reviews")
	reviews(p, roster, set, short)
	p.Buttons("reviews", kit.Button(ids.ActionPeople, "People", "", slack.StyleDefault), kit.Button(ids.ActionRules, "Rules of the workspace", "", slack.StyleDefault),
		kit.Button(ids.ActionWhose, "Rules of a channel", "", slack.StyleDefault), kit.Button(ids.ActionNotes, "Notes of a channel", "", slack.StyleDefault), kit.Button(ids.ActionFigures, "How reviewers decide", "", slack.StyleDefault),
		kit.Button(ids.ActionTry, "Try other rules", "", slack.StyleDefault),
		kit.Button(ids.ActionTrail, "Audit log", "", slack.StyleDefault), kit.Button(ids.ActionPrivacy, "Privacy", "", slack.StyleDefault), kit.Button(ids.ActionTheirs, "A person's questions", "", slack.StyleDefault))
}

// reviews says who has which part, and by which rules.
// Auditors see the same, without the buttons that homeAdmin puts below it.
func reviews(p *kit.Page, roster review.Roster, set review.RuleSet, short []steps.Shortage) {
	shortages(p, short)
	// Nobody in a role is no line: Too few reviewers says it above, where it matters.
	items := [][]kit.Part{roleLine("Reviewers", roster.Reviewers), roleLine("Fallback reviewers", roster.Fallback), roleLine("Administrators", roster.Admins), roleLine("Auditors", roster.Auditors)}
	for _, d := range roster.Delegations {
		items = append(items, inPlace(d))
	}
	p.List([]kit.Part{kit.Strong("People")}, slices.DeleteFunc(items, func(i []kit.Part) bool { return i == nil }))
	p.List([]kit.Part{kit.Strong("Rules"), kit.Words(" of the workspace (" + setBy(set) + ")")}, rulesLines(set.Rules))
}

// inPlace says who decides in whose place.
func inPlace(d review.Delegation) []kit.Part {
	return []kit.Part{kit.Person(d.To), kit.Words(" may decide in place of "), kit.Person(d.From), kit.Words(" until "), lastMoment(d.Until)}
}

// roleLine says who has a role; nil for nobody.
func roleLine(what string, users []string) []kit.Part {
	if len(users) == 0 {
		return nil
	}
	return append([]kit.Part{kit.Words(what + ": ")}, kit.People(users, " and ")...)
}

// setBy says which version of the rules it is.
func setBy(set review.RuleSet) string {
	if set.Version == 0 {
		return "default"
	}
	return fmt.Sprintf("version %d", set.Version)
}

// rulesLines say rules in words, one thing a line.
// What is not set has no line: a list of everything that does not apply hides what does.
func rulesLines(r review.Rules) (items [][]kit.Part) {
	line := func(text string) { items = append(items, []kit.Part{kit.Words(text)}) }
	for _, t := range approval.Tiers() {
		line(draw.RiskWords[t] + ": " + tierWords(r.For(t)))
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
		line("Code may reach " + kit.Cut(strings.Join(r.Hosts, ", "), 300))
	}
	if len(r.Freezes) > 0 {
		line("Freeze windows: " + kit.Cut(strings.Join(r.Freezes, "; "), 300))
	}
	return items
}

// tierWords say what a tier needs.
func tierWords(t review.TierRules) string {
	said := kit.Count(t.Approvals, "approval")
	if t.Owners {
		said += " from the channel's own reviewers"
	}
	if t.Typed {
		said += ", with a typed confirmation code"
	}
	if t.LineSeconds > 0 {
		said += ", not sooner than " + kit.Count(t.LineSeconds, "second") + " a line after opening the code (two minutes at most)"
	}
	if t.Hourly > 0 {
		said += fmt.Sprintf(", at most %d by one person in an hour", t.Hourly)
	}
	if !t.Slack {
		said += ", on the command line only"
	}
	return said
}

// StatisticsDays is how far the figures about reviewers go back.
const StatisticsDays = 30

// mostFigures is how many reviewers have a line.
const mostFigures = 80

// FiguresView is one line for each reviewer. It gives the median and not the mean: one card left open
// over a weekend would hide a hundred quick decisions.
func FiguresView(all []steps.ReviewerStatistics) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Say(kit.Words(fmt.Sprintf("The last %d days. ", StatisticsDays)), kit.Strong("Quick"), kit.Words(" is a decision on more than 50 lines within ten seconds of opening them: nobody reads that fast. "), kit.Strong("Reversed"),
		kit.Words(" is an approval that did not last, because somebody else rejected it or it was withdrawn."))
	var items [][]kit.Part
	for _, s := range all[:min(mostFigures, len(all))] {
		item := []kit.Part{kit.Person(s.Reviewer), kit.Words(fmt.Sprintf(": %s, of them %s; half were made within %s", kit.Count(s.Decisions, "decision"), kit.Count(s.Approvals, "approval"), kit.Span(s.Median)))}
		// Speed only tells something about programs that take a while to read.
		if s.Long > 0 {
			item = append(item, kit.Words(fmt.Sprintf("; quick: %d of %s (%d%%)", s.Quick, kit.Count(s.Long, "long program"), 100*s.Quick/s.Long)))
		}
		items = append(items, append(item, kit.Words(fmt.Sprintf("; reversed: %d", s.Reversals))))
	}
	if items == nil {
		p.Say(kit.Words("No decisions yet."))
	}
	if more := len(all) - mostFigures; more > 0 {
		items = append(items, []kit.Part{kit.Words(fmt.Sprintf("and %d more", more))})
	}
	p.List(nil, items)
	return kit.NoteOf("How reviewers decide", p)
}

// lastMoment is the last minute before an end: a last day was chosen, and the midnight after it reads as the next one.
func lastMoment(until time.Time) kit.Part { return kit.Moment(until.Add(-time.Minute)) }

// DelegateView asks who decides, and until when. There is no first day: it holds from the press on.
func DelegateView() slack.ModalViewRequest {
	who := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, kit.Plain("Choose a person"), ids.FieldPerson)
	until := slack.NewDatePickerBlockElement(ids.FieldUntil)
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackDelegate, Title: kit.Plain("While you are away"), Submit: kit.Plain("Save"), Close: kit.Plain("Cancel"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewInputBlock(ids.FieldPerson, kit.Plain("Who decides in your place"), kit.Plain("They never decide on what they asked or wrote themselves."), who),
			slack.NewInputBlock(ids.FieldUntil, kit.Plain("Last day"), nil, until)}}}
}

// TryView is the form of the workspace's rules, filled with what holds, for somebody who
// wants to know what others would have changed. Nothing is set by it.
// It shares its form with RulesView, whose first block says from when on the rules apply; that block is
// replaced. The metadata goes as well: nothing is saved over anybody's rules, so it does not matter which
// version was shown.
func TryView(set review.RuleSet) slack.ModalViewRequest {
	view := RulesView(set, "")
	p := &kit.Page{}
	p.Say(kit.Words(fmt.Sprintf("Change what you want to try. The last %d days are played again by it, and you are told what would have been different. Nothing is saved.", TryDays)))
	p.Optional(ids.FieldBudgets, "Budgets to try", `One per line: "team $100 per month", "everybody $5 per month", or a person or a channel by its id. Empty: budgets are not tried.`, "", true)
	view.CallbackID, view.Title, view.Submit, view.PrivateMetadata = ids.CallbackTry, kit.Plain("Try other rules"), kit.Plain("Try"), ""
	// Not the sentence about when rules apply: these never do.
	view.Blocks.BlockSet = append(p.Blocks, view.Blocks.BlockSet[1:]...)
	return view
}

// TryDays is how far a trial goes back.
const TryDays = 30

// shownChanges is how many changes a modal lists.
const shownChanges = 60

// Tried says what other rules would have changed.
//
//	2 versions of another risk and 1 refusal less. Looked at: 81 versions and 240 paid steps since 29 October.
//	Spent in this time: $12. Under these budgets: $9. Top-ups are not counted.
//	• 3 November, k39jnxh of @Maya in #sales: high risk instead of medium risk
func Tried(o books.Outcome) *kit.Page {
	p, counts := &kit.Page{}, o.Counts()
	p.Say(kit.Strong(kit.Capital(TriedSum(counts)+".")), kit.Words(fmt.Sprintf(" Looked at: %s and %s since ", kit.Count(o.Versions, "version"), kit.Count(o.Payments, "paid step"))), kit.Moment(o.Since), kit.Words(". Nothing was changed by this."))
	if o.Forgotten > 0 {
		// Without what an inspection found there is no tier to weigh by other rules.
		p.Say(kit.Words(fmt.Sprintf("Left out: %s whose findings are no longer kept.", kit.Count(o.Forgotten, "version"))))
	}
	// Where no budget was tried both sums would be the same, and say nothing.
	if counts[books.OverBudget] > 0 {
		p.Say(kit.Words(fmt.Sprintf("Spent in this time: %s. Under these budgets: %s. Top-ups are not counted.", o.Spent.Approx(), o.Would.Approx())))
	}
	var items [][]kit.Part
	for _, c := range o.Changes[:min(shownChanges, len(o.Changes))] {
		items = append(items, append([]kit.Part{kit.Moment(c.At), kit.Words(", "), kit.Mono(c.RequestID), kit.Words(" of "), kit.Person(c.Asker), kit.Words(" in "), kit.Place(c.Project), kit.Words(": ")}, wouldBe(c)...))
	}
	if more := len(o.Changes) - shownChanges; more > 0 {
		items = append(items, []kit.Part{kit.Words(fmt.Sprintf("and %d more: ", more)), kit.Mono("countersign simulate")})
	}
	p.List(nil, items)
	return p
}

// TriedSum is how much would have been different, in a sentence without its end: the command line and
// the message put their own around it.
func TriedSum(counts map[books.Kind]int) string {
	var said []string
	for _, k := range []struct {
		kind books.Kind
		what string // its first word is what is counted, and takes the plural
	}{{books.OtherTier, "version of another risk"}, {books.OtherQuorum, "version that needs other approvals"}, {books.OtherCare, "change of an extra step"},
		{books.NoModel, "version of a model that is not allowed"}, {books.NoHost, "host that is not allowed"}, {books.OverBudget, "question that a budget stops"}, {books.HasRoom, "refusal less"}} {
		if n := counts[k.kind]; n > 0 {
			what, rest, _ := strings.Cut(k.what, " ")
			said = append(said, strings.TrimSpace(kit.Count(n, what)+" "+rest))
		}
	}
	if said == nil {
		return "nothing would have been different"
	}
	return kit.Enumeration(said, "and")
}

// wouldBe says one change.
// c.To and c.From are codes or numbers as text, by c.Kind: tiers, counts of approvals, keys of careWords, a
// model, a host.
func wouldBe(c books.Changed) []kit.Part {
	words := func(format string, args ...any) []kit.Part {
		return []kit.Part{kit.Words(fmt.Sprintf(format, args...))}
	}
	switch c.Kind {
	case books.OtherTier:
		return words("%s instead of %s", strings.ToLower(draw.RiskWords[approval.Tier(c.To)]), strings.ToLower(draw.RiskWords[approval.Tier(c.From)]))
	case books.OtherQuorum:
		said := fmt.Sprintf("needs %s approvals instead of %s", c.To, c.From)
		if needs, _ := strconv.Atoi(c.To); c.Ran && needs > c.Given {
			said += fmt.Sprintf("; it ran with %d", c.Given)
		}
		return words("%s", said)
	case books.OtherCare:
		if c.To == "" {
			return words("no longer %s", careWords[c.From])
		}
		return words("%s", careWords[c.To])
	case books.NoModel:
		return []kit.Part{kit.Mono(kit.Cut(c.To, 80)), kit.Words(" is not allowed")}
	case books.NoHost:
		return []kit.Part{kit.Words("could not reach "), kit.Mono(kit.Cut(c.To, 80))}
	case books.OverBudget:
		return append(words("stopped, up to %s needed, by the budget of ", c.Needed.Approx()), scopeWords(c.Scope)...)
	}
	return append(words("not refused any more, up to %s needed, by the budget of ", c.Needed.Approx()), scopeWords(c.Scope)...)
}

// careWords say the extra steps of a tier.
var careWords = map[string]string{"owners": "decided by the channel's own reviewers", "typed": "with a typed confirmation code", "terminal": "decided on the command line only"}

// scopeWords name whose budget it is, behind "the budget of".
func scopeWords(s *budget.Scope) []kit.Part {
	switch s.Kind {
	case budget.User:
		return []kit.Part{kit.Person(s.ID)}
	case budget.Project:
		return []kit.Part{kit.Place(s.ID)}
	case budget.Session:
		return []kit.Part{kit.Words("its thread")}
	}
	return []kit.Part{kit.Words("the workspace")}
}
