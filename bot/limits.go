package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/command"
	"countersign/bot/draw"
	"countersign/bot/draw/money"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// limits is the form in which a budget is set. It is opened from a Home, by /budget alone, or by Edit on one that is shown.
type limits struct {
	*budgets
	homes *homes
}

// clickKind asks for what the chosen kind of budget needs.
//
// Channel and Home go over into the new drawing, or the form would forget where it was opened.
func (h *limits) clickKind(_ context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, err := limitOriginOf(cb)
	if err != nil {
		return answer{}, err
	}
	// The modal is drawn anew with the fields of this kind. Slack keeps what was typed in those that stay.
	view := money.LimitView(money.LimitForm{Models: h.service.Models(), Channel: from.Channel, Home: from.Home, Kind: action.SelectedOption.Value})
	return answer{after: func(ctx context.Context) { h.redraw(ctx, cb, view) }}, nil
}

// limitOriginOf reads back what the modal remembers: from where it was opened, and which budget it edits, if any.
func limitOriginOf(cb slack.InteractionCallback) (from money.LimitOrigin, err error) {
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &from); err != nil {
		return from, fmt.Errorf("a modal's metadata: %w", err)
	}
	return from, nil
}

// clickSetLimit opens the empty form from a Home. Whoever may not set a budget hears it before they fill it in; the
// service asks again when it is sent off.
func (h *limits) clickSetLimit(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	admin, err := h.admin(ctx, h.service, cb.Team.ID, cb.User.ID)
	if err != nil {
		return answer{}, err
	}
	if !admin {
		return answer{}, &approval.NotAllowedError{Who: cb.User.ID, Why: approval.Words("Only administrators can change budgets.")}
	}
	return answer{}, h.open(ctx, cb.TriggerID, money.LimitView(money.LimitForm{Models: h.service.Models(), Home: true, Kind: string(budget.User)}))
}

// clickEditLimit opens the form with what holds now.
//
// Its value is the scope, as money.ParseScope reads it. The form then shows whose it is and asks no more.
func (h *limits) clickEditLimit(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	s, err := money.ParseScope(cb.Team.ID, action.Value)
	if err != nil {
		return answer{}, err
	}
	standings, err := h.service.Standings(ctx, cb.User.ID, []budget.Scope{s})
	if err != nil {
		return answer{}, err
	}
	// Somebody has removed it since the list was drawn.
	if len(standings) == 0 {
		return answer{}, &approval.InputError{Why: approval.Words("This budget has been removed. " + ids.CommandBudget + " shows the current ones.")}
	}
	f := money.LimitForm{Models: h.service.Models(), Channel: seatOf(cb).channel, Home: cb.View.ID != "", Edits: &standings[0], Named: h.namer(ctx)(s)}
	return answer{}, h.open(ctx, cb.TriggerID, money.LimitView(f))
}

// fieldError is what is wrong with one field of a form. It is no error: nothing is logged, and nobody is to blame.
type fieldError struct{ field, why string }

// submitLimit sets the budget that the form holds. What is wrong is said beside
// its field.
func (h *limits) submitLimit(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := limitOriginOf(cb)
	if err != nil {
		return answer{}, err
	}
	scope, bad, err := h.formScope(ctx, cb, from)
	if bad != nil {
		return beside(bad.field, bad.why), nil
	}
	if err != nil {
		return h.unable(cb, err)
	}
	// The scope is found first: a wrong target makes all else pointless.
	limit, bad := limitOf(fieldsOf(cb))
	if bad != nil {
		return beside(bad.field, bad.why), nil
	}
	limit.Scope = scope
	if err := h.saves(ctx, cb, from, scope, &limit.Policy); err != nil {
		return h.unable(cb, err)
	}
	// A limit takes the place of the one before, policy and all: hence saves.
	p, err := h.set(ctx, cb.User.ID, limit)
	if err != nil {
		return h.unable(cb, err)
	}
	return h.changedIn(cb, from, p), nil
}

// unable says over the form why nothing has changed.
func (h *limits) unable(cb slack.InteractionCallback, err error) (answer, error) {
	text, ok := draw.Known(err)
	if !ok {
		return answer{}, err
	}
	return answer{payload: inVain(cb, text)}, nil
}

// changedIn closes the form and shows what has become of it where it was opened.
func (h *limits) changedIn(cb slack.InteractionCallback, from money.LimitOrigin, p *kit.Page) answer {
	return answer{payload: slack.NewClearViewSubmissionResponse(), after: func(ctx context.Context) { h.showChange(ctx, cb, from, p) }}
}

// showChange draws the Home anew, or says it where the command was typed.
func (h *limits) showChange(ctx context.Context, cb slack.InteractionCallback, from money.LimitOrigin, p *kit.Page) {
	if from.Home {
		h.homes.showHome(ctx, cb.Team.ID, cb.User.ID)
		return
	}
	h.hand(ctx, seat{user: cb.User.ID, channel: from.Channel}, p)
}

// formScope is whose budget the form is about. Edits is set where the form was opened for one budget: it then has no
// fields that could name another.
func (h *limits) formScope(ctx context.Context, cb slack.InteractionCallback, from money.LimitOrigin) (budget.Scope, *fieldError, error) {
	if from.Edits != "" {
		s, err := money.ParseScope(cb.Team.ID, from.Edits)
		return s, nil, err
	}
	fields, t := fieldsOf(cb), command.Target{}
	switch kind := fields[ids.FieldKind].SelectedOption.Value; budget.ScopeKind(kind) {
	case budget.User:
		// Slack asks for the person itself once the field is there. It is missing while clickKind redraws the form, so this is
		// said beside the kind, which always is.
		if t = (command.Target{Kind: budget.User, Id: fields[ids.FieldUser].SelectedUser}); t.Id == "" {
			return budget.Scope{}, &fieldError{ids.FieldKind, "Whose? Please choose a person."}, nil
		}
	case budget.Project:
		t = command.Target{Kind: budget.Project, Id: fields[ids.FieldProject].SelectedConversation}
		// A conversation with one person is no channel that has a budget.
		if !strings.HasPrefix(t.Id, "C") && !strings.HasPrefix(t.Id, "G") {
			return budget.Scope{}, &fieldError{ids.FieldKind, "Which one? Please choose a channel."}, nil
		}
	case budget.Session:
		var err error
		if t, err = command.ReadTarget(strings.TrimSpace(fields[ids.FieldThread].Value), ""); err != nil || t.Kind != budget.Session {
			return budget.Scope{}, &fieldError{ids.FieldThread, "This is not the link of a thread. Choose \"Copy link\" in the menu of its first message."}, nil
		}
		// A thread in which nobody has asked has no budget yet: said beside its field, since they typed it.
		s, err := h.scope(ctx, cb.Team.ID, t)
		if text, ok := draw.Known(err); ok {
			return s, &fieldError{ids.FieldThread, text}, nil
		}
		return s, nil, err
	case budget.Team:
		t = command.Target{Kind: budget.Team}
	// The kinds that are left are roles, by their own names.
	default:
		t = command.Target{Kind: budget.Role, Id: kind}
	}
	s, err := h.scope(ctx, cb.Team.ID, t)
	return s, nil, err
}

// limitOf reads the amount and the terms, or says what is wrong with which field.
func limitOf(fields map[string]slack.BlockAction) (l budget.Limit, bad *fieldError) {
	var why string
	if l.Amount, why = command.ReadAmount(strings.TrimSpace(fields[ids.FieldAmount].Value)); why != "" {
		return l, &fieldError{ids.FieldAmount, why}
	}
	l.Window = budget.Window(fields[ids.FieldWindow].SelectedOption.Value)
	// The same readers as for what is typed, so a form and a command never disagree.
	if l.Policy.Soft, why = command.ReadPercent(strings.TrimSpace(fields[ids.FieldSoft].Value)); why != "" {
		return l, &fieldError{ids.FieldSoft, why}
	}
	if l.Policy.Soft == budget.DefaultSoft {
		l.Policy.Soft = 0 // what goes without saying
	}
	// People write marks as they like: "50, 80", "50 80" or "50;80".
	for _, word := range strings.FieldsFunc(fields[ids.FieldWarn].Value, func(r rune) bool { return r == ',' || r == ' ' || r == ';' }) {
		mark, why := command.ReadPercent(word)
		if why != "" {
			return l, &fieldError{ids.FieldWarn, why}
		}
		l.Policy.Warn = append(l.Policy.Warn, mark)
	}
	// Marks warn in their order, and one that was typed twice warns once.
	slices.Sort(l.Policy.Warn)
	l.Policy.Warn = slices.Compact(l.Policy.Warn)
	if ready := strings.TrimSpace(fields[ids.FieldReady].Value); ready != "" {
		if l.Policy.Ready, why = command.ReadAmount(ready); why != "" {
			return l, &fieldError{ids.FieldReady, why}
		}
	}
	for _, o := range fields[ids.FieldWithout].SelectedOptions {
		l.Policy.Without = append(l.Policy.Without, budget.Ability(o.Value))
	}
	return l, nil
}

// saves completes what a policy does past its soft limit. The form knows less than a command can say: what was left
// as it stood there stays as it was.
func (h *limits) saves(ctx context.Context, cb slack.InteractionCallback, from money.LimitOrigin, s budget.Scope, p *budget.LimitPolicy) error {
	// The order of the choice is the order in which the models are tried.
	chosen := map[string]bool{}
	for _, o := range fieldsOf(cb)[ids.FieldDowngrade].SelectedOptions {
		chosen[o.Value] = true
		p.Downgrade = append(p.Downgrade, budget.Downgrade{To: o.Value})
	}
	now, err := h.service.Standings(ctx, cb.User.ID, []budget.Scope{s})
	if err != nil {
		return err
	}
	// A model that is asked no more is no choice of the form. What is said of it holds again once it is.
	shown := money.Switches(h.service.Models())
	unseen := func(a budget.Ability) bool { return from.Edits != "" && !slices.Contains(shown, a) }
	for _, had := range now {
		for _, a := range had.Limit.Policy.Without {
			if unseen(a) {
				p.Without = append(p.Without, a)
			}
		}
		// A command may say "m1 to m2". The form shows only the m2, so the same choice must not turn that
		// into "any model to m2".
		same := map[string]bool{}
		for _, d := range had.Limit.Policy.Downgrade {
			if !unseen(budget.WithoutModel(d.To)) {
				same[d.To] = true
			}
		}
		if len(same) == len(chosen) && !slices.ContainsFunc(p.Downgrade, func(d budget.Downgrade) bool { return !same[d.To] }) {
			p.Downgrade = had.Limit.Policy.Downgrade
			return nil
		}
	}
	return nil
}

// clickRemoveLimit takes the budget away that the form is about.
func (h *limits) clickRemoveLimit(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, err := limitOriginOf(cb)
	if err != nil {
		return answer{}, err
	}
	s, err := money.ParseScope(cb.Team.ID, action.Value)
	if err != nil {
		return answer{}, err
	}
	// The outcome takes the form's place: its fields would still show a budget that is gone.
	title, p := "Removed", &kit.Page{}
	if removed, err := h.remove(ctx, cb.User.ID, s); err == nil {
		p = removed
	} else if text, ok := draw.Known(err); ok {
		title = noChange
		p.Say(kit.Words(text))
	} else {
		return answer{}, err
	}
	view := kit.NoteOf(title, p)
	return answer{after: func(ctx context.Context) {
		h.redraw(ctx, cb, view)
		if from.Home {
			h.homes.showHome(ctx, cb.Team.ID, cb.User.ID)
		}
	}}, nil
}
