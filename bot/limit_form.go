package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/budget"
)

// limitForm is the modal in which a budget is set.
type limitForm struct {
	channel string           // where it was opened: there the outcome is told
	home    bool             // it was opened on a Home, which shows the outcome
	kind    string           // a value of limitKinds, when the budget is chosen in the form
	edits   *budget.Standing // the budget that is edited; nil for one to be chosen
	named   []part           // whose it is
	models  []string         // what can write the code
}

// limitOrigin is what the modal remembers.
type limitOrigin struct {
	Channel string `json:"channel,omitempty"`
	Home    bool   `json:"home,omitempty"`
	Edits   string `json:"edits,omitempty"` // as scopeValue
}

// limitKinds are whose budgets can be set, by the values of the choice.
var limitKinds = []struct{ value, label string }{
	{string(budget.User), "One person"},
	{string(budget.Project), "One channel"},
	{string(budget.Session), "One thread"},
	{string(budget.Team), "The whole team, together"},
	{budget.Members, "Each person without a budget"},
	{budget.Reviewers, "Each reviewer without a budget"},
	{budget.Admins, "Each admin without a budget"},
}

// limitWindows are what a budget can be per, by the values of the choice.
var limitWindows = []struct {
	value budget.Window
	label string
}{{budget.Day, "per day"}, {budget.Week, "per week"}, {budget.Month, "per month"}, {budget.None, "in all, without starting anew"}}

// limitView draws the form, filled in with what holds now where that is known.
func limitView(f limitForm) slack.ModalViewRequest {
	title, from := "Set a budget", limitOrigin{Channel: f.channel, Home: f.home}
	limit := budget.Limit{Window: budget.Month}
	var blocks []slack.Block
	if f.edits != nil {
		title, limit, from.Edits = "Edit a budget", f.edits.Limit, scopeValue(f.edits.Limit.Scope)
		p := &page{}
		p.standing(*f.edits, f.named)
		blocks = append(p.blocks, slack.NewDividerBlock())
	} else {
		blocks = append(blocks, whoseFields(f.kind)...)
	}
	blocks = append(blocks, amountFields(limit)...)
	blocks = append(blocks, markFields(limit.Policy)...)
	blocks = append(blocks, savingFields(limit.Policy, f.models)...)
	if f.edits != nil && !limit.Default {
		away := button(actionRemoveLimit, "Remove this budget", from.Edits, slack.StyleDanger)
		away.Confirm = slack.NewConfirmationBlockObject(plain("Remove this budget?"), plain("What has been spent stays on record. From now on, only the other budgets limit it."),
			plain("Remove"), plain("Back")).WithStyle(slack.StyleDanger)
		blocks = append(blocks, slack.NewActionBlock("remove", away))
	}
	metadata, err := json.Marshal(from)
	if err != nil {
		panic(err) // strings always marshal
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackLimit, Title: plain(title), Submit: plain("Save"), Close: plain("Cancel"),
		PrivateMetadata: string(metadata), Blocks: slack.Blocks{BlockSet: blocks}}
}

// whoseFields ask whose budget it is: first of what kind, then which one of these.
func whoseFields(kind string) []slack.Block {
	var options []*slack.OptionBlockObject
	var chosen *slack.OptionBlockObject
	for _, k := range limitKinds {
		o := slack.NewOptionBlockObject(k.value, plain(k.label), nil)
		if options = append(options, o); k.value == kind {
			chosen = o
		}
	}
	whose := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Whose"), fieldKind, options...).WithInitialOption(chosen)
	blocks := []slack.Block{slack.NewInputBlock(fieldKind, plain("Whose budget"), plain("One that is set already is replaced."), whose).WithDispatchAction(true)}
	switch budget.ScopeKind(kind) {
	case budget.User:
		blocks = append(blocks, slack.NewInputBlock(fieldUser, plain("Person"), nil, slack.NewOptionsSelectBlockElement(slack.OptTypeUser, plain("Choose a person"), fieldUser)))
	case budget.Project:
		where := slack.NewOptionsSelectBlockElement(slack.OptTypeConversations, plain("Choose a channel"), fieldProject)
		where.Filter = &slack.SelectBlockElementFilter{Include: []string{"public", "private"}}
		blocks = append(blocks, slack.NewInputBlock(fieldProject, plain("Channel"), nil, where))
	case budget.Session:
		text := slack.NewPlainTextInputBlockElement(plain("https://…"), fieldThread)
		text.MaxLength = 500
		blocks = append(blocks, slack.NewInputBlock(fieldThread, plain("Link of the thread"), plain("Choose \"Copy link\" in the menu of its first message."), text))
	}
	return blocks
}

// amountFields ask how much, and per what.
func amountFields(l budget.Limit) []slack.Block {
	amount := slack.NewPlainTextInputBlockElement(plain("25"), fieldAmount)
	amount.MaxLength = 30
	if l.Amount > 0 || l.Scope.ID != "" {
		amount.InitialValue = strings.TrimPrefix(l.Amount.String(), "$")
	}
	var options []*slack.OptionBlockObject
	var chosen *slack.OptionBlockObject
	for _, w := range limitWindows {
		o := slack.NewOptionBlockObject(string(w.value), plain(w.label), nil)
		if options = append(options, o); w.value == l.Window {
			chosen = o
		}
	}
	window := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Per"), fieldWindow, options...).WithInitialOption(chosen)
	return []slack.Block{slack.NewInputBlock(fieldAmount, plain("Dollars"), nil, amount), slack.NewInputBlock(fieldWindow, plain("Period"), nil, window)}
}

// markFields ask when people are warned.
func markFields(p budget.LimitPolicy) []slack.Block {
	soft := slack.NewPlainTextInputBlockElement(plain("80"), fieldSoft)
	soft.InitialValue, soft.MaxLength = fmt.Sprint(p.SoftMark()), 30
	warn := slack.NewPlainTextInputBlockElement(plain("50, 95"), fieldWarn)
	warn.MaxLength = 60
	var marks []string
	for _, m := range p.Warn {
		marks = append(marks, fmt.Sprint(m))
	}
	warn.InitialValue = strings.Join(marks, ", ")
	return []slack.Block{
		slack.NewInputBlock(fieldSoft, plain("Soft limit, in percent"), plain("From here on people are warned, and what is chosen below applies."), soft),
		slack.NewInputBlock(fieldWarn, plain("Warn at other marks too, in percent"), nil, warn).WithOptional(true),
	}
}

// savingFields ask what is different past the soft limit.
func savingFields(p budget.LimitPolicy, models []string) []slack.Block {
	off := []budget.Ability{budget.Upload, budget.LongRuns, budget.Network}
	var blocks []slack.Block
	if len(models) > 1 {
		var all, chosen []*slack.OptionBlockObject
		for _, m := range models[:min(100, len(models))] {
			o := slack.NewOptionBlockObject(m, plain(cut(m, 75)), nil)
			all = append(all, o)
			if slices.ContainsFunc(p.Downgrade, func(d budget.Downgrade) bool { return d.To == m }) {
				chosen = append(chosen, o)
			}
			off = append(off, budget.WithoutModel(m))
		}
		list := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, plain("None"), fieldDowngrade, all...)
		list.InitialOptions = chosen
		blocks = append(blocks, slack.NewInputBlock(fieldDowngrade, plain("Past the soft limit, cheaper models"),
			plain("The first that is cheaper than the one that was asked for, and fits, writes instead."), list).WithOptional(true))
	}
	var all, chosen []*slack.OptionBlockObject
	for _, a := range off[:min(100, len(off))] {
		o := slack.NewOptionBlockObject(cut(string(a), 150), plain(cut(abilityLabel(a), 75)), nil)
		if all = append(all, o); slices.Contains(p.Without, a) {
			chosen = append(chosen, o)
		}
	}
	list := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, plain("Nothing"), fieldWithout, all...)
	list.InitialOptions = chosen
	return append(blocks, slack.NewInputBlock(fieldWithout, plain("Past the soft limit, switched off"), nil, list).WithOptional(true))
}

// abilityLabel names what can be switched off.
func abilityLabel(a budget.Ability) string {
	switch model, ok := a.Model(); {
	case ok:
		return "Model " + model
	case a == budget.Upload:
		return "Uploading files in the form"
	case a == budget.LongRuns:
		return fmt.Sprintf("Runs of more than %d seconds", int(budget.ShortRun.Seconds()))
	}
	return "Network for programs"
}

// clickKind asks for what the chosen kind of budget needs.
func (b *Bot) clickKind(_ context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, err := limitOriginOf(cb)
	if err != nil {
		return answer{}, err
	}
	view := limitView(limitForm{models: b.Service.Models(), channel: from.Channel, home: from.Home, kind: action.SelectedOption.Value})
	return answer{after: func(ctx context.Context) { b.redraw(ctx, cb, view) }}, nil
}

// redraw shows something else in an open modal. Whoever has closed it, or has
// chosen again meanwhile, needs it no more.
func (b *Bot) redraw(ctx context.Context, cb slack.InteractionCallback, view slack.ModalViewRequest) {
	if _, err := b.api.UpdateViewContext(ctx, view, "", cb.View.Hash, cb.View.ID); err != nil && !slices.Contains([]string{"hash_conflict", "not_found"}, slackError(err)) {
		b.Log.Error("redraw a modal", "view", view.CallbackID, "error", detail(err))
	}
}

// limitOriginOf reads back what the modal remembers.
func limitOriginOf(cb slack.InteractionCallback) (from limitOrigin, err error) {
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &from); err != nil {
		return from, fmt.Errorf("a modal's metadata: %w", err)
	}
	return from, nil
}

// clickSetLimit opens the empty form from a Home.
func (b *Bot) clickSetLimit(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	if !b.isAdmin(ctx, cb.Team.ID, cb.User.ID) {
		return answer{}, &approval.NotAllowedError{Who: cb.User.ID, Why: "Only administrators change budgets."}
	}
	return answer{}, b.open(ctx, cb.TriggerID, limitView(limitForm{models: b.Service.Models(), home: true, kind: string(budget.User)}))
}

// clickEditLimit opens the form with what holds now.
func (b *Bot) clickEditLimit(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	s, err := parseScope(cb.Team.ID, action.Value)
	if err != nil {
		return answer{}, err
	}
	standings, err := b.Service.Standings(ctx, cb.User.ID, []budget.Scope{s})
	if err != nil {
		return answer{}, err
	}
	if len(standings) == 0 {
		return answer{}, &approval.InputError{Why: "This budget has been removed in the meantime. " + commandBudget + " shows those that there are."}
	}
	f := limitForm{models: b.Service.Models(), channel: seatOf(cb).channel, home: cb.View.ID != "", edits: &standings[0], named: b.namer(ctx)(s)}
	return answer{}, b.open(ctx, cb.TriggerID, limitView(f))
}
