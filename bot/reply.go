package bot

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"countersign/approval"
	"countersign/approval/steps"
)

// Shares of an answer's text. Whatever comes first gets its share; the rest gets
// what is left, and says when it was cut.
const (
	shareHead  = 1000
	shareText  = 1500 // a traceback, a value, printed text: each
	shareTable = 4000
)

// printedFile is the whole of what the code printed, when the answer cuts it.
const printedFile = "output.txt"

// reply is the answer in the thread, with its bill. tables tells whether Slack
// takes table blocks; where it does not, the table comes as text.
func (b *Bot) reply(v *steps.View, tables bool) *page {
	r := v.Request
	p := &page{}
	if r.State != approval.Done || r.Run == nil || r.Run.Result == nil {
		b.noAnswer(p, r)
		b.bill(p, v)
		return p
	}
	res := r.Run.Result
	tail := &page{}
	b.deeds(tail, v)
	b.bill(tail, v)
	p.used = tail.used // what the bill needs is not there for the answer
	b.opening(p, v)
	b.body(p, v, tables)
	if res.Outcome != approval.OK {
		p.say(words("To go on, mention me in this thread, for example: mend this. New code is written and reviewed like any other."))
	}
	p.blocks, p.lines = append(p.blocks, tail.blocks...), append(p.lines, tail.lines...)
	return p
}

// noAnswer says why there is none.
func (b *Bot) noAnswer(p *page, r *approval.Request) {
	hey := []part{person(r.Asker), words(" ")}
	switch r.State {
	case approval.Rejected:
		p.say(append(append(hey, rejecters(r)...), words(": "+cut(r.Reason, 1000)))...)
	case approval.Expired:
		p.say(append(hey, strong("Expired"), words(": "+cut(r.Reason, 2000)))...)
		if r.Away != nil {
			p.say(flow(words("It waited in vain: "), b.isAway(r.Away.Cause), words("."))...)
		}
	case approval.Withdrawn:
		p.say(append(hey, strong("Taken back"), words(", and nothing was run. What had been done until then is paid for."))...)
	case approval.Lost:
		p.say(append(hey, strong("The result was lost"), words(". "+cut(r.Reason, 2000)+" Ask again if you still need it."))...)
	default:
		said := append(hey, strong("This could not be done"))
		if r.Cause != nil {
			p.say(flow(said, words(", and nothing was run. "), b.why(r))...)
		} else {
			p.say(append(said, words(", and nothing was run. "+cut(r.Reason, 3000)))...)
		}
	}
}

// opening says in one sentence how it went, and what the reader should know before
// they trust the rest.
func (b *Bot) opening(p *page, v *steps.View) {
	r, res := v.Request, v.Request.Run.Result
	files, missing := arrived(v)
	hey := []part{person(r.Asker), words(" ")}
	switch {
	case res.Outcome == approval.OK && res.Answer != "":
		p.say(append(hey, words(cut(approval.Plain(res.Answer), shareText)))...)
		claims(p, res)
	case res.Outcome == approval.OK:
		p.say(append(hey, strong("Here is the answer."), words(above(files)))...)
	default:
		said := strings.ToUpper(outcomeWords[res.Outcome][:1]) + outcomeWords[res.Outcome][1:]
		p.say(append(hey, strong(said), words(ending(res.Error)))...)
	}
	if len(missing) > 0 {
		p.say(strong("Slack did not take "+listed(missing)), words(", which came out as well. An administrator finds the reason in the log."))
	}
	if len(res.Notes) > 0 {
		var items [][]part
		for _, n := range res.Notes[:min(8, len(res.Notes))] {
			items = append(items, []part{words(cut(oneLine(approval.Plain(n)), 200))})
		}
		if more := len(res.Notes) - len(items); more > 0 {
			items = append(items, []part{words(fmt.Sprintf("and %d more notes", more))})
		}
		p.list([]part{strong("Please note")}, items)
	}
}

// claims are what the program says that it assumed and left out: its word, not ours.
func claims(p *page, res *approval.Result) {
	var said []part
	for _, n := range res.Said[:min(5, len(res.Said))] {
		said = append(said, words(" · "+cut(oneLine(approval.Plain(n)), 200)))
	}
	for _, rows := range res.LeftOut[:min(5, len(res.LeftOut))] {
		said = append(said, words(" · "), strong("left out: "+count(rows.Count, "row")), words(" ("+cut(oneLine(approval.Plain(rows.Why)), 200)+")"))
	}
	if len(said) > 0 {
		p.small(append([]part{words("The program says")}, said...)...)
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
	return " " + cut(oneLine(approval.Plain(problem)), 500)
}

// body is what came out: the error, the value, the tables, what was printed.
func (b *Bot) body(p *page, v *steps.View, tables bool) {
	res := v.Request.Run.Result
	files, missing := arrived(v)
	if res.Traceback != "" {
		p.verbatim([]part{strong("Where it happened")}, end(res.Traceback, min(shareText, p.room()/2)), "", end(res.Traceback, 300))
	}
	if res.Value != "" {
		shown, whole := short(res.Value, min(shareText, p.room()/2))
		p.verbatim([]part{strong("Result")}, shown, "", cut(shown, 600))
		if !whole {
			p.say(words("That is only its beginning: it is too long for a message."))
		}
	}
	grids := res.Tables
	for i, g := range grids[:min(3, len(grids))] {
		// Slack takes one table in a message, and puts it at the end of it.
		b.grid(p, g, tables && i == 0, tableFiles(files))
	}
	if more := len(grids) - 3; more > 0 {
		p.say(words(fmt.Sprintf("%s more came out than are shown here.", count(more, "table"))))
	}
	if res.Stdout != "" {
		shown, whole := short(res.Stdout, min(shareText, p.room()/2))
		p.verbatim([]part{strong("Printed")}, shown, "", cut(shown, 600))
		p.cutsPrinted = !whole
		switch {
		case whole:
		case strings.HasSuffix(v.Posts[steps.SurfaceReply].Shown, garbledMark):
			p.say(words("That is not all of it, but Slack did not take the file with the rest. An administrator finds the reason in the log."))
		default:
			p.say(words("That is not all of it: the rest is in "), mono(printedFile), words("."))
		}
	}
	if res.Stderr != "" && p.room() > 400 {
		p.verbatim([]part{strong("Warnings")}, end(res.Stderr, min(600, p.room()/2)), "", "")
	}
	if res.Outcome == approval.OK && res.Answer == "" && res.Value == "" && res.Stdout == "" && len(grids) == 0 && len(files)+len(missing) == 0 {
		p.say(words("The code ran to its end and showed nothing."))
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

// deeds is what the audit hook saw the code do.
func (b *Bot) deeds(p *page, v *steps.View) {
	o := v.Request.Run.Result.Observed
	said := []string{"opened no files"}
	if len(o.Opened) > 0 {
		said[0] = "opened " + listed(o.Opened)
	}
	if len(o.Connected) > 0 {
		said = append(said, "tried to connect to "+listed(o.Connected))
	} else {
		said = append(said, "connected to nothing")
	}
	if len(o.Spawned) > 0 {
		said = append(said, "started "+listed(o.Spawned))
	}
	p.say(strong("What it really did"), words(": "+strings.Join(said, "; ")+"."))
	if rev := v.Request.Revision; rev != nil {
		b.surprises(p, approval.Compare(rev.Findings, rev.Manifest.Inputs, o))
	}
}

// surprises says what nobody had seen coming. The run is over: this is for those
// who judge the answer, and the code's writer.
func (b *Bot) surprises(p *page, all []string) {
	var items [][]part
	for _, s := range all[:min(6, len(all))] {
		items = append(items, []part{words(cut(s, 300))})
	}
	p.list([]part{strong("That differs from what the inspection had found"), words(", so read the answer with care:")}, items)
}

// listed names a few things out of a box and counts the rest.
func listed(names []string) string {
	var shown []string
	for _, n := range names[:min(6, len(names))] {
		shown = append(shown, cut(approval.Plain(oneLine(n)), 60))
	}
	if more := len(names) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("%d more", more))
	}
	return strings.Join(shown, ", ")
}
