package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
)

// maxReading is the most that a box may say of one file.
const maxReading = 8 << 20

// ReadJob is what a box that reads is to do.
type ReadJob struct {
	Files    []ReadFile
	CSV      bool // each file's first table comes out as CSV, too
	Seconds  int  // for one file
	MemoryMB int  // for one file, beyond what an idle box has
}

// ReadFile is a file to be read. It is streamed into the box, never held whole here.
type ReadFile struct {
	Name string
	Size int64
	Told *reading.Told // by somebody who knows how it is to be read; nil: nothing
	// Compare are encodings in which places of it come out, as CSV does, and no reading.
	Compare []string
	Look    approval.Sight   // what is to be seen of it, in place of how it is read: a glimpse comes back
	Reading *reading.Reading // by which it is looked at
	Open    func() (io.ReadCloser, error)
}

// ReadSink takes what comes out of a box that reads, in the order of the files.
type ReadSink interface {
	// CSV is a piece of the first table of a file.
	CSV(file int, data []byte) error
	// Answer is the end of a file: how it is read, or why not.
	Answer(file int, answer reading.Answer) error
}

type readHead struct {
	Stamp    string `json:"stamp"`
	CSV      bool   `json:"csv"`
	Seconds  int    `json:"seconds"`
	MemoryMB int    `json:"memory_mb"`
}

// Letters takes what comes of a text that is compared: a few places, each in so many encodings.
type Letters struct {
	Encodings int
	data      []byte
}

const (
	maxLetters = 16 << 10 // bytes
	maxPlaces  = 5
	maxPlace   = 80 // characters
)

// Write implements io.Writer.
func (l *Letters) Write(data []byte) (int, error) {
	// It may come in pieces, so the bound is over all of them.
	if l.Encodings == 0 || len(l.data)+len(data) > maxLetters {
		return 0, fmt.Errorf("%w: values that nobody has asked for", ErrForm)
	}
	l.data = append(l.data, data...)
	return len(data), nil
}

// Places are what has come, as lines of plain text.
func (l *Letters) Places() (places [][]string, err error) {
	if len(l.data) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(l.data, &places); err != nil || len(places) > maxPlaces {
		return nil, fmt.Errorf("%w: letters that are none", ErrForm)
	}
	for _, place := range places {
		if len(place) != l.Encodings {
			return nil, fmt.Errorf("%w: letters in %d encodings", ErrForm, len(place))
		}
		for i := range place {
			text := []rune(approval.Plain(place[i]))
			place[i] = string(text[:min(len(text), maxPlace)])
		}
	}
	return places, nil
}

// WriteReadJob writes a job as a box's read.py reads it, file by file.
func WriteReadJob(w io.Writer, job ReadJob, stamp Stamp) error {
	return PackReadJob(job, stamp).Write(w)
}

// PackReadJob packs a job as a box's read.py reads it. A file is not touched there until the word
// behind it has come, before which its content is held against what it was said to be.
func PackReadJob(job ReadJob, stamp Stamp) Packed {
	head := readHead{Stamp: stamp.String(), CSV: job.CSV, Seconds: job.Seconds, MemoryMB: job.MemoryMB}
	frames := []frame{{kind: kindJob, head: mustJSON(head)}}
	// Each file is followed by its own word to begin (kindGo). Where its content is not what was said, the word never comes.
	for _, f := range job.Files {
		about := mustJSON(inputAbout{Name: f.Name, Told: f.Told, Compare: f.Compare, Look: f.Look, Reading: f.Reading})
		frames = append(frames, frame{kind: kindInput, head: about, open: f.Open, size: f.Size}, frame{kind: kindGo})
	}
	return Packed{frames: frames}
}

// FileToRead is an input for the box that reads it.
func FileToRead(f steps.InputFile) ReadFile {
	return ReadFile{Name: f.Name, Size: f.Size, Told: f.Told, Compare: f.Compare, Look: f.Look, Reading: f.Reading, Open: f.Content}
}

// inputAbout is what the reader hears of a file beside its bytes.
type inputAbout struct {
	Name    string           `json:"name"`
	Told    *reading.Told    `json:"told,omitempty"`
	Compare []string         `json:"preview,omitempty"`
	Look    approval.Sight   `json:"look,omitempty"`
	Reading *reading.Reading `json:"reading,omitempty"`
}

// OneAnswer keeps what is said of the only file of a job.
type OneAnswer struct {
	Answered reading.Answer
	Looks    bool // a glimpse was asked for, and nothing else is an answer
	Letters  Letters
}

// CSV takes letters that are to be compared. Nobody asks for other values.
func (o *OneAnswer) CSV(_ int, data []byte) error {
	_, err := o.Letters.Write(data)
	return err
}

// Answer takes what was asked for.
func (o *OneAnswer) Answer(_ int, a reading.Answer) error {
	// The reading is known by then. Another one would take the place of that on which the request rests.
	if o.Looks && a.Reading != nil {
		return fmt.Errorf("%w: a reading where a glimpse was asked for", ErrForm)
	}
	o.Answered = a
	return nil
}

func looks(sink ReadSink) bool {
	one, ok := sink.(*OneAnswer)
	return ok && one.Looks
}

// ReadReadings takes in what a box says of so many files and believes nothing of it:
// sizes, order and form are checked. An error means that what has not been answered
// until then is not known.
func ReadReadings(r io.Reader, stamp Stamp, files int, sink ReadSink) error {
	at := 0
	for n := 0; ; n++ {
		f, err := readFrame(r)
		switch {
		case err != nil:
			return err
		case n == 0 && f.kind == kindReady:
			continue
		case f.stamp != stamp:
			return fmt.Errorf("%w: a frame is not stamped", ErrForm)
		case f.kind == kindEnd && at == files:
			return nil
		case at == files:
			return fmt.Errorf("%w: a frame of kind %q", ErrForm, f.kind)
		}
		var head struct {
			File int `json:"file"`
		}
		// In order, and one after another: an answer for another file could not be told from a late one.
		if err := json.Unmarshal(f.head, &head); err != nil || head.File != at {
			return fmt.Errorf("%w: a frame is of file %d, awaited was %d", ErrForm, head.File, at)
		}
		switch f.kind {
		case kindFile:
			err = sink.CSV(at, f.body)
		case kindReport:
			err = answer(sink, at, f.body)
			at++
		default:
			err = fmt.Errorf("%w: a frame of kind %q", ErrForm, f.kind)
		}
		if err != nil {
			return err
		}
	}
}

// Misbehaved tells whether a box in which a file was read has done what reading never needs:
// it has started a program, opened a connection, or opened what is neither the file nor of the
// image. What nobody watched is not held against it.
func Misbehaved(w *approval.Witness) bool {
	return w != nil && (len(w.Started) > 0 || len(w.Connected) > 0 || slices.Contains(w.Gaps, approval.GapUnnamed) ||
		slices.ContainsFunc(w.Opened, path.IsAbs))
}

func answer(sink ReadSink, at int, body []byte) error {
	var said reading.Answer
	if len(body) > maxReading {
		return fmt.Errorf("%w: a reading of %d bytes", ErrForm, len(body))
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	if err := said.Check(); err != nil {
		return errors.Join(ErrForm, err)
	}
	if said.Glimpse != nil && !looks(sink) {
		return fmt.Errorf("%w: a glimpse that nobody has asked for", ErrForm)
	}
	return sink.Answer(at, said)
}
