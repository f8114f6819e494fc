package draw

import (
	"fmt"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// What is one press away from a card: the columns of the files, and the drafts that were
// refused before this one.

// looks are the buttons with which a reviewer sees more, and decides nothing.
func looks(r *approval.Request, seal string) (row []slack.BlockElement) {
	for _, f := range r.Files {
		if len(f.Tables()) > 0 {
			b := kit.Button(ids.ActionColumns, "Columns", seal, slack.StyleDefault)
			b.AccessibilityLabel = "Names and types of the files' columns"
			row = append(row, b)
			break
		}
	}
	if len(r.Refused) > 0 {
		b := kit.Button(ids.ActionRefused, "Refused drafts", seal, slack.StyleDefault)
		b.AccessibilityLabel = "Read the drafts that were refused before this one"
		row = append(row, b)
	}
	return row
}

// refusedDrafts says why drafts were refused before anybody saw them: "2 earlier drafts were
// refused" is the first sign of a question that a model does not get right.
func refusedDrafts(p *kit.Page, r *approval.Request) {
	var items [][]kit.Part
	for _, refused := range r.Refused {
		items = append(items, []kit.Part{kit.Words(kit.Cut(foreign(refused.Reason), 200))})
	}
	were := "1 earlier draft was refused"
	if len(items) > 1 {
		were = fmt.Sprintf("%d earlier drafts were refused", len(items))
	}
	p.List([]kit.Part{kit.Strong(were), kit.Words(" before this one:")}, items)
}

// RefusedView shows the drafts that were refused before this one, and why. They are for
// reading: nobody can approve one.
func RefusedView(r *approval.Request) slack.ModalViewRequest {
	p := &kit.Page{}
	for i, refused := range r.Refused {
		p.Quote(kit.Cut(approval.Plain(refused.Reason), 1000), kit.Strong(fmt.Sprintf("Draft %d", i+1)), kit.Words(" was refused:"))
		if refused.Code == "" {
			p.Say(kit.Words("The answer held no program."))
			continue
		}
		// What was refused may be no canonical code, so what nobody could see is spelled out.
		chunks, _ := kit.Number(approval.Plain(refused.Code), kit.PartLines, kit.PartChars)
		for _, c := range chunks[:min(mostDrafted, len(chunks))] {
			p.Verbatim(nil, kit.Cut(c.Text, kit.PartChars), "", "")
		}
		if len(chunks) > mostDrafted {
			p.Say(kit.Words(fmt.Sprintf("The rest of its %d lines is left out.", chunks[len(chunks)-1].To)))
		}
	}
	if len(r.Refused) == 0 {
		p.Say(kit.Words("No draft was refused before this one."))
	}
	return kit.NoteOf("Refused drafts", p)
}

// mostDrafted is how many blocks of a refused draft are shown.
const mostDrafted = 20

// mostListed is how many blocks the list of columns has, of the hundred that Slack takes.
const mostListed = 90

// ColumnsView names the columns of the files, as a program sees them: their types and what is
// missing, and no value of any.
func ColumnsView(r *approval.Request) slack.ModalViewRequest {
	p, hidden := &kit.Page{}, 0
	for _, f := range r.Files {
		if len(f.Tables()) == 0 {
			p.Say(kit.Mono(kit.Cut(f.Name, 110)), kit.Words(": no table is known."))
		}
		for _, t := range f.Tables() {
			hidden += listed(p, f, t)
		}
	}
	if hidden > 0 {
		p.Say(kit.Words(fmt.Sprintf("And %s more.", kit.Count(hidden, "column"))))
	}
	return kit.NoteOf("Columns", p)
}

// listed lists a table's columns, and returns how many it has left out for want of room.
func listed(p *kit.Page, f approval.File, t reading.Table) (hidden int) {
	title := []kit.Part{kit.Mono(kit.Cut(f.Name, 110))}
	if t.Name != "" {
		title = append(title, kit.Words(" "+kit.Cut(foreign(t.Name), 40)))
	}
	title = append(title, kit.Words(fmt.Sprintf(", %s:", kit.Count(int(t.Rows), "row"))))
	var items [][]kit.Part
	used := 0
	flush := func() {
		if len(items) > 0 {
			p.List(title, items)
		}
		title, items, used = nil, nil, 0
	}
	for i, c := range t.Columns {
		name, words := kit.Cut(foreign(c.Name), 200), kit.Cut(foreign(c.Words()), 200)
		size := utf8.RuneCountInString(name) + utf8.RuneCountInString(words) + 2
		if used+size > kit.PartChars {
			flush()
		}
		if len(p.Blocks) >= mostListed {
			return len(t.Columns) - i
		}
		items, used = append(items, []kit.Part{kit.Mono(name), kit.Words(": " + words)}), used+size
	}
	flush()
	return 0
}
