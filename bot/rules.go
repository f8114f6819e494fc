package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

// The form in which administrators set the rules of the workspace's reviews, or
// of one channel's. It is filled with what holds now.

// ruled is what the form remembers: whose rules, and which version it was filled
// from, so that two administrators do not overwrite each other unseen.
type ruled struct {
	Project string `json:"project,omitempty"`
	Version int    `json:"version,omitempty"` // of their own; 0: they have none yet
}

// tierField names the field of one tier.
func tierField(field string, t approval.Tier) string { return field + "_" + string(t) }

// What can be ticked for a tier.
const (
	careTyped  = "typed"
	careShell  = "shell"
	careOwners = "owners"
)

// clickRules opens the rules of the workspace.
func (b *Bot) clickRules(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	set, err := b.Service.RulesOf(ctx, cb.Team.ID, "")
	if err != nil {
		return answer{}, err
	}
	return answer{}, b.open(ctx, cb.TriggerID, rulesView(set, ""))
}

// clickWhose asks of which channel the rules are to be set.
func (b *Bot) clickWhose(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	return answer{}, b.open(ctx, cb.TriggerID, whoseView())
}

func whoseView() slack.ModalViewRequest {
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackWhose, Title: plain("Rules of a channel"), Submit: plain("Next"), Close: plain("Cancel"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewInputBlock(fieldChannel, plain("Channel"), plain("Its rules take the place of those of the workspace, but for when nothing starts: that adds up."), channels())}}}
}

// submitWhose goes on to the form.
func (b *Bot) submitWhose(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	project := fieldsOf(cb)[fieldChannel].SelectedConversation
	set, err := b.Service.RulesOf(ctx, cb.Team.ID, project)
	if err != nil {
		return saved(err, fieldChannel)
	}
	view := rulesView(set, project)
	return answer{payload: slack.NewUpdateViewSubmissionResponse(&view)}, nil
}

// rulesView is the form, filled with what holds: a channel without rules of its
// own shows those of the workspace.
func rulesView(set review.RuleSet, project string) slack.ModalViewRequest {
	from := ruled{Project: project}
	if set.Project == project {
		from.Version = set.Version
	}
	p, r := &page{}, set.Rules
	switch {
	case project == "":
		p.say(words("These rules hold in every channel that has none of its own. They count for code that is written from now on; what waits already keeps what was sealed with it, or what is stricter."))
	case set.Project == project:
		p.say(words("These rules hold in "), place(project), words(" in place of those of the workspace, whose times in which nothing starts hold here as well."))
		box := slack.NewCheckboxGroupsBlockElement(fieldNone, slack.NewOptionBlockObject(fieldNone, plain("Back to the rules of the workspace"), nil))
		p.add(slack.NewInputBlock(fieldNone, plain("Of its own"), nil, box).WithOptional(true), 0, "")
	default:
		p.say(place(project), words(" has no rules of its own so far. The form shows those of the workspace."))
	}
	for _, t := range approval.Tiers() {
		tierFields(p, t, r.For(t), project != "")
	}
	p.add(slack.NewInputBlock(fieldClass, plain("The data is"), plain("Confidential data makes every program at least medium risk."),
		chosen(fieldClass, []string{string(review.Public), string(review.Internal), string(review.Confidential)}, string(r.Class))), 0, "")
	p.optional(tierField(fieldCosts, approval.Medium), "Medium risk from this cost of a run on", "In dollars. Empty: never because of its cost.", amount(r.CostMedium), false)
	p.optional(tierField(fieldCosts, approval.High), "High risk from this cost of a run on", "In dollars. Empty: never because of its cost.", amount(r.CostHigh), false)
	p.optional(fieldHosts, "Hosts that code may reach", "One a line, such as api.example.com. Empty: no network at all.", strings.Join(r.Hosts, "\n"), true)
	freezes := `One a line: "last 2 days of the month", "2026-12-24 to 2027-01-02", "Fri 16:00-24:00". What is approved meanwhile waits.`
	if project != "" {
		freezes += " What the workspace has set holds here as well."
	}
	p.optional(fieldFreezes, "When nothing starts", freezes, strings.Join(r.Freezes, "\n"), true)
	p.optional(fieldWait, "Minutes that reviewers have", "Empty: as the app was set up.", nonzero(int64(r.ExpiryMinutes)), false)
	p.optional(fieldLast, "Minutes in which an approval has to lead to a run", "Empty: as the app was set up.", nonzero(int64(r.RunExpiryMinutes)), false)
	title := "Rules of the workspace"
	if project != "" {
		title = "Rules of a channel"
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackRules, Title: plain(title), Submit: plain("Save"), Close: plain("Cancel"),
		PrivateMetadata: string(mustMarshal(from)), Blocks: slack.Blocks{BlockSet: p.blocks}}
}

// tierFields ask what a tier needs.
func tierFields(p *page, t approval.Tier, r review.TierRules, channel bool) {
	var numbers []string
	for n := 1; n <= review.MaxApprovals; n++ {
		numbers = append(numbers, strconv.Itoa(n))
	}
	needs, care := tierField(fieldNeeds, t), tierField(fieldCare, t)
	p.add(slack.NewInputBlock(needs, plain(riskWords[t]+": approvals of so many different people"), nil, chosen(needs, numbers, strconv.Itoa(r.Approvals))), 0, "")
	type box struct {
		value, label string
		ticked       bool
	}
	boxes := []box{{careTyped, "The beginning of the digest has to be typed", r.Typed}, {careShell, "Decided on the command line only, not in Slack", !r.Slack}}
	if channel {
		boxes = append(boxes, box{careOwners, "Only reviewers who are named for this channel", r.Owners})
	}
	group := slack.NewCheckboxGroupsBlockElement(care)
	for _, b := range boxes {
		option := slack.NewOptionBlockObject(b.value, plain(b.label), nil)
		group.Options = append(group.Options, option)
		if b.ticked {
			group.InitialOptions = append(group.InitialOptions, option)
		}
	}
	p.add(slack.NewInputBlock(care, plain(riskWords[t]+": in addition"), nil, group).WithOptional(true), 0, "")
}

// chosen is a list of which one is chosen.
func chosen(field string, all []string, now string) *slack.SelectBlockElement {
	list := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, field)
	for _, value := range all {
		option := slack.NewOptionBlockObject(value, plain(capital(value)), nil)
		list.Options = append(list.Options, option)
		if value == now {
			list.InitialOption = option
		}
	}
	return list
}

// optional is a field that may stay empty.
func (p *page) optional(field, label, hint, value string, lines bool) {
	input := slack.NewPlainTextInputBlockElement(nil, field)
	input.Multiline, input.InitialValue = lines, cut(value, fieldChars)
	p.add(slack.NewInputBlock(field, plain(label), plain(hint), input).WithOptional(true), 0, "")
}

func amount(u budget.USD) string {
	if u == 0 {
		return ""
	}
	return u.String()
}

// submitRules stores what the form holds. What is wrong is said beside its field.
func (b *Bot) submitRules(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	var from ruled
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &from); err != nil {
		return answer{}, fmt.Errorf("a form's metadata: %w", err)
	}
	fields := fieldsOf(cb)
	set := review.RuleSet{Team: cb.Team.ID, Project: from.Project, Version: from.Version, None: len(fields[fieldNone].SelectedOptions) > 0}
	rules, field, why := rulesOf(fields)
	if why != "" && !set.None {
		return beside(field, why), nil
	}
	set.Rules = rules
	_, err := b.Service.SetRules(ctx, modalClick(cb, origin{}), set)
	return saved(err, rulesField(err, rules))
}

// rulesField is the field that an objection to rules is about.
func rulesField(err error, r review.Rules) string {
	text, _ := known(err)
	for _, host := range r.Hosts {
		if strings.Contains(text, strconv.Quote(host)) {
			return fieldHosts
		}
	}
	if strings.Contains(text, "no hosts") {
		return fieldHosts
	}
	if strings.Contains(text, "times") {
		return fieldFreezes
	}
	return tierField(fieldNeeds, approval.High)
}

// rulesOf reads the form; or says which field cannot be read, and why.
func rulesOf(fields map[string]slack.BlockAction) (r review.Rules, field, why string) {
	for t, rules := range map[approval.Tier]*review.TierRules{approval.Low: &r.Low, approval.Medium: &r.Medium, approval.High: &r.High} {
		rules.Approvals, _ = strconv.Atoi(fields[tierField(fieldNeeds, t)].SelectedOption.Value) // one of ours
		rules.Slack = true
		for _, ticked := range fields[tierField(fieldCare, t)].SelectedOptions {
			switch ticked.Value {
			case careTyped:
				rules.Typed = true
			case careShell:
				rules.Slack = false
			case careOwners:
				rules.Owners = true
			}
		}
	}
	r.Class = review.Class(fields[fieldClass].SelectedOption.Value)
	for t, cost := range map[approval.Tier]*budget.USD{approval.Medium: &r.CostMedium, approval.High: &r.CostHigh} {
		text, name := strings.TrimSpace(fields[tierField(fieldCosts, t)].Value), tierField(fieldCosts, t)
		if text == "" {
			continue
		}
		var err error
		if *cost, err = budget.ParseUSD(text); err != nil {
			return r, name, "That is not an amount of dollars. Write it like 0.25 or $1."
		}
	}
	r.Hosts, r.Freezes = written(lower(fields[fieldHosts].Value)), written(fields[fieldFreezes].Value)
	for _, line := range r.Freezes {
		if _, err := review.ParseFreeze(line); err != nil {
			text, _ := known(err)
			return r, fieldFreezes, text
		}
	}
	for name, minutes := range map[string]*int{fieldWait: &r.ExpiryMinutes, fieldLast: &r.RunExpiryMinutes} {
		text := strings.TrimSpace(fields[name].Value)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return r, name, "That is not a number of minutes."
		}
		*minutes = n
	}
	return r, "", ""
}

// written are the lines of a field that say something.
func written(text string) (out []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}
