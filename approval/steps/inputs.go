package steps

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/approval"
	"countersign/approval/reading"
)

// Inputs are a request's files: what they may be together, what they hold, and how they are read.
type Inputs struct {
	store   ReadingBook
	slack   Files
	sandbox interface {
		BoxTerms
		FileReader
	}
	*Settings
}

// fits says when the files of a request are too much together.
func (s *Inputs) fits(together int64) error {
	if together <= s.Policy.MaxInputBytes {
		return nil
	}
	return &approval.InputError{Why: approval.Reason{Code: approval.WhyFilesTooBig, Count: together, Most: s.Policy.MaxInputBytes}}
}

// fileName makes a name that a box can hold: no folders, nothing hidden, unlike
// the names before it. People and the model see the same one.
func fileName(name string, before []approval.File) string {
	// A name comes from Slack and so from anybody. In a box it must not leave the folder or hide, and
	// in prompt, card and program it must be the same.
	name = strings.TrimLeft(approval.Plain(strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == utf8.RuneError || approval.Hidden(r) {
			return '_'
		}
		return r
	}, name)), ". ")
	ext := path.Ext(name)
	// No such ending is one. It is cut with the rest of the name.
	if len(ext) > 12 {
		ext = ""
	}
	stem := strings.TrimSuffix(name, ext)
	for len(stem)+len(ext) > 100 {
		_, size := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-size]
	}
	if stem == "" {
		stem = "file"
	}
	name = stem + ext
	// Without regard to case: "Sales.csv" and "sales.csv" are one name to people.
	taken := func(f approval.File) bool { return strings.EqualFold(f.Name, name) }
	for n := 2; slices.ContainsFunc(before, taken); n++ {
		name = fmt.Sprintf("%s (%d)%s", stem, n, ext)
	}
	return name
}

// fitting checks that files can be the inputs of one question, and gives them names
// that a box can hold.
func (s *Inputs) fitting(files []approval.File) ([]approval.File, error) {
	if len(files) > s.Policy.MaxFiles {
		return nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyManyFiles, Count: int64(len(files)), Most: int64(s.Policy.MaxFiles)}}
	}
	files = slices.Clone(files)
	var together int64
	for i := range files {
		f := &files[i]
		f.Name = fileName(f.Name, files[:i])
		if f.Size > s.Policy.MaxFileBytes {
			return nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyFileTooBig, Name: f.Name, Count: f.Size, Most: s.Policy.MaxFileBytes}}
		}
		together += f.Size
	}
	return files, s.fits(together)
}

// handy are the files of a thread as the next question in it may use them: as many of
// the latest as fit into one.
func (s *Inputs) handy(files []approval.File) (kept []approval.File) {
	var together int64
	for _, f := range files {
		if together += f.Size; len(kept) == s.Policy.MaxFiles || s.fits(together) != nil {
			break
		}
		kept = append(kept, f)
	}
	return anew(kept)
}

// anew are files of another question without what was read of them then: it may not be
// what they hold now.
func anew(files []approval.File) []approval.File {
	files = slices.Clone(files)
	for i := range files {
		files[i].SHA256, files[i].ReadAs, files[i].Reading, files[i].Offered, files[i].Was = "", "", nil, nil, ""
	}
	return files
}

// sealed is a request's inputs as a box gets them. Their names, hashes and readings are held against
// the manifest here, no file more, no file less; their contents while the box takes them in.
// Where the reading of one is lost, which by the rules no open request's is, it is read anew first: without it
// a box would read by itself, in a way that no reviewer has seen. used is how long boxes existed for that.
func (s *Inputs) sealed(ctx context.Context, r *approval.Request) (inputs []InputFile, used time.Duration, err error) {
	if slices.ContainsFunc(r.Files, approval.File.ReadingLost) {
		used, err := s.compare(ctx, r)
		return nil, used, err
	}
	var together int64
	for _, f := range r.Files {
		together += f.Size
		inputs = append(inputs, s.input(ctx, f))
	}
	// By what the row knows. That the contents are still these is checked while the box takes them in.
	why := otherThan(r.Revision.Manifest.Inputs, r.Files)
	if big := inputReason(s.fits(together)); !big.None() {
		why = []approval.Reason{big}
	}
	if why != nil {
		return nil, 0, &approval.BrokenSealError{Why: otherInputs(why...), Files: r.Files}
	}
	return inputs, 0, nil
}

// differ says how the files differ from what was sealed, after a box has been given what differs:
// a *BrokenSealError, for which what is new has been read. Where nothing differs after all, a
// download had broken off, and the next attempt may do.
func (s *Inputs) differ(ctx context.Context, r *approval.Request) error {
	_, err := s.compare(ctx, r) // no box where nothing differs: every reading is there
	return err
}

// compare is differ, with how long boxes existed for it. A *BrokenSealError says that as well.
func (s *Inputs) compare(ctx context.Context, r *approval.Request) (used time.Duration, err error) {
	files, used, err := s.fetch(ctx, r)
	if why := inputReason(err); !why.None() {
		// They cannot be had as they were: what was approved stays sealed, and is what it takes.
		return used, &approval.BrokenSealError{Why: otherInputs(why), Box: used}
	}
	if err != nil {
		return used, err
	}
	why := otherThan(r.Revision.Manifest.Inputs, files)
	for i, f := range files {
		if why == nil && f.Size != r.Files[i].Size {
			why = []approval.Reason{{Code: approval.WhyInputDiffers, Name: f.Name}} // Slack had told another size
		}
	}
	if why == nil {
		again := errors.New("what came of the inputs was not what Slack has")
		if slices.ContainsFunc(r.Files, approval.File.ReadingLost) {
			again = errors.New("how a file is read was lost, and is known again as it was sealed")
		}
		return used, &LaterError{After: time.Second, Err: again}
	}
	return used, &approval.BrokenSealError{Why: otherInputs(why...), Files: files, Box: used}
}

// otherThan is how files differ from inputs that were sealed.
func otherThan(want []approval.Input, files []approval.File) (why []approval.Reason) {
	for _, f := range files {
		is := sealedInput(f)
		switch at := slices.IndexFunc(want, func(in approval.Input) bool { return in.Name == f.Name }); {
		case at < 0:
			why = append(why, approval.Reason{Code: approval.WhyInputAdded, Name: f.Name})
		case want[at].SHA256 == is.SHA256 && want[at] != is:
			why = append(why, approval.Reason{Code: approval.WhyInputReadOtherwise, Name: f.Name})
		case want[at] != is:
			why = append(why, approval.Reason{Code: approval.WhyInputDiffers, Name: f.Name})
		}
	}
	for _, in := range want {
		if !slices.ContainsFunc(files, func(f approval.File) bool { return f.Name == in.Name }) {
			why = append(why, approval.Reason{Code: approval.WhyInputMissing, Name: in.Name})
		}
	}
	if len(files) != len(want) && why == nil {
		why = []approval.Reason{approval.Because(approval.WhyInputCount)}
	}
	return why
}

func otherInputs(why ...approval.Reason) []approval.Reason {
	return []approval.Reason{{Code: approval.WhyOtherInputs, Why: why}}
}

// fetch finds out what a request's files are now. One that is not what it was is read anew in a
// box; used is how long boxes existed for that.
func (s *Inputs) fetch(ctx context.Context, r *approval.Request) (files []approval.File, used time.Duration, err error) {
	files = slices.Clone(r.Files)
	var together int64
	for i := range files {
		f := &files[i]
		had := f.SHA256
		in, err := s.content(ctx, f)
		if err != nil {
			return nil, used, err
		}
		together += f.Size
		if err := s.fits(together); err != nil {
			return nil, used, err
		}
		// It is read anew because the reviewers will see the request again, with how it is read now.
		if f.SHA256 != had || f.Reading == nil {
			box, err := s.readAnew(ctx, r, f, in)
			if used += box; err != nil {
				return nil, used, err
			}
		}
	}
	return files, used, nil
}

// sealedInput is a file as a manifest names it.
func sealedInput(f approval.File) approval.Input {
	in := approval.Input{Name: f.Name, SHA256: f.SHA256}
	if f.Reading != nil {
		in.Reading = f.Reading.SHA256()
	}
	return in
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
	// The whole file is hashed, and only its beginning kept: a small one need not be fetched twice, and
	// a large one never lies in memory.
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
	return InputFile{Input: sealedInput(f), Size: f.Size, Reading: f.Reading, ReadAs: f.ReadAs,
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

// of names what a file of a request holds, and what was told of it: what is read by that is kept
// apart from what the reader alone has found.
func (s *Inputs) of(r *approval.Request, f approval.File) approval.Content {
	desk := s.sandbox.Desk()
	if told := f.Told(); told != nil {
		desk += " told " + told.Key()
	}
	return approval.Content{Team: r.Team, Project: r.Project, SHA256: f.SHA256, Desk: desk, Template: s.sandbox.Template()}
}

// readIn is how a content is read in a channel as far as somebody has asked about it there; nil: nobody has.
func (s *Inputs) readIn(ctx context.Context, team, project, sha256 string) (*reading.Reading, error) {
	kept, err := s.store.Reading(ctx, approval.Content{Team: team, Project: project, SHA256: sha256, Desk: s.sandbox.Desk(), Template: s.sandbox.Template()})
	if err != nil || kept.Answer == nil {
		return nil, err
	}
	return kept.Answer.Reading, nil
}

// usedAnew is after how long a reading that is used again counts as made anew. It is kept for days.
const usedAnew = time.Hour

// recall is how a file is read, as far as that is kept. A request rests on it from here on, so it is kept from
// now, as if it had just been read.
func (s *Inputs) recall(ctx context.Context, r *approval.Request, f approval.File) (*reading.Answer, error) {
	kept, err := s.store.Reading(ctx, s.of(r, f))
	if err != nil {
		return nil, err
	}
	if kept.Answer != nil && kept.Answer.Reading != nil && kept.Now.Sub(kept.At) > usedAnew {
		there, err := s.store.UseReading(ctx, s.of(r, f))
		if err != nil || !there { // it has just been forgotten
			return nil, err
		}
	}
	return kept.answer(), nil
}

// Recalled are files of a channel with how they are read, as far as that is kept: no box reads
// anything for it. It is for what people are shown before they ask.
func (s *Inputs) Recalled(ctx context.Context, team, project string, files []approval.File) []approval.File {
	files = slices.Clone(files)
	for i := range files {
		f := &files[i]
		sha256, err := s.store.Known(ctx, team, *f, 0)
		if err != nil || sha256 == "" {
			continue
		}
		f.SHA256 = sha256
		if kept, err := s.store.Reading(ctx, s.of(&approval.Request{Team: team, Project: project}, *f)); err == nil && kept.answer() != nil {
			f.Reading = kept.answer().Reading
		}
	}
	return files
}

// readAnew is for a file that is not what it was when it was asked about: the run's money pays.
func (s *Inputs) readAnew(ctx context.Context, r *approval.Request, f *approval.File, in InputFile) (used time.Duration, err error) {
	f.Reading, f.ReadAs = nil, ""
	in.Input, in.Reading, in.ReadAs, in.Told = sealedInput(*f), nil, "", f.Told()
	known, err := s.recall(ctx, r, *f)
	for attempt := 1; err == nil && known == nil && attempt <= approval.BoxesInARow; attempt++ {
		said, failed := s.inBox(ctx, s.of(r, *f), in)
		used += said.Box
		switch {
		case failed == nil:
			known = &said.Answer
		case !errors.Is(failed, ErrReaderDied):
			return used, failed
		default:
			known, err = s.recall(ctx, r, *f)
		}
	}
	if err != nil {
		return used, err
	}
	return used, took(f, known)
}
