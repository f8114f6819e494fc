package sandbox

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// LastLine is the last line that a program has printed so far, to stdout or to stderr, where bars of
// progress and warnings go. It is data, and words of whoever wrote the file: it has no control or
// invisible characters, is short, and is kept no longer than the run.
type LastLine struct {
	mu    sync.Mutex
	line  []byte
	begun [3][]byte // of each stream: what of it has no end yet
}

// Stream is where something was printed.
type Stream int

// The streams. The runner finds the last line itself where no more is sent of what is printed.
const (
	Stdout Stream = iota
	Stderr
	Found
)

// longestLine is in bytes; of a longer line the beginning counts.
const longestLine = 400

// escapes are what moves the cursor, and colours what is printed. One that is cut off is none yet.
var escapes = regexp.MustCompile(`\x1b(\[[0-?]*[ -/]*([@-~]|$)|[@-Z\\^_]|$)`)

// Take reads on. A carriage return begins a line anew, as bars of progress do. A line without anything
// to see leaves the one before it, and what one stream prints is no part of another's line.
func (l *LastLine) Take(from Stream, printed []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from == Found { // more has been printed than came here
		l.begun = [3][]byte{}
	}
	for begun := &l.begun[from]; ; *begun = (*begun)[:0] {
		end := bytes.IndexAny(printed, "\r\n")
		part := printed
		if end >= 0 {
			part = printed[:end]
		}
		// White space at the beginning of a line would use up its 400 bytes.
		if len(*begun) == 0 {
			part = bytes.TrimLeft(part, blank)
		}
		*begun = append(*begun, part[:min(len(part), longestLine-len(*begun))]...)
		// Also before its end has come: a bar of progress ends no line until it is full.
		if len(part) > 0 && len(bytes.Trim(escapes.ReplaceAll(*begun, nil), blank)) > 0 {
			l.line = append(l.line[:0], *begun...)
		}
		if end < 0 {
			return
		}
		printed = printed[end+1:]
	}
}

// blank is white space as the runner knows it.
const blank = " \t\n\v\f\r"

// String is the line for people.
func (l *LastLine) String() string {
	l.mu.Lock()
	text := string(bytes.ToValidUTF8(escapes.ReplaceAll(l.line, nil), nil))
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
