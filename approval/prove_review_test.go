package approval

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"countersign/internal/proof"
)

// The rows of `make prove-review` about the form in which code and texts are shown.
func TestProveReviewCanonical(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(proof.Seed(t), 26))
	texts := proof.Of(20_000)
	shown, plain := 0, 0
	for range texts {
		text := randomText(random)
		if showsAll(text) {
			shown++
		}
		if p := Plain(text); Plain(p) == p && utf8.ValidString(p) && !strings.ContainsFunc(p, never) {
			plain++
		}
	}
	proof.Check(t, shown == texts, "of random text, what is canonical shows every character it holds", "%d of %d", shown, texts)
	proof.Check(t, plain == texts, "a name or a question shows what it holds, and stays as it is", "%d of %d", plain, texts)

	hidden, caught := 0, 0
	for r := range rune(unicode.MaxRune + 1) {
		if !utf8.ValidRune(r) || r == '\n' || r == '\t' || !Hidden(r) {
			continue
		}
		if unicode.Is(unicode.Co, r) && random.IntN(200) > 0 || !unicode.In(r, unicode.Co, unicode.Cc, unicode.Cf, unicode.Zs, unicode.Zl, unicode.Zp, unicode.M, unicode.L, unicode.So) && random.IntN(200) > 0 {
			continue // of a million private and unassigned ones, some thousand
		}
		hidden++
		at := random.IntN(len(honest))
		if _, err := Canonical(honest[:at] + string(r) + honest[at:]); err != nil {
			caught++
		}
	}
	// A CR before a line's end is a line end of Windows, and of what hides it is the only one that may stand anywhere.
	proof.Check(t, hidden-caught <= 1, "a hidden character anywhere in a program is refused", "%d of %d", caught, hidden)
}

const honest = `import pandas as pd

sales = pd.read_csv("sales.csv")  # one row for each sale
by_region = sales.groupby("region")["amount"].sum()
print(f"{by_region.max():.2f}")
`

// randomText is made of what deceptions are made of, and of all of Unicode.
func randomText(random *rand.Rand) string {
	parts := []string{"x = 1", "print(x)", " ", "    ", "\t", "\n", "\r\n", "\r", "# coding: utf-8", "'", "\"", "#", ";", "\u202e", "\u200d", "\u0301",
		"é", "売", "ש", "📈", "\xff", "\x00", "\u3164", strings.Repeat(" ", 15), strings.Repeat("y", 90)}
	var b strings.Builder
	for range 1 + random.IntN(20) {
		if random.IntN(8) == 0 {
			b.WriteRune(rune(random.IntN(unicode.MaxRune + 1)))
		} else {
			b.WriteString(parts[random.IntN(len(parts))])
		}
	}
	return b.String()
}

// showsAll tells whether a text is refused or, in its canonical form, is the same
// text, with nothing in it that is not seen, nothing off the edge, and no way for
// Python to read it otherwise. It reckons without any function of ours but one.
func showsAll(text string) bool {
	code, err := Canonical(text)
	if err != nil {
		return code == ""
	}
	again, err := Canonical(code)
	same := strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), " \t\n") == strings.TrimRight(code, "\n")
	if err != nil || again != code || !same || !utf8.ValidString(code) {
		return false
	}
	for i, line := range strings.Split(code, "\n") {
		if utf8.RuneCountInString(line) > 400 || strings.ContainsFunc(line, never) || i < 2 && strings.Contains(line, "coding:") && strings.HasPrefix(strings.TrimSpace(line), "#") {
			return false
		}
		if body := strings.TrimLeft(line, " \t"); strings.Contains(strings.TrimRight(body, " \t"), strings.Repeat(" ", 16)) {
			return false
		}
	}
	return true
}

// never tells of a character that stands in no text of ours: Unicode's own classes
// and not Hidden, which is what is being tried.
func never(r rune) bool {
	joiner := r == '\u200c' || r == '\u200d' // in names they are held to their place by Plain
	return !joiner && r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp)
}
