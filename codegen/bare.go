package codegen

import (
	"slices"
	"strings"
	"unicode"
)

// isPython tells whether these lines are a program and nothing else: strings and
// brackets that close, statements that do something, and no line of prose. It is not
// Python's parser, which has the last word in the inspection's box; it is what tells a
// program without a fence from an answer in words.
//
// It errs to the side of prose. Words that are taken for a program would go to a reviewer; a program
// that is taken for words is known by its imports, and asked for once more in a fence (extract).
func isPython(lines []string) bool {
	does := false
	// No line of it: then does stays false, and it is no program.
	for _, s := range statements(lines) {
		if !s.closed || !s.fits() {
			return false
		}
		does = does || s.does()
	}
	return does
}

// statement is one logical line of Python, as words and signs. Strings and numbers are
// the word 0.
type statement struct {
	words  []string
	closed bool
}

// keywords may stand beside a name without a sign between them.
var keywords = strings.Fields(`and as assert async await break class continue def del elif else except finally for from global if import in is lambda match case nonlocal not or pass raise return try while with yield type`)

// fits tells whether no two operands stand side by side, as words do in a sentence, and
// whether it has no sign that Python lacks. "the total is 3" has two names in a row; no statement has.
func (s statement) fits() bool {
	operand := false // the word before is a name, a number, a string, or the end of brackets
	for _, w := range s.words {
		// Signs of a sentence or a shell. A backslash stands only at the end of a line, where statements has taken it away.
		if strings.ContainsAny(w, "?$!`\\") && w != "!=" {
			return false
		}
		is := isOperand(w)
		if is && operand {
			return false
		}
		operand = is || w == ")" || w == "]" || w == "}"
	}
	return true
}

// isOperand tells a name or a number from a keyword of Python.
func isOperand(w string) bool {
	first := []rune(w)[0]
	return (first == '_' || unicode.IsLetter(first) || unicode.IsDigit(first)) && !slices.Contains(keywords, w)
}

// does tells whether it imports, assigns or calls: a word alone, or a number, is no program.
func (s statement) does() bool {
	switch s.words[0] {
	case "import", "from":
		return len(s.words) > 1
	}
	// A name, a bracket and more is a call. "(see below)" begins with a bracket and is none.
	at := slices.Index(s.words, "=")
	return at > 0 && at < len(s.words)-1 || len(s.words) > 2 && isOperand(s.words[0]) && slices.Contains(s.words, "(")
}

// statements takes lines apart into logical lines: brackets, a backslash and
// triple-quoted strings carry a line on, comments are left out, and a semicolon ends one.
func statements(lines []string) (list []statement) {
	text := []rune(strings.Join(lines, "\n"))
	now := statement{closed: true}
	depth := 0
	end := func() {
		if len(now.words) > 0 {
			list = append(list, now)
		}
		now = statement{closed: true}
	}
	for i := 0; i < len(text); {
		r := text[i]
		switch {
		case r == '\n' && depth <= 0, r == ';':
			end()
			i++
		case r == '\\' && i+1 < len(text) && text[i+1] == '\n':
			i += 2
		case unicode.IsSpace(r):
			i++
		case r == '#':
			for i < len(text) && text[i] != '\n' {
				i++
			}
		// What stands in a string or a number does not matter here, so both become the word 0.
		case r == '"' || r == '\'':
			next, closed := skipString(text, i)
			now.closed = now.closed && closed
			if n := len(now.words); n == 0 || now.words[n-1] != "0" { // neighbours are one string
				now.words = append(now.words, "0")
			}
			i = next
		case r == '_' || unicode.IsLetter(r):
			start := i
			for i < len(text) && (text[i] == '_' || unicode.IsLetter(text[i]) || unicode.IsDigit(text[i])) {
				i++
			}
			word := string(text[start:i])
			if i < len(text) && (text[i] == '"' || text[i] == '\'') && len(word) <= 2 && strings.Trim(strings.ToLower(word), "rbfut") == "" {
				continue // the prefix of a string
			}
			now.words = append(now.words, word)
		case unicode.IsDigit(r):
			for i < len(text) && (text[i] == '_' || text[i] == '.' || unicode.IsLetter(text[i]) || unicode.IsDigit(text[i])) {
				i++
			}
			now.words = append(now.words, "0")
		default:
			depth += strings.Count("([{", string(r)) - strings.Count(")]}", string(r))
			sign := string(r)
			if i+1 < len(text) && text[i+1] == '=' && strings.ContainsRune("!<>=", r) {
				sign += "="
				i++
			}
			now.words = append(now.words, sign)
			i++
		}
	}
	// A bracket that never closes swallows all lines after it, so a text in which one stands is no program.
	now.closed = now.closed && depth == 0
	end()
	if depth != 0 {
		list = append(list, statement{})
	}
	return list
}

// skipString finds the end of a string, and tells whether it has one.
func skipString(text []rune, at int) (next int, closed bool) {
	// Three of the mark are looked for first: two of them alone are an empty string.
	mark := text[at]
	if at+2 < len(text) && text[at+1] == mark && text[at+2] == mark {
		for i := at + 3; i+2 < len(text); i++ {
			if text[i] == '\\' {
				i++
			} else if text[i] == mark && text[i+1] == mark && text[i+2] == mark {
				return i + 3, true
			}
		}
		return len(text), false
	}
	for i := at + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case mark:
			return i + 1, true
		// A string in single marks ends with its line: here an apostrophe in a sentence shows itself.
		case '\n':
			return i, false
		}
	}
	return len(text), false
}
