package readback

import (
	"fmt"
	"regexp"
	"strings"

	"countersign/bot/kit"
)

// markEnd is how a mark stands behind a seal in the value of Approve.
var markEnd = regexp.MustCompile(fmt.Sprintf(`/[0-9a-f]{%d}$`, markLength))

// CutMark takes the mark from the value of Approve.
func CutMark(value string) (seal, mark string) {
	at := markEnd.FindStringIndex(value)
	if at == nil {
		return value, ""
	}
	return value[:at[0]], value[at[0]+1:]
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
