package sandbox

import (
	"bytes"
	"strings"
	"sync"
	"unicode"
)

// LastLine is the last line that a program has printed so far. It is data, and words of whoever wrote
// the file: it has no control or invisible characters, is short, and is kept no longer than the run.
type LastLine struct {
	mu   sync.Mutex
	line []byte // whole, or begun and longer than nothing
	open bool   // it has no end yet
}

// longestLine is in bytes; of a longer line the beginning counts.
const longestLine = 400

// Take reads on. A carriage return begins a line anew, as bars of progress do.
func (l *LastLine) Take(printed []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(printed) > 0 {
		end := bytes.IndexAny(printed, "\r\n")
		part := printed
		if end >= 0 {
			part = printed[:end]
		}
		if l.open || len(bytes.TrimSpace(part)) > 0 {
			if !l.open {
				l.line = l.line[:0]
			}
			l.line = append(l.line, part[:min(len(part), longestLine-min(len(l.line), longestLine))]...)
			l.open = true
		}
		if end < 0 {
			return
		}
		l.open, printed = false, printed[end+1:]
	}
}

// String is the line for people.
func (l *LastLine) String() string {
	l.mu.Lock()
	text := string(bytes.ToValidUTF8(l.line, nil))
	l.mu.Unlock()
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}
