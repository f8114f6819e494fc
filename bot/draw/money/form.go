package money

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// LimitForm is the modal in which a budget is set.
// There are two ways in: with Edits set for one budget, whose scope cannot be changed then, or with a Kind that
// is chosen in the form, which draws the form anew with the field that this kind needs.
type LimitForm struct {
	Channel string           // where it was opened: there the outcome is told
	Home    bool             // it was opened on a Home, which shows the outcome
	Kind    string           // a value of limitKinds, when the budget is chosen in the form
	Edits   *budget.Standing // the budget that is edited; nil for one to be chosen
	Named   []kit.Part       // whose it is
	Models  []string         // what can write the code
}

// LimitOrigin is what the modal remembers.
type LimitOrigin struct {
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
}{{budget.Day, "per day"}, {budget.Week, "per week"}, {budget.Month, "per month"}, {budget.None, "in all, never resets"}}

// LimitView draws the form, filled in with what holds now where that is known.
// Order of the fields: whose, how much, when people are warned, what changes past the soft limit, and the
// button that removes the budget.
func LimitView(f LimitForm) slack.ModalViewRequest {
	title, from := "Set a budget", LimitOrigin{Channel: f.Channel, Home: f.Home}
	limit := budget.Limit{Window: budget.Month}
	var blocks []slack.Block
	if f.Edits != nil {
		title, limit, from.Edits = "Edit a budget", f.Edits.Limit, ScopeValue(f.Edits.Limit.Scope)
		p := &kit.Page{}
		Standing(p, *f.Edits, f.Named)
		blocks = append(p.Blocks, slack.NewDividerBlock())
	} else {
		blocks = append(blocks, whoseFields(f.Kind)...)
	}
	blocks = append(blocks, amountFields(limit)...)
	blocks = append(blocks, markFields(limit.Policy)...)
	blocks = append(append(blocks, SavingFields(limit.Policy, f.Models)...), readyField(limit.Policy))
	// A default is nobody's own budget, so there is nothing to remove.
	if f.Edits != nil && !limit.Default {
		away := kit.Button(ids.ActionRemoveLimit, "Remove this budget", from.Edits, slack.StyleDanger)
		away.Confirm = slack.NewConfirmationBlockObject(kit.Plain("Remove this budget?"), kit.Plain("What has been spent stays on record. From now on, only the other budgets limit it."),
			kit.Plain("Remove"), kit.Plain("Back")).WithStyle(slack.StyleDanger)
		blocks = append(blocks, slack.NewActionBlock("remove", away))
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackLimit, Title: kit.Plain(title), Submit: kit.Plain("Save"), Close: kit.Plain("Cancel"),
		PrivateMetadata: string(kit.JSON(from)), Blocks: slack.Blocks{BlockSet: blocks}}
}

// whoseFields ask whose budget it is: first of what kind, then which one of these.
func whoseFields(kind string) []slack.Block {
	var options []*slack.OptionBlockObject
	var chosen *slack.OptionBlockObject
	for _, k := range limitKinds {
		o := slack.NewOptionBlockObject(k.value, kit.Plain(k.label), nil)
		if options = append(options, o); k.value == kind {
			chosen = o
		}
	}
	// Slack tells of the choice at once (dispatch action), and limits.clickKind draws the fields that
	// this kind of budget needs.
	whose := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, kit.Plain("Whose"), ids.FieldKind, options...).WithInitialOption(chosen)
	blocks := []slack.Block{slack.NewInputBlock(ids.FieldKind, kit.Plain("Whose budget"), kit.Plain("It replaces the one that is set."), whose).WithDispatchAction(true)}
	switch budget.ScopeKind(kind) {
	case budget.User:
		blocks = append(blocks, slack.NewInputBlock(ids.FieldUser, kit.Plain("Person"), nil, slack.NewOptionsSelectBlockElement(slack.OptTypeUser, kit.Plain("Choose a person"), ids.FieldUser)))
	case budget.Project:
		where := slack.NewOptionsSelectBlockElement(slack.OptTypeConversations, kit.Plain("Choose a channel"), ids.FieldProject)
		where.Filter = &slack.SelectBlockElementFilter{Include: []string{"public", "private"}}
		blocks = append(blocks, slack.NewInputBlock(ids.FieldProject, kit.Plain("Channel"), nil, where))
	case budget.Session:
		text := slack.NewPlainTextInputBlockElement(kit.Plain("https://…"), ids.FieldThread)
		text.MaxLength = 500
		blocks = append(blocks, slack.NewInputBlock(ids.FieldThread, kit.Plain("Link of the thread"), kit.Plain("Choose \"Copy link\" in the menu of its first message."), text))
	}
	return blocks
}

// amountFields ask how much, and per what.
func amountFields(l budget.Limit) []slack.Block {
	amount := slack.NewPlainTextInputBlockElement(kit.Plain("25"), ids.FieldAmount)
	amount.MaxLength = 30
	// A budget of nothing is filled in as well, where one is edited: it is not the same as none.
	if l.Amount > 0 || l.Scope.ID != "" {
		amount.InitialValue = strings.TrimPrefix(l.Amount.String(), "$")
	}
	var options []*slack.OptionBlockObject
	var chosen *slack.OptionBlockObject
	for _, w := range limitWindows {
		o := slack.NewOptionBlockObject(string(w.value), kit.Plain(w.label), nil)
		if options = append(options, o); w.value == l.Window {
			chosen = o
		}
	}
	window := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, kit.Plain("Per"), ids.FieldWindow, options...).WithInitialOption(chosen)
	return []slack.Block{slack.NewInputBlock(ids.FieldAmount, kit.Plain("Dollars"), nil, amount), slack.NewInputBlock(ids.FieldWindow, kit.Plain("Period"), nil, window)}
}

// markFields ask when people are warned.
func markFields(p budget.LimitPolicy) []slack.Block {
	soft := slack.NewPlainTextInputBlockElement(kit.Plain("80"), ids.FieldSoft)
	soft.InitialValue, soft.MaxLength = fmt.Sprint(p.SoftMark()), 30
	warn := slack.NewPlainTextInputBlockElement(kit.Plain("50, 95"), ids.FieldWarn)
	warn.MaxLength = 60
	var marks []string
	for _, m := range p.Warn {
		marks = append(marks, fmt.Sprint(m))
	}
	warn.InitialValue = strings.Join(marks, ", ")
	return []slack.Block{
		slack.NewInputBlock(ids.FieldSoft, kit.Plain("Soft limit, in percent"), kit.Plain("From here on people are warned, and what is chosen below applies."), soft),
		slack.NewInputBlock(ids.FieldWarn, kit.Plain("Warn at other marks too, in percent"), nil, warn).WithOptional(true),
	}
}

// Switches are what the form offers to be switched off: a model as well, where another one is left.
// The values are stored in the policy as they are, so an ability that the settings no longer know stays in a
// budget until somebody edits it.
func Switches(models []string) []budget.Ability {
	off := []budget.Ability{budget.Upload, budget.LongRuns, budget.Network}
	if len(models) > 1 {
		for _, m := range models {
			off = append(off, budget.WithoutModel(m))
		}
	}
	return off[:min(kit.MaxChoices, len(off))]
}

// SavingFields ask what is different past the soft limit.
func SavingFields(p budget.LimitPolicy, models []string) []slack.Block {
	off := Switches(models)
	var blocks []slack.Block
	if len(models) > 1 {
		var all, chosen []*slack.OptionBlockObject
		for _, m := range models[:min(kit.MaxChoices, len(models))] {
			o := slack.NewOptionBlockObject(m, kit.Plain(kit.Cut(m, 75)), nil)
			all = append(all, o)
			if slices.ContainsFunc(p.Downgrade, func(d budget.Downgrade) bool { return d.To == m }) {
				chosen = append(chosen, o)
			}
		}
		list := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, kit.Plain("None"), ids.FieldDowngrade, all...)
		list.InitialOptions = chosen
		blocks = append(blocks, slack.NewInputBlock(ids.FieldDowngrade, kit.Plain("Past the soft limit, cheaper models"),
			kit.Plain("The first one that is cheaper than the model asked for, and fits, writes instead."), list).WithOptional(true))
	}
	var all, chosen []*slack.OptionBlockObject
	for _, a := range off {
		o := slack.NewOptionBlockObject(kit.Cut(string(a), 150), kit.Plain(kit.Cut(abilityLabel(a), 75)), nil)
		if all = append(all, o); slices.Contains(p.Without, a) {
			chosen = append(chosen, o)
		}
	}
	list := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, kit.Plain("Nothing"), ids.FieldWithout, all...)
	list.InitialOptions = chosen
	return append(blocks, slack.NewInputBlock(ids.FieldWithout, kit.Plain("Past the soft limit, switched off"), nil, list).WithOptional(true))
}

// readyField asks whether a sandbox may wait while people read.
func readyField(p budget.LimitPolicy) slack.Block {
	amount := slack.NewPlainTextInputBlockElement(kit.Plain("0.02"), ids.FieldReady)
	if amount.MaxLength = 30; p.Ready > 0 {
		amount.InitialValue = strings.TrimPrefix(p.Ready.String(), "$")
	}
	return slack.NewInputBlock(ids.FieldReady, kit.Plain("Dollars for a sandbox kept ready during review"),
		kit.Plain("At most, for each question. At E2B an approved program then starts at once; the sandbox is paid by the second, also when the question is rejected. Empty: none."), amount).WithOptional(true)
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
