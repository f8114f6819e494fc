package home

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// NotesView is the form in which administrators write what every program of a channel should
// know, and choose what a model may see of its data, filled with what holds.
func NotesView(set review.RuleSet, project string) slack.ModalViewRequest {
	now, p := *cmp.Or(set.Rules.Notes, &review.Notes{}), &kit.Page{}
	p.Say(kit.Words("Every program in "), kit.Place(project), kit.Words(" is written with these notes in mind, from now on. Reviewers see them on the card. The model sees them too, so write nothing that it must not know."))
	text := slack.NewPlainTextInputBlockElement(kit.Plain("Revenue is net of VAT. NA is a region."), ids.FieldNotes)
	text.Multiline, text.InitialValue, text.MaxLength = true, string(now.Text), review.MaxNotes
	p.Add(slack.NewInputBlock(ids.FieldNotes, kit.Plain("What every program should know"), nil, text).WithOptional(true), 0, "")
	p.Optional(ids.FieldCurrency, "Currency of amounts that name none", "Three letters, such as EUR. Empty: amounts are shown without one, unless the file names it.", now.Currency, false)
	// "Not said" is month 0, so that the index of a choice is its month.
	months := []*slack.OptionBlockObject{slack.NewOptionBlockObject(none, kit.Plain("Not said"), nil)}
	for m := time.January; m <= time.December; m++ {
		months = append(months, slack.NewOptionBlockObject(strconv.Itoa(int(m)), kit.Plain(m.String()), nil))
	}
	p.Add(slack.NewInputBlock(ids.FieldYear, kit.Plain("First month of the year"), kit.Plain("Of the financial year, where questions about quarters and years mean that."),
		slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, ids.FieldYear, months...).WithInitialOption(months[now.YearBegins])), 0, "")
	var sights []*slack.OptionBlockObject
	var chosen *slack.OptionBlockObject
	for _, s := range approval.Sights() {
		sights = append(sights, slack.NewOptionBlockObject(cmp.Or(string(s), shapeOnly), kit.Plain(sightWords[s].label), kit.Plain(sightWords[s].means)))
		if s == set.Rules.Shows {
			chosen = sights[len(sights)-1]
		}
	}
	switches := slack.NewRadioButtonsBlockElement(ids.FieldShows, sights...)
	switches.InitialOption = chosen
	p.Add(slack.NewInputBlock(ids.FieldShows, kit.Plain("What the model may see of the data"), kit.Plain("It goes into the prompt and is kept nowhere. The card says that the model saw it, not what."), switches), 0, "")
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackNotes, Title: kit.Plain("Notes of a channel"), Submit: kit.Plain("Save"), Close: kit.Plain("Cancel"),
		PrivateMetadata: string(kit.JSON(Ruled{Project: project, Version: set.Own})), Blocks: slack.Blocks{BlockSet: p.Blocks}}
}

// shapeOnly is the switch's first choice as a form holds it: an option has a value.
const shapeOnly = "shape"

// sightWords say what a choice lets a model see. Slack takes 75 characters of a description.
var sightWords = map[approval.Sight]struct{ label, means string }{
	approval.Shape:      {"Only the shape", "Names, types and patterns of columns."},
	approval.Statistics: {"Statistics", "Also ranges, frequent values, answers in the thread."},
	approval.Samples:    {"Sample rows", "Also the first five rows of each table."},
}

// NotesOf reads the form. Whether a currency is one the service says: it knows which there are.
// Where nothing is chosen, that is month 0 and the shape alone. The service refuses a switch that it does not
// know.
func NotesOf(fields map[string]slack.BlockAction) (n review.Notes, shows approval.Sight) {
	month, _ := strconv.Atoi(fields[ids.FieldYear].SelectedOption.Value) // one of ours, or none
	if s := fields[ids.FieldShows].SelectedOption.Value; s != shapeOnly {
		shows = approval.Sight(s)
	}
	return review.Notes{Text: approval.Said(fields[ids.FieldNotes].Value), Currency: fields[ids.FieldCurrency].Value, YearBegins: month}, shows
}

// NotesField is the field that an objection to notes is about.
func NotesField(err error) string {
	if input, ok := errors.AsType[*approval.InputError](err); ok && input.Why.Code == approval.WhyNoCurrency {
		return ids.FieldCurrency
	}
	return ids.FieldNotes
}

// TrailView asks which channel gets the checkpoints of the audit log, and says how far they
// have come.
func TrailView(set review.RuleSet, c steps.Copies) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Say(kit.Words("Every hour in which something happens, and every 256 entries, Countersign signs a checkpoint of its audit log. A copy outside of its database can prove later that nothing before it was changed. " +
		"I post them to the channel that you choose here. Whoever has my token can edit what I have posted, so have some forwarded or e-mailed to somebody else."))
	// How far the copies have come, because a channel that gets none looks like one in which nothing happened.
	switch channel := set.Rules.LogChannel; {
	case channel != "" && c.Number > 0:
		p.Say(kit.Flow(kit.Words(fmt.Sprintf("Last copy: checkpoint %s, ", kit.Thousands(int(c.Number)))), kit.Moment(c.At), kit.Words("."))...)
	case channel != "":
		p.Say(kit.Words("Nothing has been posted there yet."))
	}
	if !c.Waits.IsZero() {
		p.Say(kit.Strong("Some are missing there, "), kit.Words("since "), kit.Moment(c.Waits), kit.Words("."))
	}
	where := channels()
	where.InitialConversation = set.Rules.LogChannel
	p.Add(slack.NewInputBlock(ids.FieldChannel, kit.Plain("Channel"), kit.Plain("I must be in it. Without one, checkpoints stay in a file on the server."), where).WithOptional(true), 0, "")
	if set.Rules.LogChannel != "" { // Slack lets nobody empty a channel that was chosen
		box := slack.NewCheckboxGroupsBlockElement(ids.FieldNone, slack.NewOptionBlockObject(ids.FieldNone, kit.Plain("Post to no channel"), nil))
		p.Add(slack.NewInputBlock(ids.FieldNone, kit.Plain("No copies in Slack"), nil, box).WithOptional(true), 0, "")
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackTrail, Title: kit.Plain("Audit log"), Submit: kit.Plain("Save"), Close: kit.Plain("Cancel"),
		PrivateMetadata: string(kit.JSON(Ruled{Version: set.Own})), Blocks: slack.Blocks{BlockSet: p.Blocks}}
}
