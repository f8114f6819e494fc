package home

import (
	"errors"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// keeps are the parts of a question that are kept for a while, as the form names them.
var keeps = []struct {
	field, label, hint string
	of                 func(*review.Keep) *int
}{
	{ids.FieldKeepWords, "Questions and threads (days)", "Counted from the end of a question. Empty: for good.", func(k *review.Keep) *int { return &k.Words }},
	{ids.FieldKeepCode, "Code (days)", "Whoever checks an approval later sees that there was code, and its hash. Empty: for good.", func(k *review.Keep) *int { return &k.Code }},
	{ids.FieldKeepResults, "Answers, tables and charts (days)", "What stands in Slack stays there, until it is taken back. Empty: for good.", func(k *review.Keep) *int { return &k.Results }},
	{ids.FieldKeepReadings, "How files are read (days)", "Counted from when a file was last read. Empty: for good.", func(k *review.Keep) *int { return &k.Readings }},
}

// PrivacyView is the form in which administrators say what is hidden, and for how long what is kept.
func PrivacyView(set review.RuleSet) slack.ModalViewRequest {
	now, p := review.Privacy{}, &kit.Page{}
	if set.Rules.Privacy != nil {
		now = *set.Rules.Privacy
	}
	p.Say(kit.Words("Secrets, e-mail addresses, phone numbers and IBANs are hidden from models, and masked in logs, traces, audit packs and answers that somebody shares. Code and answers where they were asked stay whole."))
	text := slack.NewPlainTextInputBlockElement(kit.Plain("Project Falcon"), ids.FieldHide)
	text.Multiline, text.InitialValue = true, string(now.Hide)
	p.Add(slack.NewInputBlock(ids.FieldHide, kit.Plain("Hide as well"), kit.Plain("One per line: words, or an expression such as /CUST-\\d{6}/."), text).WithOptional(true), 0, "")
	p.Say(kit.Words("Every hour I delete what is older than this from the record, unless it is on legal hold. Who asked, who decided and what it cost stay, and so do the hashes of what is gone. Data files are never kept."))
	for _, k := range keeps {
		p.Optional(k.field, k.label, k.hint, kit.Nonzero(int64(*k.of(&now.Keep))), false)
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackPrivacy, Title: kit.Plain("Privacy"), Submit: kit.Plain("Save"), Close: kit.Plain("Cancel"),
		PrivateMetadata: string(kit.JSON(Ruled{Version: set.Own})), Blocks: slack.Blocks{BlockSet: p.Blocks}}
}

// PrivacyOf reads the form; or says which field cannot be read, and why. 0 is refused: whoever writes
// it means "delete at once", and the rules keep what has 0 days for good.
func PrivacyOf(fields map[string]slack.BlockAction) (p review.Privacy, field, why string) {
	p.Hide = approval.Said(fields[ids.FieldHide].Value)
	for _, k := range keeps {
		days := strings.TrimSpace(fields[k.field].Value)
		if days == "" {
			continue
		}
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > review.MaxKeep {
			return p, k.field, "Please write a number of days, or leave it empty to keep things for good."
		}
		*k.of(&p.Keep) = n
	}
	return p, "", ""
}

// PrivacyField is the field that an objection to it is about.
func PrivacyField(err error) string {
	if input, ok := errors.AsType[*approval.InputError](err); ok && input.Why.Code == approval.WhyKeepRange {
		return ids.FieldKeepWords
	}
	return ids.FieldHide
}

// What administrators may want of a person's questions.
const (
	TheirsErase = "erase"
	TheirsHold  = "hold"
	TheirsEnd   = "end"
)

// TheirsView asks whose questions are to be forgotten, or kept whatever happens: those of person, if it names one.
// The three choices stand in one form, because whoever is asked to agree to a deletion is also the one who may
// have to stop it by a hold.
func TheirsView(person string) slack.ModalViewRequest {
	p := &kit.Page{}
	who := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, kit.Plain("Choose a person"), ids.FieldPerson)
	who.InitialUser = person
	p.Add(slack.NewInputBlock(ids.FieldPerson, kit.Plain("Whose questions"), nil, who), 0, "")
	option := func(value, label, means string) *slack.OptionBlockObject {
		return slack.NewOptionBlockObject(value, kit.Plain(label), kit.Plain(means))
	}
	what := slack.NewRadioButtonsBlockElement(ids.FieldWhat, option(TheirsErase, "Delete", "Once another administrator wants it too, within 7 days."),
		option(TheirsHold, "Legal hold", "Nothing of it is deleted, whatever the rule says."), option(TheirsEnd, "End the legal hold", "The rule applies again."))
	p.Add(slack.NewInputBlock(ids.FieldWhat, kit.Plain("What"), nil, what), 0, "")
	p.Small(kit.Words("Deleted are questions, code, results and what was said about them, also where others verified them, and the person's name. What runs or waits now goes once it has ended; what they ask later stays. " +
		"Who asked, who decided and what it cost stay in the record, and so do the hashes of what is gone. What stands in Slack is not touched. Nobody deletes what they asked or decided themselves: that needs two other administrators."))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackTheirs, Title: kit.Plain("A person's questions"), Submit: kit.Plain("Save"), Close: kit.Plain("Cancel"), Blocks: slack.Blocks{BlockSet: p.Blocks}}
}

// TheirsSaid says what follows. others are the administrators who want the same by now: with one of them
// it is decided.
func TheirsSaid(what, person string, others []string) slack.ModalViewRequest {
	p := &kit.Page{}
	switch {
	case what == TheirsHold:
		p.Say(kit.Words("On legal hold: what "), kit.Person(person), kit.Words(" asked. Nothing of it is deleted until an administrator ends the hold here."))
	case what == TheirsEnd:
		p.Say(kit.Words("The legal hold on what "), kit.Person(person), kit.Words(" asked has ended. A hold on everybody, if there is one, goes on."))
	case len(others) == 0:
		p.Say(kit.Words("Noted. What "), kit.Person(person), kit.Words(" asked is deleted once another administrator asks for the same here, within 7 days."))
	default:
		p.Say(append(kit.Flow(kit.Words("Noted, and so has "), kit.People(others, " and ")), kit.Words(". Within an hour I delete what "), kit.Person(person), kit.Words(" asked so far, what still runs or waits once it has ended. What one of you decided stays, and so does what they ask from now on."))...)
	}
	return kit.NoteOf("A person's questions", p)
}
