package home

import (
	"errors"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// The form in which administrators set the rules of the workspace's reviews, or
// of one channel's. It is filled with what holds now.

// Ruled is what the form remembers: whose rules, and which version it was filled
// from, so that two administrators do not overwrite each other unseen.
type Ruled struct {
	Project string `json:"project,omitempty"`
	Version int    `json:"version,omitempty"` // of their own; 0: they have none yet
}

// TierField names the field of one tier.
func TierField(field string, t approval.Tier) string { return field + "_" + string(t) }

// What can be ticked for a tier.
const (
	CareTyped  = "typed"
	CareShell  = "shell"
	careOwners = "owners"
)

// WhoseView asks of which channel the rules are to be set.
func WhoseView() slack.ModalViewRequest {
	return ofChannel(ids.CallbackWhose, "Rules of a channel", "Its rules replace the workspace's. Only freeze windows add up: both apply.")
}

// ListsView asks of which channel the models are to be chosen.
func ListsView() slack.ModalViewRequest {
	return ofChannel(ids.CallbackLists, "Models of a channel", "Its list takes the place of the workspace's. Who reviews, and by which rules, stays as it is.")
}

// NotedView asks of which channel the notes are to be written.
func NotedView() slack.ModalViewRequest {
	return ofChannel(ids.CallbackNoted, "Notes of a channel", "What every program there should know about its data.")
}

// ofChannel asks which channel something is to be set for.
func ofChannel(callback, title, hint string) slack.ModalViewRequest {
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callback, Title: kit.Plain(title), Submit: kit.Plain("Next"), Close: kit.Plain("Cancel"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock(ids.FieldChannel, kit.Plain("Channel"), kit.Plain(hint), channels())}}}
}

// RulesView is the form, filled with what holds: a channel without rules of its
// own shows those of the workspace.
// After the sentence about where and when they apply come a group for each tier (approvals, extra steps,
// reading time, approvals in an hour), then what lifts a tier (class of the data, cost), then answers, hosts,
// freeze windows and times. Fields stay empty for "not set": a zero would be refused when it comes back.
func RulesView(set review.RuleSet, project string) slack.ModalViewRequest {
	from := Ruled{Project: project, Version: set.Own}
	p, r := &kit.Page{}, set.Rules
	switch {
	case project == "":
		p.Say(kit.Words("These rules apply in every channel without rules of its own, to code written from now on. Code that is already waiting keeps the rules it has, or gets stricter ones."))
	// Only a channel that has rules of its own can go back to the workspace's.
	case set.Version > 0 && set.Project == project:
		p.Say(kit.Words("These rules apply in "), kit.Place(project), kit.Words(" instead of the workspace's. The workspace's freeze windows apply here too."))
		box := slack.NewCheckboxGroupsBlockElement(ids.FieldNone, slack.NewOptionBlockObject(ids.FieldNone, kit.Plain("Use the workspace's rules again"), nil))
		p.Add(slack.NewInputBlock(ids.FieldNone, kit.Plain("Own rules"), nil, box).WithOptional(true), 0, "")
	default:
		p.Say(kit.Place(project), kit.Words(" has no rules of its own yet. The form shows the workspace's."))
	}
	for _, t := range approval.Tiers() {
		tierFields(p, t, r.For(t), project != "")
	}
	p.Add(slack.NewInputBlock(ids.FieldClass, kit.Plain("The data is"), kit.Plain("Confidential data makes every program at least medium risk."),
		chosen(ids.FieldClass, []string{string(review.Public), string(review.Internal), string(review.Confidential)}, string(r.Class))), 0, "")
	alone := slack.NewCheckboxGroupsBlockElement(ids.FieldAlone, slack.NewOptionBlockObject(ids.FieldAlone, kit.Plain("Only to whoever asked, unless they say otherwise"), nil))
	if r.Alone {
		alone.InitialOptions = alone.Options
	}
	p.Add(slack.NewInputBlock(ids.FieldAlone, kit.Plain("Answers go"), kit.Plain("To their direct messages with me, and in no channel."), alone).WithOptional(true), 0, "")
	masked := slack.NewCheckboxGroupsBlockElement(ids.FieldMasked, slack.NewOptionBlockObject(ids.FieldMasked, kit.Plain("Mask secrets and personal data in answers"), nil))
	if r.Masked {
		masked.InitialOptions = masked.Options
	}
	p.Add(slack.NewInputBlock(ids.FieldMasked, kit.Plain("Answers show"), kit.Plain("Where others read them: e-mail addresses, phone numbers, IBANs, and what Privacy in Home names. Shared answers always are masked."), masked).WithOptional(true), 0, "")
	p.Optional(TierField(ids.FieldCosts, approval.Medium), "Medium risk from this cost per run", "In dollars. Empty: cost does not matter.", amount(r.CostMedium), false)
	p.Optional(TierField(ids.FieldCosts, approval.High), "High risk from this cost per run", "In dollars. Empty: cost does not matter.", amount(r.CostHigh), false)
	p.Optional(ids.FieldHosts, "Hosts that code may reach", "One per line, such as api.example.com. Empty: no network at all.", strings.Join(r.Hosts, "\n"), true)
	freezes := `One per line: "last 2 days of the month", "2026-12-24 to 2027-01-02", "Fri 16:00-24:00". Approved code waits until it is over.`
	if project != "" {
		freezes += " The workspace's apply here too."
	}
	p.Optional(ids.FieldFreezes, "Freeze windows", freezes, strings.Join(r.Freezes, "\n"), true)
	p.Optional(ids.FieldWait, "Time to decide (minutes)", "Empty: the server's setting.", kit.Nonzero(int64(r.ExpiryMinutes)), false)
	p.Optional(ids.FieldLast, "Approval valid for (minutes)", "Empty: the server's setting.", kit.Nonzero(int64(r.RunExpiryMinutes)), false)
	title := "Rules of the workspace"
	if project != "" {
		title = "Rules of a channel"
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackRules, Title: kit.Plain(title), Submit: kit.Plain("Save"), Close: kit.Plain("Cancel"),
		PrivateMetadata: string(kit.JSON(from)), Blocks: slack.Blocks{BlockSet: p.Blocks}}
}

// tierFields ask what a tier needs.
func tierFields(p *kit.Page, t approval.Tier, r review.TierRules, channel bool) {
	var numbers []string
	for n := 1; n <= review.MaxApprovals; n++ {
		numbers = append(numbers, strconv.Itoa(n))
	}
	needs, care := TierField(ids.FieldNeeds, t), TierField(ids.FieldCare, t)
	p.Add(slack.NewInputBlock(needs, kit.Plain(draw.RiskWords[t]+": approvals needed"), nil, chosen(needs, numbers, strconv.Itoa(r.Approvals))), 0, "")
	type box struct {
		value, label string
		ticked       bool
	}
	boxes := []box{{CareTyped, "Reviewer types a confirmation code", r.Typed}, {CareShell, "Decided on the command line, not in Slack", !r.Slack}}
	// A workspace has no reviewers "of its own channel".
	if channel {
		boxes = append(boxes, box{careOwners, "Only this channel's own reviewers", r.Owners})
	}
	group := slack.NewCheckboxGroupsBlockElement(care)
	for _, b := range boxes {
		option := slack.NewOptionBlockObject(b.value, kit.Plain(b.label), nil)
		group.Options = append(group.Options, option)
		if b.ticked {
			group.InitialOptions = append(group.InitialOptions, option)
		}
	}
	p.Add(slack.NewInputBlock(care, kit.Plain(draw.RiskWords[t]+": extra steps"), nil, group).WithOptional(true), 0, "")
	p.Optional(TierField(ids.FieldReads, t), draw.RiskWords[t]+": seconds to read a line", "Counts from opening the code, two minutes at most. Then it is approved where it was opened, not on the card. Empty: no time is asked for.", kit.Nonzero(int64(r.LineSeconds)), false)
	p.Optional(TierField(ids.FieldHourly, t), draw.RiskWords[t]+": approvals by one person in an hour", "Beyond them somebody else decides. Empty: any number.", kit.Nonzero(int64(r.Hourly)), false)
}

// chosen is a list of which one is chosen.
func chosen(field string, all []string, now string) *slack.SelectBlockElement {
	list := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, field)
	for _, value := range all {
		option := slack.NewOptionBlockObject(value, kit.Plain(kit.Capital(value)), nil)
		list.Options = append(list.Options, option)
		if value == now {
			list.InitialOption = option
		}
	}
	return list
}

// amount is money as a field shows it: nothing where nothing is set.
func amount(u budget.USD) string {
	if u == 0 {
		return ""
	}
	return u.String()
}

// RulesField is the field that an objection to rules is about. Slack shows an error beside one field only;
// what belongs to none stands beside the strictest tier's.
// Reasons name a tier where they are about one (why.Name), since each tier has fields of its own.
func RulesField(err error) string {
	why := approval.Reason{}
	if input, ok := errors.AsType[*approval.InputError](err); ok {
		why = input.Why
	}
	switch why.Code {
	case approval.WhyManyHosts, approval.WhyBadHost, approval.WhyNoNetwork:
		return ids.FieldHosts
	case approval.WhyManyFreezes, approval.WhyBadFreeze, approval.WhyLongFreeze:
		return ids.FieldFreezes
	}
	if why.Code == approval.WhyPaceRange {
		return TierField(ids.FieldReads, approval.Tier(why.Name))
	}
	return TierField(ids.FieldNeeds, approval.High)
}

// RulesOf reads the form; or says which field cannot be read, and why: the topmost one of its kind, so that
// whoever mends the fields one after the other goes down the form.
func RulesOf(fields map[string]slack.BlockAction) (r review.Rules, field, why string) {
	// Any order will do for what is only chosen. Typed numbers are read from a list below, since there the
	// first wrong field has to be the topmost one.
	for t, rules := range map[approval.Tier]*review.TierRules{approval.Low: &r.Low, approval.Medium: &r.Medium, approval.High: &r.High} {
		rules.Approvals, _ = strconv.Atoi(fields[TierField(ids.FieldNeeds, t)].SelectedOption.Value) // one of ours
		// The box says "on the command line", so a tick takes Slack away.
		rules.Slack = true
		for _, ticked := range fields[TierField(ids.FieldCare, t)].SelectedOptions {
			switch ticked.Value {
			case CareTyped:
				rules.Typed = true
			case CareShell:
				rules.Slack = false
			case careOwners:
				rules.Owners = true
			}
		}
	}
	for _, n := range []struct {
		name string
		into *int
	}{{TierField(ids.FieldReads, approval.Low), &r.Low.LineSeconds}, {TierField(ids.FieldReads, approval.Medium), &r.Medium.LineSeconds}, {TierField(ids.FieldReads, approval.High), &r.High.LineSeconds},
		{TierField(ids.FieldHourly, approval.Low), &r.Low.Hourly}, {TierField(ids.FieldHourly, approval.Medium), &r.Medium.Hourly}, {TierField(ids.FieldHourly, approval.High), &r.High.Hourly}} {
		text := strings.TrimSpace(fields[n.name].Value)
		if text == "" {
			continue
		}
		var err error
		if *n.into, err = strconv.Atoi(text); err != nil || *n.into < 1 || *n.into > 10000 {
			return r, n.name, "Write a whole number from 1 on, or leave it empty."
		}
	}
	r.Alone = len(fields[ids.FieldAlone].SelectedOptions) > 0
	r.Masked = len(fields[ids.FieldMasked].SelectedOptions) > 0
	r.Class = review.Class(fields[ids.FieldClass].SelectedOption.Value)
	for _, c := range []struct {
		name string
		into *budget.USD
	}{{TierField(ids.FieldCosts, approval.Medium), &r.CostMedium}, {TierField(ids.FieldCosts, approval.High), &r.CostHigh}} {
		text := strings.TrimSpace(fields[c.name].Value)
		if text == "" {
			continue
		}
		var err error
		if *c.into, err = budget.ParseUSD(text); err != nil {
			return r, c.name, "That is not a dollar amount. Write it like 0.25 or $1."
		}
	}
	// Names of hosts mean the same in any case; freeze windows keep theirs, since people read them again.
	r.Hosts, r.Freezes = written(strings.ToLower(fields[ids.FieldHosts].Value)), written(fields[ids.FieldFreezes].Value)
	// Read here as well as by the service, because here it is known which field is wrong.
	for _, line := range r.Freezes {
		if _, err := review.ParseFreeze(line); err != nil {
			text, _ := draw.Known(err)
			return r, ids.FieldFreezes, text
		}
	}
	for _, m := range []struct {
		name string
		into *int
	}{{ids.FieldWait, &r.ExpiryMinutes}, {ids.FieldLast, &r.RunExpiryMinutes}} {
		text := strings.TrimSpace(fields[m.name].Value)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return r, m.name, "That is not a number of minutes."
		}
		*m.into = n
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
