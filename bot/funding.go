package bot

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/command"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
	"countersign/bot/ids"
	"countersign/budget"
)

// Funding are the ways on of a request that a budget has refused.
//
// Each takes a click, and who may not is refused there. A top-up has an id of its own, beside that of its
// request.
type Funding interface {
	Choices(ctx context.Context, id string) (*steps.Choices, error)
	Continue(ctx context.Context, id, model string, click approval.Click) (*approval.Request, error)
	WaitForReset(ctx context.Context, id string, click approval.Click) (*approval.Request, error)
	AskTopUp(ctx context.Context, id string, amount budget.USD, reason string, click approval.Click) (*approval.Request, error)
	// Insist declines the cheaper model that a policy has write.
	Insist(ctx context.Context, id string, click approval.Click) (*approval.Request, error)
	// GrantEnds are the moments until which a top-up can be granted.
	GrantEnds(ctx context.Context, topUp string) ([]steps.GrantEnd, error)
	Grant(ctx context.Context, topUp string, until time.Time, click approval.Click) (*approval.Request, error)
	Decline(ctx context.Context, topUp, reason string, click approval.Click) (*approval.Request, error)
	View(ctx context.Context, id string) (*steps.View, error)
	roster
}

// funding takes what askers choose when money is short, and what administrators answer.
type funding struct {
	*slackAPI
	service Funding
	epochs  Epochs
}

// Epochs are what is asked of administrators after a copy of the database was put back.
type Epochs interface {
	// Rest says why nothing that costs money starts; nil where it does.
	Rest(ctx context.Context, team string) (*approval.Rest, error)
	// ToReckon says the same to an administrator who wants to end it.
	ToReckon(ctx context.Context, team, actor string) (*approval.Rest, error)
	Reckon(ctx context.Context, click approval.Click, spent budget.USD) error
}

// clickReckon asks what was spent after the copy. Anybody can send a click, and the form says how much is lost, so
// only administrators get it.
func (h *funding) clickReckon(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	rest, err := h.epochs.ToReckon(ctx, cb.Team.ID, cb.User.ID)
	if err != nil {
		return answer{}, err
	}
	if rest == nil {
		return answer{}, &approval.InputError{Why: approval.Because(approval.WhyReckoned)}
	}
	return answer{}, h.open(ctx, cb.TriggerID, home.ReckonView(*rest))
}

// submitReckon books it, and work starts again.
func (h *funding) submitReckon(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	spent, why := home.ReckonOf(fieldsOf(cb)[ids.FieldAmount].Value)
	if why != "" {
		return beside(ids.FieldAmount, why), nil
	}
	return saved(cb, h.epochs.Reckon(ctx, modalClick(cb, draw.Origin{}), spent), ids.FieldAmount)
}

// clickContinue tries a blocked request again.
//
// No model is named, so it goes on with the one that it has.
func (h *funding) clickContinue(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	_, err := h.service.Continue(ctx, action.Value, "", clickOf(cb, action))
	return answer{}, stillBlocked(err, cb.User.ID)
}

// clickCheaper goes on with the model that was chosen, from a button or a list.
func (h *funding) clickCheaper(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	// One model is a button, several are a list: a list has its value in the option that was chosen.
	value := action.Value
	if value == "" {
		value = action.SelectedOption.Value
	}
	// A request's id has no slash, and a model's name may.
	// The first slash ends the id, so the rest is the name however many it has.
	id, model, ok := strings.Cut(value, "/")
	if !ok || model == "" {
		return answer{}, &approval.InputError{Why: approval.Words("I do not recognise this button. It may be from an older version of this app.")}
	}
	_, err := h.service.Continue(ctx, id, model, clickOf(cb, action))
	return answer{}, stillBlocked(err, cb.User.ID)
}

// stillBlocked repeats the refusal in answer to a press.
// Otherwise the message that was pressed would stay as it is, and the press look as if it were lost.
func stillBlocked(err error, asker string) error {
	if exceeded, ok := errors.AsType[*budget.ExceededError](err); ok {
		return &approval.InputError{Why: approval.Words("Still over budget. " + exceeded.Words(asker))}
	}
	return err
}

// clickWait lets it continue when the budget resets.
func (h *funding) clickWait(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	_, err := h.service.WaitForReset(ctx, action.Value, clickOf(cb, action))
	return answer{}, stillBlocked(err, cb.User.ID)
}

// clickInsist declines the cheaper model.
func (h *funding) clickInsist(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	_, err := h.service.Insist(ctx, action.Value, clickOf(cb, action))
	return answer{}, err
}

// clickMoreMoney opens the form in which the asker asks for more. Anybody else is
// told at once, before they write anything.
func (h *funding) clickMoreMoney(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, err := h.service.View(ctx, action.Value)
	if err == nil && v.Request.Team != cb.Team.ID {
		err = approval.ErrNotFound
	}
	if err != nil {
		return answer{}, err
	}
	// Told before the form opens: nobody should write a reason that nobody takes.
	if v.Request.Asker != cb.User.ID {
		return answer{}, &approval.NotAllowedError{Who: cb.User.ID, Why: approval.Because(approval.WhyAskerChooses)}
	}
	c, err := h.service.Choices(ctx, action.Value)
	if err != nil {
		return answer{}, err
	}
	// Between the drawing of the button and this press somebody may have raised the budget, or asked already.
	if c.Block == nil {
		return answer{}, &approval.InputError{Why: approval.Because(approval.WhyNotBlocked)}
	}
	if c.TopUp != nil {
		return answer{}, &approval.InputError{Why: approval.Because(approval.WhyTopUpOpen)}
	}
	at := seatOf(cb)
	return answer{}, h.open(ctx, cb.TriggerID, draw.MoreMoneyView(v.Request, c, draw.Origin{Channel: at.channel, Thread: at.thread, Seal: v.Request.ID}))
}

// submitMoreMoney asks the administrators.
func (h *funding) submitMoreMoney(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	fields := fieldsOf(cb)
	if strings.TrimSpace(fields[ids.FieldReason].Value) == "" {
		return beside(ids.FieldReason, "Please say what it is for. The administrator will read it."), nil
	}
	// The same reader as for /budget set, so both take the same ways to write an amount.
	amount, why := command.ReadAmount(strings.TrimSpace(fields[ids.FieldAmount].Value))
	if why != "" {
		return beside(ids.FieldAmount, why), nil
	}
	_, err = h.service.AskTopUp(ctx, from.Seal, amount, fields[ids.FieldReason].Value, modalClick(cb, from))
	return saved(cb, err, ids.FieldAmount)
}

// clickGrant asks until when.
func (h *funding) clickGrant(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	// The value is "request/top-up", as the notice to administrators has it.
	t, err := h.openTopUp(ctx, cb, action.Value)
	if err != nil {
		return answer{}, err
	}
	ends, err := h.service.GrantEnds(ctx, t.ID)
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, draw.GrantView(t, ends, action.Value))
}

// openTopUp finds what an administrator wants to answer. Whoever may not, or comes
// too late, is told before a form opens.
func (h *funding) openTopUp(ctx context.Context, cb slack.InteractionCallback, value string) (*approval.TopUp, error) {
	request, id, _ := strings.Cut(value, "/")
	v, err := h.service.View(ctx, request)
	if err != nil {
		return nil, err
	}
	// It is nil where the request has none of that id.
	t := v.Request.TopUp(id)
	admin, err := h.admin(ctx, h.service, cb.Team.ID, cb.User.ID)
	if err != nil {
		return nil, err
	}
	// What is nobody's to know comes first, then who may not, then what is too late.
	switch {
	case v.Request.Team != cb.Team.ID || t == nil:
		return nil, approval.ErrNotFound
	case !admin:
		return nil, &approval.NotAllowedError{Who: cb.User.ID, Why: approval.Words("Only administrators can answer this.")}
	// An administrator may ask for more as well, and then another one answers.
	case t.AskedBy == cb.User.ID:
		return nil, &approval.NotAllowedError{Who: cb.User.ID, Why: approval.Because(approval.WhyOwnTopUp)}
	case !t.Open() && t.Granted:
		return nil, &approval.InputError{Why: approval.Words("It is already granted. Nothing has changed.")}
	case !t.Open():
		return nil, &approval.InputError{Why: approval.Words("It is already declined. Nothing has changed.")}
	case v.Request.Blocked == nil:
		return nil, &approval.InputError{Why: approval.Words("No longer needed: the question is not waiting for budget.")}
	}
	return t, nil
}

// submitGrant gives the money.
func (h *funding) submitGrant(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	// Seconds since 1970, as GrantView wrote them: the words of a choice are for people.
	until, err := strconv.ParseInt(fieldsOf(cb)[ids.FieldUntil].SelectedOption.Value, 10, 64)
	if err != nil {
		return answer{}, fmt.Errorf("until when: %w", err)
	}
	_, id, _ := strings.Cut(from.Seal, "/")
	_, err = h.service.Grant(ctx, id, time.Unix(until, 0), modalClick(cb, from))
	return saved(cb, err, ids.FieldUntil)
}

// clickDecline opens the form for the reason.
func (h *funding) clickDecline(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	if _, err := h.openTopUp(ctx, cb, action.Value); err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, draw.DeclineView(action.Value))
}

// submitDecline refuses the money.
func (h *funding) submitDecline(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	_, id, _ := strings.Cut(from.Seal, "/")
	_, err = h.service.Decline(ctx, id, fieldsOf(cb)[ids.FieldReason].Value, modalClick(cb, from))
	return saved(cb, err, ids.FieldReason)
}
