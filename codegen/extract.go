package codegen

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"countersign/approval/steps"
)

// Extract takes an answer apart. The program is the one block of Python, or the one
// block without a language; an answer without any block is the program when it is
// nothing but Python. All around it is the prose. Other blocks, such as output that the
// model expects, are left out of both, and the prose says so. What the model thought is
// left out as well. An answer without any program is prose alone and no error.
//
// Everything else is refused with a *steps.WriterError whose Repair tells the model what
// to do better: a reviewer should not have to choose between two programs, and half a
// program is not a program.
func Extract(answer string) (code, prose string, err error) {
	code, prose, _, err = extract(answer)
	return code, prose, err
}

// asides are what a model says to people beside a program, or in place of it.
type asides struct {
	questions []string // blocks of the language "question"
	next      []string // lines of blocks of the language "next"
}

// extract takes the one program out of an answer, with what the model said around it. What cannot be read that way
// goes back to the model in the words of the error.
func extract(answer string) (code, prose string, said asides, err error) {
	lines := strings.Split(withoutThinking(strings.TrimPrefix(lineEnds.Replace(answer), "\ufeff")), "\n")
	// Three ways of reading the fences, the strictest first. Each later one is tried only where the
	// one before leaves a block open, so an answer that is well formed is never read loosely.
	found := blocks(lines, true)
	if found.open {
		// Either the block really has no end, or what looked like an open string was none.
		found = blocks(lines, false)
	}
	if found.open {
		found = blocks(endsApart(lines), true) // or its end stands behind code, on the same line
	}
	program, many := found.program()
	if program != nil && !many {
		found.unmark(program.code)
	}
	prose, said = strings.TrimSpace(strings.Join(found.prose, "\n")), found.asides
	switch {
	case found.open:
		return "", prose, said, unusable("The code block has no end.", "The code block was never closed. Close it with ``` on a line of its own.")
	case many:
		return "", prose, said, unusable("The answer held more than one program.", "There was more than one code block. Put the whole program into exactly one ```python block.")
	case program == nil && len(found.blocks) > 0:
		return "", prose, said, unusable("The answer held no Python program.", "The code block was not marked as Python. Answer with exactly one ```python block.")
	case program == nil && isPython(lines):
		return strings.Trim(strings.Join(lines, "\n"), "\n") + "\n", "", said, nil
	case program == nil && imports.MatchString(prose):
		return "", prose, said, unusable("The answer held a program without a code block.", "The program stood in no code block. Put the whole program into exactly one ```python block.")
	case program == nil:
		return "", prose, said, nil
	case strings.TrimSpace(program.code) == "":
		return "", prose, said, unusable("The answer held an empty program.", "The code block was empty. Put the whole program into it.")
	}
	return program.code, prose, said, nil
}

// lineEnds makes one kind of line end of the three that Python knows.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// imports is a line by which a program among words is known.
var imports = regexp.MustCompile(`(?m)^(import [\w.]+( as \w+)?|from [\w.]+ import [\w, ]+)\s*$`)

// leftOut stands in the prose for a block that is not the program. People read the prose on the card:
// they should know that the model showed something else, and not read it as a result.
const leftOut = "(A block that is not the program is left out here.)"

// program is the block that is meant to run; many tells that more than one could be.
// A block that is marked as Python comes before one that is not marked at all, unless
// that one is a program, too. The same program twice is one.
func (p parts) program() (one *block, many bool) {
	marked, unmarked := p.of(python), p.of("")
	if len(marked) == 0 {
		if marked, unmarked = unmarked, nil; len(marked) > 1 {
			marked = slices.DeleteFunc(marked, func(b block) bool { return !isPython(strings.Split(b.code, "\n")) })
			many = len(marked) == 0
		}
	}
	for _, b := range slices.Concat(marked, slices.DeleteFunc(unmarked, func(b block) bool { return !isPython(strings.Split(b.code, "\n")) })) {
		if one == nil {
			one = &b
		}
		many = many || b.code != one.code
	}
	return one, many
}

// unmark takes the notes away that stand where the program was. Notes and blocks come in the same
// order, one note for each block, which is how a note is known to be the program's.
func (p *parts) unmark(code string) {
	at := 0
	p.prose = slices.DeleteFunc(p.prose, func(line string) bool {
		if line != leftOut || at == len(p.blocks) {
			return false
		}
		at++
		b := p.blocks[at-1]
		return b.code == code && (b.language == python || b.language == "")
	})
}

// of are the blocks that are marked as in a language.
func (p parts) of(language string) (list []block) {
	for _, b := range p.blocks {
		if b.language == language {
			list = append(list, b)
		}
	}
	return list
}

// thoughts are the marks between which models think where their server does not keep
// that apart: Qwen, DeepSeek and others; Magistral.
var thoughts = [][2]string{{"<think>", "</think>"}, {"<thinking>", "</thinking>"}, {"[THINK]", "[/THINK]"}}

// withoutThinking takes out what a model thought before its program. Some servers put the
// opening mark into the prompt, so that only the closing one is in the answer. A mark that
// stands in a block is a program's own.
func withoutThinking(answer string) string {
	for _, mark := range thoughts {
		before, thought, begins := strings.Cut(answer, mark[0])
		if begins && strings.TrimSpace(before[strings.LastIndexByte(before, '\n')+1:]) == "" && noBlock(before) {
			_, said, ends := strings.Cut(thought, mark[1])
			if !ends {
				return before // it never came to an answer
			}
			answer = before + said
			continue
		}
		thought, said, ends := strings.Cut(answer, mark[1])
		if ends && !strings.Contains(thought, mark[0]) && !readAsBlocks(thought).open {
			answer = said
		}
	}
	return answer
}

// noBlock tells that no block ends or begins in the beginning of an answer.
func noBlock(text string) bool {
	p := readAsBlocks(text)
	return len(p.blocks) == 0 && !p.open
}

// readAsBlocks reads the fences in a part of an answer.
func readAsBlocks(text string) parts { return blocks(strings.Split(text, "\n"), true) }

// endsApart puts a fence that ends a line of code on a line of its own.
func endsApart(lines []string) (apart []string) {
	for _, line := range lines {
		code := strings.TrimRight(line, "`~ \t")
		end := strings.TrimSpace(line[len(code):])
		if len(end) >= 3 && strings.TrimSpace(code) != "" && strings.Trim(end, end[:1]) == "" {
			apart = append(apart, code, end)
			continue
		}
		apart = append(apart, line)
	}
	return apart
}

// unusable is an answer that the model can mend: words for people, and what the model is told.
func unusable(words, repair string) error {
	return &steps.WriterError{Err: errors.New(strings.ToLower(words[:1]) + strings.TrimSuffix(words[1:], ".")), Words: words, Repair: repair}
}

// parts are an answer's lines, sorted.
type parts struct {
	asides
	blocks []block
	prose  []string
	open   bool // the last block has no end
}

// block is what stands between two fences.
type block struct {
	language string // python, another one, or none
	code     string
}

// python is the language of a program.
const python = "python"

// blocks walks over the fences. With strings, a fence inside a triple-quoted
// Python string does not end the block.
func blocks(lines []string, withStrings bool) (p parts) {
	var body []string
	var fence fenceLine
	var quote tripleQuote
	inside := false
	for _, line := range lines {
		f, isFence := readFence(line)
		switch {
		case !inside && isFence && f.opens():
			inside, fence, body, quote = true, f, nil, ""
			if first := f.begins(); first != "" {
				body = append(body, first)
			}
		case !inside:
			p.prose = append(p.prose, line)
		case isFence && f.closes(fence) && !(withStrings && fence.mayBePython() && quote != ""):
			inside = false
			if p.aside(fence.language(), body) {
				continue
			}
			p.blocks = append(p.blocks, block{language: fence.language(), code: strings.Join(body, "\n") + "\n"})
			p.prose = append(p.prose, leftOut)
		default:
			body = append(body, unindent(line, fence.indent))
			quote = quote.after(line)
		}
	}
	p.open = inside
	return p
}

// aside sorts out a block that is neither a program nor what one would show.
func (p *parts) aside(language string, body []string) bool {
	switch language {
	case "question":
		p.questions = append(p.questions, strings.Join(body, "\n"))
	case "next":
		p.next = append(p.next, items(body)...)
	default:
		return false
	}
	return true
}

// items are the lines of a list, without what marks them as such.
func items(lines []string) (list []string) {
	for _, line := range lines {
		if text := strings.TrimSpace(bullet.ReplaceAllString(line, "")); text != "" {
			list = append(list, text)
		}
	}
	return list
}

// bullet begins an item of a list.
var bullet = regexp.MustCompile(`^\s*([-*•]|\d{1,2}[.)])\s+`)

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

// begins is a program's first line that stands on the line of the fence.
func (f fenceLine) begins() string {
	_, rest, _ := strings.Cut(f.info, " ")
	if rest = strings.TrimSpace(rest); f.language() == python && imports.MatchString(rest) {
		return rest
	}
	return ""
}

// language is python however it is written, another one, or none. Behind it may stand a file's name, or
// how the block is to be shown.
func (f fenceLine) language() string {
	word, _, _ := strings.Cut(f.info, " ")
	word = strings.Trim(word, "{}.")
	if at := strings.IndexAny(word, ":,;={("); at > 0 {
		word = word[:at]
	}
	word = strings.ToLower(word)
	switch strings.TrimRight(word, "0123456789.") {
	case "python", "py", "ipython":
		return python
	}
	return word
}

func (f fenceLine) mayBePython() bool { return f.language() == python || f.language() == "" }

// unindent takes off as many blanks as the fence stood in.
func unindent(line string, indent int) string {
	for indent > 0 && line != "" && (line[0] == ' ' || line[0] == '\t') {
		line = line[1:]
		indent--
	}
	return line
}

// tripleQuote is the triple quotation mark whose string is open at the end of a
// line, if any. It is followed because programs hold Markdown in strings, and a fence in one would
// otherwise cut the program in two.
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
