package approval

import (
	"slices"
	"strings"
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
	Thread  string   `json:"thread,omitempty"`  // that it goes on in,
	Seat    string   `json:"seat,omitempty"`    // and where that is, when it is not in its channel
}

// NoticeAskBack and NoticeFound are private words about a question that was just asked.
const (
	NoticeAskBack NoticeKind = "ask back" // something is missing; a button asks again: AskedBack
	NoticeFound   NoticeKind = "found"    // what is read, where that may surprise: FoundWords
)

// AskedBack is what a notice of that kind says.
type AskedBack struct {
	Cause *Cause `json:"cause,omitempty"`
	Why   Reason `json:"why,omitzero"` // where Slack is not the reason
}

// FoundWords is what a notice of that kind says.
type FoundWords struct {
	Files  []string `json:"files"`
	Unread string   `json:"unread"`
}

// Found says what a question is about: from here on it is seen, and written. guest and
// shared tell of the asker and of the channel what those who decide have to know.
func (r *Request) Found(files []File, unread string, guest, shared bool, now time.Time) error {
	if !r.Can("Found") || r.Seek == nil {
		return r.Illegal("find the files of")
	}
	r.Files, r.Seek, r.Guest, r.Shared = files, nil, guest, shared
	r.note(now, System, EventFound, map[string]any{"files": FileIDs(files), "guest": guest, "shared": shared})
	if unread != "" {
		r.Tell(Notice{Key: "found " + r.ID, Kind: NoticeFound, To: []string{r.Asker}, At: now,
			Data: Encode(FoundWords{Files: FileNames(files), Unread: unread})})
	}
	r.touch(now, NextStep(r), StepShow)
	return nil
}

// TurnBack is Fail for a question that cannot be written as it is. The asker is told why
// in private, with a button that asks again. Nothing stays held for it.
func (r *Request) TurnBack(cause *Cause, why Reason, now time.Time) error {
	if !r.Can("Fail") || r.Seek == nil {
		return r.Illegal("ask back about")
	}
	r.Cause, r.Reason = cause, why
	r.Money().release(now)
	data := map[string]any{"cause": cause.told(), "reason": why.Told()}
	r.note(now, System, EventFailed, data) // of the move; the schema holds every move to its event
	r.note(now, System, EventAskedBack, data)
	r.Tell(Notice{Key: "ask back " + r.ID, Kind: NoticeAskBack, To: []string{r.Asker}, At: now, Data: Encode(AskedBack{Cause: cause, Why: why})})
	r.move(Failed, now, time.Time{})
	return nil
}

// NextStep returns the step that a drafting request needs first.
func NextStep(r *Request) Step {
	switch {
	case r.Seek != nil:
		return StepFind
	case r.Edit != nil || r.Written != nil:
		return StepInspect
	case slices.ContainsFunc(r.Files, func(f File) bool { return f.Reading == nil || f.Doubt() != nil }):
		return StepRead
	}
	return StepDraft
}

// Remembered are the files of a thread: all that its questions have read, those of the
// latest first. Of two with one name the later one counts.
func Remembered(latestFirst [][]File) (files []File) {
	for _, list := range latestFirst {
		for _, f := range list {
			same := func(g File) bool { return g.ID == f.ID || strings.EqualFold(g.Name, f.Name) }
			if !slices.ContainsFunc(files, same) {
				files = append(files, f)
			}
		}
	}
	return files
}

// FileIDs are the files by Slack's ids, which is how events and Slack name them.
func FileIDs(files []File) []string {
	list := make([]string, len(files))
	for i, f := range files {
		list[i] = f.ID
	}
	return list
}

// FileNames are the files by the names that people, the model and the program see.
func FileNames(files []File) []string {
	list := make([]string, len(files))
	for i, f := range files {
		list[i] = f.Name
	}
	return list
}
