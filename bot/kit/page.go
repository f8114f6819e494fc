// Package kit builds Slack blocks: pages of words, tables, bars, code and buttons. Its
// pages always keep Slack's limits. It knows nothing of approvals and of money.
//
// A Page is a message or a modal while it is written. What is put on it are sentences of
// Parts. A part is itself in two languages: in rich text, where nothing is ever parsed, and
// in Slack's mrkdwn, for the text that screen readers and notifications get. Whoever draws
// therefore never escapes anything. Say, Quote and List are rich text, so anybody's words can
// stand there. Small and Row are mrkdwn, the only text that Slack takes in those places: what
// leads somewhere is escaped there, and a * or a :smile: in somebody's words is not.
package kit

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// Part is a piece of a sentence. It knows how it looks in rich text, where
// nothing is ever parsed, and how it reads in Slack's mrkdwn, where everything is.
type Part interface {
	element() slack.RichTextSectionElement
	Mrkdwn() string
	size() int
}

// The parts of a line. Each draws itself in both of Slack's languages, rich text and mrkdwn, so nothing that people
// wrote is ever read as markup.
type (
	Words  string    // as they are
	Strong string    // bold
	Mono   string    // like code: ids, digests
	Person string    // a Slack user
	Place  string    // a Slack channel
	Moment time.Time // in the reader's own time zone
)

func (w Words) element() slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(string(w), nil)
}

func (w Words) Mrkdwn() string { return Escape(string(w)) }

func (w Words) size() int { return utf8.RuneCountInString(string(w)) }

func (s Strong) element() slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(string(s), &slack.RichTextSectionTextStyle{Bold: true})
}

func (s Strong) Mrkdwn() string { return Escape(string(s)) }

func (s Strong) size() int { return utf8.RuneCountInString(string(s)) }

func (m Mono) element() slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(string(m), &slack.RichTextSectionTextStyle{Code: true})
}

func (m Mono) Mrkdwn() string { return Escape(string(m)) }

func (m Mono) size() int { return utf8.RuneCountInString(string(m)) }

func (p Person) element() slack.RichTextSectionElement {
	return slack.NewRichTextSectionUserElement(string(p), nil)
}

func (p Person) Mrkdwn() string { return "<@" + string(p) + ">" }

func (p Person) size() int { return len(p) + 3 }

func (p Place) element() slack.RichTextSectionElement {
	return slack.NewRichTextSectionChannelElement(string(p), nil)
}

func (p Place) Mrkdwn() string { return "<#" + string(p) + ">" }

func (p Place) size() int { return len(p) + 3 }

// DateFormat is how Slack writes a moment: "today at 14:02".
const DateFormat = "{date_short_pretty} at {time}"

// element has Slack write the time for each reader. The fallback is for clients that cannot.
func (m Moment) element() slack.RichTextSectionElement {
	fallback := m.fallback()
	return slack.NewRichTextSectionDateElement(time.Time(m).Unix(), DateFormat, nil, &fallback)
}

func (m Moment) fallback() string { return time.Time(m).UTC().Format("2 Jan 2006 15:04 UTC") }

func (m Moment) Mrkdwn() string {
	return fmt.Sprintf("<!date^%d^%s|%s>", time.Time(m).Unix(), DateFormat, m.fallback())
}

func (m Moment) size() int { return len(m.Mrkdwn()) }

// Escape takes from a text what mrkdwn gives a meaning to.
func Escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// Page is a message or a modal while it is written: blocks for the eye, and one
// text that says the same to screen readers and notifications, which see no
// blocks. It counts what Slack counts, so that its limits are kept by construction.
type Page struct {
	Blocks []slack.Block
	Lines  []string
	Used   int // characters of text in the blocks

	CutsPrinted bool // an answer that leaves out some of what the code printed
	Coloured    bool // code is sent with its language
}

// Limits of one message, and of a list of options in it. What all blocks of a message may hold
// together stands in none of Slack's pages: a Slack engineer named 12,000 characters, and one
// message was refused at 11,341 (slackapi/bolt-js#2509 and #2867).
const (
	MaxBlockText = 9000 // Slack refuses somewhere past 11,000
	maxText      = 3900 // chat.update refuses past 4,000
	MaxChoices   = 100
)

// Room is how many characters of block text are left.
func (p *Page) Room() int { return max(0, MaxBlockText-p.Used) }

// Add is the only way onto a page, so that nothing goes uncounted.
func (p *Page) Add(b slack.Block, size int, line string) {
	p.Blocks = append(p.Blocks, b)
	p.Used += size
	if line != "" {
		p.Lines = append(p.Lines, line)
	}
}

// Append puts another page below this one.
func (p *Page) Append(q *Page) {
	p.Blocks, p.Lines, p.Used = append(p.Blocks, q.Blocks...), append(p.Lines, q.Lines...), p.Used+q.Used
}

// Text is the page for those who see no blocks.
func (p *Page) Text() string { return Cut(strings.Join(p.Lines, "\n"), maxText) }

// Head is a title in large letters, written by us.
func (p *Page) Head(title string) {
	p.Add(slack.NewHeaderBlock(Plain(Cut(title, 150))), utf8.RuneCountInString(title), Escape(title))
}

// Say writes a paragraph.
func (p *Page) Say(parts ...Part) {
	s, size, line := Section(parts)
	if s != nil {
		p.Add(slack.NewRichTextBlock("", s), size, line)
	}
}

// Section is a sentence in rich text, its length, and what is said for it in mrkdwn.
// It is nil when there is nothing to say: Slack refuses empty elements.
func Section(parts []Part) (s *slack.RichTextSection, size int, line string) {
	s = slack.NewRichTextSection()
	for _, p := range parts {
		if p.size() == 0 {
			continue
		}
		s.Elements = joinText(s.Elements, p.element())
		size += p.size()
		// The same parts in both languages, so what is seen and what is heard never say different things.
		line += p.Mrkdwn()
	}
	if len(s.Elements) == 0 {
		return nil, 0, ""
	}
	return s, size, line
}

// joinText adds an element to a sentence. Text goes into the element before it if
// that is of the same style: Slack would merge them.
func joinText(all []slack.RichTextSectionElement, next slack.RichTextSectionElement) []slack.RichTextSectionElement {
	text, ok := next.(*slack.RichTextSectionTextElement)
	if !ok || len(all) == 0 {
		return append(all, next)
	}
	last, ok := all[len(all)-1].(*slack.RichTextSectionTextElement)
	if !ok || (last.Style == nil) != (text.Style == nil) || last.Style != nil && *last.Style != *text.Style {
		return append(all, next)
	}
	merged := *last
	merged.Text += text.Text
	all[len(all)-1] = &merged
	return all
}

// Quote sets the words of a person or a model apart, under a line that says whose they are.
func (p *Page) Quote(text string, whose ...Part) {
	if text == "" {
		text = " " // Slack refuses a text without a character
	}
	p.Apart([]Part{Words(text)}, whose...)
}

// Apart sets a sentence apart, under a line that says what it is.
func (p *Page) Apart(said []Part, whose ...Part) {
	s, size, line := Section(whose)
	inner, n, text := Section(said)
	q := &slack.RichTextQuote{Type: slack.RTEQuote, Elements: inner.Elements}
	p.Add(slack.NewRichTextBlock("", s, q), size+n, line+" "+text)
}

// Enumerate lists things under what they are: one thing takes one line.
func (p *Page) Enumerate(what string, items [][]Part) {
	if len(items) == 1 {
		p.Say(append([]Part{Strong(what), Words(" ")}, items[0]...)...)
		return
	}
	p.List([]Part{Strong(what + "s")}, items)
}

// List writes bullets under a line.
func (p *Page) List(title []Part, items [][]Part) {
	s, size, line := Section(title)
	bullets := slack.NewRichTextList(slack.RTEListBullet, 0)
	lines := []string{line}
	for _, item := range items {
		b, n, l := Section(item)
		if b == nil {
			continue
		}
		bullets.Elements = append(bullets.Elements, b)
		size += n
		lines = append(lines, "- "+l)
	}
	if len(bullets.Elements) == 0 {
		return
	}
	elements := []slack.RichTextElement{bullets}
	if s != nil {
		elements = []slack.RichTextElement{s, bullets}
	}
	p.Add(slack.NewRichTextBlock("", elements...), size, strings.TrimSpace(strings.Join(lines, "\n")))
}

// Verbatim shows a text as it is, in fixed width, under a line. Code has an id,
// by which it is found again. What screen readers get of it is the caller's to say.
func (p *Page) Verbatim(title []Part, text, id, spoken string) {
	if text == "" {
		return
	}
	s, size, line := Section(title)
	pre := &Fixed{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{Words(text).element()}}
	elements := []slack.RichTextElement{pre}
	if s != nil {
		elements = []slack.RichTextElement{s, pre}
	}
	p.Add(slack.NewRichTextBlock(id, elements...), size+Words(text).size(), strings.TrimSpace(line+"\n"+Escape(spoken)))
}

// Small writes a line of small print. It is mrkdwn, so it is for our own words only.
func (p *Page) Small(parts ...Part) {
	_, size, line := Section(parts)
	text := slack.NewTextBlockObject(slack.MarkdownType, line, false, true)
	p.Add(slack.NewContextBlock("", text), size, line)
}

// Buttons ends a message. Screen readers announce them on their own.
func (p *Page) Buttons(id string, elements ...slack.BlockElement) {
	// A button counts as a hundred characters: its label, its value and its name.
	p.Add(slack.NewActionBlock(id, elements...), 100*len(elements), "")
}

// Button is one of our own labels with what it stands for.
func Button(action, label, value string, style slack.Style) *slack.ButtonBlockElement {
	b := slack.NewButtonBlockElement(action, value, Plain(label))
	b.Style = style
	return b
}

// ActionLink names buttons that lead somewhere; Slack reports them, nothing is to be done.
const ActionLink = "follow_link"

// Goes is a button that leads to a message.
func Goes(label, url string) *slack.ButtonBlockElement {
	b := Button(ActionLink, label, "", slack.StyleDefault)
	b.URL = url
	return b
}

// Plain is a text object that is never parsed, and in which ":x:" stays what it is.
func Plain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

// Cut shortens a text to so many characters, and shows that it did.
func Cut(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	runes := []rune(text)
	return string(runes[:max(0, limit-1)]) + "…"
}

// Rich adds a paragraph that section has made.
func (p *Page) Rich(s *slack.RichTextSection, size int, line string) {
	p.Add(slack.NewRichTextBlock("", s), size, line)
}

// Row is a sentence of our own with a button at its side.
func (p *Page) Row(said []Part, side *slack.ButtonBlockElement) {
	_, size, line := Section(said)
	var accessory *slack.Accessory
	if side != nil {
		accessory = slack.NewAccessory(side)
	}
	p.Add(slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, line, false, true), nil, accessory), size, line)
}

// Optional is a field that may stay empty.
func (p *Page) Optional(field, label, hint, value string, lines bool) {
	input := slack.NewPlainTextInputBlockElement(nil, field)
	input.Multiline, input.InitialValue = lines, Cut(value, FieldChars)
	p.Add(slack.NewInputBlock(field, Plain(label), Plain(hint), input).WithOptional(true), 0, "")
}
