package draw

import (
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// Taken tells the asker that it has begun, with the way to cancel it.
func Taken(r *approval.Request) *kit.Page {
	p := &kit.Page{}
	p.Say(taken(r)...)
	if b := cancel(r); b != nil {
		p.Buttons("cancel", b)
	}
	return p
}

func taken(r *approval.Request) []kit.Part {
	if r.Blocked != nil {
		return blockedWords(r)
	}
	return append(downgradedWords(r), kit.Words("On it. The answer comes in a thread in this channel, once a reviewer has approved the code."))
}

// Questions lists what somebody has asked lately.
func Questions(list []*approval.Request) *kit.Page {
	p := &kit.Page{}
	if len(list) == 0 {
		p.Say(kit.Words("You have not asked anything yet. Try: "), kit.Mono(ids.CommandAnalyze+" What were sales per month in sales.csv?"))
		return p
	}
	p.Say(kit.Strong("Your latest questions"))
	for _, r := range list[:min(10, len(list))] {
		said := []kit.Part{kit.Strong(kit.Capital(HowItStands(r))), kit.Words(": " + kit.Cut(kit.OneLine(r.Question), 100) + " (asked "), kit.Moment(r.CreatedAt)}
		p.Say(append(append(said, OpenUntil(r)...), kit.Words(")"))...)
		if b := cancel(r); b != nil {
			p.Buttons("cancel "+r.ID, b)
		}
	}
	return p
}

// cancel is the button that cancels a question, as long as that can be done.
func cancel(r *approval.Request) *slack.ButtonBlockElement {
	if r.State.Final() || r.State == approval.Running {
		return nil
	}
	b := kit.Button(ids.ActionCancel, "Cancel", r.ID, slack.StyleDefault)
	b.AccessibilityLabel = "Cancel this question"
	return b
}

// OpenUntil says when the wait for others ends.
func OpenUntil(r *approval.Request) []kit.Part {
	if r.State != approval.Pending && r.State != approval.Approved {
		return nil
	}
	return []kit.Part{kit.Words(", open until "), kit.Moment(r.ExpiresAt)}
}

// HowItStands is the state of a request to those who wait for it.
func HowItStands(r *approval.Request) string {
	if r.State == approval.Expired {
		return StateWords[r.State] + ": " + reasons.Lapsed(r.Reason)
	}
	switch {
	case r.Away != nil && !r.State.Final():
		return StateWords[r.State] + ", and waiting for something I cannot see right now"
	case r.Place == approval.Starting:
		return StateWords[r.State] + " (the sandbox is starting)"
	case r.Place > approval.NotInLine:
		return fmt.Sprintf("%s (this machine is busy: %s in line for a sandbox)", StateWords[r.State], kit.Ordinal(r.Place))
	}
	if r.State == approval.Approved && r.Reason.Code == approval.WhyNoBox {
		return "approved, waiting for a free sandbox"
	}
	return StateWords[r.State]
}

// StateWords name the states to the people who wait.
var StateWords = map[approval.State]string{
	approval.Drafting: "code is being written", approval.Asking: "waiting for your answer about a file", approval.Pending: "waiting for a reviewer", approval.Approved: "approved, runs when a sandbox is free",
	approval.Running: "running", approval.Done: "done", approval.Failed: "failed", approval.Rejected: "rejected",
	approval.Expired: "expired", approval.Withdrawn: "cancelled", approval.Lost: "lost",
}

// Hello answers a greeting, with a question that can be tried.
func Hello() *kit.Page {
	p := &kit.Page{}
	p.Say(kit.Strong("Hello!"), kit.Words(" Ask me something about data, for example: "), kit.Mono("What were sales per month in sales.csv?"), kit.Words(" For more, say help."))
	return p
}

// Welcome answers thanks.
func Welcome() *kit.Page {
	p := &kit.Page{}
	p.Say(kit.Words("You're welcome."))
	return p
}

// Goodbye answers a farewell.
func Goodbye() *kit.Page {
	p := &kit.Page{}
	p.Say(kit.Words("Goodbye."))
	return p
}

// HelpAnalyze says what can be typed, each with an example that works.
func HelpAnalyze(policy approval.Policy) *kit.Page {
	p := &kit.Page{}
	p.Say(kit.Strong("Ask a question about data."), kit.Words(" A model writes Python for it, a reviewer reads the code, and what was approved runs once, in a sandbox. The answer and its cost come in a thread."))
	p.List(nil, [][]kit.Part{
		{kit.Mono(ids.CommandAnalyze + " What were sales per month in sales.csv?"), kit.Words(" uses the file of that name that was shared in this channel.")},
		{kit.Mono(ids.CommandAnalyze), kit.Words(" alone opens a form: choose files, or upload one.")},
		{kit.Mono(ids.CommandAnalyze + " status"), kit.Words(" lists your latest questions.")},
		{kit.Mono(ids.CommandAnalyze + " cancel ID"), kit.Words(" cancels a question that has not started to run.")},
		{kit.Words("To follow up, mention me in an answer's thread.")},
	})
	p.Say(kit.Words(fmt.Sprintf("Files can be CSV, TSV, XLSX or JSON, of at most %d MB each, %d MB together.", policy.MaxFileBytes>>20, policy.MaxInputBytes>>20)))
	return p
}
