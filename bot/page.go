package bot

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// part is a piece of a sentence. It knows how it looks in rich text, where
// nothing is ever parsed, and how it reads in Slack's mrkdwn, where everything is.
type part interface {
	element() slack.RichTextSectionElement
	mrkdwn() string
	size() int
}

type (
	words  string    // as they are
	strong string    // bold
	mono   string    // like code: ids, digests
	person string    // a Slack user
	place  string    // a Slack channel
	moment time.Time // in the reader's own time zone
)

func (w words) element() slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(string(w), nil)
}
func (w words) mrkdwn() string { return escape(string(w)) }
func (w words) size() int      { return utf8.RuneCountInString(string(w)) }

func (s strong) element() slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(string(s), &slack.RichTextSectionTextStyle{Bold: true})
}
func (s strong) mrkdwn() string { return escape(string(s)) }
func (s strong) size() int      { return utf8.RuneCountInString(string(s)) }

func (m mono) element() slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(string(m), &slack.RichTextSectionTextStyle{Code: true})
}
func (m mono) mrkdwn() string { return escape(string(m)) }
func (m mono) size() int      { return utf8.RuneCountInString(string(m)) }

func (p person) element() slack.RichTextSectionElement {
	return slack.NewRichTextSectionUserElement(string(p), nil)
}
func (p person) mrkdwn() string { return "<@" + string(p) + ">" }
func (p person) size() int      { return len(p) + 3 }

func (p place) element() slack.RichTextSectionElement {
	return slack.NewRichTextSectionChannelElement(string(p), nil)
}
func (p place) mrkdwn() string { return "<#" + string(p) + ">" }
func (p place) size() int      { return len(p) + 3 }

// dateFormat is how Slack writes a moment: "today at 14:02".
const dateFormat = "{date_short_pretty} at {time}"

func (m moment) element() slack.RichTextSectionElement {
	fallback := m.fallback()
	return slack.NewRichTextSectionDateElement(time.Time(m).Unix(), dateFormat, nil, &fallback)
}
func (m moment) fallback() string { return time.Time(m).UTC().Format("2 Jan 2006 15:04 UTC") }
func (m moment) mrkdwn() string {
	return fmt.Sprintf("<!date^%d^%s|%s>", time.Time(m).Unix(), dateFormat, m.fallback())
}
func (m moment) size() int { return len(m.mrkdwn()) }

// escape takes from a text what mrkdwn gives a meaning to.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// page is a message or a modal while it is written: blocks for the eye, and one
// text that says the same to screen readers and notifications, which see no
// blocks. It counts what Slack counts, so that its limits are kept by construction.
type page struct {
	blocks []slack.Block
	lines  []string
	used   int // characters of text in the blocks

	cutsPrinted bool // an answer that leaves out some of what the code printed
	coloured    bool // code is sent with its language
}

// Limits of one message; facts and sources are in the design notes on Slack.
const (
	maxBlockText = 9000 // Slack refuses somewhere past 11,000
	maxText      = 3900 // chat.update refuses past 4,000
)

// room is how many characters of block text are left.
func (p *page) room() int { return max(0, maxBlockText-p.used) }

// add is the only way onto a page, so that nothing goes uncounted.
func (p *page) add(b slack.Block, size int, line string) {
	p.blocks = append(p.blocks, b)
	p.used += size
	if line != "" {
		p.lines = append(p.lines, line)
	}
}

// text is the page for those who see no blocks.
func (p *page) text() string { return cut(strings.Join(p.lines, "\n"), maxText) }

// head is a title in large letters, written by us.
func (p *page) head(title string) {
	p.add(slack.NewHeaderBlock(plain(cut(title, 150))), utf8.RuneCountInString(title), escape(title))
}

// say writes a paragraph.
func (p *page) say(parts ...part) {
	s, size, line := section(parts)
	if s != nil {
		p.add(slack.NewRichTextBlock("", s), size, line)
	}
}

// section is a sentence in rich text, its length, and what is said for it in mrkdwn.
// It is nil when there is nothing to say: Slack refuses empty elements.
func section(parts []part) (s *slack.RichTextSection, size int, line string) {
	s = slack.NewRichTextSection()
	for _, p := range parts {
		if p.size() == 0 {
			continue
		}
		s.Elements = joinText(s.Elements, p.element())
		size += p.size()
		line += p.mrkdwn()
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

// quote sets the words of a person or a model apart, under a line that says whose they are.
func (p *page) quote(text string, whose ...part) {
	if text == "" {
		text = " " // Slack refuses a text without a character
	}
	s, size, line := section(whose)
	q := &slack.RichTextQuote{Type: slack.RTEQuote, Elements: []slack.RichTextSectionElement{words(text).element()}}
	p.add(slack.NewRichTextBlock("", s, q), size+words(text).size(), line+" "+escape(text))
}

// enumerate lists things under what they are: one thing takes one line.
func (p *page) enumerate(what string, items [][]part) {
	if len(items) == 1 {
		p.say(append([]part{strong(what), words(" ")}, items[0]...)...)
		return
	}
	p.list([]part{strong(what + "s")}, items)
}

// list writes bullets under a line.
func (p *page) list(title []part, items [][]part) {
	s, size, line := section(title)
	bullets := slack.NewRichTextList(slack.RTEListBullet, 0)
	lines := []string{line}
	for _, item := range items {
		b, n, l := section(item)
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
	p.add(slack.NewRichTextBlock("", elements...), size, strings.TrimSpace(strings.Join(lines, "\n")))
}

// verbatim shows a text as it is, in fixed width, under a line. Code has an id,
// by which it is found again. What screen readers get of it is the caller's to say.
func (p *page) verbatim(title []part, text, id, spoken string) {
	if text == "" {
		return
	}
	s, size, line := section(title)
	pre := &fixed{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{words(text).element()}}
	elements := []slack.RichTextElement{pre}
	if s != nil {
		elements = []slack.RichTextElement{s, pre}
	}
	p.add(slack.NewRichTextBlock(id, elements...), size+words(text).size(), strings.TrimSpace(line+"\n"+escape(spoken)))
}

// small writes a line of small print. It is mrkdwn, so it is for our own words only.
func (p *page) small(parts ...part) {
	_, size, line := section(parts)
	text := slack.NewTextBlockObject(slack.MarkdownType, line, false, true)
	p.add(slack.NewContextBlock("", text), size, line)
}

// buttons ends a message. Screen readers announce them on their own.
func (p *page) buttons(id string, elements ...slack.BlockElement) {
	p.add(slack.NewActionBlock(id, elements...), 100*len(elements), "")
}

// button is one of our own labels with what it stands for.
func button(action, label, value string, style slack.Style) *slack.ButtonBlockElement {
	b := slack.NewButtonBlockElement(action, value, plain(label))
	b.Style = style
	return b
}

// goes is a button that leads to a message.
func goes(label, url string) *slack.ButtonBlockElement {
	b := button(actionLink, label, "", slack.StyleDefault)
	b.URL = url
	return b
}

// plain is a text object that is never parsed, and in which ":x:" stays what it is.
func plain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

// cut shortens a text to so many characters, and shows that it did.
func cut(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	runes := []rune(text)
	return string(runes[:max(0, limit-1)]) + "…"
}

// rich adds a paragraph that section has made.
func (p *page) rich(s *slack.RichTextSection, size int, line string) {
	p.add(slack.NewRichTextBlock("", s), size, line)
}
