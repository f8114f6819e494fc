package draw

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/reasons"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// What stands under an answer: what one does next, and what is one press away.

// buttons are the ways on from an answer, or from what ended without one.
// The row under an answer, from what most people do to what few do:
//
//	[Fix it] or [Ask again]  [Show code] [Details]  [Good] [Not good]  [Share]  […]
//
// Under a repeated run (r.Repeats) there are no thumbs, no Verify and no Hand over: those belong to the answer
// that it repeats.
func buttons(p *kit.Page, v *steps.View) {
	r := v.Request
	var row []slack.BlockElement
	// says is what a screen reader reads: a label of one word does not say of what.
	add := func(action, label, says string, style slack.Style) {
		b := kit.Button(action, label, r.ID, style)
		b.AccessibilityLabel = says
		row = append(row, b)
	}
	ran := r.State == approval.Done && r.Run != nil && r.Run.Result != nil
	switch {
	case r.Repeats != nil: // the first answer has the ways on
	case ran && r.Run.Result.Outcome == approval.Cancelled: // nothing is wrong with its code
		add(ids.ActionAgain, "Ask again", "Open the form with this question filled in", slack.StylePrimary)
	// It ran, so there is code that can be mended. Ask again would have it written from nothing.
	case ran && r.Run.Result.Outcome != approval.OK:
		add(ids.ActionFix, "Fix it", "Have the code fixed: new code is reviewed like any other", slack.StylePrimary)
	case !ran && mayAskAgain(r):
		add(ids.ActionAgain, "Ask again", "Open the form with this question filled in", slack.StylePrimary)
	}
	if r.Revision != nil {
		add(ids.ActionCode, "Show code", "Show the code and who approved it", slack.StyleDefault)
	}
	add(ids.ActionDetails, "Details", "Show the whole bill and what the code did", slack.StyleDefault)
	if ran && r.Repeats == nil && r.Run.Result.Outcome == approval.OK {
		add(ids.ActionGood, "Good", "This answer is good", slack.StyleDefault)
		add(ids.ActionBad, "Not good", "This answer is not good", slack.StyleDefault)
	}
	// What was asked in private has nobody to read it until it is shared.
	if ran && r.Run.Result.Outcome == approval.OK && v.Alone() {
		add(ids.ActionShare, "Share", "Post this answer in a channel", slack.StyleDefault)
	}
	if rest := others(v, ran); len(rest) > 0 {
		row = append(row, slack.NewOverflowBlockElement(ids.ActionOthers, rest...))
	}
	p.Buttons("next", row...)
}

// others are the rare ways on from an answer, behind three dots. Slack takes five entries; all five are used.
func others(v *steps.View, ran bool) (options []*slack.OptionBlockObject) {
	r := v.Request
	if !ran {
		return nil
	}
	add := func(action, label string) {
		options = append(options, slack.NewOptionBlockObject(action+":"+r.ID, kit.Plain(label), nil))
	}
	// Before it ran, the button stands in the thread's progress.
	if b := reread(r); b != nil {
		add(ids.ActionReread, "Not read right?")
	}
	if r.Repeats == nil && r.Run.Result.Outcome != approval.Cancelled {
		add(ids.ActionVerify, "Verify")
	}
	if r.Run.Result.Outcome == approval.OK && !v.Alone() {
		add(ids.ActionShare, "Share")
	}
	if r.Repeats == nil {
		add(ids.ActionHand, "Hand over")
	}
	add(ids.ActionTakeBack, "Take back")
	return options
}

// Other is what somebody chose of them: the way on, and the request. Of anything else it is nothing: the value comes from an
// envelope, and names which handler it goes to.
func Other(value string) (action, id string, ok bool) {
	action, id, _ = strings.Cut(value, ":")
	return action, id, slices.Contains([]string{ids.ActionReread, ids.ActionVerify, ids.ActionShare, ids.ActionHand, ids.ActionTakeBack}, action)
}

// mayAskAgain tells of a question that its asker could want asked again.
// Whoever has left, is a guest, or never was a member would get a button that can only refuse them.
func mayAskAgain(r *approval.Request) bool {
	return r.Cause == nil || r.Cause.Code != approval.AskerGone && r.Cause.Code != approval.AskerGuest && r.Cause.Code != approval.AskerAlien
}

// The emoji on a thread's first message, by how its latest question stands.
const (
	markWaits = "hourglass_flowing_sand"
	markRuns  = "gear"
	markDone  = "white_check_mark"
	markEnded = "x" // without an answer
)

// EndMarks are those of a question that has ended.
var EndMarks = []string{markDone, markEnded}

// Mark is the emoji that says how a request stands.
// The names are Slack's, without colons, as reactions.add wants them. A run that failed counts as ended without
// an answer, since the emoji tells a channel whether there is something to read.
func Mark(r *approval.Request) string {
	switch {
	case r.State == approval.Running:
		return markRuns
	case !r.State.Final():
		return markWaits
	case r.State == approval.Done && r.Run != nil && r.Run.Result != nil && r.Run.Result.Outcome == approval.OK:
		return markDone
	}
	return markEnded
}

// LastTime says above a form why a question is asked again; nothing where its cause says it.
func LastTime(r *approval.Request) []kit.Part {
	switch {
	case r.Cause != nil:
		return nil
	case r.State == approval.Rejected && rejection(r) != "":
		return []kit.Part{kit.Strong("Rejected last time: "), kit.Words(kit.Cut(rejection(r), 600))}
	case r.State.Final() && !r.Reason.None():
		return []kit.Part{kit.Strong("Last time: "), kit.Words(kit.Cut(reasons.Words(r.Reason), 600))}
	}
	return nil
}

// Mend is the question that has code mended which ended with an error.
// It is cut at 2,500 characters, so that with its heading it stays under the 3,000 that a question may have
// (approval.Policy.MaxQuestion).
func Mend(r *approval.Request) string {
	return "Fix this, please: the program ended with an error. The question was: " + kit.Cut(r.Question, 2500)
}

// Rated thanks for a thumb.
func Rated(good bool) string {
	if good {
		return "Thank you. Noted as good."
	}
	return "Thank you. Noted as not good. To have it redone, mention me in this thread and say what is wrong."
}

// DetailsView is the whole bill of an answer, and all that is known of how it was made. own tells
// that its asker looks: the words of an error are for nobody else.
// Errors and tracebacks quote values of the data, which is why the channel does not see them.
func DetailsView(v *steps.View, own bool) slack.ModalViewRequest {
	r, p := v.Request, &kit.Page{}
	p.Quote(kit.Cut(r.Question, 1000), kit.Person(r.Asker), kit.Words(" asked:"))
	p.Enumerate("File", fileLines(r.Files, allRemarks))
	if r.Run != nil && r.Run.Result != nil {
		if own {
			words(p, r.Run.Result)
		}
		if r.Run.Result.Outcome != approval.Cancelled { // nothing that it did is kept
			deeds(p, v)
		}
		unexpected(p, v)
	}
	bill(p, v)
	return kit.NoteOf("Details", p)
}

// words are what an error and warnings say, which no channel shows.
func words(p *kit.Page, res *approval.Result) {
	if res.Error != "" {
		p.Say(kit.Strong("The error"), kit.Words(ending(res, true)))
	}
	traceback(p, res)
	warnings(p, res)
}

// CodeView is the program that ran, or would have, with who decided on it. It is for
// reading: nothing is decided here.
// It needs a revision; its handler answers "not found" where there is none.
func CodeView(with With, v *steps.View) slack.ModalViewRequest {
	r, p := v.Request, &kit.Page{}
	verdicts(with, p, v)
	chunks, ok := kit.Chunked(r.Revision.Code)
	if !ok {
		p.Say(kit.Words("The code is too long to be shown here. Its reviewers can get it as a file."))
	}
	for i, c := range chunks {
		title := []kit.Part{kit.Strong("Code"), kit.Words(fmt.Sprintf(", all %s", kit.Count(c.To, "line")))}
		if len(chunks) > 1 {
			title = []kit.Part{kit.Strong(fmt.Sprintf("Part %d of %d", i+1, len(chunks))), kit.Words(fmt.Sprintf(", lines %d to %d", c.From, c.To))}
		}
		p.Verbatim(title, c.Text, fmt.Sprint(kit.CodeID, i+1), "")
	}
	summary(p, r.Revision)
	p.Small(Print(r.ID, r.Revision.Number, r.Revision.Digest)...)
	return kit.NoteOf("The code", p)
}

// ChartFile is how a chart is called in Slack: after what is on it, as far as its words say.
func ChartFile(a approval.Artifact) string {
	// The runner describes a chart in sentences, from its title on. The file takes the title's name,
	// because Slack shows the name above the picture.
	title := a.Alt
	for _, end := range []string{". ", ", "} {
		title, _, _ = strings.Cut(title, end)
	}
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	name := kit.Cut(strings.Join(words, "-"), 60)
	// Of a chart without a title the runner writes "A chart" or begins with an axis ("x: month"), which makes
	// no name for a file (chart in sandbox/runner/show.py). Then the name that the program gave says more.
	if a.Kind != "chart" || name == "" || strings.ContainsAny(title[:1], "0123456789") || strings.HasPrefix(title, "A chart") || strings.HasPrefix(title, "x:") || strings.HasPrefix(title, "y:") {
		return a.Name
	}
	return strings.TrimSuffix(name, "…") + ".png"
}
