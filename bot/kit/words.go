package kit

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Inside makes a name fit for the middle of a sentence.
func Inside(named []Part) []Part {
	out := append([]Part{}, named...)
	if first, ok := out[0].(Words); ok && first != "" {
		out[0] = Words(strings.ToLower(string(first[:1])) + string(first[1:]))
	}
	return out
}

// OneLine folds a text into a line: lists show beginnings, not paragraphs.
func OneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// Capital begins a text with a capital letter.
func Capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// Count says how many of something there are.
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return Thousands(n) + " " + what + "s"
}

// Megabytes writes memory: whole gigabytes as such.
func Megabytes(n int) string {
	if n > 0 && n%1024 == 0 {
		return Thousands(n/1024) + " GB"
	}
	return Thousands(n) + " MB"
}

// Thousands writes a number in groups of three.
func Thousands(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// PercentOf is a share in percent.
func PercentOf(share float64) string { return fmt.Sprintf("%d%%", int(share*100+0.5)) }

// Span says how long something took, as a person would.
func Span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return Count(int(d/time.Second), "second")
	case d < 2*time.Hour:
		return Count(int(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return Count(int(d/time.Hour), "hour")
	}
	return Count(int(d/(24*time.Hour)), "day")
}

// Nonzero is a number for a field that is empty where nothing is set.
func Nonzero(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// Article puts "a" or "an" before what somebody is.
func Article(what string) string {
	if strings.ContainsRune("aeiou", rune(what[0])) {
		return "an " + what
	}
	return "a " + what
}

// Ordinal names a place: first, second, third, 4th, 11th, 21st.
func Ordinal(n int) string {
	switch {
	case n <= 3:
		// The first three are words. Nobody is in place 0, but a list must not end the program.
		return []string{"first", "first", "second", "third"}[max(0, n)]
	case n%10 == 1 && n%100 != 11:
		return fmt.Sprintf("%dst", n)
	case n%10 == 2 && n%100 != 12:
		return fmt.Sprintf("%dnd", n)
	case n%10 == 3 && n%100 != 13:
		return fmt.Sprintf("%drd", n)
	}
	return fmt.Sprintf("%dth", n)
}

// Seconds says how long something took, as precisely as anybody cares.
func Seconds(d time.Duration) string {
	if d < 100*time.Millisecond {
		return "under 0.1 seconds"
	}
	return fmt.Sprintf("%.1f seconds", d.Seconds())
}

// InBrackets puts a code behind a sentence; nothing where there is none.
func InBrackets(code string) string {
	if code == "" {
		return ""
	}
	return " (" + code + ")"
}

// Bold makes the words of a name stand out.
func Bold(named []Part) (out []Part) {
	for _, n := range named {
		if w, ok := n.(Words); ok {
			n = Strong(w)
		}
		out = append(out, n)
	}
	return out
}

// Enumeration joins things as a sentence does.
func Enumeration(said []string, last string) string {
	if len(said) < 2 {
		return strings.Join(said, "")
	}
	return strings.Join(said[:len(said)-1], ", ") + " " + last + " " + said[len(said)-1]
}

// People names some, and counts the rest.
func People(users []string, last string) (said []Part) {
	const most = 10
	for i, user := range users[:min(most, len(users))] {
		switch {
		case i == 0:
		case i == len(users)-1:
			said = append(said, Words(last))
		default:
			said = append(said, Words(", "))
		}
		said = append(said, Person(user))
	}
	if more := len(users) - most; more > 0 {
		said = append(said, Words(fmt.Sprintf(" and %d more", more)))
	}
	return said
}
