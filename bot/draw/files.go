package draw

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// What a card shows of files. Whatever a file calls itself, its sheets and its columns is
// text of whoever made it, so it is shown as one line and cut.
const (
	mostFiles   = 10
	mostTables  = 4
	mostRemarks = 4   // of a file, on a card
	allRemarks  = 40  // and in the modal
	howLength   = 200 // of how one is read
)

// fileLines say what is in the files and how they are read, with so many remarks on what is
// odd in each.
func fileLines(files []approval.File, remarks int) (items [][]kit.Part) {
	for _, f := range files[:min(mostFiles, len(files))] {
		item := []kit.Part{kit.Mono(kit.Cut(f.Name, 110))}
		if f.Reading != nil {
			item = append(item, kit.Words(": "+strings.Join(shapes(f), ", ")+howRead(f, remarks)))
		}
		items = append(items, item)
	}
	if more := len(files) - len(items); more > 0 {
		items = append(items, []kit.Part{kit.Words(fmt.Sprintf("and %d more", more))})
	}
	return items
}

// shapes are how large the tables of a file are.
func shapes(f approval.File) (words []string) {
	tables := f.Tables()
	for _, t := range tables[:min(mostTables, len(tables))] {
		name := ""
		if t.Name != "" {
			name = kit.Cut(foreign(t.Name), 40) + " "
		}
		words = append(words, fmt.Sprintf("%s%s × %s", name, kit.Count(int(t.Rows), "row"), kit.Count(len(t.Columns), "column")))
	}
	if more := len(tables) - len(words); more > 0 {
		words = append(words, fmt.Sprintf("%d more", more))
	}
	return words
}

// howRead says how a file is read, and what is odd in it: "; read with delimiter semicolon,
// decimal comma; the last row is a total: left out".
func howRead(f approval.File, most int) string {
	tables := f.Tables()
	text := ""
	if len(tables) > 0 {
		if how := tables[0].Words(*f.Reading); how != "" {
			text = "; read as " + kit.Cut(foreign(how), howLength)
		}
	}
	for _, a := range f.Answers {
		text += "; " + kit.Cut(foreign(a.Words()), howLength) + " (as the asker says)"
	}
	said, more := 0, 0
	for _, t := range tables {
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

// foreign is text of a file as one line.
func foreign(text string) string { return kit.OneLine(approval.Plain(text)) }

// answers are the buttons of a question about a file, in the order of its choices.
var answers = []string{ids.ActionAnswer, ids.ActionAnswer2, ids.ActionAnswer3}

// doubted asks what nobody but the asker can know about a file. It names columns, and shows
// no value of any.
func doubted(p *kit.Page, r *approval.Request) {
	at, d, key, ok := r.Doubted()
	if !ok {
		p.Say(kit.Strong("Waiting for the asker"), kit.Words("."))
		return
	}
	p.Say(kit.Person(r.Asker), kit.Words(", one question about "), kit.Mono(kit.Cut(r.Files[at].Name, 110)), kit.Words(": "+kit.Cut(foreign(d.Words()), 400)))
	var buttons []slack.BlockElement
	for i, c := range d.Choices() {
		buttons = append(buttons, kit.Button(answers[i], c.Words, strings.Join([]string{r.ID, key, c.Says}, " "), slack.StyleDefault))
	}
	p.Buttons("answer", buttons...)
	p.Small(kit.Words("Nothing is written or paid while I wait, until "), kit.Moment(r.ExpiresAt), kit.Words("."))
}
