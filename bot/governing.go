package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/codes"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
	"countersign/bot/ids"
)

// Authority is who may do what under which rules, and how that is changed.
type Authority interface {
	roster
	Grants(ctx context.Context, team string) ([]review.Grant, error)
	SetRole(ctx context.Context, click approval.Click, g review.Grant) error
	RemoveRole(ctx context.Context, click approval.Click, g review.Grant) error
	Delegate(ctx context.Context, click approval.Click, to string, until time.Time) error
	EndDelegation(ctx context.Context, click approval.Click, from string) error
	RulesOf(ctx context.Context, team, project string) (review.RuleSet, error)
	SetRules(ctx context.Context, click approval.Click, set review.RuleSet) (review.RuleSet, error)
	// Shortages are the rules that more people would be needed for than there are.
	Shortages(ctx context.Context, team string) ([]steps.Shortage, error)
	// Offered are the models of a channel, or of the workspace without one; SetModels chooses them.
	Offered(ctx context.Context, team, project string) (steps.ModelList, error)
	SetModels(ctx context.Context, click approval.Click, project string, models *review.Models, base int) (review.RuleSet, error)
	Statistics(ctx context.Context, click approval.Click, since time.Time) ([]steps.ReviewerStatistics, error)
}

// Notes are what administrators write about a channel.
type Notes interface {
	SetNotes(ctx context.Context, click approval.Click, project string, notes review.Notes, shows approval.Sight, base int) (review.RuleSet, error)
}

// Keyring are the SSH keys by which people sign what they decide outside of Slack.
type Keyring interface {
	Keys(ctx context.Context, click approval.Click) ([]review.Key, error)
	AddKey(ctx context.Context, click approval.Click, text string) error
	RemoveKey(ctx context.Context, click approval.Click, line string) error
}

// Trail is where copies of the audit log's checkpoints are kept.
type Trail interface {
	Copied(ctx context.Context, team, channel string) (steps.Copies, error)
	SetLogChannel(ctx context.Context, click approval.Click, channel string, base int) (review.RuleSet, error)
}

// governing takes what administrators and reviewers arrange: people, rules, absences, notes.
type governing struct {
	*slackAPI
	service Authority
	notes   Notes
	keys    Keyring
	trail   Trail
}

// clickKeys opens the keys of whoever clicks.
//
// Everybody may see their own; whose keys these are is taken from the click, so nobody sees another's.
func (h *governing) clickKeys(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	keys, err := h.keys.Keys(ctx, clickOf(cb, action))
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, home.KeysView(keys, time.Now()))
}

// submitKey registers the one that was pasted.
func (h *governing) submitKey(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	return saved(cb, h.keys.AddKey(ctx, modalClick(cb, draw.Origin{}), fieldsOf(cb)[ids.FieldKey].Value), ids.FieldKey)
}

// clickRemoveKey removes one, and draws the list again.
func (h *governing) clickRemoveKey(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	click := clickOf(cb, action)
	if err := h.keys.RemoveKey(ctx, click, action.Value); err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) {
		keys, err := h.keys.Keys(ctx, click)
		h.again(ctx, home.KeysView(keys, time.Now()), err, cb.View.ID)
	}}, nil
}

// clickRecall ends it, and draws the list again.
func (h *governing) clickRecall(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	if err := h.service.EndDelegation(ctx, clickOf(cb, action), action.Value); err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { h.listAgain(ctx, cb.Team.ID, cb.View.ID) }}, nil
}

// clickPeople opens the list.
func (h *governing) clickPeople(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	roster, err := h.service.Reviewers(ctx, cb.Team.ID, "")
	if err != nil {
		return answer{}, err
	}
	if !roster.Admin(cb.User.ID) {
		return answer{}, &approval.NotAllowedError{Who: cb.User.ID, Why: approval.Words("Only administrators can add people.")}
	}
	view, err := h.people(ctx, cb.Team.ID)
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, view)
}

// clickUnname takes a role from somebody, and draws the list again.
func (h *governing) clickUnname(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	fields := strings.Split(action.Value, "/")
	// A value of an older build. There is nothing to say about it, and the list is drawn anew when it is opened.
	if len(fields) != 3 {
		return answer{}, nil
	}
	g := review.Grant{Team: cb.Team.ID, Role: review.PersonRole(fields[0]), Project: fields[1], User: fields[2]}
	if err := h.service.RemoveRole(ctx, clickOf(cb, action), g); err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { h.listAgain(ctx, cb.Team.ID, cb.View.ID) }}, nil
}

// people is the list as it is now.
func (h *governing) people(ctx context.Context, team string) (view slack.ModalViewRequest, err error) {
	all, err := h.service.Grants(ctx, team)
	if err != nil {
		return view, err
	}
	roster, err := h.service.Reviewers(ctx, team, "")
	if err != nil {
		return view, err
	}
	short, err := h.service.Shortages(ctx, team)
	return home.PeopleView(all, roster.Delegations, short), err
}

// listAgain draws the list of people in the modal where it stands.
func (h *governing) listAgain(ctx context.Context, team, view string) {
	list, err := h.people(ctx, team)
	h.again(ctx, list, err, view)
}

// again draws a list in the modal where it stands, unless it could not be read. A modal that
// has been closed meanwhile is drawn when it is opened again.
// No hash: whatever stands in the modal meanwhile is an older list.
func (h *governing) again(ctx context.Context, list slack.ModalViewRequest, err error, view string) {
	if err == nil {
		_, err = h.api.UpdateViewContext(ctx, list, "", "", view)
	}
	if err != nil && codes.Of(err) != "not_found" {
		h.Log.Warn("draw a list again", "list", list.CallbackID, "error", codes.Detail(err))
	}
}

// clickName asks whom to name.
func (h *governing) clickName(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	// On top of the list, which is there again, with the new name, when the form is closed.
	return answer{}, h.push(ctx, cb.TriggerID, home.NameView())
}

// submitName names them, and draws the list under the form again.
func (h *governing) submitName(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	fields := fieldsOf(cb)
	g := review.Grant{Team: cb.Team.ID, Project: fields[ids.FieldChannel].SelectedConversation, Role: review.PersonRole(fields[ids.FieldRole].SelectedOption.Value), User: fields[ids.FieldPerson].SelectedUser}
	if err := h.service.SetRole(ctx, modalClick(cb, draw.Origin{}), g); err != nil {
		return saved(cb, err, ids.FieldPerson)
	}
	// The list lies under the form, as its root.
	return answer{after: func(ctx context.Context) { h.listAgain(ctx, cb.Team.ID, cb.View.RootViewID) }}, nil
}

// clickFigures shows administrators how reviewers decide: whether code is read, or
// waved through.
func (h *governing) clickFigures(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	all, err := h.service.Statistics(ctx, clickOf(cb, action), time.Now().AddDate(0, 0, -home.StatisticsDays))
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, home.FiguresView(all))
}

// clickAway asks who decides in the meantime.
func (h *governing) clickAway(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	return answer{}, h.open(ctx, cb.TriggerID, home.DelegateView())
}

// submitDelegate names them.
func (h *governing) submitDelegate(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	fields := fieldsOf(cb)
	zone := h.Policy().Zone
	if zone == nil {
		zone = time.UTC
	}
	day, err := time.ParseInLocation(time.DateOnly, fields[ids.FieldUntil].SelectedDate, zone)
	if err != nil {
		return beside(ids.FieldUntil, "Please choose a day."), nil
	}
	// Until the end of that day, on the company's calendar: whoever is away on a date is away on all of it.
	err = h.service.Delegate(ctx, modalClick(cb, draw.Origin{}), fields[ids.FieldPerson].SelectedUser, day.AddDate(0, 0, 1))
	return saved(cb, err, ids.FieldPerson)
}

// clickReturn ends a delegation.
func (h *governing) clickReturn(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	return answer{}, h.service.Delegate(ctx, clickOf(cb, action), "", time.Time{})
}

// clickRules opens the rules of the workspace.
func (h *governing) clickRules(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	set, err := h.service.RulesOf(ctx, cb.Team.ID, "")
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, home.RulesView(set, ""))
}

// clickWhose asks of which channel the rules are to be set.
func (h *governing) clickWhose(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	return answer{}, h.open(ctx, cb.TriggerID, home.WhoseView())
}

// submitWhose goes on to the form.
func (h *governing) submitWhose(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	// What a form begins with depends on the channel, and a modal cannot load on a choice. So the
	// channel is a modal of its own, and the form takes its place.
	project := fieldsOf(cb)[ids.FieldChannel].SelectedConversation
	set, err := h.service.RulesOf(ctx, cb.Team.ID, project)
	if err != nil {
		return saved(cb, err, ids.FieldChannel)
	}
	view := home.RulesView(set, project)
	return answer{payload: slack.NewUpdateViewSubmissionResponse(&view)}, nil
}

// ruledOf reads back what a form remembers of the rules that it was filled with.
func ruledOf(cb slack.InteractionCallback) (from home.Ruled, err error) {
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &from); err != nil {
		return from, fmt.Errorf("a form's metadata: %w", err)
	}
	return from, nil
}

// submitRules stores what the form holds. What is wrong is said beside its field.
func (h *governing) submitRules(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	// The form remembers the version that its owner saw. If somebody else has stored another one since,
	// nothing is overwritten: the service refuses.
	from, err := ruledOf(cb)
	if err != nil {
		return answer{}, err
	}
	fields := fieldsOf(cb)
	set := review.RuleSet{Team: cb.Team.ID, Project: from.Project, Version: from.Version, None: len(fields[ids.FieldNone].SelectedOptions) > 0}
	rules, field, why := home.RulesOf(fields)
	// Whoever goes back to the workspace's rules need not mend fields that will not count.
	if why != "" && !set.None {
		return beside(field, why), nil
	}
	set.Rules = rules
	_, err = h.service.SetRules(ctx, modalClick(cb, draw.Origin{}), set)
	return saved(cb, err, home.RulesField(err))
}

// clickModels opens the models of the workspace.
func (h *governing) clickModels(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	list, err := h.service.Offered(ctx, cb.Team.ID, "")
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, home.ModelsView(list, ""))
}

// clickLists asks of which channel the models are to be chosen.
func (h *governing) clickLists(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	return answer{}, h.open(ctx, cb.TriggerID, home.ListsView())
}

// submitLists goes on to the form.
func (h *governing) submitLists(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	project := fieldsOf(cb)[ids.FieldChannel].SelectedConversation
	list, err := h.service.Offered(ctx, cb.Team.ID, project)
	if err != nil {
		return saved(cb, err, ids.FieldChannel)
	}
	view := home.ModelsView(list, project)
	return answer{payload: slack.NewUpdateViewSubmissionResponse(&view)}, nil
}

// submitModels stores what the form holds. What is wrong is said beside its field.
func (h *governing) submitModels(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := ruledOf(cb)
	if err != nil {
		return answer{}, err
	}
	fields := fieldsOf(cb)
	var list *review.Models // nil: as in the workspace
	if len(fields[ids.FieldNone].SelectedOptions) == 0 {
		models, field, why := home.ModelsOf(fields)
		if why != "" {
			return beside(field, why), nil
		}
		list = &models
	}
	_, err = h.service.SetModels(ctx, modalClick(cb, draw.Origin{}), from.Project, list, from.Version)
	return saved(cb, err, home.ModelsField(err))
}

// clickNotes asks of which channel the notes are to be written.
func (h *governing) clickNotes(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	return answer{}, h.open(ctx, cb.TriggerID, home.NotedView())
}

// submitNoted goes on to the form.
func (h *governing) submitNoted(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	project := fieldsOf(cb)[ids.FieldChannel].SelectedConversation
	set, err := h.service.RulesOf(ctx, cb.Team.ID, project)
	if err != nil {
		return saved(cb, err, ids.FieldChannel)
	}
	view := home.NotesView(set, project)
	return answer{payload: slack.NewUpdateViewSubmissionResponse(&view)}, nil
}

// submitNotes stores what the form holds.
func (h *governing) submitNotes(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := ruledOf(cb)
	if err != nil {
		return answer{}, err
	}
	notes, shows := home.NotesOf(fieldsOf(cb))
	_, err = h.notes.SetNotes(ctx, modalClick(cb, draw.Origin{}), from.Project, notes, shows, from.Version)
	return saved(cb, err, home.NotesField(err))
}

// clickTrail asks which channel gets the checkpoints of the audit log.
func (h *governing) clickTrail(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	set, err := h.service.RulesOf(ctx, cb.Team.ID, "")
	if err != nil {
		return answer{}, err
	}
	copies, err := h.trail.Copied(ctx, cb.Team.ID, set.Rules.LogChannel)
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, home.TrailView(set, copies))
}

// submitTrail stores it.
func (h *governing) submitTrail(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := ruledOf(cb)
	if err != nil {
		return answer{}, err
	}
	fields := fieldsOf(cb)
	channel := fields[ids.FieldChannel].SelectedConversation
	if len(fields[ids.FieldNone].SelectedOptions) > 0 {
		channel = ""
	}
	_, err = h.trail.SetLogChannel(ctx, modalClick(cb, draw.Origin{}), channel, from.Version)
	return saved(cb, err, ids.FieldChannel)
}
