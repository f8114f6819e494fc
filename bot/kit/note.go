package kit

import (
	"github.com/slack-go/slack"
)

// CallbackNote names a modal that only says something.
const CallbackNote = "note"

// NoteOf is a modal that only shows a page.
func NoteOf(title string, p *Page) slack.ModalViewRequest {
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: CallbackNote, Title: Plain(title), Close: Plain("Close"), Blocks: slack.Blocks{BlockSet: p.Blocks}}
}

// NoteView is a modal that only says something.
func NoteView(title, text string) *slack.ModalViewRequest {
	p := &Page{}
	p.Say(Words(text))
	view := NoteOf(title, p)
	return &view
}
