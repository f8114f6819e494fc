package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The step between a question and its draft: what the envelope could not say is
// looked up, and what is missing is asked for in private.

// Seek is what a question still has to find. A request that never found it keeps it:
// nothing of such a one is shown in its channel, and no thread goes on from it.
type Seek struct {
	Follow  bool     `json:"follow,omitempty"`  // its files are those of its thread, unless its words name others
	Given   bool     `json:"given,omitempty"`   // its files came with it, or were chosen
	Brought []string `json:"brought,omitempty"` // ids of those that came with it: they need not be in the channel
	Thread  string   `json:"thread,omitempty"`  // that it goes on in
}

// Search is what Slack is to look through for a question's files.
type Search struct {
	Channel string
	Asker   string
	Text    string
	Files   []File // that are known, by id
	Seek    Seek
}

// Found is what there was.
type Found struct {
	Files  []File // with their names and sizes as they are now
	Unread string // a name beside theirs that is none of a file here: perhaps what is to be written
}

// NoticeAskBack and NoticeFound are private words about a question that was just asked.
const (
	NoticeAskBack NoticeKind = "ask back" // something is missing; a button asks again: AskedBack
	NoticeFound   NoticeKind = "found"    // what is read, where that may surprise: FoundWords
)

// AskedBack is what a notice of that kind says.
type AskedBack struct {
	Cause *Cause `json:"cause,omitempty"`
	Why   string `json:"why,omitempty"` // in words, where there is no code for it
}

// FoundWords is what a notice of that kind says.
type FoundWords struct {
	Files  []string `json:"files"`
	Unread string   `json:"unread"`
}

// Found says what a question is about: from here on it is seen, and written.
func (r *Request) Found(files []File, unread string, guest bool, now time.Time) error {
	if !r.can("Found") || r.Seek == nil {
		return r.refuse("find the files of")
	}
	r.Files, r.Seek, r.Guest = files, nil, guest
	r.note(now, System, "found", map[string]any{"files": ids(files), "guest": guest})
	if unread != "" {
		r.tell(Notice{Key: "found " + r.ID, Kind: NoticeFound, To: []string{r.Asker}, At: now,
			Data: encode(FoundWords{Files: names(files), Unread: unread})})
	}
	r.touch(now, StepDraft, StepShow)
	return nil
}

// TurnBack is Fail for a question that cannot be written as it is. Its asker hears why in
// private, with a button that asks again. Nothing is held for it any more.
func (r *Request) TurnBack(cause *Cause, why string, now time.Time) error {
	if !r.can("Fail") || r.Seek == nil {
		return r.refuse("ask back about")
	}
	r.Cause, r.Reason = cause, why
	r.release(now)
	r.note(now, System, "asked back", map[string]any{"cause": cause, "reason": why})
	r.tell(Notice{Key: "ask back " + r.ID, Kind: NoticeAskBack, To: []string{r.Asker}, At: now, Data: encode(AskedBack{Cause: cause, Why: why})})
	r.move(Failed, now, time.Time{})
	return nil
}

// next is the step that a request which is being drafted needs first.
func (r *Request) next() Step {
	if r.Seek != nil {
		return StepFind
	}
	return StepDraft
}

// Find looks up the channel of a question, who asked it and its files. What Slack
// does not answer now is asked again by the job; no question is lost over it.
func (s *Service) Find(ctx context.Context, id string) error {
	r, err := s.Store.Request(ctx, id)
	if err != nil || r.State != Drafting || r.Seek == nil {
		return err
	}
	person, files, unread, err := s.seek(ctx, r)
	var cause *CauseError
	var input *InputError
	if err != nil && !errors.As(err, &cause) && !errors.As(err, &input) {
		return err
	}
	_, err = s.Store.Update(ctx, id, func(r *Request, now time.Time) error {
		switch {
		case r.State != Drafting || r.Seek == nil:
			return nil // another replica was first, or its asker has taken it back
		case cause != nil:
			return r.TurnBack(&cause.Cause, "", now)
		case input != nil:
			return r.TurnBack(nil, input.Why, now)
		}
		return r.Found(files, unread, person.Guest, now)
	})
	return err
}

// seek asks Slack. What keeps the question from being written is a *CauseError or
// an *InputError; any other error passes.
func (s *Service) seek(ctx context.Context, r *Request) (person Person, files []File, unread string, err error) {
	if person, err = s.person(ctx, r.Team, r.Asker); err != nil {
		return person, nil, "", err
	}
	if person.Bot || person.Gone || person.External {
		return person, nil, "", &CauseError{Cause{Code: AskerAlien, Person: r.Asker}}
	}
	place, err := s.Slack.Place(ctx, r.Project, r.Asker)
	if err != nil {
		return person, nil, "", err
	}
	if cause := place.Cause(r.Project, r.Asker); cause != nil {
		return person, nil, "", &CauseError{*cause}
	}
	q := Search{Channel: r.Project, Asker: r.Asker, Text: r.Question, Files: r.Files, Seek: *r.Seek}
	if q.Seek.Follow && len(q.Files) == 0 {
		// What came before it in its thread may have been found only since it was asked.
		q.Files, _, err = s.Store.ThreadFiles(ctx, Session{Team: r.Team, Channel: r.Project, ThreadTS: q.Seek.Thread})
		if err != nil {
			return person, nil, "", err
		}
		q.Files, q.Seek.Brought = anew(q.Files), append(slices.Clone(q.Seek.Brought), ids(q.Files)...)
	}
	found, err := s.Slack.Find(ctx, q)
	if err != nil {
		return person, nil, "", err
	}
	files, err = s.fitting(found.Files)
	return person, files, found.Unread, err
}

// fitting checks that files can be the inputs of one question, and gives them names
// that a box can hold.
func (s *Service) fitting(files []File) ([]File, error) {
	if len(files) > s.Policy.MaxFiles {
		return nil, &InputError{Why: fmt.Sprintf("These are %d files; at most %d fit into one question.", len(files), s.Policy.MaxFiles)}
	}
	files = slices.Clone(files)
	var together int64
	for i := range files {
		f := &files[i]
		f.Name = fileName(f.Name, files[:i])
		if f.Size > s.Policy.MaxFileBytes {
			return nil, &InputError{Why: fmt.Sprintf("%s has %s; at most %s fit.", f.Name, megabytes(f.Size), megabytes(s.Policy.MaxFileBytes))}
		}
		together += f.Size
	}
	return files, s.fits(together)
}

// anew are files of another question without what was read of them then: it may not be
// what they hold now.
func anew(files []File) []File {
	files = slices.Clone(files)
	for i := range files {
		files[i].SHA256, files[i].Tables = "", nil
	}
	return files
}

func ids(files []File) []string {
	list := make([]string, len(files))
	for i, f := range files {
		list[i] = f.ID
	}
	return list
}

func names(files []File) []string {
	list := make([]string, len(files))
	for i, f := range files {
		list[i] = f.Name
	}
	return list
}
