package bot

import (
	"context"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
	"countersign/bot/ids"
)

// clickRecall ends it, and draws the list again.
func (b *Bot) clickRecall(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	if err := b.Service.EndDelegation(ctx, clickOf(cb, action), action.Value); err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { b.listAgain(ctx, cb.Team.ID, cb.View.ID) }}, nil
}

// clickPeople opens the list.
func (b *Bot) clickPeople(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	roster, err := b.Service.Reviewers(ctx, cb.Team.ID, "")
	if err != nil {
		return answer{}, err
	}
	if !roster.Admin(cb.User.ID) {
		return answer{}, &approval.NotAllowedError{Who: cb.User.ID, Why: "Only administrators name people."}
	}
	view, err := b.people(ctx, cb.Team.ID)
	if err != nil {
		return answer{}, err
	}
	return answer{}, b.open(ctx, cb.TriggerID, view)
}

// clickUnname takes a role from somebody, and draws the list again.
func (b *Bot) clickUnname(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	fields := strings.Split(action.Value, "/")
	if len(fields) != 3 {
		return answer{}, nil
	}
	g := approval.Grant{Team: cb.Team.ID, Role: approval.PersonRole(fields[0]), Project: fields[1], User: fields[2]}
	if err := b.Service.RemoveRole(ctx, clickOf(cb, action), g); err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { b.listAgain(ctx, cb.Team.ID, cb.View.ID) }}, nil
}

// people is the list as it is now.
func (b *Bot) people(ctx context.Context, team string) (view slack.ModalViewRequest, err error) {
	all, err := b.Service.Grants(ctx, team)
	if err != nil {
		return view, err
	}
	roster, err := b.Service.Reviewers(ctx, team, "")
	if err != nil {
		return view, err
	}
	short, err := b.Service.Shortages(ctx, team)
	return home.PeopleView(all, roster.Delegations, short), err
}

// listAgain draws the list of people in the modal where it stands. One that has
// been closed meanwhile is drawn when it is opened again.
func (b *Bot) listAgain(ctx context.Context, team, view string) {
	list, err := b.people(ctx, team)
	if err == nil {
		_, err = b.api.UpdateViewContext(ctx, list, "", "", view)
	}
	if err != nil && slackError(err) != "not_found" {
		b.Log.Warn("draw the list of people again", "error", detail(err))
	}
}

// clickName asks whom to name.
func (b *Bot) clickName(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	return answer{}, b.push(ctx, cb.TriggerID, home.NameView())
}

// submitName names them, and draws the list under the form again.
func (b *Bot) submitName(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	fields := fieldsOf(cb)
	g := approval.Grant{Team: cb.Team.ID, Project: fields[ids.FieldChannel].SelectedConversation, Role: approval.PersonRole(fields[ids.FieldRole].SelectedOption.Value), User: fields[ids.FieldPerson].SelectedUser}
	if err := b.Service.SetRole(ctx, modalClick(cb, draw.Origin{}), g); err != nil {
		return saved(err, ids.FieldPerson)
	}
	return answer{after: func(ctx context.Context) { b.listAgain(ctx, cb.Team.ID, cb.View.RootViewID) }}, nil
}
