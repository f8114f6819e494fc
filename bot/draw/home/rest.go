package home

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/command"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// paused tells administrators first of all that nothing goes on without them.
func paused(p *kit.Page, rest approval.Rest) {
	p.Head("Everything is paused")
	p.Say(kit.Words("The database was put back from a copy, "), kit.Moment(rest.At), kit.Words(". "+missing(rest)+" Nothing that costs money starts until you, or another administrator, confirm what was spent since the copy was made."))
	p.Buttons("rest", kit.Button(ids.ActionReckon, "Confirm what was spent", "", slack.StylePrimary))
}

// missing says how much is known to be lost. Below zero nobody can know: the file of checkpoints, which
// says how far the record had come, was not there.
func missing(rest approval.Rest) string {
	switch {
	case rest.Lost < 0:
		return "How much of the record is lost, nobody knows here: there was no file of checkpoints."
	case rest.Lost == 0:
		return "No signed entry of the record is known to be lost; what happened in the last hour before may be."
	}
	return fmt.Sprintf("Of the signed record at least %s is lost.", kit.Count(int(rest.Lost), "line"))
}

// ReckonView asks what was spent since the copy. It comes with the list of what else is old again, because
// whoever confirms starts all of it.
func ReckonView(rest approval.Rest) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Say(kit.Words(missing(rest) + " So budgets do not know what models and sandboxes have cost since the copy was made. Look at what your providers billed since then, and write the sum here. " +
		"It counts in the team's budget from now on, under your name in the record. Then work goes on, also what waits."))
	p.Say(kit.Words("People, rules, budgets and SSH keys are those of the copy, too. Look through them first: whoever was removed since is back."))
	amount := slack.NewPlainTextInputBlockElement(kit.Plain("12.50"), ids.FieldAmount)
	amount.MaxLength = 30
	p.Add(slack.NewInputBlock(ids.FieldAmount, kit.Plain("Spent since the copy, in US dollars"), kit.Plain("0 if nothing was."), amount), 0, "")
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackReckon, Title: kit.Plain("What was spent"), Submit: kit.Plain("Confirm"), Close: kit.Plain("Cancel"),
		Blocks: slack.Blocks{BlockSet: p.Blocks}}
}

// ReckonOf reads it. Nothing is an amount, too, but it has to be written: an empty field is a mistake.
func ReckonOf(text string) (spent budget.USD, why string) {
	return command.ReadAmount(strings.TrimSpace(text))
}
