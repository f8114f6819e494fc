package kit

import (
	"fmt"
	"time"

	"github.com/slack-go/slack"
)

// More pieces of sentences; the first ones are in page.go.
type (
	Day  time.Time // a moment of which only the date matters
	Link struct{ URL, Label string }
)

// element keeps the date of the team's calendar, which a reader's own time zone
// could move by one.
func (d Day) element() slack.RichTextSectionElement { return Words(d.String()).element() }

func (d Day) Mrkdwn() string { return Escape(d.String()) }

func (d Day) size() int { return len(d.String()) }

func (d Day) String() string { return time.Time(d).Format("2 January") }

// element is the label alone where the link is not known yet.
func (l Link) element() slack.RichTextSectionElement {
	if l.URL == "" {
		return Words(l.Label).element()
	}
	return slack.NewRichTextSectionLinkElement(l.URL, l.Label, nil)
}

// Mrkdwn implements Part.
func (l Link) Mrkdwn() string {
	if l.URL == "" {
		return Escape(l.Label)
	}
	return "<" + l.URL + "|" + Escape(l.Label) + ">"
}

func (l Link) size() int { return len(l.Label) + len(l.URL) }

// Flow joins parts and runs of parts, such as names, to one run.
func Flow(pieces ...any) (run []Part) {
	for _, piece := range pieces {
		switch piece := piece.(type) {
		case Part:
			run = append(run, piece)
		case []Part:
			run = append(run, piece...)
		default:
			panic(fmt.Sprintf("%T is no part of a sentence", piece)) // a mistake in this package, which any test finds
		}
	}
	return run
}
