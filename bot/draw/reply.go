package draw

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/reasons"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// GarbledMark ends the Shown of a card that Slack did not store as it was sent,
// and of an answer without the file in which all of its printed text would be.
const GarbledMark = "!"

// Shares of an answer's text. Whatever comes first gets its share; the rest gets
// what is left, and says when it was cut.
const (
	shareHead  = 1000
	shareText  = 1500 // a traceback, a value, printed text: each
	shareTable = 4000
)

// PrintedFile is the whole of what the code printed, when the answer cuts it.
const PrintedFile = "output.txt"

// Reply is the answer in the thread, with its bill. tables tells whether Slack
// takes table blocks; where it does not, the table comes as text.
func Reply(v *steps.View, tables bool) *kit.Page {
	r := v.Request
	p := &kit.Page{}
	if r.State != approval.Done || r.Run == nil || r.Run.Result == nil {
		noAnswer(p, r)
		bill(p, v)
		return p
	}
	res := r.Run.Result
	tail := &kit.Page{}
	deeds(tail, v)
	bill(tail, v)
	p.Used = tail.Used // what the bill needs is not there for the answer
	opening(p, v)
	body(p, v, tables)
	if res.Outcome != approval.OK {
		p.Say(kit.Words("To go on, mention me in this thread, for example: mend this. New code is written and reviewed like any other."))
	}
	p.Blocks, p.Lines = append(p.Blocks, tail.Blocks...), append(p.Lines, tail.Lines...)
	return p
}

// noAnswer says why there is none.
func noAnswer(p *kit.Page, r *approval.Request) {
	hey := []kit.Part{kit.Person(r.Asker), kit.Words(" ")}
	switch r.State {
	case approval.Rejected:
		p.Say(append(append(hey, rejecters(r)...), kit.Words(": "+kit.Cut(rejection(r), 1000)))...)
		p.Buttons("again", kit.Button(ids.ActionAgain, "Edit the question", r.ID, slack.StyleDefault))
	case approval.Expired:
		p.Say(append(hey, kit.Strong("Expired"), kit.Words(": "+kit.Cut(reasons.Words(r.Reason), 2000)))...)
		if r.Away != nil {
			p.Say(kit.Flow(kit.Words("It waited in vain: "), isAway(r.Away.Cause), kit.Words("."))...)
		}
	case approval.Withdrawn:
		p.Say(append(hey, kit.Strong("Taken back"), kit.Words(", and nothing was run. What had been done until then is paid for."))...)
	case approval.Lost:
		p.Say(append(hey, kit.Strong("The result was lost"), kit.Words(". "+kit.Cut(reasons.Words(r.Reason), 2000)+" Ask again if you still need it."))...)
	default:
		said := append(hey, kit.Strong("This could not be done"))
		if r.Cause != nil {
			p.Say(kit.Flow(said, kit.Words(", and nothing was run. "), Why(r))...)
		} else {
			p.Say(append(said, kit.Words(", and nothing was run. "+kit.Cut(reasons.Words(r.Reason), 3000)))...)
		}
	}
}

// rejection is what the reviewer said who rejected.
func rejection(r *approval.Request) string {
	for _, d := range r.Decisions {
		if d.Verdict == approval.Reject {
			return d.Reason
		}
	}
	return ""
}

// opening says in one sentence how it went, and what the reader should know before
// they trust the rest.
func opening(p *kit.Page, v *steps.View) {
	r, res := v.Request, v.Request.Run.Result
	files, missing := arrived(v)
	hey := []kit.Part{kit.Person(r.Asker), kit.Words(" ")}
	switch {
	case res.Outcome == approval.OK && res.Answer != "":
		p.Say(append(hey, kit.Words(kit.Cut(approval.Plain(res.Answer), shareText)))...)
		claims(p, res)
	case res.Outcome == approval.OK:
		p.Say(append(hey, kit.Strong("Here is the answer."), kit.Words(above(files)))...)
	default:
		said := strings.ToUpper(outcomeWords[res.Outcome][:1]) + outcomeWords[res.Outcome][1:]
		p.Say(append(hey, kit.Strong(said), kit.Words(ending(res.Error)))...)
	}
	if len(missing) > 0 {
		p.Say(kit.Strong("Slack did not take "+Listed(missing)), kit.Words(", which came out as well. An administrator finds the reason in the log."))
	}
	if len(res.Notes) > 0 {
		var items [][]kit.Part
		for _, n := range res.Notes[:min(8, len(res.Notes))] {
			items = append(items, []kit.Part{kit.Words(kit.Cut(kit.OneLine(approval.Plain(n)), 200))})
		}
		if more := len(res.Notes) - len(items); more > 0 {
			items = append(items, []kit.Part{kit.Words(fmt.Sprintf("and %d more notes", more))})
		}
		p.List([]kit.Part{kit.Strong("Please note")}, items)
	}
}

// claims are what the program says that it assumed and left out: its word, not ours.
func claims(p *kit.Page, res *approval.Result) {
	var said []kit.Part
	for _, n := range res.Said[:min(5, len(res.Said))] {
		said = append(said, kit.Words(" · "+kit.Cut(kit.OneLine(approval.Plain(n)), 200)))
	}
	for _, rows := range res.LeftOut[:min(5, len(res.LeftOut))] {
		said = append(said, kit.Words(" · "), kit.Strong("left out: "+kit.Count(rows.Count, "row")), kit.Words(" ("+kit.Cut(kit.OneLine(approval.Plain(rows.Why)), 200)+")"))
	}
	if len(said) > 0 {
		p.Small(append([]kit.Part{kit.Words("The program says")}, said...)...)
	}
}

// above says what came into the thread before the answer.
func above(files []approval.Artifact) string {
	n := map[string]int{}
	for _, f := range files {
		kind := f.Kind
		if kind != "chart" && kind != "table" {
			kind = "file"
		}
		n[kind]++
	}
	var what []string
	for _, k := range []struct{ kind, one, many string }{
		{"chart", "the chart", "%d charts"}, {"table", "the table as a file", "%d tables as files"}, {"file", "a file", "%d files"},
	} {
		switch {
		case n[k.kind] == 1:
			what = append(what, k.one)
		case n[k.kind] > 1:
			what = append(what, fmt.Sprintf(k.many, n[k.kind]))
		}
	}
	if len(what) == 0 {
		return ""
	}
	return " Above: " + strings.Join(what, ", ") + "."
}

// ending is the error as the code gave it: words out of a box, so made plain.
func ending(problem string) string {
	if problem == "" {
		return ""
	}
	return " " + kit.Cut(kit.OneLine(approval.Plain(problem)), 500)
}

// body is what came out: the error, the value, the tables, what was printed.
func body(p *kit.Page, v *steps.View, tables bool) {
	res := v.Request.Run.Result
	files, missing := arrived(v)
	if res.Traceback != "" {
		p.Verbatim([]kit.Part{kit.Strong("Where it happened")}, end(res.Traceback, min(shareText, p.Room()/2)), "", end(res.Traceback, 300))
	}
	if res.Value != "" {
		shown, whole := short(res.Value, min(shareText, p.Room()/2))
		p.Verbatim([]kit.Part{kit.Strong("Result")}, shown, "", kit.Cut(shown, 600))
		if !whole {
			p.Say(kit.Words("That is only its beginning: it is too long for a message."))
		}
	}
	grids := res.Tables
	for i, g := range grids[:min(3, len(grids))] {
		// Slack takes one table in a message, and puts it at the end of it.
		grid(p, g, tables && i == 0, tableFiles(files))
	}
	if more := len(grids) - 3; more > 0 {
		p.Say(kit.Words(fmt.Sprintf("%s more came out than are shown here.", kit.Count(more, "table"))))
	}
	if res.Stdout != "" {
		shown, whole := short(res.Stdout, min(shareText, p.Room()/2))
		p.Verbatim([]kit.Part{kit.Strong("Printed")}, shown, "", kit.Cut(shown, 600))
		p.CutsPrinted = !whole
		switch {
		case whole:
		case strings.HasSuffix(v.Posts[steps.SurfaceReply].Shown, GarbledMark):
			p.Say(kit.Words("That is not all of it, but Slack did not take the file with the rest. An administrator finds the reason in the log."))
		default:
			p.Say(kit.Words("That is not all of it: the rest is in "), kit.Mono(PrintedFile), kit.Words("."))
		}
	}
	if res.Stderr != "" && p.Room() > 400 {
		p.Verbatim([]kit.Part{kit.Strong("Warnings")}, end(res.Stderr, min(600, p.Room()/2)), "", "")
	}
	if res.Outcome == approval.OK && res.Answer == "" && res.Value == "" && res.Stdout == "" && len(grids) == 0 && len(files)+len(missing) == 0 {
		p.Say(kit.Words("The code ran to its end and showed nothing."))
	}
}

// short is a text for a verbatim block: its beginning, whole lines where
// possible, and whether that is all.
func short(text string, limit int) (shown string, whole bool) {
	text = printable(text)
	if utf8.RuneCountInString(text) <= limit {
		return text, true
	}
	head := string([]rune(text)[:max(0, limit-1)])
	if at := strings.LastIndexByte(head, '\n'); at > len(head)/2 {
		head = head[:at+1]
	}
	return head + "…", false
}

// end is a text's end, where tracebacks and warnings say what matters.
func end(text string, limit int) string {
	text = printable(text)
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return "…" + string(runes[len(runes)-max(0, limit-1):])
}

// printable makes what came out of a box fit for a message: it may hold any bytes.
func printable(text string) string { return strings.TrimRight(approval.Plain(text), "\n") }

// deeds is what is known of what the code did, and by whose word.
func deeds(p *kit.Page, v *steps.View) {
	o := v.Request.Run.Result.Observed
	head, rest := o.Words(Listed)
	p.Say(kit.Strong(head), kit.Words(rest))
	if rev := v.Request.Revision; rev != nil {
		surprises(p, approval.Compare(rev.Findings, rev.Manifest.Inputs, o))
	}
}

// surprises says what nobody had seen coming. The run is over: this is for those
// who judge the answer, and the code's writer.
func surprises(p *kit.Page, all []string) {
	var items [][]kit.Part
	for _, s := range all[:min(6, len(all))] {
		items = append(items, []kit.Part{kit.Words(kit.Cut(s, 300))})
	}
	p.List([]kit.Part{kit.Strong("That differs from what the inspection had found"), kit.Words(", so read the answer with care:")}, items)
}

// Listed names a few things out of a box and counts the rest.
func Listed(names []string) string {
	var shown []string
	for _, n := range names[:min(6, len(names))] {
		shown = append(shown, kit.Cut(approval.Plain(kit.OneLine(n)), 60))
	}
	if more := len(names) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("%d more", more))
	}
	return strings.Join(shown, ", ")
}

// WithoutMark stands before the name of each file that is not in the thread
// because Slack refused it for good, or could not be brought to take it.
const WithoutMark = "\nwithout "

// arrived are the files of an answer that are in its thread, and missing the
// names of those that Slack refused for good: an answer waits for no file that
// will never come, and says so.
func arrived(v *steps.View) (files []approval.Artifact, missing []string) {
	missing = strings.Split(v.Posts[steps.SurfaceFiles].Shown, WithoutMark)[1:]
	for _, f := range v.Artifacts {
		if !slices.Contains(missing, f.Name) {
			files = append(files, f)
		}
	}
	return files, missing
}
