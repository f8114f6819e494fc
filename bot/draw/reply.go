package draw

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/masked"
	"countersign/bot/draw/reasons"
	"countersign/bot/draw/verified"
	"countersign/bot/kit"
)

// GarbledMark ends the Shown of a card that Slack did not store as it was sent: it stays untrusted for as long as it stands, also
// for a replica that comes later.
const GarbledMark = "!"

// Shares of an answer's text, in characters. Whatever comes first gets its share; the rest gets
// what is left, and says when it was cut.
const (
	shareText  = 1500 // a traceback, a value, printed text: each
	shareTable = 4000
)

// Opening is the sentence in a message of its own, where charts come between it and the
// rest of the answer: Slack shows uploaded pictures in no message of ours.
// Its order in the thread is: Opening, then the pictures, then Reply. Without pictures there is no Opening, and
// Reply says its sentence itself.
func Opening(v *steps.View) *kit.Page {
	p := &kit.Page{}
	if masked.Wanted(v) {
		v, _ = masked.View(v)
	}
	opening(p, v, v.Alone())
	return p
}

// Reply is the answer in the thread: what came out, what one does next, and one line of
// what it cost. The bill is a press away. tables tells whether Slack takes table blocks;
// where it does not, the table comes as text. What has been posted as Opening is not said
// again.
//
//	@Maya Revenue was $25.00; North led.                 the program's own sentence
//	The program says: … · Left out: 2 rows (no price)
//	Please note: …
//	Result / up to 3 tables / Printed                    each with its share of the room
//	[Show code] [Details] [Good] [Not good] […]
//	Next, you could ask … [ ] [ ] [ ]
//	Approved by @Ben · Opened sales.csv … · $0.02 · $9.98 of $10 left
func Reply(v *steps.View, tables bool) *kit.Page { return reply(v, tables, v.Alone()) }

// reply draws it for people of a channel, or for its asker alone: the words of an error may
// quote data that nobody has decided to show.
// The end is drawn first and counted, so that a long answer cannot push the buttons and the bill out of the
// message.
func reply(v *steps.View, tables, alone bool) *kit.Page {
	p, tail, last := &kit.Page{}, &kit.Page{}, &kit.Page{}
	if !alone && masked.Wanted(v) {
		whole := v
		shown, counts := masked.View(v)
		v = shown
		masked.Say(last, whole, counts)
	}
	r := v.Request
	answered := r.State == approval.Done && r.Run != nil && r.Run.Result != nil
	if answered {
		unexpected(tail, v)
		rested(tail, v)
	}
	buttons(tail, v)
	followUps(tail, v)
	cost(tail, v)
	tail.Append(last)
	p.Used = tail.Used // what the end needs is not there for the answer
	switch {
	case !answered:
		noAnswer(p, r)
	// No opening stands above it: there are no charts, or this message stands alone (Whole).
	case v.Posts[steps.SurfaceAnswer].TS == "":
		opening(p, v, alone)
		body(p, v, tables, alone)
	default:
		without(p, v)
		body(p, v, tables, alone)
	}
	p.Append(&kit.Page{Blocks: tail.Blocks, Lines: tail.Lines})
	return p
}

// Whole is the answer in one piece, for a message that its asker alone gets.
// The copy of the view forgets the Opening, which stands in a thread that the reader of this message cannot
// see.
func Whole(v *steps.View, tables bool) *kit.Page {
	if v.Request.Taken != nil {
		return Progress(With{}, v)
	}
	alone := *v
	alone.Posts = maps.Clone(v.Posts)
	delete(alone.Posts, steps.SurfaceAnswer)
	return reply(&alone, tables, true)
}

// rested says that the thread had been at rest: who reads on finds answers of another time above this one.
func rested(p *kit.Page, v *steps.View) {
	r := v.Request
	if since := restedSince(r); since != "" && r.Repeats == nil { // one that is repeated is compared, and says what has changed
		p.Small(kit.Words("This thread was at rest since " + since + ". What was asked in it, its code and those of its files that Slack still shows are at hand; this answer was computed from the files as they are now. Older results in this thread may be out of date."))
	}
}

// restedSince is the day since which nothing had been said in a request's thread before it was asked; nothing where
// it was not at rest.
func restedSince(r *approval.Request) string {
	if r.Revision == nil {
		return ""
	}
	day, err := time.Parse(time.DateOnly, r.Revision.Manifest.Thread.Rested)
	if err != nil {
		return ""
	}
	return day.Format("2 January 2006")
}

// noAnswer says why there is none.
func noAnswer(p *kit.Page, r *approval.Request) {
	hey := []kit.Part{kit.Person(r.Asker), kit.Words(" ")}
	switch r.State {
	case approval.Rejected:
		p.Say(append(append(hey, rejecters(r)...), kit.Words(": "+kit.Cut(rejection(r), 1000)))...)
	case approval.Expired:
		p.Say(append(hey, kit.Strong("Expired"), kit.Words(": "+kit.Cut(reasons.Words(r.Reason), 2000)))...)
		if r.Away != nil {
			p.Say(kit.Flow(kit.Words("It was waiting because "), isAway(r.Away.Cause), kit.Words("."))...)
		}
	case approval.Withdrawn:
		p.Say(append(hey, kit.Strong("Cancelled"), kit.Words(", and nothing ran. Work done until then has been charged."))...)
	case approval.Lost:
		p.Say(append(hey, kit.Strong("The result was lost"), kit.Words(". "+kit.Cut(reasons.Words(r.Reason), 2000)+" Ask again if you still need it."))...)
	default:
		said := append(hey, kit.Strong("This could not be done"))
		if r.Repeats != nil {
			said = append(hey, kit.Strong("Not repeated"))
		}
		if r.Cause != nil {
			p.Say(kit.Flow(said, kit.Words(", and nothing ran. "), Why(r))...)
		} else {
			p.Say(append(said, kit.Words(", and nothing ran. "+kit.Cut(reasons.Words(r.Reason), 3000)))...)
		}
	}
}

// rejection is what the reviewer said who rejected; empty where nobody has.
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
// alone decides whether words of an error are shown: they may quote data.
func opening(p *kit.Page, v *steps.View, alone bool) {
	openingTo(p, v, alone, kit.Person(v.Request.Asker), kit.Words(" "))
}

// openingTo is the same, addressed to these people; where it was shared, to nobody.
func openingTo(p *kit.Page, v *steps.View, alone bool, hey ...kit.Part) {
	r, res := v.Request, v.Request.Run.Result
	if r.Repeats != nil && res.Compared != nil {
		verified.Verdict(p, r, res.Compared)
		hey = nil
	}
	switch {
	// The sentence is the program's, computed in its run. Nothing is added to it, not even "answer".
	case res.Outcome == approval.OK && res.Answer != "":
		p.Say(append(hey, kit.Words(kit.Cut(approval.Plain(res.Answer), shareText)))...)
		claims(p, res)
	case res.Outcome == approval.OK && showsNothing(v):
		p.Say(append(hey, kit.Strong("The code finished, and showed nothing."))...)
	case res.Outcome == approval.OK:
		p.Say(append(hey, kit.Strong("Here is the answer."), kit.Words(" The program wrote no sentence, so this is what it showed."))...)
	case res.Outcome == approval.Cancelled:
		p.Say(kit.Flow(hey, kit.Strong("Cancelled"), kit.Words(" by "), kit.Person(r.Run.StoppedBy), kit.Words(fmt.Sprintf(" while it ran. Its sandbox was used for %s, and that is charged; the rest of what was reserved is free again. Nothing that it did is kept, and it will not run again.", kit.Seconds(res.Box))))...)
	default:
		p.Say(append(hey, kit.Strong(kit.Capital(outcomeWords[res.Outcome])), kit.Words(ending(res, alone)))...)
	}
	// Where the opening is a message of its own, it is posted before the files, and cannot know yet.
	if v.Posts[steps.SurfaceAnswer].TS == "" {
		without(p, v)
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
		said = append(said, kit.Words(dot(said)+kit.Cut(strings.TrimSuffix(kit.OneLine(approval.Plain(n)), "."), 200)))
	}
	for _, rows := range res.LeftOut[:min(5, len(res.LeftOut))] {
		said = append(said, kit.Words(dot(said)), kit.Strong("Left out: "+kit.Count(rows.Count, "row")), kit.Words(" ("+kit.Cut(kit.OneLine(approval.Plain(rows.Why)), 200)+")"))
	}
	if len(said) > 0 {
		p.Small(append([]kit.Part{kit.Words("The program says: ")}, said...)...)
	}
}

// ending is the error as the code gave it: words out of a box, so made plain. In a channel it is
// only what sort of error it is.
func ending(res *approval.Result, alone bool) string {
	switch {
	case res.Error == "":
		return ""
	case alone:
		return " " + kit.Cut(kit.OneLine(approval.Plain(res.Error)), 500)
	case res.Outcome != approval.Raised:
		return ""
	}
	return " " + res.Kind()
}

// fault is where the code stopped, and with which words. In a channel it is the line, which its
// reviewers have read; its asker finds the words in Details.
// StoppedAt takes a number from the traceback and the line itself from the approved code, so of what the box
// wrote nothing but a number is shown in a channel.
func fault(p *kit.Page, v *steps.View, alone bool) {
	r, res := v.Request, v.Request.Run.Result
	if alone {
		traceback(p, res)
		return
	}
	// The line is of the code that was approved, and known to everybody there; the words of the error are not.
	if n, line := stopped(r); n > 0 {
		p.Verbatim([]kit.Part{kit.Strong("Where it happened")}, fmt.Sprintf("line %d: %s", n, kit.Cut(printable(line), 300)), "", "")
	}
	if res.Traceback != "" || res.Stderr != "" {
		p.Small(kit.Words("The words of errors and warnings may quote data, so no channel shows them. "), kit.Person(r.Asker), kit.Words(" finds them in Details."))
	}
}

// stopped is the line of the code at which it stopped; 0 where nobody knows.
func stopped(r *approval.Request) (n int, line string) {
	if r.Revision == nil {
		return 0, ""
	}
	return r.Run.Result.StoppedAt(r.Revision.Code)
}

// traceback is the error as the box told it.
func traceback(p *kit.Page, res *approval.Result) {
	if res.Traceback != "" {
		p.Verbatim([]kit.Part{kit.Strong("Where it happened")}, end(res.Traceback, min(shareText, p.Room()/2)), "", end(res.Traceback, 300))
	}
}

// warnings are what the code wrote beside its output.
func warnings(p *kit.Page, res *approval.Result) {
	if res.Stderr != "" && p.Room() > 400 {
		p.Verbatim([]kit.Part{kit.Strong("Warnings")}, end(res.Stderr, min(600, p.Room()/2)), "", "")
	}
}

// body is what came out: the error, the value, the tables, what was printed.
func body(p *kit.Page, v *steps.View, tables, alone bool) {
	res := v.Request.Run.Result
	files, missing := arrived(v)
	fault(p, v, alone)
	if res.Value != "" {
		shown, whole := short(res.Value, min(shareText, p.Room()/2))
		p.Verbatim([]kit.Part{kit.Strong("Result")}, shown, "", kit.Cut(shown, 600))
		if !whole {
			p.Say(kit.Words("Only the beginning: it is too long for a message."))
		}
	}
	grids := res.Tables
	for i, g := range grids[:min(3, len(grids))] {
		// Slack takes one table in a message, and puts it at the end of it.
		grid(p, g, tables && i == 0, tableFiles(files))
	}
	if more := len(grids) - 3; more > 0 {
		p.Say(kit.Words(fmt.Sprintf("Another %s not shown here.", kit.Count(more, "table"))))
	}
	if res.Stdout != "" {
		shown, whole := short(res.Stdout, min(shareText, p.Room()/2))
		p.Verbatim([]kit.Part{kit.Strong("Printed")}, shown, "", kit.Cut(shown, 600))
		p.CutsPrinted = !whole
		switch {
		case whole:
		case slices.Contains(missing, PrintedFile(v)):
			p.Say(kit.Words("That is not all, but Slack rejected the file with the rest. An administrator can find the reason in the log."))
		default:
			p.Say(kit.Words("That is not all: the rest is in "), kit.Mono(PrintedFile(v)), kit.Words("."))
		}
	}
	if alone {
		warnings(p, res)
	}
}

// showsNothing tells of a run that has left nothing to be read.
func showsNothing(v *steps.View) bool {
	res := v.Request.Run.Result
	return res.Value == "" && res.Stdout == "" && len(res.Tables) == 0 && len(v.Artifacts) == 0
}

// short is a text for a verbatim block: its beginning, whole lines where
// possible, and whether that is all.
func short(text string, limit int) (shown string, whole bool) {
	text = printable(text)
	if utf8.RuneCountInString(text) <= limit {
		return text, true
	}
	head := string([]rune(text)[:max(0, limit-1)])
	// A whole last line, unless that would give up half of what fits.
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
	head, rest := v.Request.Run.Result.Observed.Words(Listed)
	p.Say(kit.Strong(head), kit.Words(rest))
}

// unexpected is what the code did that its reviewers could not expect.
func unexpected(p *kit.Page, v *steps.View) {
	if rev := v.Request.Revision; rev != nil {
		surprises(p, approval.Compare(rev.Findings, rev.Manifest.Inputs, v.Request.Run.Result.Observed))
	}
}

// surprises says what nobody had seen coming. The run is over: this is for those
// who judge the answer, and the code's writer. Six are listed: more of them say no more.
func surprises(p *kit.Page, all []string) {
	var items [][]kit.Part
	for _, s := range all[:min(6, len(all))] {
		items = append(items, []kit.Part{kit.Words(kit.Cut(s, 300))})
	}
	p.List([]kit.Part{kit.Strong("The inspection did not expect this"), kit.Words(", so read the answer with care:")}, items)
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
