package guide

import (
	"io"
	"sync"
)

// tty is what a terminal is read by: a file, of which the library makes a raw one by its number.
type tty interface {
	io.ReadWriteCloser
	Fd() uintptr
}

// keys reads a terminal for all questions. Each question reads through a turn of its own, which ends with it. A library that
// shows one question after another leaves a reader of the former one behind for a moment: on a busy machine it took the first key, or the
// whole token that was pasted, and the question that stood there never saw it.
type keys struct {
	from  tty
	begin sync.Once
	typed chan []byte // closed where nothing more can come
}

// read reads until the terminal is closed. It waits with what was typed until a question wants it.
func (k *keys) read() {
	defer close(k.typed)
	for {
		buf := make([]byte, 4096)
		n, err := k.from.Read(buf)
		if n > 0 {
			k.typed <- buf[:n]
		}
		if err != nil {
			return
		}
	}
}

// turn begins to read for a question. Whoever ends it lets the reader of that question go.
func (k *keys) turn() (t *turn, end func()) {
	k.begin.Do(func() { go k.read() })
	t = &turn{keys: k, over: make(chan struct{})}
	return t, func() { close(t.over) }
}

// turn is the terminal for one question. It has no name, so the library takes it as it is, and does not wait for the
// file itself.
type turn struct {
	keys *keys
	over chan struct{}
	rest []byte
}

func (t *turn) Read(p []byte) (int, error) {
	if len(t.rest) == 0 {
		select { // what is typed after its end is the next one's
		case <-t.over:
			return 0, io.EOF
		default:
		}
		select {
		case <-t.over:
			return 0, io.EOF
		case chunk, more := <-t.keys.typed:
			if !more {
				return 0, io.EOF
			}
			t.rest = chunk
		}
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

func (t *turn) Write(p []byte) (int, error) { return t.keys.from.Write(p) }
func (t *turn) Close() error                { return nil }
func (t *turn) Fd() uintptr                 { return t.keys.from.Fd() }
