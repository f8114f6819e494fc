package steps

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/approval"
	"countersign/approval/review"
)

// Finder looks up what a question is about.
type Finder struct {
	store interface {
		Asking
		Requests
	}
	slack interface {
		Files
		Places
	}

	inputs *Inputs
	people *People
}

// Search is what Slack is to look through for a question's files.
type Search struct {
	Channel string
	Asker   string
	Text    string
	Files   []approval.File // that are known, by id
	Thread  []string        // ids of the files that its thread was about before
	Seek    approval.Seek
}

// Found is what there was.
type Found struct {
	Files  []approval.File // with their names and sizes as they are now
	Unread string          // a name beside theirs that is none of a file here: perhaps what is to be written
}

// Find looks up the channel of a question, who asked it and its files. What Slack
// does not answer now is asked again by the job; no question is lost over it.
func (s *Finder) Find(ctx context.Context, id string) error {
	r, err := s.store.Request(ctx, id)
	if err != nil || r.State != approval.Drafting || r.Seek == nil {
		return err
	}
	person, files, unread, err := s.seek(ctx, r)
	var cause *approval.CauseError
	var input *approval.InputError
	if err != nil && !errors.As(err, &cause) && !errors.As(err, &input) {
		return err
	}
	_, err = s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
		switch {
		case r.State != approval.Drafting || r.Seek == nil:
			return nil // another replica was first, or its asker has taken it back
		case cause != nil:
			return r.TurnBack(&cause.Cause, approval.Reason{}, now)
		case input != nil:
			return r.TurnBack(nil, input.Why, now)
		}
		return r.Found(files, unread, person.Guest, now)
	})
	return err
}

// seek asks Slack. What keeps the question from being written is a *CauseError or
// an *InputError; any other error passes.
func (s *Finder) seek(ctx context.Context, r *approval.Request) (person review.Person, files []approval.File, unread string, err error) {
	if person, err = s.people.person(ctx, r.Team, r.Asker); err != nil {
		return person, nil, "", err
	}
	if person.Bot || person.Gone || person.External {
		return person, nil, "", &approval.CauseError{Cause: approval.Cause{Code: approval.AskerAlien, Person: r.Asker}}
	}
	place, err := s.slack.Place(ctx, r.Project, r.Asker)
	if err != nil {
		return person, nil, "", err
	}
	if cause := place.Cause(r.Project, r.Asker); cause != nil {
		return person, nil, "", &approval.CauseError{Cause: *cause}
	}
	// A form can name any channel: whose budget pays, and under whose name it stands, is
	// that of people who are in it.
	if !place.Private {
		if in, err := s.slack.Within(ctx, r.Project, r.Asker); err != nil {
			return person, nil, "", err
		} else if !in {
			return person, nil, "", &approval.CauseError{Cause: approval.Cause{Code: approval.AskerNotIn, Channel: r.Project, Person: r.Asker}}
		}
	}
	q := Search{Channel: r.Project, Asker: r.Asker, Text: r.Question, Files: r.Files, Seek: *r.Seek}
	if q.Seek.Thread != "" {
		before, _, err := s.store.ThreadFiles(ctx, approval.Session{Team: r.Team, Channel: r.Project, ThreadTS: q.Seek.Thread})
		if err != nil {
			return person, nil, "", err
		}
		q.Thread = approval.FileIDs(before)
		if q.Seek.Follow && len(q.Files) == 0 { // they may have been found only since it was asked
			q.Files = s.inputs.handy(before)
			q.Seek.Brought = append(slices.Clone(q.Seek.Brought), approval.FileIDs(q.Files)...)
		}
	}
	found, err := s.slack.Find(ctx, q)
	if err != nil {
		return person, nil, "", err
	}
	files, err = s.inputs.fitting(found.Files)
	return person, files, found.Unread, err
}

// OfThread are the files that the questions of a thread have read, as its next question
// may use them.
func (s *Finder) OfThread(ctx context.Context, thread approval.Session) ([]approval.File, error) {
	files, _, err := s.store.ThreadFiles(ctx, thread)
	return s.inputs.handy(files), err
}

// Inputs reads a request's files.
type Inputs struct {
	slack Files
	read  func(name string, data []byte) ([]approval.Table, error)
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
	name = strings.TrimLeft(approval.Plain(strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == utf8.RuneError || approval.Hidden(r) {
			return '_'
		}
		return r
	}, name)), ". ")
	ext := path.Ext(name)
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
		files[i].SHA256, files[i].Tables = "", nil
	}
	return files
}

// sealed fetches the inputs and holds them against the manifest: by name and by
// content, no file more, no file less. What differs breaks the seal.
func (s *Inputs) sealed(ctx context.Context, r *approval.Request) ([]InputFile, error) {
	files, contents, err := s.fetch(ctx, r)
	if why := inputReason(err); !why.None() {
		// They cannot be had as they were: what was approved stays sealed, and is what it takes.
		return nil, &approval.BrokenSealError{Why: otherInputs(why)}
	}
	if err != nil {
		return nil, err
	}
	var why []approval.Reason
	want := r.Revision.Manifest.Inputs
	for _, c := range contents {
		switch at := slices.IndexFunc(want, func(in approval.Input) bool { return in.Name == c.Name }); {
		case at < 0:
			why = append(why, approval.Reason{Code: approval.WhyInputAdded, Name: c.Name})
		case want[at] != c.Input:
			why = append(why, approval.Reason{Code: approval.WhyInputDiffers, Name: c.Name})
		}
	}
	for _, in := range want {
		if !slices.ContainsFunc(contents, func(c InputFile) bool { return c.Name == in.Name }) {
			why = append(why, approval.Reason{Code: approval.WhyInputMissing, Name: in.Name})
		}
	}
	if len(contents) != len(want) && why == nil {
		why = []approval.Reason{approval.Because(approval.WhyInputCount)}
	}
	if why != nil {
		return nil, &approval.BrokenSealError{Why: otherInputs(why...), Files: files}
	}
	return contents, nil
}

func otherInputs(why ...approval.Reason) []approval.Reason {
	return []approval.Reason{{Code: approval.WhyOtherInputs, Why: why}}
}

// fetch reads a request's files from Slack. What has not been read before, or
// was something else then, gets its hash and shape.
func (s *Inputs) fetch(ctx context.Context, r *approval.Request) ([]approval.File, []InputFile, error) {
	files := append([]approval.File(nil), r.Files...)
	contents := make([]InputFile, 0, len(files))
	var together int64
	for i := range files {
		f := &files[i]
		data, err := s.slack.Fetch(ctx, *f, s.Policy.MaxFileBytes)
		switch {
		case errors.Is(err, ErrFileTooBig):
			return nil, nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyFileBigger, Name: f.Name, Most: s.Policy.MaxFileBytes}}
		case err != nil:
			return nil, nil, fmt.Errorf("fetch %s: %w", f.Name, err)
		}
		together += int64(len(data))
		if err := s.fits(together); err != nil {
			return nil, nil, err
		}
		if sum := approval.Hash(data); f.SHA256 != sum {
			if f.Tables, err = s.read(f.Name, data); err != nil {
				return nil, nil, err
			}
			f.SHA256, f.Size = sum, int64(len(data))
		}
		contents = append(contents, InputFile{Input: approval.Input{Name: f.Name, SHA256: f.SHA256}, Data: data})
	}
	return files, contents, nil
}
