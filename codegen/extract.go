package codegen

import (
	"errors"
	"strings"

	"countersign/approval/steps"
)

// Extract takes an answer apart. Exactly one whole fenced block, of Python or of
// no named language, is the code; all around it, blocks of other languages among
// it, is the prose, so that no part of an answer is kept from a reader. An answer
// without any block is prose alone and no error. Everything else is refused with
// an *approval.WriterError whose Repair tells the model what to do better: two
// programs are one too many for a person to choose from, and half of one is none.
func Extract(answer string) (code, prose string, err error) {
	lines := strings.Split(strings.ReplaceAll(answer, "\r\n", "\n"), "\n")
	found := blocks(lines, true)
	if found.open {
		// Either the block really has no end, or what looked like an open string was none.
		found = blocks(lines, false)
	}
	prose = strings.TrimSpace(strings.Join(found.prose, "\n"))
	switch {
	case found.open:
		return "", prose, unusable("The code block has no end.", "The code block was never closed. Close it with ``` on a line of its own.")
	case len(found.code) > 1:
		return "", prose, unusable("The answer held more than one program.", "There was more than one code block. Put the whole program into exactly one ```python block.")
	case len(found.code) == 0 && found.others > 0:
		return "", prose, unusable("The answer held no Python program.", "The code block was not marked as Python. Answer with exactly one ```python block.")
	case len(found.code) == 0:
		return "", prose, nil
	case strings.TrimSpace(found.code[0]) == "":
		return "", prose, unusable("The answer held an empty program.", "The code block was empty. Put the whole program into it.")
	}
	return found.code[0], prose, nil
}

func unusable(words, repair string) error {
	return &steps.WriterError{Err: errors.New(strings.ToLower(words[:1]) + strings.TrimSuffix(words[1:], ".")), Words: words, Repair: repair}
}

// parts are an answer's lines, sorted.
type parts struct {
	code   []string
	prose  []string
	others int  // blocks of other languages
	open   bool // the last block has no end
}

// blocks walks over the fences. With strings, a fence inside a triple-quoted
// Python string does not end the block.
func blocks(lines []string, withStrings bool) (p parts) {
	var body []string
	var fence fenceLine
	var quote tripleQuote
	inside, start := false, 0
	for i, line := range lines {
		f, isFence := readFence(line)
		switch {
		case !inside && isFence && f.opens():
			inside, start, fence, body, quote = true, i, f, nil, ""
		case !inside:
			p.prose = append(p.prose, line)
		case isFence && f.closes(fence) && !(withStrings && fence.python() && quote != ""):
			inside = false
			if fence.python() {
				p.code = append(p.code, strings.Join(body, "\n")+"\n")
			} else {
				p.others++
				p.prose = append(p.prose, lines[start:i+1]...)
			}
		default:
			body = append(body, unindent(line, fence.indent))
			quote = quote.after(line)
		}
	}
	p.open = inside
	return p
}

// fenceLine is a line that consists of a fence and perhaps a language.
type fenceLine struct {
	indent int
	mark   string // the fence itself: three or more of the same
	info   string
}

// readFence accepts any indentation: models put blocks into lists.
func readFence(line string) (f fenceLine, ok bool) {
	rest := strings.TrimLeft(line, " \t")
	f.indent = len(line) - len(rest)
	if rest == "" || rest[0] != '`' && rest[0] != '~' {
		return f, false
	}
	after := strings.TrimLeft(rest, rest[:1])
	f.mark = rest[:len(rest)-len(after)]
	f.info = strings.TrimSpace(after)
	return f, len(f.mark) >= 3
}

// opens tells a fence from code between backticks within a line.
func (f fenceLine) opens() bool { return f.mark[0] == '~' || !strings.Contains(f.info, "`") }

func (f fenceLine) closes(open fenceLine) bool {
	return f.info == "" && f.mark[0] == open.mark[0] && len(f.mark) >= len(open.mark)
}

// python tells whether the block's language is Python or not named.
func (f fenceLine) python() bool {
	language, _, _ := strings.Cut(f.info, " ")
	switch strings.ToLower(strings.Trim(language, "{}.")) {
	case "", "python", "py", "python3":
		return true
	}
	return false
}

// unindent takes off as many blanks as the fence stood in.
func unindent(line string, indent int) string {
	for indent > 0 && line != "" && (line[0] == ' ' || line[0] == '\t') {
		line = line[1:]
		indent--
	}
	return line
}

// tripleQuote is the triple quotation mark whose string is open at the end of a
// line, if any.
type tripleQuote string

// after follows the strings and comments of one line of Python.
func (q tripleQuote) after(line string) tripleQuote {
	single := byte(0)
	for i := 0; i < len(line); i++ {
		rest := line[i:]
		switch {
		case line[i] == '\\' && (q != "" || single != 0):
			i++
		case q != "":
			if strings.HasPrefix(rest, string(q)) {
				i += 2
				q = ""
			}
		case single != 0:
			if line[i] == single {
				single = 0
			}
		case strings.HasPrefix(rest, `"""`), strings.HasPrefix(rest, `'''`):
			q = tripleQuote(rest[:3])
			i += 2
		case line[i] == '"', line[i] == '\'':
			single = line[i]
		case line[i] == '#':
			return q
		}
	}
	return q
}
