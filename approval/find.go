package approval

import (
	"slices"
	"strings"
	"time"

	"countersign/budget"
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
	// One of the two is set, and the other is told as nothing.
	data := map[string]any{"cause": cause.told(), "reason": why.Told()}
	r.note(now, System, EventFailed, data) // of the move; the schema holds every move to its event
	r.note(now, System, EventAskedBack, data)
	r.Tell(Notice{Key: "ask back " + r.ID, Kind: NoticeAskBack, To: []string{r.Asker}, At: now, Data: Encode(AskedBack{Cause: cause, Why: why})})
	r.move(Failed, now, time.Time{})
	return nil
}

// NextStep returns the step that a drafting request needs first. A sweep knows it in SQL as well (storage/queue/stuck.go).
func NextStep(r *Request) Step {
	switch {
	// In the order in which each rests on what came before: files have to be found to be read, and read to be
	// written about. What is written or edited already goes on to its inspection.
	case r.Seek != nil:
		return StepFind
	case r.Edit != nil || r.Written != nil && r.Repeats == nil:
		return StepInspect
	case slices.ContainsFunc(r.Files, func(f File) bool { return f.Reading == nil || f.Doubt() != nil }):
		return StepRead
	case r.Written != nil: // what is repeated needs no model, and its files as they were read
		return StepInspect
	}
	return StepDraft
}

// Repeat is the run that another request repeats: the same code on the same inputs, to find
// out whether the same comes out. What it was is read from what was sealed.
type Repeat struct {
	Request  string
	Revision int
	Digest   string

	// Of the request that is repeated, as it is loaded.
	Asker    string
	Question string
	At       time.Time
	Manifest Manifest // an empty one where it does not have this digest any more
	Taken    bool     // its answer has been taken back
}

// Repetition is a request that repeats a run.
type Repetition struct{ *Request }

// Repeatable tells whether a request has a run that can be repeated, and the result of which
// is still there to be compared.
func Repeatable(r *Request) bool {
	return r.State == Done && r.Taken == nil && r.Run != nil && r.Run.Result != nil && r.Run.Result.Outcome != "" && r.Run.Result.Outcome != Cancelled && r.Revision != nil && r.Revision.Intact()
}

// NewRepeat is the verb Ask for a run that is repeated, in the thread of the first one. No
// model is asked, so what is held is for its inspection. Its question holds no word of the
// first one's: whether who asks may read that is not known yet.
func NewRepeat(q Question, first *Request, hold budget.USD, p Policy, now time.Time) *Request {
	r := begin(q, first.Model, now)
	rev := first.Revision
	r.SessionID = first.SessionID
	r.Repeats = &Repeat{Request: first.ID, Revision: rev.Number, Digest: rev.Digest, Asker: first.Asker, Question: first.Question, At: first.CreatedAt, Manifest: rev.Manifest}
	r.note(now, q.Asker, EventRepeats, map[string]any{"request": first.ID, "revision": rev.Number, "digest": rev.Digest})
	r.Money().hold(budget.ForInspect, hold, now, DraftHoldLife)
	r.State, r.ExpiresAt = Drafting, now.Add(p.Expiry)
	r.touch(now, StepFind)
	return r
}

// Found is Request.Found: whoever asks may see the first one's thread and files. Its code is
// inspected next, as it is.
func (r Repetition) Found(first *Request, guest, shared bool, now time.Time) error {
	files := slices.Clone(first.Files)
	for i := range files {
		// What was open about them in the first question is not asked in a repetition: they are read as they were.
		files[i].Offered, files[i].Was = nil, ""
	}
	rev := first.Revision
	written := Written{Code: rev.Code, Summary: rev.Summary, Author: rev.Author, Provider: rev.Provider, Host: rev.Host, PromptVersion: rev.PromptVersion,
		Notes: rev.Manifest.Notes, Saw: rev.Manifest.Saw, Thread: rev.Manifest.Thread, At: now}
	if err := r.Request.Found(files, "", guest, shared, now); err != nil {
		return err
	}
	r.Written = &written
	r.touch(now, NextStep(r.Request))
	return nil
}

// Terms are those of a manifest that repeats another: what its program is told, and its limits.
func (f *Repeat) Terms(m Manifest) Manifest {
	if f != nil {
		m.Today, m.Zone, m.Limits, m.Notes, m.Saw, m.Thread = f.Manifest.Today, f.Manifest.Zone, f.Manifest.Limits, f.Manifest.Notes, f.Manifest.Saw, f.Manifest.Thread
	}
	return m
}

// Bars is why a manifest is no repetition: its data or its environment is another. None of it
// is tried with something similar instead.
func (f *Repeat) Bars(m Manifest) Reason {
	was := f.Manifest
	if f.Taken {
		return Reason{Code: WhyNoAnswerThere, Name: f.Request}
	}
	for _, in := range was.Inputs {
		// By name and then by content: code opens files by their names. The same bytes under another name would not run.
		at := slices.IndexFunc(m.Inputs, func(now Input) bool { return now.Name == in.Name })
		switch {
		case at < 0 || m.Inputs[at].SHA256 != in.SHA256:
			return Reason{Code: WhyDataChanged, Name: in.Name}
		case m.Inputs[at].Reading != in.Reading:
			return Reason{Code: WhyOtherEnvironment, Name: "the reading of " + in.Name}
		}
	}
	switch {
	case len(m.Inputs) != len(was.Inputs):
		return Because(WhyDataChanged)
	case m.Sandbox != was.Sandbox || m.Template != was.Template:
		return Reason{Code: WhyOtherEnvironment, Name: "the sandbox"}
	}
	for _, had := range was.Environment {
		if !slices.Contains(m.Environment, had) {
			return Reason{Code: WhyOtherEnvironment, Name: had}
		}
	}
	if len(m.Environment) != len(was.Environment) {
		return Reason{Code: WhyOtherEnvironment, Name: "the libraries"}
	}
	return Reason{}
}

// Handed is a file that went over to somebody with a thread. It is theirs to ask about as long as whoever gave it could
// still give it.
type Handed struct{ To, By string }

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
