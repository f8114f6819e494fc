package draw

import (
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/money"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// Blocked is the progress of a request that a budget has refused: why, a bar, and
// what its asker can do. Anybody may read it, and the service takes choices from
// the asker alone.
//
//	Paused: over budget. Writing the code with mistral-large could cost up to $0.12, and #sales has $0.03 left.
//	▓▓▓▓▓▓▓▓▓░
//	[Use mistral-small (at most $0.02)] [Wait until 1 December] [Ask for $0.09 more] [Try again] [Cancel] [Why?]
func Blocked(with With, v *steps.View, c *steps.Choices) *kit.Page {
	r := v.Request
	p := &kit.Page{}
	if r.Blocked.Rests() { // no budget is short, so no bar and no choice would help
		p.Say(kit.Flow(kit.Strong("Paused. "), refusal(r, ""))...)
		p.Buttons("blocked", waysOn(with, r, c)...)
		return p
	}
	p.Say(kit.Flow(kit.Strong("Paused: over budget. "), refusal(r, ""))...)
	// By the budgets as they stood when they refused: the sentence above the bar says the same numbers.
	tight := r.Blocked.Tight()
	money.Standing(p, tight, money.Whose(tight.Limit.Scope, ""))
	askedMore(p, r)
	if r.Blocked.Wait {
		p.Say(kit.Words("It continues on its own when the budget resets: "), kit.Moment(r.Blocked.Until), kit.Words("."))
	}
	why := kit.Button(ids.ActionWhy, "Why?", r.ID, slack.StyleDefault)
	why.AccessibilityLabel = "Why: the numbers of every budget, shown only to you"
	p.Buttons("blocked", append(waysOn(with, r, c), why)...)
	return p
}

// refusal says in a sentence what did not fit where. reader is who reads it alone: their own budget is "your" budget; ""
// stands for a channel.
// Of a run that is refused it names whoever had pressed Approve (block.By), because their press came to
// nothing: the approval was never written, and somebody has to press again.
func refusal(r *approval.Request, reader string) []kit.Part {
	block := r.Blocked
	tight := block.Tight()
	if block.Rests() {
		if block.Purpose == budget.ForRun && block.By != "" {
			return kit.Flow(kit.Words(budget.RestWords+" Once that is done, "), kit.Person(block.By), kit.Words(" can approve again."))
		}
		return []kit.Part{kit.Words(budget.RestWords + " Once that is done, this continues on its own within a minute, if the budgets have room for it.")}
	}
	// Here money is left, so the sentence about what it could cost would be a riddle.
	if d := block.Declined; d != nil {
		return kit.Flow(kit.Person(r.Asker), kit.Words(fmt.Sprintf(" does not want %s to write the code, and %s is not used while ", kit.Cut(d.To, 80), kit.Cut(d.From, 80))), money.Within(d.Scope, reader),
			kit.Words(" is past its soft limit."))
	}
	what := "Writing the code with " + kit.Cut(block.Model, 80)
	if block.Purpose == budget.ForRun {
		what = "Running the code"
	}
	said := kit.Flow(kit.Words(what+" could cost up to "+money.Most(block.Needed)+", and "), money.Within(tight.Limit.Scope, reader), kit.Words(fmt.Sprintf(" has %s left.", money.Left(tight.Left()))))
	if block.Purpose == budget.ForRun && block.By != "" {
		said = append(said, kit.Words(" Once the budget allows it, "), kit.Person(block.By), kit.Words(" can approve again."))
	}
	return said
}

// askedMore says what became of the latest question for more money.
func askedMore(p *kit.Page, r *approval.Request) {
	if len(r.TopUps) == 0 {
		return
	}
	// Only the last one: what became of the ones before it does not help anybody who waits now.
	t := r.TopUps[len(r.TopUps)-1]
	switch {
	case t.Open():
		p.Quote(kit.Cut(t.Reason, 500), kit.Person(t.AskedBy), kit.Words(fmt.Sprintf(" asked the administrators for %s more:", money.Dollars(t.Amount))))
	case t.Granted:
		p.Say(kit.Person(t.DecidedBy), kit.Words(fmt.Sprintf(" granted %s more, until ", money.Dollars(t.Amount))), kit.Moment(t.ExpiresAt), kit.Words(". That is not enough for this step."))
	default:
		p.Quote(kit.Cut(t.Answer, 500), kit.Person(t.DecidedBy), kit.Words(fmt.Sprintf(" declined to grant %s more:", money.Dollars(t.Amount))))
	}
}

// mostButtons is how many cheaper models get a button of their own; more of them become a list.
const mostButtons = 2

// waysOn returns the asker's choices as buttons. Cancel is always one of them.
// The service looks at the budgets again with every press, so a button that has become wrong since it was drawn
// is answered with a sentence, and costs nothing.
func waysOn(with With, r *approval.Request, c *steps.Choices) (row []slack.BlockElement) {
	// Somebody has raised the budget, or a window has begun: then only this one way makes sense.
	if c.Fits {
		row = append(row, kit.Button(ids.ActionContinue, "Continue", r.ID, slack.StylePrimary))
	}
	switch {
	case len(c.Models) > mostButtons:
		var options []*slack.OptionBlockObject
		for _, m := range c.Models[:min(kit.MaxChoices, len(c.Models))] {
			options = append(options, slack.NewOptionBlockObject(r.ID+"/"+m.Model, kit.Plain(kit.Cut(useLabel(m), 75)), nil))
		}
		row = append(row, slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, kit.Plain("Use a cheaper model"), ids.ActionCheaper, options...))
	default:
		for i, m := range c.Models {
			use := kit.Button(ids.ActionCheaper, kit.Cut(useLabel(m), 75), r.ID+"/"+m.Model, slack.StyleDefault)
			if i > 0 {
				use.ActionID = ids.ActionCheaper2 // an action id stands once in a block
			}
			row = append(row, use)
		}
	}
	// Not where it waits already, or where it would fit at once: then there is nothing to wait for.
	if !c.FitsFrom.IsZero() && !r.Blocked.Wait && !c.Fits {
		row = append(row, kit.Button(ids.ActionWait, "Wait until "+kit.Day(c.FitsFrom.In(with.Calendar)).String(), r.ID, slack.StyleDefault))
	}
	// No button where nobody could grant it: the asker is the only administrator.
	if c.CanTopUp && c.TopUp == nil && !c.Fits {
		row = append(row, kit.Button(ids.ActionMoreMoney, fmt.Sprintf("Ask for %s more", askFor(c.Missing)), r.ID, slack.StyleDefault))
	}
	if !c.Fits {
		again := kit.Button(ids.ActionContinue, "Try again", r.ID, slack.StyleDefault)
		again.AccessibilityLabel = "Try again, in case a budget has been raised"
		row = append(row, again)
	}
	return append(row, Cancel(r))
}

// useLabel names a cheaper model with what it costs at most, so that nobody has to open anything to choose.
func useLabel(m steps.ModelChoice) string {
	return fmt.Sprintf("Use %s (at most %s)", m.Model, money.Most(m.Most))
}

// askFor is an amount that people ask for: what is missing, rounded up to a cent. Rounded down it would be refused again.
func askFor(missing budget.USD) budget.USD {
	return max(budget.Cent, (missing+budget.Cent-1)/budget.Cent*budget.Cent)
}

// blockedWords tell the asker in private that their question is kept.
func blockedWords(r *approval.Request) []kit.Part {
	if r.Blocked.Rests() {
		return kit.Flow(kit.Words("Your question is saved. "), refusal(r, r.Asker))
	}
	return kit.Flow(kit.Words("Your question is saved, but over budget. "), refusal(r, r.Asker), kit.Words(" Its thread shows your options."))
}

// downgradedWords tell the asker that a cheaper model writes, and how to decline.
func downgradedWords(r *approval.Request) []kit.Part {
	d := r.Downgraded
	if d == nil {
		return nil
	}
	return kit.Flow(kit.Words(fmt.Sprintf("%s is writing instead of %s, because ", kit.Cut(d.To, 80), kit.Cut(d.From, 80))), money.Within(d.Scope, r.Asker), kit.Words(" is past its soft limit. You can decline this in the question's thread. "))
}

// cheaperNote says in the thread what downgradedWords says in private, and who steps in for a
// model that cannot be reached.
func cheaperNote(p *kit.Page, r *approval.Request) {
	writes := " is writing"
	switch {
	case r.State == approval.Drafting || r.State == approval.Asking:
	case r.Revision == nil:
		writes = " was to write"
	default:
		writes = " wrote" // it is done, and the thread goes on saying so
	}
	may := ""
	if Declining(r) != nil {
		may = " The asker can decline this, and wait or ask for more budget."
	}
	if c := r.Chosen; c != nil && c.Barred {
		p.Say(kit.Mono(kit.Cut(r.First(), 80)), kit.Words(writes+": "), kit.Mono(kit.Cut(c.Model, 80)), kit.Words(" was chosen earlier in this thread, and may not be asked here any more."))
	}
	if d := r.Downgraded; d != nil {
		p.Say(kit.Flow(kit.Mono(kit.Cut(d.To, 80)), kit.Words(writes+" instead of "), kit.Mono(kit.Cut(d.From, 80)), kit.Words(", because "), money.Within(d.Scope, ""),
			kit.Words(" is past its soft limit."+may))...)
	}
	if f := r.Fallback; r.FellBack() {
		p.Say(kit.Flow(kit.Strong("Fallback: "), kit.Mono(kit.Cut(f.Model, 80)), kit.Words(askedAt(f.Addressee)+writes+", because "), kit.Mono(kit.Cut(f.From, 80)),
			kit.Words(" cannot be reached. Administrators allow this in this channel."))...)
	}
}

// Declining is the button with which the asker declines a cheaper model, as long as
// another one could write instead.
// Not while a person's edit is inspected (r.Edit): no model writes then, so there is none to decline.
func Declining(r *approval.Request) (row []slack.BlockElement) {
	if r.Downgraded == nil || r.Edit != nil || r.State != approval.Drafting && r.State != approval.Pending {
		return nil
	}
	no := kit.Button(ids.ActionInsist, kit.Cut("Without "+r.Downgraded.To, 75), r.ID, slack.StyleDefault)
	no.AccessibilityLabel = kit.Cut("Wait for "+r.Downgraded.From, 75)
	return append(row, no)
}
