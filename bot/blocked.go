package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// blocked is the progress of a request that a budget has refused: why, a bar, and
// what its asker can do. Anybody may read it, and the service takes choices from
// the asker alone.
func (b *Bot) blocked(v *steps.View, c *steps.Choices) *page {
	r := v.Request
	p := &page{}
	p.say(flow(strong("Waiting for money"), words(", so nothing is under way. "), refusal(r, ""))...)
	tight := r.Blocked.Tight()
	p.standing(tight, whose(tight.Limit.Scope, ""))
	askedMore(p, r)
	if r.Blocked.Wait {
		p.say(words("It goes on by itself when the budget starts anew: "), moment(r.Blocked.Until), words("."))
	}
	why := button(actionWhy, "Why?", r.ID, slack.StyleDefault)
	why.AccessibilityLabel = "Why, with the numbers of every budget, for you alone"
	p.buttons("blocked", append(b.waysOn(r, c), why)...)
	return p
}

// progressNow is the line of progress, with what can be done about a budget that
// refuses: that depends on the budgets as they are now.
func (b *Bot) progressNow(ctx context.Context, v *steps.View) (*page, error) {
	if v.Request.Blocked == nil || v.Request.State.Final() {
		return b.progress(v), nil
	}
	c, err := b.Service.Choices(ctx, v.Request.ID)
	if err != nil {
		return nil, err
	}
	if c.Block == nil {
		return b.progress(v), nil // it has gone on meanwhile, and will be drawn again
	}
	return b.blocked(v, c), nil
}

// refusal says in a sentence what did not fit where.
func refusal(r *approval.Request, reader string) []part {
	block := r.Blocked
	tight := block.Tight()
	if d := block.Declined; d != nil {
		return flow(person(r.Asker), words(fmt.Sprintf(" would rather not have %s write, and %s is not used while ", cut(d.To, 80), cut(d.From, 80))), within(d.Scope, reader),
			words(" is past its soft limit."))
	}
	what := "Writing the code with " + cut(block.Model, 80)
	if block.Purpose == budget.ForRun {
		what = "Running the code"
	}
	said := flow(words(what+" could need up to "+block.Needed.Approx()+", and "), within(tight.Limit.Scope, reader), words(fmt.Sprintf(" has %s left.", max(0, tight.Left()).ApproxLeft())))
	if block.Purpose == budget.ForRun && block.By != "" {
		said = append(said, words(" Once there is money, "), person(block.By), words(" can approve it again."))
	}
	return said
}

// askedMore says what became of the latest question for more money.
func askedMore(p *page, r *approval.Request) {
	if len(r.TopUps) == 0 {
		return
	}
	t := r.TopUps[len(r.TopUps)-1]
	switch {
	case t.Open():
		p.quote(cut(t.Reason, 500), person(t.AskedBy), words(fmt.Sprintf(" has asked the administrators for %s more:", t.Amount)))
	case t.Granted:
		p.say(person(t.DecidedBy), words(fmt.Sprintf(" has granted %s more, until ", t.Amount)), moment(t.ExpiresAt), words(". It is not enough for this step."))
	default:
		p.quote(cut(t.Answer, 500), person(t.DecidedBy), words(fmt.Sprintf(" has not granted %s more:", t.Amount)))
	}
}

// mostButtons is how many cheaper models get a button of their own.
const mostButtons = 2

// waysOn are the choices as buttons. Leaving is always one of them.
func (b *Bot) waysOn(r *approval.Request, c *steps.Choices) (row []slack.BlockElement) {
	if c.Fits {
		row = append(row, button(actionContinue, "Go on", r.ID, slack.StylePrimary))
	}
	switch {
	case len(c.Models) > mostButtons:
		var options []*slack.OptionBlockObject
		for _, m := range c.Models[:min(100, len(c.Models))] {
			options = append(options, slack.NewOptionBlockObject(r.ID+"/"+m.Model, plain(cut(useLabel(m), 75)), nil))
		}
		row = append(row, slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Use a cheaper model"), actionCheaper, options...))
	default:
		for i, m := range c.Models {
			use := button(actionCheaper, cut(useLabel(m), 75), r.ID+"/"+m.Model, slack.StyleDefault)
			if i > 0 {
				use.ActionID = actionCheaper2 // an action id stands once in a block
			}
			row = append(row, use)
		}
	}
	if !c.FitsFrom.IsZero() && !r.Blocked.Wait && !c.Fits {
		row = append(row, button(actionWait, "Wait until "+day(c.FitsFrom.In(b.Service.Calendar())).String(), r.ID, slack.StyleDefault))
	}
	if c.CanTopUp && c.TopUp == nil && !c.Fits {
		row = append(row, button(actionMoreMoney, fmt.Sprintf("Ask for %s more", askFor(c.Missing)), r.ID, slack.StyleDefault))
	}
	if !c.Fits {
		again := button(actionContinue, "Try again", r.ID, slack.StyleDefault)
		again.AccessibilityLabel = "Try again, in case a budget has been raised"
		row = append(row, again)
	}
	take := button(actionCancel, "Cancel", r.ID, slack.StyleDefault)
	take.AccessibilityLabel = "Take this question back"
	return append(row, take)
}

func useLabel(m steps.ModelChoice) string {
	return fmt.Sprintf("Use %s (at most %s)", m.Model, m.Most.Approx())
}

// askFor is an amount that people ask for: what is missing, rounded up to a cent.
func askFor(missing budget.USD) budget.USD {
	return max(budget.Cent, (missing+budget.Cent-1)/budget.Cent*budget.Cent)
}

// blockedWords tell the asker in private that their question is kept.
func blockedWords(r *approval.Request) []part {
	return flow(words("Your question is kept, and waits for money. "), refusal(r, r.Asker), words(" Its thread in this channel shows what you can do. To take it back: "), mono(fmt.Sprintf("%s cancel %s", commandAnalyze, r.ID)))
}

// clickContinue tries a blocked request again.
func (b *Bot) clickContinue(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	_, err := b.Service.Continue(ctx, action.Value, "", clickOf(cb, action))
	return answer{}, stillBlocked(err, cb.User.ID)
}

// clickCheaper goes on with the model that was chosen, from a button or a list.
func (b *Bot) clickCheaper(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	value := action.Value
	if value == "" {
		value = action.SelectedOption.Value
	}
	id, model, ok := strings.Cut(value, "/")
	if !ok || model == "" {
		return answer{}, &approval.InputError{Why: "I do not know this button. It may belong to an older version of this app."}
	}
	_, err := b.Service.Continue(ctx, id, model, clickOf(cb, action))
	return answer{}, stillBlocked(err, cb.User.ID)
}

// stillBlocked says the same as the refusal did before, with a beginning that
// answers the press.
func stillBlocked(err error, asker string) error {
	if exceeded := new(budget.ExceededError); errors.As(err, &exceeded) {
		return &approval.InputError{Why: "It still does not fit. " + exceeded.Words(asker)}
	}
	return err
}

// clickWait has it go on by itself when the budget starts anew.
func (b *Bot) clickWait(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	_, err := b.Service.WaitForReset(ctx, action.Value, clickOf(cb, action))
	return answer{}, stillBlocked(err, cb.User.ID)
}

// downgradedWords tell the asker that a cheaper model writes, and how to decline.
func downgradedWords(r *approval.Request) []part {
	d := r.Downgraded
	if d == nil {
		return nil
	}
	return flow(words(fmt.Sprintf("%s writes instead of %s, because ", cut(d.To, 80), cut(d.From, 80))), within(d.Scope, r.Asker), words(" is past its soft limit. If you would rather not, decline it in the question's thread. "))
}

// cheaperNote says in the thread what downgradedWords says in private.
func (b *Bot) cheaperNote(p *page, r *approval.Request) {
	if d := r.Downgraded; d != nil {
		p.say(flow(mono(cut(d.To, 80)), words(" writes instead of "), mono(cut(d.From, 80)), words(", because "), within(d.Scope, ""),
			words(" is past its soft limit. Whoever asked can decline that, and wait or ask for more money."))...)
	}
}

// declining is the button with which the asker declines a cheaper model, as long as
// another one could write instead.
func (b *Bot) declining(r *approval.Request) (row []slack.BlockElement) {
	if r.Downgraded == nil || r.Edit != nil || r.State != approval.Drafting && r.State != approval.Pending {
		return nil
	}
	no := button(actionInsist, cut("Not with "+r.Downgraded.To, 75), r.ID, slack.StyleDefault)
	no.AccessibilityLabel = cut("Wait for "+r.Downgraded.From, 75)
	return append(row, no)
}

// clickInsist declines the cheaper model.
func (b *Bot) clickInsist(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	_, err := b.Service.Insist(ctx, action.Value, clickOf(cb, action))
	return answer{}, err
}
