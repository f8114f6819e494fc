package draw

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/reasons"
	"countersign/bot/draw/verified"
	"countersign/bot/kit"
)

// Root is the first message of a thread that the bot itself begins.
func Root(v *steps.View) *kit.Page {
	p := &kit.Page{}
	p.Quote(kit.Cut(v.Request.Question, 3000), kit.Person(v.Request.Asker), kit.Words(" asks:"))
	p.Enumerate("File", names(v.Request.Files))
	return p
}

// names are files before anything is known of them but that.
func names(files []approval.File) (items [][]kit.Part) {
	for _, f := range files[:min(10, len(files))] {
		items = append(items, []kit.Part{kit.Mono(kit.Cut(f.Name, 110))})
	}
	return items
}

// Progress is the line in the thread that says where the request is. Why it ended
// is for the reply to say, which comes right after it.
// One paragraph for the state, then what hinders or explains it, then the buttons:
//
//	Waiting for a reviewer (@Ben or @Priya), until 15:30. 1 of 2 approvals.
//	By the rules and the budget of #sales.                                   in a direct message
//	At this step since 9:14, asked 9:12.
//	mistral-small wrote instead of mistral-large, because …
//	[Without mistral-small] [Not read right?] [Cancel]
func Progress(with With, v *steps.View) *kit.Page {
	r := v.Request
	p := &kit.Page{}
	if r.Repeats != nil {
		p.Say(verified.Progress(r)...)
	}
	switch r.State {
	case approval.Drafting:
		p.Say(append(writing(v), inLine(r)...)...)
		ruledBy(p, v)
	case approval.Asking:
		if open := (approval.Talk{Request: r}).Open(); open != nil {
			clarifying(p, v, open)
		} else {
			doubted(p, r)
		}
	case approval.Pending:
		p.Say(waiting(v)...)
		ruledBy(p, v)
	case approval.Approved:
		said := append([]kit.Part{kit.Strong("Approved")}, approvers(r)...)
		if r.Glass != nil {
			said = Unapproved(r)
		}
		if v.Frozen.IsZero() {
			p.Say(append(append(said, kit.Words(". ")), untilRun(v)...)...)
		} else {
			p.Say(append(said, kit.Words(". Freeze window ("+kit.Cut(v.FrozenBy, 200)+"): it runs after "), kit.Moment(v.Frozen), kit.Words("."))...)
		}
	case approval.Running:
		p.Say(kit.Strong("Running"), kit.Words(" since "), kit.Moment(r.Run.StartedAt), kit.Words(fmt.Sprintf(", for up to %s.", kit.Count(r.Revision.Manifest.Limits.Seconds, "second"))))
		// Beside its button: Slack would not let a message of rich text alone get that back.
		if stopping(r) {
			p.Small(kit.Words("Cancelled by "), kit.Person(r.Run.StoppedBy), kit.Words(": it is being stopped."))
		} else {
			p.Small(kit.Words("Cancel stops it. What it has used until then is charged, and it will not run again."))
		}
	case approval.Done:
		if r.Taken != nil {
			takenBack(p, v)
		} else {
			p.Say(doneIn(r)...)
			unshared(p, v)
		}
	case approval.Failed:
		p.Say(kit.Strong("Failed"), kit.Words(": nothing ran. The reason is below."))
	case approval.Rejected:
		p.Say(append(rejecters(r), kit.Words(". The reason is below."))...)
	case approval.Expired:
		p.Say(kit.Strong("Expired"), kit.Words(": nothing ran. The reason is below."))
	case approval.Withdrawn:
		p.Say(kit.Strong("Cancelled"), kit.Words(". Nothing ran."))
	case approval.Lost:
		p.Say(kit.Strong("Lost"), kit.Words(": it started, and will not be run again. More is below."))
	}
	asked(p, r)
	if r.Away != nil && !r.State.Final() {
		p.Say(kit.Flow(kit.Strong("Waiting: "), Missing(with, r.Away.Cause))...)
	}
	if r.Taken == nil {
		cheaperNote(p, r)
		settledBefore(p, r)
	}
	if since := restedSince(r); since != "" && r.Repeats == nil && !r.State.Final() { // its answer says more
		p.Small(kit.Words("This thread was at rest since " + since + ": its files were looked at again, and older results may be out of date."))
	}
	row := Declining(r)
	// A correction is a round, of which there is an end.
	if b := reread(r); b != nil && r.Rounds < with.Rounds && (r.State == approval.Pending || r.State == approval.Asking) {
		row = append(row, b)
	}
	if b := Cancel(r); b != nil {
		p.Buttons("cancel", append(row, b)...)
	}
	return p
}

// asked says since when a step lasts. A message is rewritten when something moves, and not by the minute; while code is
// written that would be at each look at a file, so there it says when it was asked.
func asked(p *kit.Page, r *approval.Request) {
	switch {
	case r.Blocked != nil:
	case r.State == approval.Drafting:
		p.Small(kit.Words("Asked "), kit.Moment(r.CreatedAt), kit.Words("."))
	case r.State == approval.Pending || r.State == approval.Approved:
		p.Small(kit.Words("At this step since "), kit.Moment(r.ChangedAt), kit.Words(", asked "), kit.Moment(r.CreatedAt), kit.Words("."))
	}
}

// Running says to the asker alone how the program of a question in a channel gets on, in words that are made
// elsewhere, and once it is over that it is. url leads to its thread.
func Running(v *steps.View, doing, url string) *kit.Page {
	r, p := v.Request, &kit.Page{}
	p.Quote(kit.Cut(kit.OneLine(r.Question), 300), kit.Words("Your question in "), kit.Place(v.Session.Channel), kit.Words(":"))
	switch {
	case r.State != approval.Running:
		p.Say(kit.Strong(kit.Capital(HowItStands(r))), kit.Words(". The thread has the rest."))
	case stopping(r):
		p.Say(kit.Strong("Running"), kit.Words(", and being stopped."))
	default:
		p.Say(kit.Words(kit.Capital(strings.TrimPrefix(kit.Cut(doing, 300), "is ")))) // as a line of Slack's it goes on after our name
	}
	var row []slack.BlockElement
	if b := Cancel(r); b != nil && r.State == approval.Running {
		row = append(row, b)
	}
	if url != "" {
		row = append(row, kit.Goes("Open the thread", url))
	}
	p.Buttons("running", row...)
	return p
}

// ruledBy names the channel by whose rules a direct message goes. Who began a chat with that channel
// in view has not said its name.
func ruledBy(p *kit.Page, v *steps.View) {
	if approval.Direct(v.Session.Channel) && !approval.Direct(v.Request.Project) {
		p.Small(kit.Words("By the rules and the budget of "), kit.Place(v.Request.Project), kit.Words("."))
	}
	if v.Book.Placeless && len(v.Book.Elsewhere) > 0 {
		p.Small(kit.Words("By the strictest rules in force, since no channel was named. To go by those of a channel that you are in, ask with "), kit.Mono("in #channel"), kit.Words("."))
	}
}

// untilRun says what an approved request waits for, and until when.
func untilRun(v *steps.View) []kit.Part {
	r := v.Request
	// By the view's own moment, which is the database's, and not by this machine's clock.
	if quiet := approval.QuietUntil(r); v.Now.Before(quiet) {
		said := []kit.Part{kit.Words("It was approved on the command line, so it starts at "), kit.Moment(quiet), kit.Words(" at the earliest, a minute later. Until then, ")}
		said = append(said, kit.People(elsewhere(r), " or ")...)
		return append(said, kit.Words(" can stop it with This was not me."))
	}
	// The first part is the blank that sets it apart from a sentence before it.
	if r.Place != approval.NotInLine {
		return append(inLine(r)[1:], kit.Words(" The approval is valid until "), kit.Moment(r.ExpiresAt), kit.Words("."))
	}
	if !r.Reason.None() {
		return []kit.Part{kit.Words(kit.Cut(reasons.Words(r.Reason), 600) + " Trying until "), kit.Moment(r.ExpiresAt), kit.Words(".")}
	}
	return []kit.Part{kit.Words("It runs as soon as a sandbox is free; the approval is valid until "), kit.Moment(r.ExpiresAt), kit.Words(".")}
}

// elsewhere are all in whose name another door than Slack was used for an approval: nobody has proven there who they are.
func elsewhere(r *approval.Request) (who []string) {
	for _, d := range r.Decisions {
		if d.Verdict == approval.Approve && d.Click.Door != "" {
			who = append(who, d.People()...)
		}
	}
	return who
}

// inLine says which place in the line for a sandbox the request has.
// The first part is the blank that sets it apart from a sentence before it; untilRun cuts it off again.
func inLine(r *approval.Request) []kit.Part {
	switch {
	case r.Place == approval.Starting:
		return []kit.Part{kit.Words(" "), kit.Words("The sandbox is starting; your question is waiting for it.")}
	case r.Place > approval.NotInLine:
		return []kit.Part{kit.Words(" "), kit.Words(lineWords(r))}
	}
	return nil
}

// lineWords says the place in a sentence.
func lineWords(r *approval.Request) string {
	return fmt.Sprintf("This machine is busy: you are %s in line for a sandbox.", kit.Ordinal(r.Place))
}

// writing says who writes and why, when it is not the first version.
func writing(v *steps.View) []kit.Part {
	r := v.Request
	switch {
	case r.Repeats != nil:
		return []kit.Part{kit.Strong("Inspecting the code")}
	// No model writes here, though the state is the same.
	case r.Edit != nil:
		return []kit.Part{kit.Person(r.Edit.By), kit.Strong(" has edited the code."), kit.Words(" The edit is being inspected; then somebody else reviews it.")}
	case r.Revision != nil && len(r.Wishes) > 0:
		last := r.Wishes[len(r.Wishes)-1]
		return []kit.Part{kit.Strong("Changes requested"), kit.Words(" by "), kit.Person(last.By), kit.Words(": " + kit.Cut(last.Words, 600) + " "), kit.Strong("A new version is being written"), kit.Words(attempt(r))}
	}
	return []kit.Part{kit.Strong("Writing the code"), kit.Words(attempt(r))}
}

// attempt names the attempt, from the second on: who waits longer than usual sees why.
func attempt(r *approval.Request) string {
	switch {
	case len(r.Refused) > 0:
		return fmt.Sprintf(", attempt %d: the last one failed the checks.", r.Attempts)
	case r.Attempts > 1:
		return fmt.Sprintf(", attempt %d.", r.Attempts)
	}
	return "."
}

// waiting says for whom, and until when.
// v.Deciders are those who may approve this very version and have not decided yet, so the asker and its editor
// are not among them.
func waiting(v *steps.View) []kit.Part {
	r := v.Request
	// That nobody can see the card comes before whom it waits for: they do not know of it.
	if said := cardless(v); said != nil {
		return said
	}
	said := []kit.Part{kit.Strong("Waiting for a reviewer")}
	switch {
	case r.Assignee != "":
		said = append(said, kit.Words(" ("), kit.Person(r.Assignee), kit.Words(" has been asked)"))
	case len(v.Deciders) > 0:
		said = append(append(append(said, kit.Words(" (")), kit.People(v.Deciders, " or ")...), kit.Words(")"))
	default:
		said = append(said, kit.Words(", but there is nobody to review this. An administrator has to add reviewers"))
	}
	said = append(said, kit.Words(", until "), kit.Moment(r.ExpiresAt), kit.Words("."))
	said = append(said, plainly(v)...)
	if v.Terms.Approvals > 1 {
		said = append(said, kit.Words(fmt.Sprintf(" %d of %d approvals.", r.Approvals(), v.Terms.Approvals)))
	}
	if !r.Reason.None() {
		said = append(append(said, kit.Words(" Back for review: ")), Back(r.Reason, 600)...)
	}
	return said
}

// Unapproved says that code was to run which nobody had approved, and by whom; nothing of any other.
func Unapproved(r *approval.Request) []kit.Part {
	if r.Glass == nil {
		return nil
	}
	return []kit.Part{kit.Strong("Nobody approved this: "), kit.Person(r.Glass.Person), kit.Strong(" broke the glass")}
}

// approvers name those who have approved: " by A and B". It is nil where nobody has.
func approvers(r *approval.Request) (said []kit.Part) {
	for _, d := range r.Decisions {
		if d.Verdict == approval.Approve {
			said = append(said, kit.Words(map[bool]string{true: " by ", false: " and "}[said == nil]), kit.Person(d.Reviewer))
		}
	}
	return said
}

// rejecters name those who have rejected.
func rejecters(r *approval.Request) []kit.Part {
	said := []kit.Part{kit.Strong("Rejected")}
	for _, d := range r.Decisions {
		if d.Verdict == approval.Reject {
			said = append(said, kit.Words(" by "), kit.Person(d.Reviewer))
		}
	}
	return said
}

// doneIn says how the run ended, in half a sentence.
func doneIn(r *approval.Request) []kit.Part {
	switch {
	case r.Run == nil || r.Run.Result == nil:
		return []kit.Part{kit.Strong("Done"), kit.Words(".")}
	case r.Run.Result.Outcome == approval.Cancelled:
		return []kit.Part{kit.Strong("Cancelled"), kit.Words(" by "), kit.Person(r.Run.StoppedBy), kit.Words(" while it ran. More is below.")}
	case r.Run.Result.Outcome != approval.OK:
		return []kit.Part{kit.Strong("Failed"), kit.Words(": " + outcomeWords[r.Run.Result.Outcome] + " See below.")}
	}
	said := []kit.Part{kit.Strong("Done"), kit.Words(fmt.Sprintf(" in %s. The answer is below.", kit.Seconds(r.Run.Result.Code)))}
	if !r.Run.StoppedAt.IsZero() { // it was over before anybody could stop it
		said = append(said, kit.Words(" Cancel came too late: it had finished."))
	}
	return said
}

// outcomeWords say how a run ended that did not end well.
var outcomeWords = map[approval.Outcome]string{
	approval.Raised:   "the code stopped with an error.",
	approval.TimedOut: "the code was stopped at its time limit.",
	approval.OutOfRAM: "the code was stopped because it needed too much memory.",
	approval.Broken:   "the run broke off, so its results are incomplete.",
	"":                "what came out is gone, or nobody has signed it.",
}
