package bot

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/command"
	"countersign/bot/draw"
	"countersign/bot/ids"
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
	at := seatOf(cb)
	return answer{}, b.open(ctx, cb.TriggerID, draw.MoreMoneyView(v.Request, c, draw.Origin{Channel: at.channel, Thread: at.thread, Seal: v.Request.ID}))
}

// submitMoreMoney asks the administrators.
func (b *Bot) submitMoreMoney(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	fields := fieldsOf(cb)
	if strings.TrimSpace(fields[ids.FieldReason].Value) == "" {
		return (&fieldError{ids.FieldReason, "Please say what it is for. The administrator gets to read it."}).answer(), nil
	}
	amount, why := command.ReadAmount(strings.TrimSpace(fields[ids.FieldAmount].Value))
	if why != "" {
		return (&fieldError{ids.FieldAmount, why}).answer(), nil
	}
	_, err = b.Service.AskTopUp(ctx, from.Seal, amount, fields[ids.FieldReason].Value, modalClick(cb, from))
	return saved(err, ids.FieldAmount)
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
	return answer{}, b.open(ctx, cb.TriggerID, draw.GrantView(t, ends, action.Value))
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

// submitGrant gives the money.
func (b *Bot) submitGrant(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	until, err := strconv.ParseInt(fieldsOf(cb)[ids.FieldUntil].SelectedOption.Value, 10, 64)
	if err != nil {
		return answer{}, fmt.Errorf("until when: %w", err)
	}
	_, id, _ := strings.Cut(from.Seal, "/")
	_, err = b.Service.Grant(ctx, id, time.Unix(until, 0), modalClick(cb, from))
	return saved(err, ids.FieldUntil)
}

// clickDecline opens the form for the reason.
func (b *Bot) clickDecline(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	if _, err := b.openTopUp(ctx, cb, action.Value); err != nil {
		return answer{}, err
	}
	return answer{}, b.open(ctx, cb.TriggerID, draw.DeclineView(action.Value))
}

// submitDecline refuses the money.
func (b *Bot) submitDecline(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	_, id, _ := strings.Cut(from.Seal, "/")
	_, err = b.Service.Decline(ctx, id, fieldsOf(cb)[ids.FieldReason].Value, modalClick(cb, from))
	return saved(err, ids.FieldReason)
}
