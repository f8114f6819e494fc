package guide

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"sync"
)

// tty is what a terminal is read by: a file, of which the library makes a raw one by its number.
type tty interface {
	io.ReadWriteCloser
	Fd() uintptr
}

// keys reads a terminal for all questions, and keeps what no question has had yet. Each question reads through a turn of its own, which ends with it.
// A library that shows one question after another leaves a reader of the former one behind for a moment: on a busy machine it took the first key, or the
// whole token that was pasted, and the question that stood there never saw it.
//
// A question gets one line at a time: once it has got its Enter it gets nothing more until its answer was refused. So lines that are pasted at once
// answer one question each. What came at a question whose answer is not shown goes to another such question or to none: a secret that was
// pasted must never stand on the screen as the answer to something else. Nor does what is left of a paste choose anything.
type keys struct {
	from  tty
	begin sync.Once

	mu     sync.Mutex
	change *sync.Cond
	typed  []byte // what no question has had yet
	gone   bool   // nothing more can come
	secret bool   // what was typed came at a question whose answer is not shown
	skip   bool   // until the end of a paste whose beginning was dropped
}

// kind is how a question is answered.
type kind int

const (
	shown  kind = iota // by a text that stands on the screen
	hidden             // by a secret
	chosen             // by keys that choose
)

// pasteBegins and pasteEnds are what a terminal sets around a paste, where it is asked to.
var pasteBegins, pasteEnds = []byte("\x1b[200~"), []byte("\x1b[201~")

const (
	breaks = "\r\n"
	ctrlC  = 3
)

func newKeys(from tty) *keys {
	k := &keys{from: from}
	k.change = sync.NewCond(&k.mu)
	return k
}

// read reads until the terminal is closed.
// It is one goroutine for the whole guide and ends with the terminal: a read of a terminal cannot be broken
// off, so a reader for each question would steal the keys of the next.
func (k *keys) read() {
	for {
		buf := make([]byte, 4096)
		n, err := k.from.Read(buf)
		k.mu.Lock()
		k.typed = append(k.typed, buf[:n]...)
		if k.skip {
			_, after, whole := bytes.Cut(k.typed, pasteEnds)
			k.skip = !whole
			if k.typed = after; !whole {
				k.typed = nil // but for a mark that comes in pieces, which terminals do not do
			}
		}
		k.gone = err != nil
		k.change.Broadcast()
		k.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// drop forgets what no question has had yet, but for Ctrl-C, and tells whether that was more than keys without a sign. The lock is held.
func (k *keys) drop() (words bool) {
	_, open, marked := bytes.Cut(k.typed, pasteBegins)
	k.skip = marked && !bytes.Contains(open, pasteEnds)
	words = len(bytes.TrimSpace(sequence.ReplaceAll(k.typed, nil))) > 0
	stop := bytes.IndexByte(k.typed, ctrlC) >= 0
	if k.typed = nil; stop {
		k.typed = []byte{ctrlC}
	}
	return words
}

// turn begins to read for a question. dropped tells that something which was pasted is not for it. Whoever ends it lets the reader of that question go.
func (k *keys) turn(by kind) (t *turn, dropped bool, end func()) {
	k.begin.Do(func() { go k.read() })
	k.mu.Lock()
	defer k.mu.Unlock()
	if by == chosen || by == shown && k.secret {
		dropped = k.drop()
	}
	k.secret = by == hidden
	t = &turn{keys: k, by: by}
	return t, dropped, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		t.over = true
		k.change.Broadcast()
	}
}

// turn is the terminal for one question. It has no name, so the library takes it as it is, and does not wait for the
// file itself.
type turn struct {
	keys *keys
	by   kind

	// Of these keys.mu is the lock.
	over bool
	held bool   // it has had its Enter, and nobody has said what becomes of the answer
	rest []byte // for Read
	had  []byte // the last of what it has had

	alone bool // all that waits is an escape
}

// Read implements io.Reader: what was typed, until the turn is over. What does not fit into p comes with the next call.
func (t *turn) Read(p []byte) (int, error) {
	k := t.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(t.rest) == 0 {
		if t.over { // what is typed after its end is the next one's
			return 0, io.EOF
		}
		if !t.held && len(k.typed) > 0 {
			t.take()
		}
		// Whoever wants to stop can, also where an answer is being tried, or a paste has no end.
		if len(t.rest) == 0 && bytes.IndexByte(k.typed, ctrlC) >= 0 {
			k.typed, t.rest, t.held = nil, []byte{ctrlC}, false
		}
		if len(t.rest) > 0 {
			break
		}
		if k.gone {
			return 0, io.EOF
		}
		k.change.Wait()
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// take takes what of the keys is for this question: all of them where it is one of choice, else to the end of the first line.
// The lock of keys is held.
func (t *turn) take() {
	k := t.keys
	if t.by == chosen {
		t.rest, k.typed = k.typed, nil
		return
	}
	// An escape that came alone is a key without a sign, or the beginning of a mark: the library takes it for the one after a moment.
	if t.alone && len(k.typed) > 1 && k.typed[1] != pasteBegins[1] {
		k.typed = k.typed[1:]
	}
	t.rest, k.typed, t.held = cut(t.had, k.typed)
	t.alone = len(k.typed) == 1 && !t.held
	t.had = slices.Concat(t.had, t.rest)
	t.had = t.had[max(0, len(t.had)-64):]
}

// again says that the answer did not do, so that the question stays. It tells whether something that was pasted below the answer is dropped with it.
func (t *turn) again() (dropped bool) {
	t.keys.mu.Lock()
	defer t.keys.mu.Unlock()
	if t.held {
		dropped, t.held = t.keys.drop(), false
		t.keys.change.Broadcast()
	}
	return dropped
}

// unfinished is a sequence of which an Enter that follows may be a part: what is no key Enter is answered by nobody.
var unfinished = regexp.MustCompile(`\x1b(?:\[[0-9;?<>=]*|O|\][^\x07\x1b]*|P[^\x1b]*)?$`)

// sequence is what a terminal sends and nobody has typed or pasted: keys without a sign, marks, and answers of its own.
var sequence = regexp.MustCompile(`\x1b(?:\[[0-9;?<>=]*[ -/]*[@-~]|O.|\][^\x07\x1b]*(?:\x07|\x1b\\)|P[^\x1b]*\x1b\\|.)?|[\x00-\x1f\x7f]`)

// cut takes of what was typed what is for the question that stands there, which has had other keys before: all of it, or, of several lines, the first
// with its Enter. Of a paste of which the end has not come yet nothing is taken, since the Enter of its line would be a part of it; nor is a mark of which
// the rest has not come yet, since the library waits for that only for a moment.
func cut(had, typed []byte) (out, left []byte, enter bool) {
	before, rest, marked := bytes.Cut(typed, pasteBegins)
	if at := bytes.IndexAny(before, breaks); at >= 0 {
		return append(slices.Clone(before[:at]), '\r'), bytes.TrimLeft(typed[at:], breaks), !unfinished.Match(slices.Concat(had, before[:at]))
	}
	if !marked {
		at := len(typed)
		for n := 1; n < len(pasteBegins); n++ {
			if bytes.HasSuffix(typed, pasteBegins[:n]) {
				at = len(typed) - n
			}
		}
		return typed[:at], typed[at:], false
	}
	pasted, after, whole := bytes.Cut(rest, pasteEnds)
	if !whole {
		return before, typed[len(before):], false
	}
	pasted = bytes.Trim(pasted, breaks) // the last line waits for a person's Enter
	at := bytes.IndexAny(pasted, breaks)
	if at < 0 {
		return slices.Concat(before, pasteBegins, pasted, pasteEnds), after, false
	}
	return slices.Concat(before, pasteBegins, pasted[:at], pasteEnds, []byte("\r")),
		slices.Concat(pasteBegins, bytes.TrimLeft(pasted[at:], breaks), pasteEnds, after), true
}

// Write, Close and Fd make it a terminal for the library. Close leaves the terminal open: the next question needs it.
func (t *turn) Write(p []byte) (int, error) { return t.keys.from.Write(p) }
func (t *turn) Close() error                { return nil }
func (t *turn) Fd() uintptr                 { return t.keys.from.Fd() }
