package home

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// Administrators name people, and take roles from them, in a modal that lists who
// has which. Slack mentions show the names; what is stored are ids.

// peopleLength is how many roles the modal lists; Slack takes 100 blocks.
const peopleLength = 90

// roleWords name roles as people say them, here and in the choice of one.
var roleWords = map[review.PersonRole]string{review.RoleReviewer: "reviewer", review.RoleFallback: "fallback reviewer", review.RoleAdmin: "administrator", review.RoleAuditor: "auditor",
	review.RoleGlass: "break-glass holder"}

// shortages warn of rules that too few people can meet: requests under them would never
// be approved.
func shortages(p *kit.Page, short []steps.Shortage) {
	var items [][]kit.Part
	for _, s := range short[:min(10, len(short))] {
		item := []kit.Part{kit.Words(fmt.Sprintf("%s needs %s, but only %d can be given", draw.RiskWords[s.Tier], kit.Count(s.Needs, "approval"), s.Have))}
		if s.Project != "" {
			item = append(item, kit.Words(" in "), kit.Place(s.Project))
		}
		items = append(items, item)
	}
	p.List([]kit.Part{kit.Strong("Too few reviewers: "), kit.Words("add some, or change the rules. Until then none of this can be approved.")}, items)
}

// PeopleView lists who decides in whose place, and the roles that people have.
//
//	Too few reviewers: …
//	[Add a person]
//	@Priya may decide in place of @Ben until …            [Remove]
//	@Ben is a reviewer for #sales, added by @Ada, …       [Remove]
//	@Ada is an administrator (from the server's settings)
func PeopleView(all []review.Grant, away []review.Delegation, short []steps.Shortage) slack.ModalViewRequest {
	p := &kit.Page{}
	shortages(p, short)
	p.Buttons("name", kit.Button(ids.ActionName, "Add a person", "", slack.StylePrimary))
	// Delegations get a third of the modal at most, so that the roles always have room.
	absent := len(away)
	away = away[:min(peopleLength/3, absent)]
	for _, d := range away {
		p.Row(inPlace(d), recall(d))
	}
	if more := absent - len(away); more > 0 {
		p.Say(kit.Words("Not listed here: " + kit.Count(more, "more absence") + "."))
	}
	peopleLength := peopleLength - len(away)
	for _, g := range all[:min(peopleLength, len(all))] {
		said := []kit.Part{kit.Person(g.User), kit.Words(" is " + kit.Article(roleWords[g.Role]))}
		if g.Project != "" {
			said = append(said, kit.Words(" for "), kit.Place(g.Project))
		}
		if g.By == "" {
			said = append(said, kit.Words(" (from the server's settings)"))
		} else {
			said = append(said, kit.Words(", added by "), kit.Person(g.By), kit.Words(", "), kit.Moment(g.At))
		}
		p.Row(said, unname(g))
	}
	if more := len(all) - peopleLength; more > 0 {
		p.Say(kit.Words("Not listed here: " + kit.Count(more, "more role") + "."))
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackPeople, Title: kit.Plain("People"), Close: kit.Plain("Close"), Blocks: slack.Blocks{BlockSet: p.Blocks}}
}

// unname is the button that takes a role from somebody. What the settings say
// cannot be taken in Slack.
// Its value is role, channel and person, so the row that is removed is the one that was drawn, wherever it
// stands by now.
func unname(g review.Grant) *slack.ButtonBlockElement {
	if g.By == "" {
		return nil
	}
	take := kit.Button(ids.ActionUnname, "Remove", strings.Join([]string{string(g.Role), g.Project, g.User}, "/"), slack.StyleDefault)
	take.Confirm = slack.NewConfirmationBlockObject(kit.Plain("Remove this role?"), kit.Plain("Anything they approved that has not started goes back to the reviewers."), kit.Plain("Remove"), kit.Plain("Cancel")).WithStyle(slack.StyleDanger)
	return take
}

// recall is the button that ends what somebody who is away has arranged.
func recall(d review.Delegation) *slack.ButtonBlockElement {
	take := kit.Button(ids.ActionRecall, "Remove", d.From, slack.StyleDefault)
	take.Confirm = slack.NewConfirmationBlockObject(kit.Plain("End this?"), kit.Plain("Anything approved in their place that has not started goes back to the reviewers."), kit.Plain("Remove"), kit.Plain("Cancel")).WithStyle(slack.StyleDanger)
	return take
}

// NameView gives somebody a role, for everything or for one channel.
// Close says "Back" because the modal is pushed onto the one with all roles.
func NameView() slack.ModalViewRequest {
	who := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, kit.Plain("Choose a person"), ids.FieldPerson)
	var roles []*slack.OptionBlockObject
	for _, r := range []struct {
		role review.PersonRole
		what string
	}{
		{review.RoleReviewer, "Decides on code."},
		{review.RoleFallback, "Decides too, and is asked when the others have not."},
		{review.RoleAdmin, "Names people, sets rules and budgets."},
		{review.RoleAuditor, "Sees everything, changes nothing, asks nothing."},
		{review.RoleGlass, "Runs unapproved code in an emergency, a day after two of you named them."},
	} {
		roles = append(roles, slack.NewOptionBlockObject(string(r.role), kit.Plain(kit.Capital(roleWords[r.role])), kit.Plain(r.what)))
	}
	role := slack.NewRadioButtonsBlockElement(ids.FieldRole, roles...)
	role.InitialOption = roles[0]
	where := slack.NewInputBlock(ids.FieldChannel, kit.Plain("Only for this channel"), kit.Plain("Leave empty for the whole workspace. Administrators and auditors always have all of it."), channels()).WithOptional(true)
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackName, Title: kit.Plain("Add a person"), Submit: kit.Plain("Name"), Close: kit.Plain("Back"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock(ids.FieldPerson, kit.Plain("Who"), nil, who), slack.NewInputBlock(ids.FieldRole, kit.Plain("Role"), nil, role), where}}}
}

// channels chooses a channel of this workspace.
func channels() *slack.SelectBlockElement {
	where := slack.NewOptionsSelectBlockElement(slack.OptTypeConversations, kit.Plain("Choose a channel"), ids.FieldChannel)
	where.Filter = &slack.SelectBlockElementFilter{Include: []string{"public", "private"}, ExcludeExternalSharedChannels: true}
	return where
}
