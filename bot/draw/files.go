package draw

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

const (
	mostFiles   = 10
	mostTables  = 4
	mostRemarks = 4   // of a file, on a card
	allRemarks  = 40  // and in the modal
	howLength   = 200 // of how one is read
)

// fileLines say what is in the files and how they are read, with so many remarks on what is
// odd in each, and so many of what people have said of it.
//
//	File: sales.csv, shared by @Maya today at 9:12: 1,204 rows × 7 columns; read as delimiter semicolon;
//	the last row is a total: left out; dates are day first (says @Maya)
func fileLines(files []approval.File, remarks int) (items [][]kit.Part) {
	for _, f := range files[:min(mostFiles, len(files))] {
		item := []kit.Part{kit.Mono(kit.Cut(f.Name, 110))}
		if by := f.Shared; by != nil {
			item = append(item, kit.Words(", shared by "), kit.Person(by.By), kit.Words(" "), kit.Moment(by.At))
		}
		if f.Pinned != "" {
			item = append(item, kit.Words(", pinned to "), kit.Place(f.Pinned))
		}
		// Before a box has read it, the name and who shared it are all that is known.
		if f.Reading != nil {
			item = append(item, kit.Words(": "+strings.Join(shapes(f), ", ")+howRead(f)))
			item = append(item, saidOf(f, remarks)...)
			if text := oddIn(f, remarks); text != "" {
				item = append(item, kit.Words(text))
			}
		}
		items = append(items, item)
	}
	if more := len(files) - len(items); more > 0 {
		items = append(items, []kit.Part{kit.Words(fmt.Sprintf("and %d more", more))})
	}
	return items
}

// atMost says how large the files of a question may be. Two numbers that are the same would make people look for the difference.
func atMost(p approval.Policy) string {
	each, together := p.MaxFileBytes>>20, p.MaxInputBytes>>20
	if each == together {
		return fmt.Sprintf("at most %d MB together", together)
	}
	return fmt.Sprintf("at most %d MB each, %d MB together", each, together)
}

// shapes are how large the tables of a file are.
func shapes(f approval.File) (words []string) {
	tables := f.Tables()
	for _, t := range tables[:min(mostTables, len(tables))] {
		name := ""
		if t.Name != "" {
			name = kit.Cut(foreign(t.Name), 40) + " "
		}
		size := ""
		if t.Memory() >= reading.MuchMemory {
			size = fmt.Sprintf(", about %s in memory", kit.Megabytes(int(t.Memory()>>20)))
		}
		words = append(words, fmt.Sprintf("%s%s × %s%s", name, kit.Count(int(t.Rows), "row"), kit.Count(len(t.Columns), "column"), size))
	}
	if more := len(tables) - len(words); more > 0 {
		words = append(words, fmt.Sprintf("%d more", more))
	}
	return words
}

// howRead says how a file is read: "; read with delimiter semicolon, decimal comma".
// Other tables of a file may be read differently. Their words would double the line, and Columns names them
// all.
func howRead(f approval.File) string {
	// The first table is the one that load takes when a program names no sheet.
	if tables := f.Tables(); len(tables) > 0 {
		if how := tables[0].Words(*f.Reading); how != "" {
			return "; read as " + kit.Cut(foreign(how), howLength)
		}
	}
	return ""
}

// saidOf is what people have said of a file, each by name. They can say more than a card holds.
func saidOf(f approval.File, most int) (said []kit.Part) {
	for _, a := range f.Answers[:min(most, len(f.Answers))] {
		said = append(said, kit.Words("; "+kit.Cut(foreign(a.Words()), howLength)+" (says "), kit.Person(a.By), kit.Words(")"))
	}
	if more := len(f.Answers) - most; more > 0 {
		said = append(said, kit.Words(fmt.Sprintf("; and %d more that people have said of it", more)))
	}
	return said
}

// oddIn says what is odd in a file: "; the last row is a total: left out".
func oddIn(f approval.File, most int) (text string) {
	said, more := 0, 0
	for _, t := range f.Tables() {
		for _, o := range t.Odd {
			if said == most {
				more++
				continue
			}
			said++
			text += "; " + kit.Cut(foreign(o.Words()), howLength)
		}
	}
	if more > 0 {
		text += fmt.Sprintf("; and %s more", kit.Count(more, "remark"))
	}
	return text
}

// foreign is text of a file as one line, without signs that nobody sees.
func foreign(text string) string { return kit.OneLine(approval.Plain(text)) }

// answers are the buttons of a question about a file, in the order of its choices. An action id may stand once in a block, so
// each has its own; what was chosen is in the value.
var answers = []string{ids.ActionAnswer, ids.ActionAnswer2, ids.ActionAnswer3}

// doubted asks what nobody but the asker can know about a file. It names columns, and shows
// no value of any.
//
//	@Maya, one question about sales.csv: are 03/04/2026 and the like day first or month first?
//	[Compare] [Day first] [Month first]
//	Nothing is written or paid while I wait, until 15:30.
//
// Where the request has no open doubt any more (an answer has come between view and drawing) it says only that
// it waits.
func doubted(p *kit.Page, r *approval.Request) {
	at, d, key, ok := r.Doubted()
	if !ok {
		p.Say(kit.Strong("Waiting for the asker"), kit.Words("."))
		return
	}
	// Column names are text of whoever made the file, so they are made plain like any other.
	said := []kit.Part{kit.Words(": " + kit.Cut(foreign(d.Words()), 400))}
	if d == reading.Before() {
		said = append([]kit.Part{kit.Words(": ")}, toldBefore(r.Files[at])...)
	}
	p.Say(append([]kit.Part{kit.Person(r.Asker), kit.Words(", one question about "), kit.Mono(kit.Cut(r.Files[at].Name, 110))}, said...)...)
	var buttons []slack.BlockElement
	for i, c := range d.Choices() {
		buttons = append(buttons, kit.Button(answers[i], c.Words, strings.Join([]string{r.ID, key, c.Says}, " "), slack.StyleDefault))
	}
	if len(d.InEncodings()) > 0 {
		// Values of the file, so only the asker sees them, in a modal: the thread is for the whole channel.
		compare := kit.Button(ids.ActionCompare, "Compare", strings.Join([]string{r.ID, key}, " "), slack.StylePrimary)
		compare.AccessibilityLabel = "See the letters in each encoding. Only you see them"
		buttons = append([]slack.BlockElement{compare}, buttons...)
	}
	p.Buttons("answer", buttons...)
	// Whoever reads a question by a bot wonders what waiting costs.
	free := "Nothing is written or paid while I wait, until "
	if len(d.InEncodings()) > 0 {
		free = "Compare costs a little. Otherwise nothing is written or paid while I wait, until "
	}
	p.Small(kit.Words(free), kit.Moment(r.ExpiresAt), kit.Words("."))
}

// reread is the button with which the asker says how a file is to be read instead.
// Not for a repeated run, which has to read as the first did; not while files are sought, code is edited or the
// model waits for an answer, because a correction would cut into that step.
func reread(r *approval.Request) *slack.ButtonBlockElement {
	if r.Repeats != nil || r.Seek != nil || r.Edit != nil || (approval.Talk{Request: r}).Open() != nil || len(Rereadable(r)) == 0 {
		return nil
	}
	b := kit.Button(ids.ActionReread, "Not read right?", r.ID, slack.StyleDefault)
	b.AccessibilityLabel = "Say how a file is to be read instead"
	return b
}

// Rereadable are the files of which it is known how they are read, and which could be read
// otherwise.
func Rereadable(r *approval.Request) (files []approval.File) {
	for _, f := range r.Files {
		// A Parquet file says by itself how it is to be read.
		if f.Reading != nil && f.Reading.Kind != "parquet" {
			files = append(files, f)
		}
	}
	return files
}

// RereadView asks how a file is to be read instead. It says how it is read now, and shows no
// value of it. What a file of no kind of this request has is not asked.
// Slack has no form whose fields depend on one another without a new drawing, so fields for all files stand
// there, and the handler takes what was filled in for the file that is chosen.
func RereadView(r *approval.Request, from Origin) slack.ModalViewRequest {
	files := Rereadable(r)
	p := &kit.Page{}
	p.Say(kit.Words("This applies to this question and its thread, and the reviewers see it. If the columns stay the same, so does the code, and it costs nothing. Otherwise new code is written, which costs about as much as the first."))
	p.Enumerate("File", fileLines(files, mostRemarks))
	// A field is asked for if one of the files could use it: which file is meant is chosen in the same form.
	text, sheets, written := false, false, false
	var options []*slack.OptionBlockObject
	for _, f := range files[:min(kit.MaxChoices, len(files))] {
		options = append(options, slack.NewOptionBlockObject(f.ID, kit.Plain(kit.Cut(f.Name, 75)), nil))
		text, written, sheets = text || f.Reading.Kind == "text", written || f.Reading.Encoding != "", sheets || len(f.Reading.Tables) > 1
	}
	blocks := p.Blocks
	add := func(field, label, hint string, e slack.BlockElement) {
		var said *slack.TextBlockObject
		if hint != "" {
			said = kit.Plain(hint)
		}
		blocks = append(blocks, slack.NewInputBlock(field, kit.Plain(label), said, e).WithOptional(field != ids.FieldFiles))
	}
	if len(options) > 1 {
		add(ids.FieldFiles, "File", "", slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, kit.Plain("Choose a file"), ids.FieldFiles, options...))
	}
	if sheets {
		field := slack.NewPlainTextInputBlockElement(kit.Plain("Its name"), ids.FieldSheet)
		field.MaxLength = 200
		add(ids.FieldSheet, "Sheet that is meant", "", field)
	}
	heading := slack.NewPlainTextInputBlockElement(kit.Plain("For example: 2"), ids.FieldHeading)
	heading.MaxLength = 5
	add(ids.FieldHeading, "Row of the heading", "Counted as the file or sheet counts its rows. Write none where there is no heading.", heading)
	if text {
		add(ids.FieldDelimiter, "Delimiter", "", choices(ids.FieldDelimiter, "As found", reading.Delimiters()))
	}
	add(ids.FieldDecimal, "Decimal sign", "", choices(ids.FieldDecimal, "As found", reading.Decimals()))
	if written {
		add(ids.FieldEncoding, "Encoding", "", choices(ids.FieldEncoding, "As found", reading.Encodings()))
	}
	columns := slack.NewPlainTextInputBlockElement(kit.Plain("Names, one a line"), ids.FieldAsText)
	columns.Multiline, columns.MaxLength = true, 3000
	add(ids.FieldAsText, "Columns to keep as text", "", columns)
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackReread, Title: kit.Plain("Not read right?"), Submit: kit.Plain("Read it this way"), Close: kit.Plain("Cancel"),
		PrivateMetadata: from.String(), Blocks: slack.Blocks{BlockSet: blocks}}
}

// LettersView shows the asker alone what a text looks like in the encodings that it may be
// written in; nil letters: they are being looked for. why says why there are none.
// letters has a place of the file in each row, and in each row one spelling for each of d.Choices(), in that
// order.
func LettersView(from Origin, d reading.Doubt, letters [][]string, why string) slack.ModalViewRequest {
	view := slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackLetters, Title: kit.Plain("Which is right?"), Close: kit.Plain("Close"), PrivateMetadata: from.String()}
	p := &kit.Page{}
	// Drawn twice: at once, because a trigger is good for three seconds, and when a box has looked.
	if letters == nil || why != "" {
		p.Say(kit.Words(cmp.Or(why, "One moment: the file is being looked at in a sandbox …")))
		view.Blocks.BlockSet = p.Blocks
		return view
	}
	var options []*slack.OptionBlockObject
	for i, c := range d.Choices() {
		var places [][]kit.Part
		for _, place := range letters {
			places = append(places, []kit.Part{kit.Words(kit.Cut(kit.OneLine(place[i]), 100))})
		}
		p.List([]kit.Part{kit.Strong(c.Words)}, places)
		options = append(options, slack.NewOptionBlockObject(c.Says, kit.Plain(kit.Cut(c.Words, 75)), nil))
	}
	p.Small(kit.Words("Only you see this. None of it is kept."))
	view.Submit = kit.Plain("Read it this way")
	view.Blocks.BlockSet = append(p.Blocks, slack.NewInputBlock(ids.FieldEncoding, kit.Plain("Which reads right?"), nil, slack.NewRadioButtonsBlockElement(ids.FieldEncoding, options...)))
	return view
}

// choices are a list to choose from. A value of Slack's is never blank, so a sign stands in quotes.
// %q is undone by strconv.Unquote where the form is read.
func choices(field, none string, all []reading.Choice) slack.BlockElement {
	var options []*slack.OptionBlockObject
	for _, c := range all {
		options = append(options, slack.NewOptionBlockObject(fmt.Sprintf("%q", c.Says), kit.Plain(c.Words), nil))
	}
	return slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, kit.Plain(none), field, options...)
}

// toldBefore asks whether what somebody has told in another thread holds in this one.
func toldBefore(f approval.File) []kit.Part {
	said := []kit.Part{kit.Person(f.Offered[0].By), kit.Words(" has said of the same file: ")}
	var words []string
	for _, a := range f.Offered {
		words = append(words, a.Words())
	}
	return append(said, kit.Words(kit.Cut(foreign(strings.Join(words, "; ")), 400)+". Read it the same way here?"))
}

// How many blocks the list of columns has, of the hundred that Slack takes, and how many bytes
// of JSON, of 250,000.
const (
	mostListed  = 90
	listedBytes = 200_000
)

// ColumnsView names the columns of the files, as a program sees them: their types and what is
// missing, and no value of any.
// Only names and types, because whoever sees the card can open it, also those who may not see the data.
func ColumnsView(r *approval.Request) slack.ModalViewRequest {
	p, used, hidden := &kit.Page{}, 0, 0
	for _, f := range r.Files {
		if len(f.Tables()) == 0 {
			p.Say(kit.Mono(kit.Cut(f.Name, 110)), kit.Words(": no table is known."))
		}
		for _, t := range f.Tables() {
			hidden += listed(p, f, t, &used)
		}
	}
	if hidden > 0 {
		p.Say(kit.Words(fmt.Sprintf("And %s more.", kit.Count(hidden, "column"))))
	}
	return kit.NoteOf("Columns", p)
}

// listed lists a table's columns, counts the bytes of the whole list, and returns how many
// columns it has left out for want of room.
func listed(p *kit.Page, f approval.File, t reading.Table, bytes *int) (hidden int) {
	title := []kit.Part{kit.Mono(kit.Cut(f.Name, 110))}
	if t.Name != "" {
		title = append(title, kit.Words(" "+kit.Cut(foreign(t.Name), 40)))
	}
	title = append(title, kit.Words(fmt.Sprintf(", %s:", kit.Count(int(t.Rows), "row"))))
	var items [][]kit.Part
	used := 0
	flush := func() {
		q := &kit.Page{}
		q.List(title, items)
		size := len(kit.JSON(q.Blocks))
		switch {
		case len(items) == 0:
		case *bytes+size > listedBytes:
			hidden += len(items)
			*bytes = listedBytes // what is smaller and comes later would leave a hole
		default:
			p.Append(q)
			*bytes += size
		}
		title, items, used = nil, nil, 0
	}
	for i, c := range t.Columns {
		name, words := kit.Cut(foreign(c.Name), 200), kit.Cut(foreign(c.Words()), 200)
		size := utf8.RuneCountInString(name) + utf8.RuneCountInString(words) + 2
		// A block holds so many characters, so a wide table becomes several lists below one another.
		if used+size > kit.PartChars {
			flush()
		}
		if len(p.Blocks) >= mostListed {
			return hidden + len(t.Columns) - i
		}
		items, used = append(items, []kit.Part{kit.Mono(name), kit.Words(": " + words)}), used+size
	}
	flush()
	return hidden
}

// PrintedFile is the name of the file that has the whole of what the code printed, when the answer cuts it. A file that the program wrote
// itself keeps its own name, so where that one is taken, this is another.
// Names are compared without regard to case, as people who download both files into one folder would have to.
func PrintedFile(v *steps.View) string {
	taken := func(name string) bool {
		return slices.ContainsFunc(v.Artifacts, func(a approval.Artifact) bool { return strings.EqualFold(a.Name, name) })
	}
	name := "output.txt"
	for n := 1; taken(name); n++ {
		if name = "printed.txt"; n > 1 {
			name = fmt.Sprintf("printed-%d.txt", n)
		}
	}
	return name
}
