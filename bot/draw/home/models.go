package home

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// Models is what administrators see of the models, and where they choose them.
//
//	Models
//	In the workspace, per million tokens
//	• mistral-large · Mistral at api.mistral.ai · $2 in, $6 out · takes 128,000 tokens · default
//	• gpt-5 · OpenAI · no price, so it cannot be asked
//	Not asked yet: prompts would go to llm.example (Mistral). …
//	[Models of the workspace] [Models of a channel]
func Models(p *kit.Page, list steps.ModelList) {
	// The settings offer none: there is nothing to choose.
	if len(list.Models) == 0 {
		return
	}
	p.Head("Models")
	var items [][]kit.Part
	// The list comes with the default first, so the first line is the model that writes when nobody chooses.
	for i, m := range list.Models[:min(Length, len(list.Models))] {
		items = append(items, modelLine(m, i == 0))
	}
	if more := len(list.Models) - len(items); more > 0 {
		items = append(items, []kit.Part{kit.Words(fmt.Sprintf("and %d more", more))})
	}
	p.List([]kit.Part{kit.Strong("In the workspace"), kit.Words(", per million tokens")}, items)
	if rests := resting(list); len(rests) > 0 {
		p.Say(kit.Strong("Not asked yet: "), kit.Words("prompts would go to "+strings.Join(rests, ", ")+". Confirm the host if that is right; until then its models are not used."))
	}
	if r := list.Rules.Rules.Models; r != nil && r.Fallback != "" {
		p.Say(kit.Words(fallbackWords(*r)))
	}
	p.Buttons("models", kit.Button(ids.ActionModels, "Models of the workspace", "", slack.StyleDefault), kit.Button(ids.ActionLists, "Models of a channel", "", slack.StyleDefault))
}

// modelLine is a model with what administrators choose by.
func modelLine(m steps.Offered, first bool) []kit.Part {
	said := " · " + m.Provider
	if m.Host != "" {
		said += " at " + m.Host
	}
	// A model without a price is never asked, whatever the list says: unknown is not free.
	if m.Price == nil {
		said += " · no price, so it cannot be asked"
	} else {
		said += fmt.Sprintf(" · %s in, %s out", m.Price.Input, m.Price.Output)
	}
	if m.Window > 0 {
		said += " · takes " + kit.Count(m.Window, "token")
	}
	if m.Good != "" {
		said += " · " + m.Good
	}
	switch {
	case m.Barred.Code == approval.WhyHostRests:
		said += " · host not confirmed"
	case !m.Barred.None():
		said += " · not allowed"
	case first:
		said += " · default"
	}
	return []kit.Part{kit.Mono(kit.Cut(m.Model, 80)), kit.Words(said)}
}

// resting are the hosts that nobody has confirmed, each once.
// Hosts are confirmed for the workspace alone (ModelsView), so a channel's list can open no new server.
func resting(list steps.ModelList) (sites []string) {
	models := *cmp.Or(list.Rules.Rules.Models, &review.Models{})
	for _, m := range list.Models {
		if site := siteWords(m.Addressee); !models.Confirmed(m.Offer) && !slices.Contains(sites, site) {
			sites = append(sites, site)
		}
	}
	return sites
}

// siteWords name a host and who is asked there: two providers may be reached at one host.
func siteWords(a approval.Addressee) string { return a.Host + " (" + a.Provider + ")" }

// fallbackWords say who steps in, and for how much.
func fallbackWords(m review.Models) string {
	most := ""
	if m.Most > 0 {
		most = ", for at most " + m.Most.String() + " a question"
	}
	return "When a model cannot be reached, " + m.Fallback + " writes" + most + "."
}

// none is the choice of no model at all: Slack lets nobody take a choice back, and takes no empty value.
const none = "none"

// ModelsView is the form in which administrators choose models, filled with what holds.
// project is a channel's id, or "" for the workspace. The version that is remembered is the own one (0: none
// yet), and not that of the list that is shown: a channel that has none is shown the workspace's.
func ModelsView(list steps.ModelList, project string) slack.ModalViewRequest {
	from := Ruled{Project: project, Version: list.Rules.Own}
	p, now := &kit.Page{}, *cmp.Or(list.Rules.Rules.Models, &review.Models{})
	switch {
	case project == "":
		p.Say(kit.Words("This list applies in every channel without a list of its own. It also says where data may go: no prompt goes to a model that is not ticked, or to a host that is not confirmed."))
	case list.Rules.OwnModels:
		p.Say(kit.Words("This list applies in "), kit.Place(project), kit.Words(" instead of the workspace's."))
		box := slack.NewCheckboxGroupsBlockElement(ids.FieldNone, slack.NewOptionBlockObject(ids.FieldNone, kit.Plain("Use the workspace's list again"), nil))
		p.Add(slack.NewInputBlock(ids.FieldNone, kit.Plain("Own list"), nil, box).WithOptional(true), 0, "")
	default:
		p.Say(kit.Place(project), kit.Words(" has no list of its own yet. The form shows the workspace's."))
	}
	var ticked []string
	for _, m := range list.Models {
		// A host that rests is a matter of its own: its model stays on the list, and is asked once somebody
		// has confirmed it.
		if m.Barred.None() || m.Barred.Code == approval.WhyHostRests {
			ticked = append(ticked, m.Model)
		}
	}
	p.Add(slack.NewInputBlock(ids.FieldAllowed, kit.Plain("Allowed models"), kit.Plain("Prices are for a million tokens in and out."), ticks(ids.FieldAllowed, draw.ModelOptions(list.Models), ticked)), 0, "")
	p.Add(oneModel(ids.FieldDefault, "Model that writes when nobody chooses one", "The first allowed one", list, now.Default), 0, "")
	p.Add(oneModel(ids.FieldFallback, "Fallback, when a model cannot be reached", "None", list, now.Fallback), 0, "")
	p.Optional(ids.FieldMost, "What the fallback may cost a question", "In dollars. Empty: what one call of it can cost.", amount(now.Most), false)
	if providers := providersOf(list); len(providers) > 1 {
		p.Add(slack.NewInputBlock(ids.FieldStepsIn, kit.Plain("May step in for another provider's model"), kit.Plain("As a fallback, or as the cheaper model when a budget runs low. Otherwise data stays with the provider that was asked."),
			ticks(ids.FieldStepsIn, options(providers), now.StepsIn)).WithOptional(true), 0, "")
	}
	if project == "" {
		if sites := sitesOf(list, now); len(sites) > 0 {
			var all []*slack.OptionBlockObject
			var confirmed []string
			for i, site := range sites {
				all = append(all, slack.NewOptionBlockObject(siteValue(site), kit.Plain(kit.Cut(siteWords(site), 75)), nil))
				if slices.Contains(now.Sites, site) {
					confirmed = append(confirmed, all[i].Value)
				}
			}
			p.Add(slack.NewInputBlock(ids.FieldSites, kit.Plain("Confirmed hosts"), kit.Plain("Servers that the settings name in place of a provider's own. Prompts go to those that are ticked."),
				ticks(ids.FieldSites, all, confirmed)).WithOptional(true), 0, "")
		}
	}
	title := "Models of the workspace"
	if project != "" {
		title = "Models of a channel"
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackModels, Title: kit.Plain(title), Submit: kit.Plain("Save"), Close: kit.Plain("Cancel"),
		PrivateMetadata: string(kit.JSON(from)), Blocks: slack.Blocks{BlockSet: p.Blocks}}
}

// ticks are boxes, or a list where there are more of them than Slack shows as boxes.
// Slack takes ten boxes in one group; a list of many choices takes a hundred.
func ticks(field string, all []*slack.OptionBlockObject, ticked []string) slack.BlockElement {
	var initial []*slack.OptionBlockObject
	for _, o := range all {
		if slices.Contains(ticked, o.Value) {
			initial = append(initial, o)
		}
	}
	if len(all) <= draw.MaxBoxes {
		group := slack.NewCheckboxGroupsBlockElement(field, all...)
		group.InitialOptions = initial
		return group
	}
	list := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, kit.Plain("Choose"), field, all...)
	list.InitialOptions = initial
	return list
}

// oneModel is a field for one of the models, or for none.
func oneModel(field, label, without string, list steps.ModelList, now string) *slack.InputBlock {
	// Slack lets nobody take a choice back in such a list, so "none" is a choice like any other.
	nobody := slack.NewOptionBlockObject(none, kit.Plain(without), nil)
	all := append([]*slack.OptionBlockObject{nobody}, draw.ModelOptions(list.Models[:min(kit.MaxChoices-1, len(list.Models))])...)
	choice := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, kit.Plain("Choose a model"), field, all...).WithInitialOption(nobody)
	for _, o := range all {
		if o.Value == now {
			choice.InitialOption = o
		}
	}
	return slack.NewInputBlock(field, kit.Plain(label), nil, choice)
}

// options are choices that are their own labels.
func options(values []string) (all []*slack.OptionBlockObject) {
	for _, v := range values {
		all = append(all, slack.NewOptionBlockObject(kit.Cut(v, 75), kit.Plain(kit.Cut(v, 75)), nil))
	}
	return all
}

// providersOf are those who are asked for the models of a list, each once.
func providersOf(list steps.ModelList) (all []string) {
	for _, m := range list.Models {
		if !slices.Contains(all, m.Provider) {
			all = append(all, m.Provider)
		}
	}
	return all
}

// sitesOf are the hosts that need somebody's word: those that the settings name now, and those
// that were confirmed before.
// Any host that the settings no longer name stays in the list as long as it is confirmed, so that somebody can
// untick it.
func sitesOf(list steps.ModelList, now review.Models) []approval.Addressee {
	// Those that were confirmed come first: what does not fit must not be lost by saving the form.
	all := slices.Clone(now.Sites)
	for _, m := range list.Models {
		if !m.Own && !slices.Contains(all, m.Addressee) {
			all = append(all, m.Addressee)
		}
	}
	return all[:min(review.MaxSites, len(all))]
}

// A host as an option carries it: a provider's name has no slash.
func siteValue(a approval.Addressee) string { return kit.Cut(a.Provider+"/"+a.Host, 150) }

// ModelsOf reads the form; or says which field cannot be read, and why.
func ModelsOf(fields map[string]slack.BlockAction) (m review.Models, field, why string) {
	chosen := func(field string) string {
		if value := fields[field].SelectedOption.Value; value != none {
			return value
		}
		return ""
	}
	for _, o := range fields[ids.FieldAllowed].SelectedOptions {
		m.Allowed = append(m.Allowed, o.Value)
	}
	for _, o := range fields[ids.FieldStepsIn].SelectedOptions {
		m.StepsIn = append(m.StepsIn, o.Value)
	}
	for _, o := range fields[ids.FieldSites].SelectedOptions {
		provider, host, _ := strings.Cut(o.Value, "/")
		m.Sites = append(m.Sites, approval.Addressee{Provider: provider, Host: host})
	}
	m.Default, m.Fallback = chosen(ids.FieldDefault), chosen(ids.FieldFallback)
	// No tick at all would mean "all of them", which nobody who unticks everything wants.
	if len(m.Allowed) == 0 {
		return m, ids.FieldAllowed, "Tick at least one model."
	}
	text := strings.TrimSpace(fields[ids.FieldMost].Value)
	if text == "" {
		return m, "", ""
	}
	var err error
	if m.Most, err = budget.ParseUSD(text); err != nil || m.Most == 0 {
		return m, ids.FieldMost, "That is not an amount of dollars. Write it like 0.05 or $1."
	}
	return m, "", ""
}

// ModelsField is the field that an objection to a list is about: the list itself where it is about none.
func ModelsField(err error) string {
	input, ok := errors.AsType[*approval.InputError](err)
	if !ok {
		return ids.FieldAllowed
	}
	switch input.Why.Code {
	case approval.WhyDefaultBarred:
		return ids.FieldDefault
	case approval.WhyFallbackBarred, approval.WhyFallbackAlone, approval.WhyNoPrice:
		return ids.FieldFallback
	case approval.WhyFallbackMost, approval.WhyFallbackDear:
		return ids.FieldMost
	case approval.WhyManySites:
		return ids.FieldSites
	}
	return ids.FieldAllowed
}
