package draw

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/kit"
)

// sure asks for confirmation before dangerous code is approved: one tired click should
// not be enough.
// nil for code without dangers: a confirmation that always comes is pressed away unread.
func sure(all []approval.Finding) *slack.ConfirmationBlockObject {
	n := dangers(all)
	if n == 0 {
		return nil
	}
	text := fmt.Sprintf("The inspection found %s in this code. Have you read the lines it names?", kit.Count(n, "danger"))
	return slack.NewConfirmationBlockObject(kit.Plain("Approve it anyway?"), kit.Plain(text), kit.Plain("Approve"), kit.Plain("Back")).WithStyle(slack.StyleDanger)
}

// How many characters of findings a card and the modal list, and how many different ones
// are a wall: from there on they stand below the code (walled).
const (
	mostFound = 1500
	allFound  = 8000
	wall      = 5
)

// walled tells that what was found stands below the code. Whoever has read the code judges
// what is said of it; a wall in front of it is only scrolled past.
func walled(all []approval.Finding) bool {
	return dangers(all) > 0 || len(merged(all, approval.Caution)) >= wall
}

// warned says above the code what is unusual in it, or which lines to read with care. Once it
// is decided, there is nothing to be careful about any more.
//
//	Danger in lines 3, 9 and 12. Please read the code first; what the inspection found stands below it.
func warned(p *kit.Page, r *approval.Request, room int) {
	all := r.Revision.Findings
	if !walled(all) {
		findings(p, all, room)
		return
	}
	word, level := "Caution", approval.Caution
	if dangers(all) > 0 {
		word, level = "Danger", approval.Danger
	}
	// Only the line numbers stand above the code: they tell where to look, and what is said there is
	// read afterwards.
	lines := sameFinding{}
	for _, f := range all {
		if f.Level == level && f.Line > 0 && !slices.Contains(lines.lines, f.Line) {
			lines.lines = append(lines.lines, f.Line)
		}
	}
	at := ""
	if len(lines.lines) > 0 {
		at = " in " + lines.where()
	}
	if r.State != approval.Pending {
		p.Say(kit.Strong(word), kit.Words(at+". What the inspection found stands below the code."))
		return
	}
	p.Say(kit.Strong(word), kit.Words(at+". Please read the code first; what the inspection found stands below it."))
}

// found says below the code what was found, where that is much.
func found(p *kit.Page, all []approval.Finding, room int) {
	if walled(all) {
		findings(p, all, room)
	}
}

// findings lists what the inspection saw, the worst first, in so many characters.
// What does not fit is counted, level by level. What is ordinary takes one line, so
// that a list means something.
func findings(p *kit.Page, all []approval.Finding, room int) {
	unusual := false
	for _, t := range []struct {
		level approval.Level
		one   string
	}{{approval.Danger, "Danger"}, {approval.Caution, "Caution"}} {
		var items [][]kit.Part
		hidden := 0
		// What does not fit is skipped and counted, so one long finding hides none that come after it.
		for _, f := range merged(all, t.level) {
			text := f.String()
			if len([]rune(text)) > room {
				hidden++
				continue
			}
			room -= len([]rune(text))
			items = append(items, []kit.Part{kit.Words(text)})
		}
		if hidden > 0 {
			items = append(items, []kit.Part{kit.Words(fmt.Sprintf("and %d more of this kind", hidden))})
		}
		if len(items) > 0 {
			p.List([]kit.Part{kit.Strong(t.one)}, items)
			unusual = true
		}
	}
	said, notes := "Also:", ordinary(all, min(room, 600))
	if !unusual {
		said = "Inspection: nothing unusual found."
	}
	if !unusual || notes != "" {
		p.Say(kit.Strong(said), kit.Words(notes))
	}
}

// ordinary says what the inspection only notes, in so many characters.
// room counts characters of all that is said, the mark for what is left out not included.
func ordinary(all []approval.Finding, room int) (said string) {
	hidden := 0
	for _, f := range all {
		text := strings.TrimSuffix(kit.Cut(kit.OneLine(f.Text), 200), ".")
		switch {
		case f.Level != approval.Note:
		case len([]rune(said+text)) > room:
			hidden++
		default:
			said += " " + kit.Capital(text) + "."
		}
	}
	if hidden > 0 {
		said += fmt.Sprintf(" And %d more of this kind.", hidden)
	}
	return said
}

// dangers counts the findings of the worst kind. Each counts, also where several say the same.
func dangers(all []approval.Finding) (n int) {
	for _, f := range all {
		if f.Level == approval.Danger {
			n++
		}
	}
	return n
}

// sameFinding is several findings that say the same of several lines.
type sameFinding struct {
	text  string
	lines []int
}

// merged are the findings of one level, each once, in the order of the code.
// It takes their order from the inspection.
func merged(all []approval.Finding, level approval.Level) (list []sameFinding) {
	for _, f := range all {
		if f.Level != level {
			continue
		}
		// Cut before they are compared: two findings that read the same to people are one.
		text := kit.Cut(kit.OneLine(f.Text), 200)
		at := slices.IndexFunc(list, func(s sameFinding) bool { return s.text == text })
		if at < 0 {
			at, list = len(list), append(list, sameFinding{text: text})
		}
		if f.Line > 0 && !slices.Contains(list[at].lines, f.Line) {
			list[at].lines = append(list[at].lines, f.Line)
		}
	}
	return list
}

// String is a finding as a line: "Lines 3, 9 and 12: starts another program".
func (s sameFinding) String() string {
	if len(s.lines) == 0 {
		return kit.Capital(s.text)
	}
	return kit.Capital(s.where()) + ": " + s.text
}

// where names the lines: "lines 3, 9 and 12".
func (s sameFinding) where() string {
	// Whoever has eight lines to look at reads all of it.
	const most = 8
	slices.Sort(s.lines)
	var numbers []string
	for _, n := range s.lines[:min(most, len(s.lines))] {
		numbers = append(numbers, fmt.Sprint(n))
	}
	switch n := len(s.lines); {
	case n == 1:
		return "line " + numbers[0]
	case n > most:
		return fmt.Sprintf("lines %s and %d more", strings.Join(numbers, ", "), n-most)
	}
	return "lines " + kit.Enumeration(numbers, "and")
}
