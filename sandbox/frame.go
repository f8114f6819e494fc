package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Stamp is the secret that marks every frame of one box's result. The box's
// supervisor learns it with the job, the code that is run does not.
type Stamp [16]byte

// NewStamp makes one that nobody can guess.
func NewStamp() Stamp {
	var s Stamp
	_, _ = rand.Read(s[:]) // never fails; see crypto/rand
	return s
}

// Mark is what the runner opens as the last thing before the code: a name that only this box's
// runner knows. Whoever watches from outside tells by it where the code begins. The stamp
// cannot be found out from it.
func (s Stamp) Mark() string {
	sum := sha256.Sum256(append([]byte("mark"), s[:]...))
	return "/" + hex.EncodeToString(sum[:16])
}

// String is the stamp in hex, as a job holds it.
func (s Stamp) String() string { return hex.EncodeToString(s[:]) }

// The kinds of frame; doc.go says what each holds.
const (
	kindJob    = 'J'
	kindCode   = 'C'
	kindInput  = 'I'
	kindGo     = 'G'
	kindReady  = 'Y'
	kindStdout = 'O'
	kindStderr = 'E'
	kindLine   = 'L'
	kindReport = 'R'
	kindFile   = 'F'
	kindEnd    = 'Z'
)

const (
	// A header has the stamp, the kind, and the lengths of head and body.
	headerSize = 16 + 1 + 4 + 4
	maxHead    = 64 << 10 // names and numbers: far below this
	// maxBody bounds what the host will hold for one frame of a result.
	maxBody = 16 << 20
)

// ErrForm is a result that is not in the runner's form, or not stamped: the
// code has tampered with it, or something is broken.
var ErrForm = errors.New("the result is not in the runner's form")

// ErrUnfinished is a result without its end.
var ErrUnfinished = errors.New("the result has no end")

type frame struct {
	stamp Stamp
	kind  byte
	head  []byte
	body  []byte

	open func() (io.ReadCloser, error) // in place of a body: where it is read, so that it is never whole here,
	size int64                         // and how long it is
}

// length is that of the body.
func (f frame) length() int64 {
	if f.open != nil {
		return f.size
	}
	return int64(len(f.body))
}

func writeFrame(w io.Writer, f frame) error {
	// Lengths are uint32 on the way; a longer one would be written as a short one, and what follows be taken for a frame.
	if f.length() > maxInput {
		return fmt.Errorf("write frame %c: it has %d bytes", f.kind, f.length())
	}
	header := make([]byte, 0, headerSize+len(f.head))
	header = append(header, f.stamp[:]...)
	header = append(header, f.kind)
	header = binary.BigEndian.AppendUint32(header, uint32(len(f.head)))
	header = binary.BigEndian.AppendUint32(header, uint32(f.length()))
	header = append(header, f.head...)
	for _, part := range [][]byte{header, f.body} {
		if len(part) == 0 {
			continue
		}
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("write frame %c: %w", f.kind, err)
		}
	}
	if f.open != nil {
		return pour(w, f.open, f.size)
	}
	return nil
}

// pour writes a body as it comes. One that is shorter or longer than was said is an error.
func pour(w io.Writer, open func() (io.ReadCloser, error), size int64) error {
	from, err := open()
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // it was only read
	if _, err := io.CopyN(w, from, size); err != nil {
		return err
	}
	// One byte is asked for beyond the end: a file that has grown since is not the one that was sealed.
	switch n, err := io.ReadFull(from, make([]byte, 1)); {
	case n > 0:
		return fmt.Errorf("it has more than %d bytes", size)
	case err != io.EOF:
		return err
	}
	return nil
}

// sizeOf is how many bytes frames have when they are written.
func sizeOf(frames []frame) (n int64) {
	for _, f := range frames {
		n += headerSize + int64(len(f.head)) + f.length()
	}
	return n
}

// readFrame reads one frame. It never allocates more than the bytes that are
// really there and the two caps: a length is a claim, too.
func readFrame(r io.Reader) (frame, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return frame{}, fmt.Errorf("%w: %w", ErrUnfinished, err)
	}
	f := frame{kind: header[16]}
	copy(f.stamp[:], header[:16])
	headLen := binary.BigEndian.Uint32(header[17:])
	bodyLen := binary.BigEndian.Uint32(header[21:])
	if headLen > maxHead || bodyLen > maxBody {
		return frame{}, fmt.Errorf("%w: a frame of kind %q claims %d and %d bytes", ErrForm, f.kind, headLen, bodyLen)
	}
	// ReadAll grows with what comes, where make would believe the claim and take the memory at once.
	payload, err := io.ReadAll(io.LimitReader(r, int64(headLen)+int64(bodyLen)))
	if err != nil || len(payload) < int(headLen)+int(bodyLen) {
		return frame{}, fmt.Errorf("%w: %w", ErrUnfinished, errors.Join(err, io.ErrUnexpectedEOF))
	}
	f.head, f.body = payload[:headLen], payload[headLen:]
	return f, nil
}

// ReadReady waits for the frame with which a box says that it is ready for a job.
func ReadReady(r io.Reader) error {
	f, err := readFrame(r)
	if err != nil {
		return err
	}
	if f.kind != kindReady || f.stamp != (Stamp{}) {
		return fmt.Errorf("%w: it begins with a frame of kind %q", ErrForm, f.kind)
	}
	return nil
}
