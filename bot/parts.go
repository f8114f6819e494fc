package bot

import (
	"fmt"
	"time"

	"github.com/slack-go/slack"
)

// More pieces of sentences; the first ones are in page.go.
type (
	channel string    // a Slack channel
	day     time.Time // a moment of which only the date matters
	link    struct{ url, label string }
)

func (c channel) element() slack.RichTextSectionElement {
	return slack.NewRichTextSectionChannelElement(string(c), nil)
}
func (c channel) mrkdwn() string { return "<#" + string(c) + ">" }
func (c channel) size() int      { return len(c) + 3 }

// element keeps the date of the team's calendar, which a reader's own time zone
// could move by one.
func (d day) element() slack.RichTextSectionElement { return words(d.String()).element() }
func (d day) mrkdwn() string                        { return escape(d.String()) }
func (d day) size() int                             { return len(d.String()) }
func (d day) String() string                        { return time.Time(d).Format("2 January") }

func (l link) element() slack.RichTextSectionElement {
	if l.url == "" {
		return words(l.label).element()
	}
	return slack.NewRichTextSectionLinkElement(l.url, l.label, nil)
}
func (l link) mrkdwn() string {
	if l.url == "" {
		return escape(l.label)
	}
	return "<" + l.url + "|" + escape(l.label) + ">"
}
func (l link) size() int { return len(l.label) + len(l.url) }

// flow joins parts and runs of parts, such as names, to one run.
func flow(pieces ...any) (run []part) {
	for _, piece := range pieces {
		switch piece := piece.(type) {
		case part:
			run = append(run, piece)
		case []part:
			run = append(run, piece...)
		default:
			panic(fmt.Sprintf("%T is no part of a sentence", piece)) // a mistake in this package, which any test finds
		}
	}
	return run
}
