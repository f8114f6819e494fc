package draw

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/money"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// MoreMoneyView asks how much and what for.
func MoreMoneyView(r *approval.Request, c *steps.Choices, from Origin) slack.ModalViewRequest {
	p := &kit.Page{}
	scope := c.Block.Tight().Limit.Scope
	p.Say(kit.Flow(kit.Words("For "), money.Within(scope, r.Asker), kit.Words(fmt.Sprintf(". This step needs at least %s more. An administrator decides, and until when it may be spent.", money.Most(c.Missing))))...)
	// What is missing is filled in: asking for less would be refused.
	amount := slack.NewPlainTextInputBlockElement(kit.Plain("5"), ids.FieldAmount)
	amount.InitialValue, amount.MaxLength = strings.TrimPrefix(askFor(c.Missing).String(), "$"), 30
	reason := slack.NewPlainTextInputBlockElement(kit.Plain("What is it for?"), ids.FieldReason)
	reason.Multiline, reason.MaxLength, reason.FocusOnLoad = true, 500, true
	blocks := append(p.Blocks, slack.NewInputBlock(ids.FieldAmount, kit.Plain("Dollars"), nil, amount), slack.NewInputBlock(ids.FieldReason, kit.Plain("Why?"), kit.Plain("The administrators will read it."), reason))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackMoreMoney, Title: kit.Plain("Ask for more budget"), Submit: kit.Plain("Ask"), Close: kit.Plain("Cancel"),
		PrivateMetadata: from.String(), Blocks: slack.Blocks{BlockSet: blocks}}
}

// GrantView asks until when granted money may be spent.
// ends always has the end of today and 24 hours from now (steps.GrantEnds), so there is a first one. The values
// of the options are Unix seconds.
func GrantView(t *approval.TopUp, ends []steps.GrantEnd, value string) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Say(kit.Flow(kit.Bold(money.Whose(t.Scope, "")), kit.Words(fmt.Sprintf(" rises by %s until then, and the question of ", money.Dollars(t.Amount))), kit.Person(t.AskedBy),
		kit.Words(" continues on its own. No other budget rises with it."))...)
	var options []*slack.OptionBlockObject
	for _, e := range ends {
		options = append(options, slack.NewOptionBlockObject(strconv.FormatInt(e.At.Unix(), 10), kit.Plain(kit.Cut(kit.Capital(e.Words), 75)), nil))
	}
	// The soonest end is the default: granted money should not lie about longer than it is needed.
	choice := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, kit.Plain("Until when"), ids.FieldUntil, options...).WithInitialOption(options[0])
	blocks := append(p.Blocks, slack.NewInputBlock(ids.FieldUntil, kit.Plain("Until when may it be spent?"), nil, choice))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackGrant, Title: kit.Plain("Grant " + kit.Cut(money.Dollars(t.Amount), 18)), Submit: kit.Plain("Grant"), Close: kit.Plain("Back"),
		PrivateMetadata: Origin{Seal: value}.String(), Blocks: slack.Blocks{BlockSet: blocks}}
}

// DeclineView asks why not. A reason is wanted: the asker has a question that stands still, and reads it.
func DeclineView(value string) slack.ModalViewRequest {
	field := slack.NewPlainTextInputBlockElement(kit.Plain("The asker will read it."), ids.FieldReason)
	field.Multiline, field.MaxLength, field.FocusOnLoad = true, 500, true
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackDecline, Title: kit.Plain("Decline"), Submit: kit.Plain("Decline"), Close: kit.Plain("Back"),
		PrivateMetadata: Origin{Seal: value}.String(), Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock(ids.FieldReason, kit.Plain("Why?"), nil, field)}}}
}
