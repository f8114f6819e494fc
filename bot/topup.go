package bot

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// clickMoreMoney opens the form in which the asker asks for more. Anybody else is
// told at once, before they write anything.
func (b *Bot) clickMoreMoney(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, err := b.Service.View(ctx, action.Value)
	if err == nil && v.Request.Team != cb.Team.ID {
		err = approval.ErrNotFound
	}
	if err != nil {
		return answer{}, err
	}
	if v.Request.Asker != cb.User.ID {
		return answer{}, &approval.NotAllowedError{Who: cb.User.ID, Why: "Only the person who asked can choose how this goes on."}
	}
	c, err := b.Service.Choices(ctx, action.Value)
	if err != nil {
		return answer{}, err
	}
	if c.Block == nil {
		return answer{}, &approval.InputError{Why: "It does not wait for money any more."}
	}
	if c.TopUp != nil {
		return answer{}, &approval.InputError{Why: "You have asked for more already. An administrator has to answer first."}
	}
	return answer{}, b.open(ctx, cb.TriggerID, moreMoneyView(v.Request, c, seatOf(cb)))
}

// moreMoneyView asks how much and what for.
func moreMoneyView(r *approval.Request, c *steps.Choices, at seat) slack.ModalViewRequest {
	p := &page{}
	scope := c.Block.Tight().Limit.Scope
	p.say(flow(words("For "), within(scope, r.Asker), words(fmt.Sprintf(". This step needs %s more at least. An administrator decides, and says until when it may be spent.", c.Missing.Approx())))...)
	amount := slack.NewPlainTextInputBlockElement(plain("5"), fieldAmount)
	amount.InitialValue, amount.MaxLength = strings.TrimPrefix(askFor(c.Missing).String(), "$"), 30
	reason := slack.NewPlainTextInputBlockElement(plain("What is it for?"), fieldReason)
	reason.Multiline, reason.MaxLength, reason.FocusOnLoad = true, 500, true
	blocks := append(p.blocks, slack.NewInputBlock(fieldAmount, plain("Dollars"), nil, amount), slack.NewInputBlock(fieldReason, plain("Why?"), plain("The administrators get to read it."), reason))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackMoreMoney, Title: plain("Ask for more money"), Submit: plain("Ask"), Close: plain("Cancel"),
		PrivateMetadata: origin{Channel: at.channel, Thread: at.thread, Seal: r.ID}.String(), Blocks: slack.Blocks{BlockSet: blocks}}
}

// viewClick are the facts of a submission. A modal has no action_ts; its id is as
// good: sending it again is the same click.
func viewClick(cb slack.InteractionCallback, from origin) approval.Click {
	return approval.Click{Team: cb.Team.ID, User: cb.User.ID, ActionTS: cb.View.ID, Channel: from.Channel, MessageTS: from.Message}
}

// submitMoreMoney asks the administrators.
func (b *Bot) submitMoreMoney(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := originOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	fields := fieldsOf(cb)
	if strings.TrimSpace(fields[fieldReason].Value) == "" {
		return (&fieldError{fieldReason, "Please say what it is for. The administrator gets to read it."}).answer(), nil
	}
	amount, why := readAmount(strings.TrimSpace(fields[fieldAmount].Value))
	if why != "" {
		return (&fieldError{fieldAmount, why}).answer(), nil
	}
	_, err = b.Service.AskTopUp(ctx, from.Seal, amount, fields[fieldReason].Value, viewClick(cb, from))
	return b.overWith(err, fieldAmount)
}

// overWith ends a modal: closed when it worked, or with what is wrong beside the
// field when that can be mended in it, else in its place.
func (b *Bot) overWith(err error, field string) (answer, error) {
	text, ok := known(err)
	switch {
	case err == nil:
		return answer{payload: slack.NewClearViewSubmissionResponse()}, nil
	case !ok:
		return answer{}, err
	case mendable(err):
		return (&fieldError{field, text}).answer(), nil
	}
	return answer{payload: slack.NewUpdateViewSubmissionResponse(noteView("Nothing has changed", text))}, nil
}

// topUpNotice asks an administrator for money, and shows what has been decided.
func (b *Bot) topUpNotice(v *steps.NoticeView, to string) (*page, error) {
	said, err := read[approval.TopUpAsked](v)
	if err != nil {
		return nil, err
	}
	r := v.View.Request
	t := r.TopUp(said.ID)
	if t == nil {
		return nil, fmt.Errorf("notice %q: its request has no top-up %s", v.Key, said.ID)
	}
	p := &page{}
	named := b.namedIn(v, said.Scope, to)
	p.quote(cut(said.Reason, 500), flow(person(said.AskedBy), strong(fmt.Sprintf(" asks for %s more", said.Amount)), words(" in "), inside(owned(named, said)), words(":"))...)
	p.quote(cut(r.Question, 500), words("It is for this question:"))
	waits := t.Open() && r.Blocked != nil
	if s, ok := standingOf(v.View, said.Scope); ok && waits {
		p.standing(s, named)
	}
	switch {
	case waits:
		grant := button(actionGrant, fmt.Sprintf("Grant %s", said.Amount), r.ID+"/"+t.ID, slack.StylePrimary)
		p.buttons("topup", b.withLink(v, grant, button(actionDecline, "Decline", r.ID+"/"+t.ID, slack.StyleDanger))...)
	case t.Open():
		p.say(strong("No longer needed: "), words("the question does not wait for money any more."))
	case t.Granted:
		p.say(strong("Granted by "), person(t.DecidedBy), words(", "), moment(t.DecidedAt), words(", to be spent until "), moment(t.ExpiresAt), words("."))
	default:
		p.quote(cut(t.Answer, 500), strong("Declined by "), person(t.DecidedBy), words(", "), moment(t.DecidedAt), words(":"))
	}
	return p, nil
}

// owned names the budget of whoever asks as theirs.
func owned(named []part, said approval.TopUpAsked) []part {
	if said.Scope.Kind == budget.User && said.Scope.ID == said.AskedBy {
		return []part{words("Their own budget")}
	}
	return named
}

// withLink adds a way to the thread that a notice is about.
func (b *Bot) withLink(v *steps.NoticeView, row ...slack.BlockElement) []slack.BlockElement {
	if url := b.threadURL(v.View); url != "" {
		row = append(row, goes("View in thread", url))
	}
	return row
}

// clickGrant asks until when.
func (b *Bot) clickGrant(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	t, err := b.openTopUp(ctx, cb, action.Value)
	if err != nil {
		return answer{}, err
	}
	ends, err := b.Service.GrantEnds(ctx, t.ID)
	if err != nil {
		return answer{}, err
	}
	return answer{}, b.open(ctx, cb.TriggerID, grantView(t, ends, action.Value))
}

// openTopUp finds what an administrator wants to answer. Whoever may not, or comes
// too late, is told before a form opens.
func (b *Bot) openTopUp(ctx context.Context, cb slack.InteractionCallback, value string) (*approval.TopUp, error) {
	request, id, _ := strings.Cut(value, "/")
	v, err := b.Service.View(ctx, request)
	if err != nil {
		return nil, err
	}
	t := v.Request.TopUp(id)
	switch {
	case v.Request.Team != cb.Team.ID || t == nil:
		return nil, approval.ErrNotFound
	case !b.isAdmin(ctx, cb.Team.ID, cb.User.ID):
		return nil, &approval.NotAllowedError{Who: cb.User.ID, Why: "Only administrators answer this."}
	case t.AskedBy == cb.User.ID:
		return nil, &approval.NotAllowedError{Who: cb.User.ID, Why: "You asked for this, so another administrator has to answer."}
	case !t.Open() && t.Granted:
		return nil, &approval.InputError{Why: "It has been granted already. Nothing has changed."}
	case !t.Open():
		return nil, &approval.InputError{Why: "It has been declined already. Nothing has changed."}
	case v.Request.Blocked == nil:
		return nil, &approval.InputError{Why: "It is not needed any more: the question does not wait for money."}
	}
	return t, nil
}

// grantView asks until when granted money may be spent.
func grantView(t *approval.TopUp, ends []steps.GrantEnd, value string) slack.ModalViewRequest {
	p := &page{}
	p.say(flow(bold(whose(t.Scope, "")), words(fmt.Sprintf(" rises by %s until then, and the question of ", t.Amount)), person(t.AskedBy),
		words(" goes on by itself. No other budget rises with it."))...)
	var options []*slack.OptionBlockObject
	for _, e := range ends {
		options = append(options, slack.NewOptionBlockObject(strconv.FormatInt(e.At.Unix(), 10), plain(cut(capital(e.Words), 75)), nil))
	}
	choice := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Until when"), fieldUntil, options...).WithInitialOption(options[0])
	blocks := append(p.blocks, slack.NewInputBlock(fieldUntil, plain("Until when may it be spent?"), nil, choice))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackGrant, Title: plain("Grant " + cut(t.Amount.String(), 18)), Submit: plain("Grant"), Close: plain("Back"),
		PrivateMetadata: origin{Seal: value}.String(), Blocks: slack.Blocks{BlockSet: blocks}}
}

// submitGrant gives the money.
func (b *Bot) submitGrant(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := originOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	until, err := strconv.ParseInt(fieldsOf(cb)[fieldUntil].SelectedOption.Value, 10, 64)
	if err != nil {
		return answer{}, fmt.Errorf("until when: %w", err)
	}
	_, id, _ := strings.Cut(from.Seal, "/")
	_, err = b.Service.Grant(ctx, id, time.Unix(until, 0), viewClick(cb, from))
	return b.overWith(err, fieldUntil)
}

// clickDecline opens the form for the reason.
func (b *Bot) clickDecline(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	if _, err := b.openTopUp(ctx, cb, action.Value); err != nil {
		return answer{}, err
	}
	return answer{}, b.open(ctx, cb.TriggerID, declineView(action.Value))
}

// declineView asks why not.
func declineView(value string) slack.ModalViewRequest {
	field := slack.NewPlainTextInputBlockElement(plain("The asker gets to read it."), fieldReason)
	field.Multiline, field.MaxLength, field.FocusOnLoad = true, 500, true
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackDecline, Title: plain("Decline"), Submit: plain("Decline"), Close: plain("Back"),
		PrivateMetadata: origin{Seal: value}.String(), Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock(fieldReason, plain("Why?"), nil, field)}}}
}

// submitDecline refuses the money.
func (b *Bot) submitDecline(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := originOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	_, id, _ := strings.Cut(from.Seal, "/")
	_, err = b.Service.Decline(ctx, id, fieldsOf(cb)[fieldReason].Value, viewClick(cb, from))
	return b.overWith(err, fieldReason)
}
