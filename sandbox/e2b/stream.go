package e2b

import (
	"io"
	"sync"
)

// stream is a body that is written while it is sent, and written anew for each attempt: it is
// never whole in memory.
type stream struct {
	size  int64
	write func(w io.Writer) error
}

// wholly is a stream of what is in memory.
func wholly(data []byte) stream {
	return stream{size: int64(len(data)), write: func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}}
}

// open begins to write it.
func (s *stream) open() *flow {
	from, into := io.Pipe()
	go func() { _ = into.CloseWithError(s.write(into)) }() // it never fails
	return &flow{PipeReader: from}
}

// flow is one writing of a stream.
type flow struct {
	*io.PipeReader

	mu  sync.Mutex
	err error
}

// Read implements io.Reader.
func (f *flow) Read(p []byte) (int, error) {
	n, err := f.PipeReader.Read(p)
	if err != nil && err != io.EOF && err != io.ErrClosedPipe {
		f.mu.Lock()
		f.err = err
		f.mu.Unlock()
	}
	return n, err
}

// fault is why what was to be sent could not be written, if that has ended it.
func (f *flow) fault() error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
