package kit

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// What a card shows of a program at most, beside its Approve button. More opens
// in a modal.
const (
	InlineChars = 3500
	inlineLines = 80
)

// What a modal shows of a program per block, and in all. Slack takes 100 blocks.
const (
	PartChars = 2900
	PartLines = 80
	MaxParts  = 70 // beside up to thirty blocks that say what it is
)

// chunk is a run of whole lines of a program, numbered.
type chunk struct {
	From, To int // line numbers
	Text     string
}

// Lines splits a program, which ends with a line end, into its lines.
func Lines(code string) []string {
	return strings.Split(strings.TrimSuffix(code, "\n"), "\n")
}

// Number writes a program in chunks of at most so many lines and characters,
// with the line numbers in the text: a line that somebody hides is then a gap
// that everybody sees. ok tells that reading the chunks back gives the program.
func Number(code string, maxLines, maxChars int) (chunks []chunk, ok bool) {
	all := Lines(code)
	width := len(fmt.Sprint(len(all)))
	var b strings.Builder
	from, chars := 1, 0
	for i, line := range all {
		numbered := fmt.Sprintf("%*d  %s", width, i+1, line)
		// A chunk ends before the line that would make it too long. A line longer than a chunk gets one of its own.
		size := utf8.RuneCountInString(numbered) + 1
		if i+1 > from && (i+1-from >= maxLines || chars+size > maxChars) {
			chunks = append(chunks, chunk{From: from, To: i, Text: b.String()})
			b.Reset()
			from, chars = i+1, 0
		}
		if chars > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(numbered)
		chars += size
	}
	chunks = append(chunks, chunk{From: from, To: len(all), Text: b.String()})
	return chunks, extract(chunks) == code
}

// extract reads the program back out of its numbered chunks.
func extract(chunks []chunk) string {
	var b strings.Builder
	width := len(fmt.Sprint(chunks[len(chunks)-1].To))
	for _, c := range chunks {
		for line := range strings.SplitSeq(c.Text, "\n") {
			b.WriteString(line[min(width+2, len(line)):])
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// Inline is a program as a card shows it, when it fits there.
func Inline(code string) (text string, ok bool) {
	// Measured without the numbers: how much code fits should not depend on how many digits they have.
	if utf8.RuneCountInString(code) > InlineChars || len(Lines(code)) > inlineLines {
		return "", false
	}
	chunks, ok := Number(code, inlineLines, 2*InlineChars)
	return chunks[0].Text, ok && len(chunks) == 1
}

// Chunked is a program as a modal shows it, when it fits there.
func Chunked(code string) (chunks []chunk, ok bool) {
	chunks, ok = Number(code, PartLines, PartChars)
	return chunks, ok && len(chunks) <= MaxParts
}

// CodeID begins the block_id of every block that holds code. Slack's own ids have no colon.
const CodeID = "code:"
