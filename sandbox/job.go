package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
)

// MaxText bounds what a run may print, whatever its limits say: it is stored
// and shown to people, and nobody reads a second megabyte.
const MaxText = 1 << 20

// maxInput keeps the length of a frame far from the end of a uint32.
const maxInput = 1 << 30

// jobHead is the first frame of a job. The runner reads it.
type jobHead struct {
	Stamp      string `json:"stamp"`
	CodeSHA256 string `json:"code_sha256"`
	Seconds    int    `json:"seconds"`
	MemoryMB   int    `json:"memory_mb"`
	TextBytes  int    `json:"text_bytes"`
	FileBytes  int    `json:"file_bytes"` // of all files together
	OneFile    int    `json:"one_file"`   // of a single one
	Files      int    `json:"files"`

	Today       string   `json:"today,omitempty"`
	Zone        string   `json:"zone,omitempty"`
	Environment []string `json:"environment,omitempty"`
	Currency    string   `json:"currency,omitempty"`
}

type inputHead struct {
	Name    string           `json:"name"`
	SHA256  string           `json:"sha256"`
	Reading *reading.Reading `json:"reading,omitempty"` // that load obeys
}

// CheckJob returns what is wrong with a job: code that is not what was sealed, a bad name of a
// file or a host, or missing limits. The contents of its inputs are held against the seal while
// they are written.
func CheckJob(job steps.Job) error {
	if got := approval.Hash([]byte(job.Code)); got != job.CodeSHA256 {
		return fmt.Errorf("the code is not the sealed code: its sha256 is %s, sealed was %s",
			approval.Short(got), approval.Short(job.CodeSHA256))
	}
	seen := map[string]bool{}
	for _, in := range job.Inputs {
		switch {
		case !inputName(in.Name):
			return fmt.Errorf("an input cannot be called %q", in.Name)
		case seen[in.Name]:
			return fmt.Errorf("two inputs are called %q", in.Name)
		case in.Size > maxInput:
			return fmt.Errorf("the input %q is too large", in.Name)
		case in.Open == nil || in.SHA256 == "":
			return fmt.Errorf("the input %q is not sealed", in.Name)
		case in.ReadAs != "" && in.Reading == nil:
			return fmt.Errorf("the input %q has lost its reading", in.Name)
		case in.Input.Reading != "" && (in.Reading == nil || in.Reading.SHA256() != in.Input.Reading):
			return fmt.Errorf("the input %q would be read otherwise than was sealed", in.Name)
		}
		seen[in.Name] = true
	}
	// A host becomes a word of a shell line in the box (GuardedCommand), so it is letters, digits, dots and dashes alone.
	for _, host := range job.Hosts {
		if host == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" || host[0] == '-' {
			return fmt.Errorf("%q is no name of a host", host)
		}
	}
	// No limit may be zero by mistake; a program may well give no file back.
	if l := job.Limits; l.Seconds <= 0 || l.MemoryMB <= 0 || l.OutputBytes <= 0 || l.Files < 0 {
		return fmt.Errorf("the limits %+v limit nothing", l)
	}
	return nil
}

// inputName tells whether a file may have this name in the working folder: any
// script, but one path element that no file system and no reader can misread.
func inputName(name string) bool {
	return name != "" && len(name) <= 255 && name != "." && name != ".." && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool {
			return r == '/' || r == utf8.RuneError || !unicode.IsPrint(r)
		})
}

// Packed is a job as a box reads it. Its inputs, or its files, are read while it is written, each
// time anew, so that no content is ever whole in memory.
type Packed struct {
	frames []frame
}

// Size is how many bytes it has.
func (p Packed) Size() int64 { return sizeOf(p.frames) + headerSize }

// Fill writes all but the end, before which nothing begins. Where a content is not the sealed one,
// the error is a *steps.ContentError, and there must be no end.
func (p Packed) Fill(w io.Writer) error { return writeFrames(w, p.frames) }

// End writes the end.
func (Packed) End(w io.Writer) error { return writeFrame(w, frame{kind: kindEnd}) }

// Write writes all of it.
func (p Packed) Write(w io.Writer) error {
	if err := p.Fill(w); err != nil {
		return err
	}
	return p.End(w)
}

// SameJob tells whether two jobs are one: all that a box is told of them is the same.
func SameJob(a, b steps.Job) bool {
	same := func(a, b steps.InputFile) bool { return a.Input == b.Input }
	return a.RequestID == b.RequestID && a.CodeSHA256 == b.CodeSHA256 && a.Limits == b.Limits &&
		a.Today == b.Today && a.Zone == b.Zone && a.Currency == b.Currency &&
		slices.Equal(a.Environment, b.Environment) && slices.Equal(a.Hosts, b.Hosts) && slices.EqualFunc(a.Inputs, b.Inputs, same)
}

// PackJob checks a job and packs it as a box's supervisor reads it.
func PackJob(job steps.Job, stamp Stamp) (p Packed, err error) {
	if err := CheckJob(job); err != nil {
		return p, err
	}
	head := jobHead{Stamp: stamp.String(), CodeSHA256: job.CodeSHA256,
		Seconds: job.Limits.Seconds, MemoryMB: job.Limits.MemoryMB, TextBytes: textBytes(job.Limits),
		FileBytes: job.Limits.OutputBytes, OneFile: min(maxBody, job.Limits.OutputBytes), Files: job.Limits.Files,
		Today: job.Today, Zone: job.Zone, Environment: job.Environment, Currency: job.Currency}
	p.frames = []frame{
		{kind: kindJob, head: mustJSON(head)},
		{kind: kindCode, body: []byte(job.Code)},
	}
	for _, in := range job.Inputs {
		p.frames = append(p.frames, frame{kind: kindInput, head: mustJSON(inputHead{Name: in.Name, SHA256: in.SHA256, Reading: in.Reading}), open: in.Content, size: in.Size})
	}
	return p, nil
}

// inspectHead is the first frame of an inspection's job.
type inspectHead struct {
	Stamp string      `json:"stamp"`
	Files []fileShape `json:"files"`
}

type fileShape struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"` // null where they are not known
}

// WriteInspection writes code and the shapes of the inputs, never their
// content, as a box's inspect.py reads them.
func WriteInspection(w io.Writer, code string, files []approval.File, stamp Stamp) error {
	return WriteInspections(w, []string{code}, files, stamp)
}

// WriteInspections is the same for several programs with the same inputs. They
// are read one after another, each in a process of its own.
func WriteInspections(w io.Writer, programs []string, files []approval.File, stamp Stamp) error {
	head := inspectHead{Stamp: stamp.String(), Files: []fileShape{}}
	room := maxHead / 2 // a million columns are cut: then the columns are simply not checked
	for _, f := range files {
		shape := fileShape{Name: f.Name}
		if f.Reading != nil {
			shape.Columns = []string{}
		}
		for _, t := range f.Tables() {
			seen := map[string]int{}
			for i, c := range t.Columns {
				room -= 4*len(c.Name) + 30
				shape.Columns = append(shape.Columns, c.Name)
				// What pandas makes of a blank heading, and of one that was there before.
				if c.Name == "" {
					shape.Columns = append(shape.Columns, fmt.Sprintf("Unnamed: %d", i))
				} else if n := seen[c.Name]; n > 0 {
					shape.Columns = append(shape.Columns, fmt.Sprintf("%s.%d", c.Name, n))
				}
				seen[c.Name]++
			}
		}
		head.Files = append(head.Files, shape)
	}
	// The names go, and the files stay: what is not known is not held against the code.
	if room < 0 {
		for i := range head.Files {
			head.Files[i].Columns = nil
		}
	}
	frames := []frame{{kind: kindJob, head: mustJSON(head)}}
	for _, code := range programs {
		frames = append(frames, frame{kind: kindCode, body: []byte(code)})
	}
	return writeFrames(w, append(frames, frame{kind: kindEnd}))
}

func writeFrames(w io.Writer, frames []frame) error {
	for _, f := range frames {
		if err := writeFrame(w, f); err != nil {
			return err
		}
	}
	return nil
}

func textBytes(l approval.Limits) int { return min(MaxText, l.OutputBytes) }

func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and integers always marshal
	}
	return data
}
