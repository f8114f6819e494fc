package steps

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"countersign/approval"
)

// ErrChanged is a content that is not the one that was sealed: it is longer, shorter or another.
var ErrChanged = errors.New("it is not the sealed one")

// ContentError is an input that did not come whole into its box. Whatever was to read it has not
// begun.
type ContentError struct {
	Name string
	Err  error // ErrChanged, or why it cannot be read
}

func (e *ContentError) Error() string { return fmt.Sprintf("the input %q: %v", e.Name, e.Err) }

func (e *ContentError) Unwrap() error { return e.Err }

// Content opens an input and holds it against its seal while it is read: it gives Size bytes at
// most, and ends with io.EOF only where all of it was the sealed content. Any other error is a
// *ContentError.
func (f InputFile) Content() (io.ReadCloser, error) {
	from, err := f.Open()
	if err != nil {
		return nil, f.fault(err)
	}
	return &content{file: f, from: from, sum: sha256.New(), left: f.Size}, nil
}

func (f InputFile) fault(err error) error {
	if errors.Is(err, ErrFileTooBig) {
		err = ErrChanged // what was sealed was not
	}
	return &ContentError{Name: f.Name, Err: err}
}

type content struct {
	file InputFile
	from io.ReadCloser
	sum  hash.Hash
	left int64
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, c.file.fault(ErrChanged)
	}
	c.sum.Write(p[:n])
	switch {
	case err == nil:
		return n, nil
	case err != io.EOF:
		return n, c.file.fault(err)
	case c.left > 0 || hex.EncodeToString(c.sum.Sum(nil)) != c.file.SHA256:
		return n, c.file.fault(ErrChanged)
	}
	return n, io.EOF
}

// Close implements io.Closer.
func (c *content) Close() error { return c.from.Close() }

// Held is a content that lies in memory.
func Held(data []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
}

// kept is how much of a file is kept in memory between the look at it and its box, so that Slack
// is not asked twice for it: most files are smaller.
const kept = 1 << 20

// content reads one file through, notes what it is, and has it ready for a box.
func (s *Inputs) content(ctx context.Context, f *approval.File) (InputFile, error) {
	from, err := s.slack.Fetch(ctx, *f, s.Policy.MaxFileBytes)
	if err != nil {
		return InputFile{}, s.unread(*f, err)
	}
	defer func() { _ = from.Close() }() // it was only read
	var head bytes.Buffer
	sum := sha256.New()
	size, err := io.CopyN(io.MultiWriter(sum, &head), from, kept)
	short := errors.Is(err, io.EOF)
	if err == nil {
		var rest int64
		rest, err = io.Copy(sum, from)
		size += rest
	}
	if err != nil && !short {
		return InputFile{}, s.unread(*f, err)
	}
	f.SHA256, f.Size = hex.EncodeToString(sum.Sum(nil)), size
	in := s.input(ctx, *f)
	if short {
		in.Open = Held(head.Bytes())
	}
	return in, nil
}

// input is a file as a box gets it, which Slack is asked for when the box takes it in.
func (s *Inputs) input(ctx context.Context, f approval.File) InputFile {
	return InputFile{Input: sealedInput(f), Size: f.Size, Reading: f.Reading,
		Open: func() (io.ReadCloser, error) { return s.slack.Fetch(ctx, f, s.Policy.MaxFileBytes) }}
}

// begins tells whether Slack gives a file: by its first byte.
func (s *Inputs) begins(ctx context.Context, f approval.File) error {
	from, err := s.slack.Fetch(ctx, f, s.Policy.MaxFileBytes)
	if err != nil {
		return s.unread(f, err)
	}
	_, err = from.Read(make([]byte, 1))
	_ = from.Close() // it was only read
	if err != nil && err != io.EOF {
		return s.unread(f, err)
	}
	return nil
}

// unread is why a file could not be read through.
func (s *Inputs) unread(f approval.File, err error) error {
	if errors.Is(err, ErrFileTooBig) {
		return &approval.InputError{Why: approval.Reason{Code: approval.WhyFileBigger, Name: f.Name, Most: s.Policy.MaxFileBytes}}
	}
	return fmt.Errorf("fetch %s: %w", f.Name, err)
}
