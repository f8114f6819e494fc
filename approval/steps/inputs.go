package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/approval"
)

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
	return &approval.InputError{Why: fmt.Sprintf("These files have %s together; together at most %s fit into one question. Leave some out, or make them smaller.",
		megabytes(together), megabytes(s.Policy.MaxInputBytes))}
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

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }

// fitting checks that files can be the inputs of one question, and gives them names
// that a box can hold.
func (s *Inputs) fitting(files []approval.File) ([]approval.File, error) {
	if len(files) > s.Policy.MaxFiles {
		return nil, &approval.InputError{Why: fmt.Sprintf("These are %d files; at most %d fit into one question.", len(files), s.Policy.MaxFiles)}
	}
	files = slices.Clone(files)
	var together int64
	for i := range files {
		f := &files[i]
		f.Name = fileName(f.Name, files[:i])
		if f.Size > s.Policy.MaxFileBytes {
			return nil, &approval.InputError{Why: fmt.Sprintf("%s has %s; at most %s fit.", f.Name, megabytes(f.Size), megabytes(s.Policy.MaxFileBytes))}
		}
		together += f.Size
	}
	return files, s.fits(together)
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
	if gone, garbled := new(approval.InputError), new(approval.UnreadableError); errors.As(err, &gone) || errors.As(err, &garbled) {
		// They cannot be had as they were: what was approved stays sealed, and is what it takes.
		return nil, &approval.BrokenSealError{Why: []string{"The inputs have changed: " + cmp.Or(gone.Why, garbled.Why)}}
	}
	if err != nil {
		return nil, err
	}
	broken := &approval.BrokenSealError{Files: files}
	want := r.Revision.Manifest.Inputs
	for _, c := range contents {
		switch at := slices.IndexFunc(want, func(in approval.Input) bool { return in.Name == c.Name }); {
		case at < 0:
			broken.Why = append(broken.Why, fmt.Sprintf("%s is not among the inputs that were approved.", c.Name))
		case want[at] != c.Input:
			broken.Why = append(broken.Why, fmt.Sprintf("%s is not what it was: its content has changed.", c.Name))
		}
	}
	for _, in := range want {
		if !slices.ContainsFunc(contents, func(c InputFile) bool { return c.Name == in.Name }) {
			broken.Why = append(broken.Why, fmt.Sprintf("%s, which was approved as an input, is not among the files any more.", in.Name))
		}
	}
	if len(contents) != len(want) && broken.Why == nil {
		broken.Why = []string{"there are not as many as were approved."}
	}
	if broken.Why != nil {
		broken.Why[0] = "The inputs have changed: " + broken.Why[0]
		return nil, broken
	}
	return contents, nil
}

// inputs reads a request's files from Slack. What has not been read before, or
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
			return nil, nil, &approval.InputError{Why: fmt.Sprintf("%s is larger than %s.", f.Name, megabytes(s.Policy.MaxFileBytes))}
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
