// Package audit draws what administrators and auditors look at: a list of requests, a request
// from its question to its bill, what was changed, and checkpoints. There is no
// button here that changes anything.
package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/auditing"
	"countersign/bot/draw/money"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
	"countersign/internal/pack"
)

// Length is how many requests a page of the list has. Each takes three blocks of the hundred that a modal has.
const Length = 20

// What a request shows of each kind at most. The rest is counted, and a pack has it.
const (
	mostVersions = 3
	mostFindings = 8 // of a version
	mostCharges  = 20
	mostSteps    = 40
)

// Section is the part of a Home from which all of it is reached.
func Section(p *kit.Page) {
	p.Head("Audit")
	p.Say(kit.Words("Everything that was asked, written, decided, run and paid. Looking changes nothing. Opening an answer that is its asker's alone is on record."))
	p.Buttons("audit", kit.Button(ids.ActionAudit, "Find requests", "", slack.StyleDefault), kit.Button(ids.ActionDeeds, "What was changed", "", slack.StyleDefault),
		kit.Button(ids.ActionPoints, "Checkpoints", "", slack.StyleDefault), kit.Button(ids.ActionPack, "Make a pack", "", slack.StyleDefault))
}

// FindView asks which requests are looked for. All of its fields may stay empty.
func FindView() slack.ModalViewRequest {
	p := &kit.Page{}
	p.Say(kit.Words("Leave everything empty to see the latest requests."))
	narrow(p, "Who asked, reviewed or changed it")
	p.Optional(ids.FieldWords, "Words", "In questions, code, refused drafts and reasons, or the id of a request.", "", false)
	return form(ids.CallbackAudit, "Find requests", "Find", p)
}

// PackView asks for which time a pack is made, and of what.
func PackView(from, to time.Time) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Say(kit.Words("A pack is a file from which anybody can check what happened, without our database and without our word: a page to read, tables for spreadsheets, and the log with its checkpoints. " +
		"It comes to your direct messages with me. Making one is on record, and it holds answers that are their askers' alone."))
	days(p, from, to)
	p.Add(slack.NewInputBlock(ids.FieldPerson, kit.Plain("Only what this person asked"), kit.Plain("Without a person and a channel the pack is complete."), people()).WithOptional(true), 0, "")
	p.Add(slack.NewInputBlock(ids.FieldChannel, kit.Plain("Only what was asked in this channel"), nil, channels()).WithOptional(true), 0, "")
	return form(ids.CallbackPack, "Make a pack", "Make", p)
}

// form is a modal that asks; what is filled in comes back under callback.
func form(callback, title, submit string, p *kit.Page) slack.ModalViewRequest {
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callback, Title: kit.Plain(title), Submit: kit.Plain(submit), Close: kit.Plain("Cancel"), Blocks: slack.Blocks{BlockSet: p.Blocks}}
}

// narrow asks for a person, a channel and days. who says what the person has to do with a request.
func narrow(p *kit.Page, who string) {
	p.Add(slack.NewInputBlock(ids.FieldPerson, kit.Plain(who), nil, people()).WithOptional(true), 0, "")
	p.Add(slack.NewInputBlock(ids.FieldChannel, kit.Plain("Channel"), nil, channels()).WithOptional(true), 0, "")
	days(p, time.Time{}, time.Time{})
}

// days asks for the first and the last day. One that begins filled in cannot be left empty.
func days(p *kit.Page, from, to time.Time) {
	for _, day := range []struct {
		field, label string
		at           time.Time
	}{{ids.FieldFrom, "First day", from}, {ids.FieldUntil, "Last day", to}} {
		picker := slack.NewDatePickerBlockElement(day.field)
		if !day.at.IsZero() {
			picker.InitialDate = day.at.Format(time.DateOnly)
		}
		p.Add(slack.NewInputBlock(day.field, kit.Plain(day.label), nil, picker).WithOptional(day.at.IsZero()), 0, "")
	}
}

// people and channels are choices of Slack's own, which shows to each only what they may see.
func people() *slack.SelectBlockElement {
	return slack.NewOptionsSelectBlockElement(slack.OptTypeUser, kit.Plain("Choose a person"), ids.FieldPerson)
}

// channels leaves direct messages out: they have no name to choose them by.
func channels() *slack.SelectBlockElement {
	where := slack.NewOptionsSelectBlockElement(slack.OptTypeConversations, kit.Plain("Choose a channel"), ids.FieldChannel)
	where.Filter = &slack.SelectBlockElementFilter{Include: []string{"public", "private"}}
	return where
}

// ListView is a page of what was found.
// The page after it carries its query in the button, so turning pages needs no state of ours and any replica
// can draw the next one. It skips by count: what is asked meanwhile moves the list down, so a request may be
// seen twice.
func ListView(rows []auditing.Row, q auditing.Query, more bool) slack.ModalViewRequest {
	p := &kit.Page{}
	if len(rows) == 0 {
		p.Say(kit.Words("Nothing like this was found."))
	}
	for _, row := range rows {
		question := kit.Cut(kit.OneLine(row.Question), 150)
		if question == "" {
			question = "Request " + row.ID
		}
		open := kit.Button(ids.ActionRecord, "Open", row.ID, slack.StyleDefault)
		open.AccessibilityLabel = kit.Cut("Open: "+question, 75)
		p.Add(slack.NewSectionBlock(kit.Plain(question), nil, slack.NewAccessory(open)), len([]rune(question)), kit.Escape(question))
		said := append([]kit.Part{kit.Person(row.Asker)}, place(row.Channel)...)
		said = append(said, kit.Words(" · "), kit.Moment(row.At), kit.Words(" · "+kit.Capital(row.State)+" · "+money.Spent(budget.USD(row.Spent))))
		if row.Private {
			said = append(said, kit.Words(" · answer for its asker alone"))
		}
		p.Small(said...)
	}
	var turn []slack.BlockElement
	at := func(skip int) string {
		q := q
		q.Skip = skip
		return string(kit.JSON(q))
	}
	if q.Skip > 0 {
		turn = append(turn, kit.Button(ids.ActionNewer, "Newer ones", at(max(0, q.Skip-Length)), slack.StyleDefault))
	}
	if more {
		turn = append(turn, kit.Button(ids.ActionFound, "Older ones", at(q.Skip+len(rows)), slack.StyleDefault))
	}
	if len(turn) > 0 {
		p.Buttons("more", turn...)
	}
	v := kit.NoteOf("Requests", p)
	v.CallbackID = ids.CallbackFound
	return v
}

// place names a channel; a direct message has no name for those who are not in it.
func place(channel string) []kit.Part {
	// Some old private channels have ids that begin with a G, so what is no direct message is a channel.
	if channel == "" || approval.Direct(channel) {
		return []kit.Part{kit.Words(" in a direct message")}
	}
	return []kit.Part{kit.Words(" in "), kit.Place(channel)}
}

// RecordView is a request from its question to its bill.
// From top to bottom, as an auditor asks:
//
//	| the question, with who asked it, where and when
//	Done: what it ended with
//	Answer                         or, where it is private, [Read it]
//	Who decided                    a line for each decision
//	Version 2, sealed as 4f1c…     the last three
//	[Code, and 1 refused draft]
//	What ran / What it cost / The last 40 of 212 entries of the log
func RecordView(s *pack.Story) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Quote(kit.Cut(s.Question, 1500), append(append([]kit.Part{kit.Person(s.Asker), kit.Words(" asked")}, place(s.Channel)...), kit.Words(", "), kit.Moment(s.At), kit.Words(":"))...)
	outcome := []kit.Part{kit.Strong(s.Outcome)}
	if s.Error != "" {
		outcome = append(outcome, kit.Words(": "+kit.Cut(s.Error, 500)))
	}
	p.Say(outcome...)
	switch {
	// The story comes without a private answer. Only the button fetches it, because that look is what goes on
	// record.
	case s.Private && s.Answer == "" && s.Run != nil:
		p.Row([]kit.Part{kit.Words("The answer is its asker's alone. Reading it is on record.")}, kit.Button(ids.ActionPrivate, "Read it", s.ID, slack.StyleDefault))
	case s.Answer != "":
		p.Verbatim([]kit.Part{kit.Strong("Answer")}, kit.Cut(s.Answer, 1200), "", s.Answer)
	}
	p.List([]kit.Part{kit.Strong("Who decided")}, decisions(s))
	if len(s.Decisions) == 0 {
		p.Say(kit.Strong("Who decided: "), kit.Words("nobody."))
	}
	// The last versions are those that were decided on and run. A modal takes only a hundred blocks.
	earlier := max(0, len(s.Versions)-mostVersions)
	if earlier > 0 {
		p.Small(kit.Words(fmt.Sprintf("Before these there were %s: their code is below, and a pack has all of it.", kit.Count(earlier, "version"))))
	}
	for _, v := range s.Versions[earlier:] {
		p.List([]kit.Part{kit.Strong("Version " + v.Number), kit.Words(", sealed as "), kit.Mono(kit.Cut(v.Digest, 13))}, sealed(v))
	}
	if len(s.Versions) > 0 || len(s.Refused) > 0 {
		label := "Code"
		if n := len(s.Refused); n > 0 {
			label = fmt.Sprintf("Code, and %s", kit.Count(n, "refused draft"))
		}
		p.Buttons("written", kit.Button(ids.ActionWritten, label, s.ID, slack.StyleDefault))
	}
	if s.Run != nil {
		p.List([]kit.Part{kit.Strong("What ran")}, ran(s.Run))
	}
	p.List([]kit.Part{kit.Strong("What it cost: "), kit.Words(money.Spent(budget.USD(s.Total)))}, bill(s))
	entries := fmt.Sprintf("All %d entries of the log", len(s.Steps))
	if len(s.Steps) > mostSteps {
		entries = fmt.Sprintf("The last %d of %d entries of the log", mostSteps, len(s.Steps))
	}
	p.List([]kit.Part{kit.Strong(entries)}, Steps(s.Steps[max(0, len(s.Steps)-mostSteps):]))
	return kit.NoteOf("Request "+s.ID, p)
}

// decisions are who said what about which version, by which door, and how long they had the code open.
// "In place of" and the door are said with each: a delegate's approval, or one from the command line, is what
// an auditor looks for first.
func decisions(s *pack.Story) (items [][]kit.Part) {
	for _, d := range s.Decisions {
		item := []kit.Part{kit.Person(d.Who)}
		if d.For != "" {
			item = append(item, kit.Words(" in place of "), kit.Person(d.For))
		}
		item = append(item, kit.Words(": "+d.Verdict+", version "+d.Number+", "), kit.Moment(d.At), kit.Words(", in "+d.Door))
		if open := d.HadOpen(); open != "" {
			item = append(item, kit.Words(", "+open))
		}
		if d.Why != "" {
			item = append(item, kit.Words(": "+kit.Cut(kit.OneLine(d.Why), 300)))
		}
		items = append(items, item)
	}
	return items
}

// sealed is what an approval of a version covered beside its code, and what its inspection had found.
func sealed(v *pack.Version) (items [][]kit.Part) {
	line := func(name, value string) {
		items = append(items, []kit.Part{kit.Words(name + ": " + kit.Cut(kit.OneLine(value), 200))})
	}
	for _, in := range v.Inputs {
		line(in.Name, "sha256 "+kit.Cut(in.SHA256, 13)+", "+in.Reading)
	}
	for _, f := range v.Seal {
		line(f.Name, f.Value)
	}
	line("Risk", v.Tier+", needs "+v.Approvals+" by the rules "+v.Rules)
	for _, f := range v.Findings[:min(mostFindings, len(v.Findings))] {
		line("Found", f)
	}
	return andMore(items, len(v.Findings)-mostFindings)
}

// ran is what was seen of a run from outside the sandbox, and what its inspection had not announced.
func ran(r *pack.Run) (items [][]kit.Part) {
	items = append(items, []kit.Part{kit.Words("From "), kit.Moment(r.Start), kit.Words(" on, " + r.Seconds + " of box time")}, []kit.Part{kit.Words(r.Watched)})
	for _, w := range r.Witness {
		items = append(items, []kit.Part{kit.Words(w.Name + ": " + kit.Cut(w.Value, 300))})
	}
	for _, m := range r.Mismatch {
		items = append(items, []kit.Part{kit.Words("Not announced: " + kit.Cut(m, 300))})
	}
	return items
}

// bill is every charge in exact figures: rounded ones would not add up.
func bill(s *pack.Story) (items [][]kit.Part) {
	for _, r := range s.Receipts {
		for _, c := range r.Charges {
			items = append(items, []kit.Part{kit.Words(r.For + ", " + c.What + ": " + budget.USD(c.Amount).String())})
		}
	}
	return andMore(items[:min(mostCharges, len(items))], len(items)-mostCharges)
}

// andMore ends a list that was cut. An auditor must never take a part for the whole.
func andMore(items [][]kit.Part, more int) [][]kit.Part {
	if more > 0 {
		items = append(items, []kit.Part{kit.Words(fmt.Sprintf("and %d more: a pack has all of it", more))})
	}
	return items
}

// Steps are entries of the log as lines.
func Steps(steps []pack.Step) (items [][]kit.Part) {
	for _, s := range steps {
		// Slack's ids of people begin with a U or a W; other actors are Countersign itself, models and commands.
		who := kit.Part(kit.Words(s.Actor))
		if strings.HasPrefix(s.Actor, "U") || strings.HasPrefix(s.Actor, "W") {
			who = kit.Person(s.Actor)
		}
		items = append(items, []kit.Part{kit.Moment(s.At), kit.Words(" · "), who, kit.Words(" · " + kit.Cut(s.What, 200))})
	}
	return items
}

// WrittenView is the code of a request: the last version whole, as far as it fits, and the drafts
// that the inspection refused.
func WrittenView(s *pack.Story) slack.ModalViewRequest {
	p := &kit.Page{}
	for _, v := range slices.Backward(s.Versions) {
		verbatim(p, []kit.Part{kit.Strong("Version " + v.Number), kit.Words(" by " + v.Author + ", "), kit.Moment(v.At)}, v.Code)
	}
	for _, r := range s.Refused {
		verbatim(p, []kit.Part{kit.Strong("Refused draft"), kit.Words(": " + kit.Cut(kit.OneLine(r.Why), 300) + ", "), kit.Moment(r.At)}, r.Code)
	}
	return kit.NoteOf("What was written", p)
}

// verbatim shows code in as many blocks as it takes. What a modal has no room for is in the pack.
func verbatim(p *kit.Page, title []kit.Part, code string) {
	if strings.TrimSpace(code) == "" {
		p.Say(append(title, kit.Words(": its text is gone"))...)
		return
	}
	chunks, _ := kit.Number(code, kit.PartLines, kit.PartChars)
	for i, c := range chunks {
		if len(p.Blocks) >= 95 { // of the 100 that Slack takes: the last ones are for this sentence
			p.Say(kit.Words("There is more: a pack has all of it."))
			return
		}
		if i > 0 {
			title = []kit.Part{kit.Words(fmt.Sprintf("lines %d to %d", c.From, c.To))}
		}
		p.Verbatim(title, kit.Cut(c.Text, 2990), "", "")
	}
}

// AnswerView is an answer that is its asker's alone, to somebody whose look is on record.
// Whoever opens it has been written down before it is drawn, so the sentence above the answer is true.
func AnswerView(s *pack.Story) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Small(kit.Words("That you have read this is on record."))
	text := strings.TrimSpace(s.Answer + "\n" + s.Error)
	if text == "" {
		text = "(nothing)"
	}
	p.Verbatim([]kit.Part{kit.Strong("Answer")}, kit.Cut(text, 2500), "", text)
	return kit.NoteOf("Answer", p)
}

// DeedsView is what was done to people, rules, budgets, pins and keys.
func DeedsView(list []pack.Step) slack.ModalViewRequest {
	p := &kit.Page{}
	if len(list) == 0 {
		p.Say(kit.Words("Nothing yet."))
	}
	// In several lists, because a block takes only so much text.
	for part := range slices.Chunk(Steps(list), 20) {
		p.List(nil, part)
	}
	return kit.NoteOf("What was changed", p)
}

// PointsView is the last checkpoints, each as it is signed.
func PointsView(list []auditing.Point) slack.ModalViewRequest {
	p := &kit.Page{}
	p.Say(kit.Words("Each is a signed word on how the log stood. Compare one with a copy that was kept elsewhere: they are the same, letter by letter, or the log was changed."))
	if len(list) == 0 {
		p.Say(kit.Words("There is none yet."))
	}
	for _, c := range list {
		p.Verbatim([]kit.Part{kit.Strong(fmt.Sprintf("Checkpoint %d", c.Number)), kit.Words(fmt.Sprintf(", %s entries, ", kit.Thousands(int(c.Size)))), kit.Moment(c.At)}, c.Note, "", c.Note)
	}
	return kit.NoteOf("Checkpoints", p)
}

// NoPackPage says that an ordered pack does not come.
func NoPackPage() *kit.Page {
	p := &kit.Page{}
	p.Say(kit.Words("No pack is made: somebody else than this program has written an event of that time into its database. Whoever runs it finds the event with "), kit.Mono("countersign audit"), kit.Words("."))
	return p
}

// PackPage says what a pack holds, above the file itself.
// What comes along with a pack proves nothing, its keys included: a forger would send such as fit. So the
// sentence asks for them from somebody else, and the command shows where they go.
func PackPage(c pack.Contents, name string, keys []string) *kit.Page {
	p := &kit.Page{}
	what := "It is complete: everything that was written down in this time."
	if !c.Complete() {
		what = fmt.Sprintf("It is a selection: %d of %s.", c.Showing, kit.Count(int(c.Requests), "request"))
	}
	p.Say(kit.Strong("Here is the pack that you asked for"), kit.Words(", from "), kit.Moment(c.From), kit.Words(" to "), kit.Moment(c.Until()), kit.Words(": "+kit.Count(int(c.Showing), "request")+". "+what))
	whose := "this installation's key"
	if len(keys) > 1 { // a new one signs since
		whose = "all of these keys of this installation"
	}
	p.Say(kit.Words("Unpack it and open page.html to read it. Whoever checks it needs " + whose + " from somebody other than you:"))
	command := "countersign-verify --key " + strings.Join(keys, " --key ") + " " + name
	p.Verbatim(nil, command, "", command)
	return p
}
