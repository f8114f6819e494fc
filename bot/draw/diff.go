package draw

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/kit"
)

// ChangedView is the difference to the version before.
func ChangedView(v *steps.View) slack.ModalViewRequest {
	return diffView("What changed", approval.Diff(v.Former.Code, v.Request.Revision.Code), func(p *kit.Page) { since(p, v) })
}

// NearView is the difference to code that people have approved before.
func NearView(v *steps.View, near *steps.Near) slack.ModalViewRequest {
	// Nothing alike is worth a sentence: an empty comparison would look like a fault.
	if near == nil {
		p := &kit.Page{}
		p.Say(kit.Words("No code approved in this channel is like this."))
		return kit.NoteOf("Compared", p)
	}
	all := approval.Diff(near.Code, v.Request.Revision.Code)
	return diffView("Compared", all, func(p *kit.Page) {
		p.Quote(kit.Cut(near.Question, 300), kit.Strong(fmt.Sprintf("%d%% of the lines", near.Alike)), kit.Words(" are the same as in code approved "), kit.Moment(near.At), kit.Words(" for the question:"))
		p.Say(kit.Words("Changes from that code: " + ChangedWords(all) + "."))
	})
}

// diffContext is how many lines that stayed are shown around those that did not: three, as in diff -u.
const diffContext = 3

// changed counts the lines that came and went.
func changed(all []approval.DiffLine) (added, removed int) {
	for _, l := range all {
		switch l.Op {
		case approval.Added:
			added++
		case approval.Removed:
			removed++
		}
	}
	return added, removed
}

// ChangedWords says it in words: "3 lines added, 1 removed".
func ChangedWords(all []approval.DiffLine) string {
	added, removed := changed(all)
	switch {
	case added == 0 && removed == 0:
		return "nothing changed"
	case removed == 0:
		return kit.Count(added, "line") + " added"
	case added == 0:
		return kit.Count(removed, "line") + " removed"
	}
	return fmt.Sprintf("%s added, %s removed", kit.Count(added, "line"), kit.Thousands(removed))
}

// DiffText writes a diff line by line: the sign, the line's number in the text
// that it stands in, and the line. What stayed is left out but for a few lines
// around each change, and it is said how much.
//
//	  ·  12 lines as before
//	  13  rows = load("sales.csv")
//	- 14  total = rows.amount.sum()
//	+ 14  total = rows.net.sum()
func DiffText(all []approval.DiffLine) (out []string) {
	// Which lines are near a change is found first, so that two changes near each other share their context.
	near := make([]bool, len(all))
	for i, l := range all {
		if l.Op == approval.Same {
			continue
		}
		for j := max(0, i-diffContext); j <= min(len(all)-1, i+diffContext); j++ {
			near[j] = true
		}
	}
	width, skipped := 1, 0
	for _, l := range all {
		width = max(width, len(fmt.Sprint(max(l.Old, l.New))))
	}
	pause := func() {
		if skipped > 0 {
			out = append(out, fmt.Sprintf("  %s  %s as before", strings.Repeat("·", width), kit.Count(skipped, "line")))
		}
		skipped = 0
	}
	for i, l := range all {
		if !near[i] {
			skipped++
			continue
		}
		pause()
		// A line that is gone has its number in the old text, and everything else in the new one.
		n := l.New
		if l.Op == approval.Removed {
			n = l.Old
		}
		out = append(out, fmt.Sprintf("%c %*d  %s", l.Op, width, n, l.Text))
	}
	pause()
	return out
}

// Diff draws what changed, in parts that a block can hold. What no modal could
// hold is cut, and says so: the code itself is what is decided on, not the diff.
func Diff(p *kit.Page, all []approval.DiffLine) {
	text := DiffText(all)
	if added, removed := changed(all); added+removed == 0 {
		p.Say(kit.Words("They are the same, line for line."))
		return
	}
	for parts := 0; len(text) > 0; parts++ {
		if parts == kit.MaxParts {
			p.Say(kit.Words(fmt.Sprintf("Another %s do not fit here. The full code is in the card's menu, as a file.", kit.Count(len(text), "line"))))
			return
		}
		// At least one line goes into each block, or a line as long as a block would never be drawn.
		n, chars := 0, 0
		for n < len(text) && (n == 0 || n < kit.PartLines && chars+utf8.RuneCountInString(text[n]) < kit.PartChars) {
			chars += utf8.RuneCountInString(text[n]) + 1
			n++
		}
		p.Verbatim(nil, strings.Join(text[:n], "\n"), "", "")
		text = text[n:]
	}
}

// diffView is a modal that shows a diff under a sentence that says of what.
// said comes first, because a diff that begins without a word could be taken for the code that is decided on.
func diffView(title string, all []approval.DiffLine, said func(p *kit.Page)) slack.ModalViewRequest {
	p := &kit.Page{}
	said(p)
	Diff(p, all)
	return kit.NoteOf(title, p)
}
