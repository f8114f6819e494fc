package approval

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Canonical brings code into the one form in which it is hashed, shown and run,
// or says why it cannot be shown truthfully. What a reviewer sees must be what
// Python sees: no line may end where the eye sees no end, nothing may be
// invisible, and nothing may stand off the right edge. The reason is written for
// the model, which gets to try again.
//
// Identifiers are left to the real parser (runner/inspect.py), which knows what
// an identifier is.
func Canonical(code string) (string, error) {
	if !utf8.ValidString(code) {
		return "", fmt.Errorf("the code is not valid UTF-8")
	}
	// Line ends first. A lone CR, at which Python ends a line and the eye sees no end, is a control character and
	// refused below. One newline at the end, whatever came, so that the same program has one hash.
	code = strings.TrimRight(strings.ReplaceAll(code, "\r\n", "\n"), " \t\n") + "\n"
	if strings.TrimSpace(code) == "" {
		return "", fmt.Errorf("there is no code")
	}
	if len(code) > MaxCode {
		return "", fmt.Errorf("the code has %d bytes; at most %d can be reviewed", len(code), MaxCode)
	}
	hollow := 0
	for n, line := range strings.Split(code, "\n") {
		// A line that says something begins the count anew. Brackets and bars alone do not: they could be stacked
		// for pages, with a line of code below the fold.
		if hollow++; strings.ContainsFunc(line, says) {
			hollow = 0
		} else if hollow > maxHollow {
			return "", fmt.Errorf("line %d: more than %d lines in a row with nothing to read in them hide what follows", n+1, maxHollow)
		}
		if err := canonicalLine(columns(line)); err != nil {
			return "", fmt.Errorf("line %d: %w", n+1, err)
		}
		if n < 2 && cookie.MatchString(line) {
			return "", fmt.Errorf("line %d: no encoding declaration, the code is UTF-8", n+1)
		}
	}
	return code, nil
}

// MaxCode is more than anybody reviews, and less than a modal can show.
const MaxCode = 40_000

// maxColumns bounds how far to the right code can stand: what is off the edge of a block, nobody sees. The sentence of an
// answer may fill it; of more than 200 columns of code the inspection warns (looks.py).
const maxColumns = 400

// maxHollow is how many lines in a row may hold no letter and no digit. More of them push
// what follows out of sight, as a gap does within a line.
const maxHollow = 10

func says(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// cookie is what Python takes for an encoding declaration in the first two lines (PEP 263).
var cookie = regexp.MustCompile(`^[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+`)

// gap is white space that pushes what follows out of sight.
var gap = regexp.MustCompile(`\S {16,}\S`)

// pile is marks upon marks: no script needs so many, and they reach over their neighbours.
var pile = regexp.MustCompile(`\p{M}{5,}`)

// columns is the line as wide as it is shown: each tab goes on to the next
// eighth column.
func columns(line string) string {
	if !strings.Contains(line, "\t") {
		return line
	}
	var b strings.Builder
	n := 0
	for _, r := range line {
		if r != '\t' {
			b.WriteRune(r)
			n++
			continue
		}
		b.WriteString("        "[n%8:])
		n += 8 - n%8
	}
	return b.String()
}

// width is how many columns a line takes; the letters of East Asia take two.
func width(line string) int {
	// The last range are the full-width forms of ASCII.
	n := utf8.RuneCountInString(line)
	for _, r := range line {
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) || r >= 0xff01 && r <= 0xff60 {
			n++
		}
	}
	return n
}

// canonicalLine says what in a line would deceive whoever reads it. The line has its tabs widened.
func canonicalLine(line string) error {
	for _, r := range line {
		if Hidden(r) {
			return fmt.Errorf("the character %U is invisible or changes how the line is shown; write it as an escape in a string, or leave it out", r)
		}
	}
	if n := width(line); n > maxColumns {
		return fmt.Errorf("%d columns; at most %d are shown", n, maxColumns)
	}
	if pile.MatchString(line) {
		return fmt.Errorf("five or more marks on one letter cover what stands beside it")
	}
	if gap.MatchString(line) {
		return fmt.Errorf("16 or more spaces inside a line hide what follows")
	}
	return nil
}

// Hidden tells of a character that people cannot see, or that changes how its
// neighbours are shown: controls, format characters (bidi overrides, zero
// widths, tags), separators of lines, private and unassigned code points, blanks
// that pass for letters, variation selectors.
func Hidden(r rune) bool {
	switch {
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp):
		return true
	case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return true
	case r != ' ' && unicode.Is(unicode.Zs, r): // spaces that are not the space
		return true
	case r == '\u2800' || r == '\U0001D159': // the blank Braille pattern, the note without a head
		return true
	}
	return !unicode.IsGraphic(r) // unassigned
}

// Plain brings a text that a person or a model supplies (a question, a file's
// name, a summary) into a form that shows what it holds: valid UTF-8, hidden
// characters escaped. Line ends are kept in texts and not in names.
func Plain(text string) string {
	var b strings.Builder
	before := ' '
	// Nothing is refused here, other than in code: a question or a file's name has to be shown, whatever it holds.
	for _, r := range strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n") {
		if r == '\n' || r == '\t' || r == '\u00a0' || !Hidden(r) || joins(before, r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "\\u{%x}", r)
		}
		before = r
	}
	return strings.TrimSpace(b.String())
}

// joins tells of a character that cannot be seen and yet belongs there: joiners
// are part of the spelling of several scripts and of many emoji, and so is the
// selector of an emoji. Behind ASCII, or in a row, they are only hidden.
func joins(before, r rune) bool {
	switch r {
	case '\u200c', '\u200d':
		return before > unicode.MaxLatin1 && (before == '\ufe0f' || !Hidden(before))
	case '\ufe0f':
		return !Hidden(before) && (before > unicode.MaxLatin1 || strings.ContainsRune("0123456789#*©®", before))
	}
	return false
}
