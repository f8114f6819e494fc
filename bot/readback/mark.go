package readback

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"countersign/bot/kit"
)

// markEnd is how a mark stands behind a seal in the value of Approve. What follows its dot names
// what may be left out: see Whole.
var markEnd = regexp.MustCompile(fmt.Sprintf(`/[0-9a-f]{%d}(\.[0-9a-f]{%[1]d})?$`, markLength))

// CutMark takes the mark from the value of Approve.
func CutMark(value string) (seal, mark string) {
	at := markEnd.FindStringIndex(value)
	if at == nil {
		return value, ""
	}
	return value[:at[0]], value[at[0]+1:]
}

// MarkOf names what a message or a view says. What was sent carries the mark in
// the value of its button, or in its metadata; what is pressed has to lead to the
// same mark, however long ago it was drawn. Where it says the same as the page that
// is drawn now, it is read as that page spells it, since only two texts side by side
// tell that one is the other in another spelling. drawn may be nil.
func MarkOf(held, drawn Tree) string { return markOf(FactsOf(held), FactsOf(drawn)) }

func markOf(held, now []fact) string {
	var text strings.Builder
	for _, f := range held {
		f.mark = ""
		var alike []fact
		for _, n := range now {
			if n.mark = ""; n.kind == f.kind && f.said.says(n.said.plain()) {
				alike = append(alike, n)
			}
		}
		// Read as it was drawn, so the mark does not depend on which of the harmless spellings Slack used.
		if at := slices.IndexFunc(alike, func(n fact) bool { return n.agrees(f) }); at >= 0 {
			f = alike[at]
		} else if len(alike) > 0 {
			return "" // what may be left out says something else
		}
		fmt.Fprintf(&text, "%s%s%s%s", f.kind, unsaid, f.said.plain(), unsaid+unsaid)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text.String())))[:markLength]
}

// Whole names all that a message says, in the spelling in which it stands there: MarkOf, and what may be
// left out, which are texts for those who see no blocks, and our ids of code. What is held and has the whole mark that was sent is what was sent, and nothing has to be drawn
// to be held against it. Any other is for MarkOf, which knows what Slack may do to a message.
func Whole(t Tree) string {
	all := FactsOf(t)
	soft := sha256.New()
	for _, f := range all {
		fmt.Fprintf(soft, "%q %q\n", f.id, f.soft)
	}
	return markOf(all, nil) + "." + fmt.Sprintf("%x", soft.Sum(nil))[:markLength]
}

// Bare is a mark without the part of what may be left out, as MarkOf has it.
func Bare(mark string) string {
	bare, _, _ := strings.Cut(mark, ".")
	return bare
}

// Numbered are the lines of a program as cards and modals show them, together.
func Numbered(code string) []string {
	all := len(kit.Lines(code))
	// With room for everything, so there is one chunk: where a card cuts is no part of the program.
	whole, ok := kit.Number(code, all, 2*len(code)+20*all)
	if !ok || len(whole) != 1 {
		return nil
	}
	return strings.Split(whole[0].Text, "\n")
}
