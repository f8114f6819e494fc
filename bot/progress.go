package bot

import (
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
)

// root is the first message of a thread that the bot itself begins.
func (b *Bot) root(v *steps.View) *page {
	p := &page{}
	p.quote(cut(v.Request.Question, 3000), person(v.Request.Asker), words(" asks:"))
	p.enumerate("File", names(v.Request.Files))
	return p
}

// names lists files as they were when the question was asked: what is in them is
// not known yet, and a message that never changes needs no rewriting.
func names(files []approval.File) (items [][]part) {
	for _, f := range files[:min(10, len(files))] {
		items = append(items, []part{mono(cut(f.Name, 110))})
	}
	return items
}

// progress is the line in the thread that says where the request is. Why it ended
// is for the reply to say, which comes right after it.
func (b *Bot) progress(v *steps.View) *page {
	r := v.Request
	p := &page{}
	switch r.State {
	case approval.Drafting:
		p.say(append(b.writing(v), inLine(r)...)...)
		b.cheaperNote(p, r)
	case approval.Pending:
		p.say(b.waiting(v)...)
		b.cheaperNote(p, r)
	case approval.Approved:
		said := append([]part{strong("Approved")}, approvers(r)...)
		if v.Frozen.IsZero() {
			p.say(append(append(said, words(". ")), untilRun(r)...)...)
		} else {
			p.say(append(said, words(". By the rules ("+cut(v.FrozenBy, 200)+") nothing starts now; it runs after "), moment(v.Frozen), words("."))...)
		}
	case approval.Running:
		p.say(strong("Running"), words(" since "), moment(r.Run.StartedAt), words(fmt.Sprintf(", for at most %s.", count(r.Revision.Manifest.Limits.Seconds, "second"))))
		// Slack would not let a message of rich text alone get its button back, should the run be taken back.
		p.small(words("It cannot be taken back any more."))
	case approval.Done:
		p.say(strong("Done"), words(doneIn(r)))
	case approval.Failed:
		p.say(strong("Not done"), words(": nothing was run. The reason is below."))
	case approval.Rejected:
		p.say(append(rejecters(r), words(". The reason is below."))...)
	case approval.Expired:
		p.say(strong("Expired"), words(": nothing was run. The reason is below."))
	case approval.Withdrawn:
		p.say(strong("Taken back"), words(". Nothing was run."))
	case approval.Lost:
		p.say(strong("Lost"), words(": it was started, and will not be run again. More is below."))
	}
	if r.Away != nil && !r.State.Final() {
		p.say(flow(strong("It waits. "), b.missing(r.Away.Cause))...)
	}
	if !r.State.Final() && r.State != approval.Running {
		take := button(actionCancel, "Cancel", r.ID, slack.StyleDefault)
		take.AccessibilityLabel = "Take this question back"
		p.buttons("cancel", append(b.declining(r), take)...)
	}
	return p
}

// untilRun says what an approved request waits for, and how long it does.
func untilRun(r *approval.Request) []part {
	if r.Place != approval.NotInLine {
		return append(inLine(r)[1:], words(" The approval holds until "), moment(r.ExpiresAt), words("."))
	}
	if r.Reason != "" {
		return []part{words(cut(r.Reason, 600) + " It is tried again until "), moment(r.ExpiresAt), words(".")}
	}
	return []part{words("It runs as soon as a sandbox is free; the approval holds until "), moment(r.ExpiresAt), words(".")}
}

// inLine says where in the line for a sandbox the request stands.
func inLine(r *approval.Request) []part {
	switch {
	case r.Place == approval.Starting:
		return []part{words(" "), words("The sandbox is being started; your question waits for it.")}
	case r.Place > approval.NotInLine:
		return []part{words(" "), words(lineWords(r))}
	}
	return nil
}

// lineWords are that in a sentence.
func lineWords(r *approval.Request) string {
	return fmt.Sprintf("This machine is busy: you are %s in line for a sandbox.", ordinal(r.Place))
}

// ordinal names a place: first, second, third, 4th, 11th, 21st.
func ordinal(n int) string {
	switch {
	case n <= 3:
		return []string{"first", "first", "second", "third"}[max(0, n)]
	case n%10 == 1 && n%100 != 11:
		return fmt.Sprintf("%dst", n)
	case n%10 == 2 && n%100 != 12:
		return fmt.Sprintf("%dnd", n)
	case n%10 == 3 && n%100 != 13:
		return fmt.Sprintf("%drd", n)
	}
	return fmt.Sprintf("%dth", n)
}

// writing says who writes and why, when it is not the first version.
func (b *Bot) writing(v *steps.View) []part {
	r := v.Request
	switch {
	case r.Edit != nil:
		return []part{person(r.Edit.By), strong(" has edited the code."), words(" The edit is being inspected; then somebody else reviews it.")}
	case r.Revision != nil && len(r.Wishes) > 0:
		last := r.Wishes[len(r.Wishes)-1]
		return []part{strong("Changes requested"), words(" by "), person(last.By), words(": " + cut(last.Words, 600) + " "), strong("Another version is being written"), words(attempt(r))}
	}
	return []part{strong("Writing the code"), words(attempt(r))}
}

// attempt says which one it is, once there was more than one.
func attempt(r *approval.Request) string {
	switch {
	case len(r.Refused) > 0:
		return fmt.Sprintf(", attempt %d: the one before did not pass the checks.", r.Attempts)
	case r.Attempts > 1:
		return fmt.Sprintf(", attempt %d.", r.Attempts)
	}
	return "."
}

// waiting says for whom, and until when.
func (b *Bot) waiting(v *steps.View) []part {
	r := v.Request
	if said := cardless(v); said != nil {
		return said
	}
	said := []part{strong("Waiting for a reviewer")}
	switch {
	case r.Assignee != "":
		said = append(said, words(" ("), person(r.Assignee), words(" has been asked)"))
	case len(v.Deciders) > 0:
		said = append(append(append(said, words(" (")), people(v.Deciders, " or ")...), words(")"))
	default:
		said = append(said, words(", but nobody is named who could review this. An administrator has to name reviewers"))
	}
	said = append(said, words(", until "), moment(r.ExpiresAt), words("."))
	said = append(said, plainly(v)...)
	if v.Terms.Approvals > 1 {
		said = append(said, words(fmt.Sprintf(" %d of %d approvals.", r.Approvals(), v.Terms.Approvals)))
	}
	if r.Reason != "" {
		said = append(said, words(" It is back before the reviewers: "+cut(r.Reason, 600)))
	}
	return said
}

// approvers name those who have approved.
func approvers(r *approval.Request) (said []part) {
	for _, d := range r.Decisions {
		if d.Verdict == approval.Approve {
			said = append(said, words(map[bool]string{true: " by ", false: " and "}[said == nil]), person(d.Reviewer))
		}
	}
	return said
}

// rejecters name those who have rejected.
func rejecters(r *approval.Request) []part {
	said := []part{strong("Rejected")}
	for _, d := range r.Decisions {
		if d.Verdict == approval.Reject {
			said = append(said, words(" by "), person(d.Reviewer))
		}
	}
	return said
}

// doneIn says how the run ended, in half a sentence.
func doneIn(r *approval.Request) string {
	switch {
	case r.Run == nil || r.Run.Result == nil:
		return "."
	case r.Run.Result.Outcome != approval.OK:
		return ": " + outcomeWords[r.Run.Result.Outcome] + " See below."
	}
	return fmt.Sprintf(" in %s. The answer is below.", seconds(r.Run.Result.Code))
}

// outcomeWords say how a run ended that did not end well.
var outcomeWords = map[approval.Outcome]string{
	approval.Raised:   "the code ran and ended with an error.",
	approval.TimedOut: "the code was stopped at its time limit.",
	approval.OutOfRAM: "the code was stopped because it needed more memory than it may have.",
	approval.Broken:   "the run ended without a proper end, so its results are incomplete.",
}

// seconds says how long something took, as precisely as anybody cares.
func seconds(d time.Duration) string {
	if d < 100*time.Millisecond {
		return "less than 0.1 seconds"
	}
	return fmt.Sprintf("%.1f seconds", d.Seconds())
}
