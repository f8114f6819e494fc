package bot

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
)

// card is the message in the review channel. While the request waits it carries
// the means to decide: Approve only beside the whole code. garbled tells that
// Slack has once stored something else than what was sent.
func (b *Bot) card(v *steps.View, who Identity, garbled bool) *page {
	return b.drawCard(v, who, flaw{found: garbled})
}

// drawCard is the same, and can say in which line the code has been changed.
func (b *Bot) drawCard(v *steps.View, who Identity, flaw flaw) *page {
	r, rev := v.Request, v.Request.Revision
	p := &page{}
	p.head(cardTitle(r))
	if r.State == approval.Pending {
		b.glance(p, v)
	}
	b.verdicts(p, v)
	b.asks(p, v)
	b.since(p, v)
	p.enumerate("File", fileLines(r.Files))
	b.findings(p, rev.Findings, 1500)
	b.summary(p, rev)
	tail := b.cardTail(v, review.MaxHosts, flaw)
	text, fits := inline(rev.Code)
	// The code comes last before the small print, whole or not at all.
	fits = fits && p.used+tail.used+len([]rune(text))+200 <= maxBlockText
	if !fits {
		tail = b.cardTail(v, fewHosts, flaw) // all of them stand where the code does
	}
	n := len(lines(rev.Code))
	title := []part{strong("Code"), words(fmt.Sprintf(" (revision %d, %s)", rev.Number, count(n, "line")))}
	switch {
	case fits:
		p.verbatim(title, text, codeID+"1", "The code is in the message.")
	case r.State == approval.Pending:
		p.say(append(title, words(fmt.Sprintf(". With %s it is too long for a card.", count(len([]rune(rev.Code)), "character"))))...)
	default:
		p.say(title...)
	}
	p.blocks = append(p.blocks, tail.blocks...)
	p.lines = append(p.lines, tail.lines...)
	p.used += tail.used
	if r.State == approval.Pending {
		b.cardButtons(p, v, who, fits, flaw.found)
		p.marked()
	}
	return p
}

// earlier are the questions that a follow-up goes on from, a line each.
func earlier(questions []string) (items [][]part) {
	for _, q := range questions {
		items = append(items, []part{words(cut(oneLine(q), 150))})
	}
	return items
}

// cardTitle says what a card is about now. What nobody decided is never called a no.
func cardTitle(r *approval.Request) string {
	switch r.State {
	case approval.Pending:
		return "May this code run?"
	case approval.Rejected:
		return "Rejected"
	case approval.Expired:
		return "Expired: " + strings.TrimSuffix(r.Lapsed(), " in time")
	case approval.Withdrawn:
		return "Taken back"
	case approval.Failed:
		return "Not run"
	case approval.Lost:
		return "Approved, result lost"
	case approval.Drafting:
		return "The code is being rewritten"
	case approval.Done:
		return "Approved and run"
	}
	return "Approved"
}

// cardTail is what a card says after the code: the cost, the terms, and at most so
// many hosts.
func (b *Bot) cardTail(v *steps.View, hosts int, flaw flaw) *page {
	r, rev := v.Request, v.Request.Revision
	t := &page{}
	b.agreed(t, v, hosts)
	if r.State == approval.Pending {
		flaw.say(t, r)
	}
	print := []part{words("Request "), mono(r.ID), words(fmt.Sprintf(", revision %d, sha256 ", rev.Number)), mono(approval.Short(rev.Digest))}
	if r.State == approval.Pending && v.Terms.Policy != "" && v.Terms.Policy != "settings" {
		print = append(print, words(", rules "), mono(v.Terms.Policy))
	}
	t.small(print...)
	return t
}

// summary is what the model says of its program. It is set apart as what it is:
// words, which nobody has held against the code.
func (b *Bot) summary(p *page, rev *approval.Revision) {
	if rev.Summary == "" {
		return
	}
	p.quote(cut(rev.Summary, 600), strong("In the model's words"), words(" (not checked):"))
}

// sure asks once more before code runs that was found dangerous: a tired hand
// should not be enough.
func (b *Bot) sure(all []approval.Finding) *slack.ConfirmationBlockObject {
	n := dangers(all)
	if n == 0 {
		return nil
	}
	text := fmt.Sprintf("The inspection found %s in this code. Have you read the lines that it names?", count(n, "danger"))
	return slack.NewConfirmationBlockObject(plain("Approve it all the same?"), plain(text), plain("Approve"), plain("Back")).WithStyle(slack.StyleDanger)
}

// fileLines say what is in the files, as far as it has been read.
func fileLines(files []approval.File) (items [][]part) {
	for _, f := range files[:min(10, len(files))] {
		var shapes []string
		for _, t := range f.Tables[:min(4, len(f.Tables))] {
			name := ""
			if t.Name != "" {
				name = cut(oneLine(approval.Plain(t.Name)), 40) + " " // as the file has it, so anything
			}
			shapes = append(shapes, fmt.Sprintf("%s%s × %s", name, count(t.Rows, "row"), count(len(t.Columns), "column")))
		}
		if more := len(f.Tables) - len(shapes); more > 0 {
			shapes = append(shapes, fmt.Sprintf("%d more", more))
		}
		item := []part{mono(cut(f.Name, 110))}
		if len(shapes) > 0 {
			item = append(item, words(": "+strings.Join(shapes, ", ")))
		}
		items = append(items, item)
	}
	if more := len(files) - len(items); more > 0 {
		items = append(items, []part{words(fmt.Sprintf("and %d more", more))})
	}
	return items
}

// findings lists what the inspection saw, the worst first, in so many characters.
// What does not fit is counted, level by level. What is ordinary takes one line, so
// that a list means something.
func (b *Bot) findings(p *page, all []approval.Finding, room int) {
	unusual := false
	for _, t := range []struct {
		level approval.Level
		one   string
	}{{approval.Danger, "Danger"}, {approval.Caution, "Caution"}} {
		var items [][]part
		hidden := 0
		for _, f := range merged(all, t.level) {
			text := f.String()
			if len([]rune(text)) > room {
				hidden++
				continue
			}
			room -= len([]rune(text))
			items = append(items, []part{words(text)})
		}
		if hidden > 0 {
			items = append(items, []part{words(fmt.Sprintf("and %d more of this kind", hidden))})
		}
		if len(items) > 0 {
			p.list([]part{strong(t.one)}, items)
			unusual = true
		}
	}
	said, notes := "Also:", ordinary(all, min(room, 600))
	if !unusual {
		said = "Inspection: nothing unusual found."
	}
	if !unusual || notes != "" {
		p.say(strong(said), words(notes))
	}
}

// ordinary says what the inspection only notes, in so many characters.
func ordinary(all []approval.Finding, room int) (said string) {
	hidden := 0
	for _, f := range all {
		text := strings.TrimSuffix(cut(oneLine(f.Text), 200), ".")
		switch {
		case f.Level != approval.Note:
		case len([]rune(said+text)) > room:
			hidden++
		default:
			said += " " + capital(text) + "."
		}
	}
	if hidden > 0 {
		said += fmt.Sprintf(" And %d more of this kind.", hidden)
	}
	return said
}

// dangers counts the findings of the worst kind.
func dangers(all []approval.Finding) (n int) {
	for _, f := range all {
		if f.Level == approval.Danger {
			n++
		}
	}
	return n
}

// thread is where a request's messages go.
func thread(v *steps.View) string {
	if v.Session.ThreadTS != "" {
		return v.Session.ThreadTS
	}
	return v.Posts[steps.SurfaceRoot].TS
}

// capital begins a text with a capital letter.
func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// count says how many of something there are.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(n) + " " + what + "s"
}

// thousands writes a number in groups of three.
func thousands(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
