package bot

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
)

// Administrators name people, and take roles from them, in a modal that lists who
// has which. Slack mentions show the names; what is stored are ids.

// peopleLength is how many roles the modal lists; Slack takes 100 blocks.
const peopleLength = 90

var roleWords = map[review.PersonRole]string{review.RoleReviewer: "reviewer", review.RoleFallback: "fallback reviewer", review.RoleAdmin: "administrator"}

// shortages warn of rules that nobody can meet: what waits under them waits in vain.
func shortages(p *page, short []steps.Shortage) {
	var items [][]part
	for _, s := range short[:min(10, len(short))] {
		item := []part{words(fmt.Sprintf("%s takes %s, and only %d can be given", riskWords[s.Tier], count(s.Needs, "approval"), s.Have))}
		if s.Project != "" {
			item = append(item, words(" in "), place(s.Project))
		}
		items = append(items, item)
	}
	p.list([]part{strong("Too few reviewers: "), words("name more, or change the rules. Until then nothing of this can be approved.")}, items)
}

// peopleView lists who decides in whose place, and the roles that people have.
func peopleView(all []review.Grant, away []review.Delegation, short []steps.Shortage) slack.ModalViewRequest {
	p := &page{}
	shortages(p, short)
	p.buttons("name", button(actionName, "Name somebody", "", slack.StylePrimary))
	away = away[:min(peopleLength/3, len(away))]
	for _, d := range away {
		p.row(inPlace(d), recall(d))
	}
	peopleLength := peopleLength - len(away)
	for _, g := range all[:min(peopleLength, len(all))] {
		said := []part{person(g.User), words(" is " + article(roleWords[g.Role]))}
		if g.Project != "" {
			said = append(said, words(" for "), place(g.Project))
		}
		if g.By == "" {
			said = append(said, words(", by the settings that the app was started with"))
		} else {
			said = append(said, words(", named by "), person(g.By), words(", "), moment(g.At))
		}
		p.row(said, unname(g))
	}
	if more := len(all) - peopleLength; more > 0 {
		p.say(words(fmt.Sprintf("Another %s are not listed here.", count(more, "role"))))
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackPeople, Title: plain("People"), Close: plain("Close"), Blocks: slack.Blocks{BlockSet: p.blocks}}
}

// row is a sentence of our own with a button at its side.
func (p *page) row(said []part, side *slack.ButtonBlockElement) {
	_, size, line := section(said)
	var accessory *slack.Accessory
	if side != nil {
		accessory = slack.NewAccessory(side)
	}
	p.add(slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, line, false, true), nil, accessory), size, line)
}

// article puts "a" or "an" before what somebody is.
func article(what string) string {
	if strings.ContainsRune("aeiou", rune(what[0])) {
		return "an " + what
	}
	return "a " + what
}

// unname is the button that takes a role from somebody. What the settings say
// cannot be taken in Slack.
func unname(g review.Grant) *slack.ButtonBlockElement {
	if g.By == "" {
		return nil
	}
	take := button(actionUnname, "Remove", strings.Join([]string{string(g.Role), g.Project, g.User}, "/"), slack.StyleDefault)
	take.Confirm = slack.NewConfirmationBlockObject(plain("Take the role away?"), plain("What they have approved and has not started goes back to the reviewers."), plain("Remove"), plain("Cancel")).WithStyle(slack.StyleDanger)
	return take
}

// recall is the button that ends what somebody who is away has arranged.
func recall(d review.Delegation) *slack.ButtonBlockElement {
	take := button(actionRecall, "Remove", d.From, slack.StyleDefault)
	take.Confirm = slack.NewConfirmationBlockObject(plain("End this?"), plain("What was approved in their place and has not started goes back to the reviewers."), plain("Remove"), plain("Cancel")).WithStyle(slack.StyleDanger)
	return take
}

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
	g := review.Grant{Team: cb.Team.ID, Role: review.PersonRole(fields[0]), Project: fields[1], User: fields[2]}
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
	return peopleView(all, roster.Delegations, short), err
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
	return answer{}, b.push(ctx, cb.TriggerID, nameView())
}

// nameView gives somebody a role, for everything or for one channel.
func nameView() slack.ModalViewRequest {
	who := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, plain("Choose a person"), fieldPerson)
	var roles []*slack.OptionBlockObject
	for _, r := range []struct {
		role review.PersonRole
		what string
	}{
		{review.RoleReviewer, "Decides on code."},
		{review.RoleFallback, "Decides as well, and is asked when the others do not."},
		{review.RoleAdmin, "Names people, sets rules and budgets."},
	} {
		roles = append(roles, slack.NewOptionBlockObject(string(r.role), plain(capital(roleWords[r.role])), plain(r.what)))
	}
	role := slack.NewRadioButtonsBlockElement(fieldRole, roles...)
	role.InitialOption = roles[0]
	where := slack.NewInputBlock(fieldChannel, plain("Only for this channel"), plain("Leave it empty for the whole workspace. Administrators are always for the whole."), channels()).WithOptional(true)
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackName, Title: plain("Name somebody"), Submit: plain("Name"), Close: plain("Back"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock(fieldPerson, plain("Who"), nil, who), slack.NewInputBlock(fieldRole, plain("As what"), nil, role), where}}}
}

// channels chooses a channel of this workspace.
func channels() *slack.SelectBlockElement {
	where := slack.NewOptionsSelectBlockElement(slack.OptTypeConversations, plain("Choose a channel"), fieldChannel)
	where.Filter = &slack.SelectBlockElementFilter{Include: []string{"public", "private"}, ExcludeExternalSharedChannels: true}
	return where
}

// submitName names them, and draws the list under the form again.
func (b *Bot) submitName(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	fields := fieldsOf(cb)
	g := review.Grant{Team: cb.Team.ID, Project: fields[fieldChannel].SelectedConversation, Role: review.PersonRole(fields[fieldRole].SelectedOption.Value), User: fields[fieldPerson].SelectedUser}
	if err := b.Service.SetRole(ctx, modalClick(cb, origin{}), g); err != nil {
		return saved(err, fieldPerson)
	}
	return answer{after: func(ctx context.Context) { b.listAgain(ctx, cb.Team.ID, cb.View.RootViewID) }}, nil
}
