package steps

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"countersign/approval"
	"countersign/approval/pins"
)

// Finder looks up what a question is about.
type Finder struct {
	store interface {
		Asking
		Budgets
		Requests
		Notify(ctx context.Context, n approval.Notice) error
	}
	slack interface {
		Files
		Places
	}

	inputs *Inputs
	people *People
	pins   *pins.Keeper
	offers *Offers
}

// Search is what Slack is to look through for a question's files.
type Search struct {
	Channel string
	Asker   string
	Text    string
	Files   []approval.File     // that are known, by id
	Thread  []string            // ids of the files that its thread was about before
	Given   map[string][]string // who has handed a file to the asker with the thread, by its id: as long as they see it, it may be asked about
	Seek    approval.Seek
	Pinned  []approval.File // that are pinned to the channel, or may be used in the direct message: they need not be in it
}

// Found is what there was.
type Found struct {
	Files  []approval.File // with their names and sizes as they are now
	Unread string          // a name beside theirs that is none of a file here: perhaps what is to be written

	Shared map[string]approval.Sharing // who has put them into Slack, and when, by their ids

	// Uploads are later ones of the names of pinned files that were found: nobody uses them by their name.
	Uploads []approval.File
}

// Find looks up the channel of a question, who asked it and its files. What Slack
// does not answer now is asked again by the job; no question is lost over it.
func (s *Finder) Find(ctx context.Context, id string) error {
	r, err := s.store.Request(ctx, id)
	if err != nil || r.State != approval.Drafting || r.Seek == nil {
		return err
	}
	if r.Repeats != nil {
		return s.again(ctx, r)
	}
	seen, err := s.seek(ctx, r)
	var cause *approval.CauseError
	var input *approval.InputError
	// Slack is away, or slow: the job comes again, and nobody is asked to do anything.
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
		return r.Found(seen.files, seen.unread, seen.guest, seen.shared, now)
	})
	return err
}

// sought is what Slack has said of a question.
type sought struct {
	guest, shared bool // of who asked, of the channel
	files         []approval.File
	unread        string
}

// seek asks Slack. What keeps the question from being written is a *CauseError or
// an *InputError; any other error passes.
func (s *Finder) seek(ctx context.Context, r *approval.Request) (seen sought, err error) {
	if seen, err = s.asker(ctx, r, r.Project); err != nil {
		return seen, err
	}
	// Of a direct message that names a channel nobody knew until now whether they may learn what holds there.
	if approval.Direct(r.Seek.Seat) && !approval.Direct(r.Project) {
		if err := s.offers.allows(ctx, r); err != nil {
			return seen, err
		}
	}
	var known []approval.File
	q := Search{Channel: r.Project, Asker: r.Asker, Text: r.Question, Files: r.Files, Seek: *r.Seek}
	if q.Seek.Thread != "" {
		before, _, err := s.store.ThreadFiles(ctx, approval.Session{Team: r.Team, Channel: cmp.Or(q.Seek.Seat, r.Project), ThreadTS: q.Seek.Thread})
		if err != nil {
			return seen, err
		}
		q.Thread, q.Given, known = approval.FileIDs(before), handedTo(r.Asker, before), before
		if q.Seek.Follow && len(q.Files) == 0 { // they may have been found only since it was asked
			q.Files = s.inputs.handy(before)
			q.Seek.Brought = append(slices.Clone(q.Seek.Brought), approval.FileIDs(q.Files)...)
		}
	}
	known = slices.Concat(q.Files, known)
	pinned, err := s.pins.Pinned(ctx, r.Team, r.Project, r.Asker)
	if err != nil {
		return seen, err
	}
	q.Pinned = pins.Files(pinned)
	found, err := s.slack.Find(ctx, q)
	if err != nil {
		return seen, err
	}
	found.Files = pins.Mark(found.Files, r.Project, pinned)
	for i := range found.Files { // Slack knows nothing of what was said of them
		f := &found.Files[i]
		if by, known := found.Shared[f.ID]; known {
			f.Shared = &by
		}
		if at := slices.IndexFunc(known, func(k approval.File) bool { return k.ID == f.ID }); at >= 0 {
			f.Answers, f.Pinned = known[at].Answers, cmp.Or(f.Pinned, known[at].Pinned) // one that is not pinned any more is not used by being in the thread
		}
	}
	if err := s.pins.InPlace(ctx, pins.Use{Team: r.Team, Place: r.Project, Alone: r.Private, User: r.Asker, Files: found.Files}); err != nil {
		return seen, err
	}
	if err := s.newer(ctx, r.Team, r.Project, pinned, found.Uploads); err != nil {
		return seen, err
	}
	files, err := s.inputs.fitting(found.Files)
	seen.files, seen.unread = files, found.Unread
	return seen, err
}

// handedTo says of the files of a thread that were handed to somebody with it, by their ids, who gave them.
func handedTo(user string, files []approval.File) map[string][]string {
	givers := map[string][]string{}
	for _, f := range files {
		for _, h := range f.Handed {
			if h.To == user {
				givers[f.ID] = append(givers[f.ID], h.By)
			}
		}
	}
	return givers
}

// asker makes sure that who asks is in a channel, which the bot sees.
func (s *Finder) asker(ctx context.Context, r *approval.Request, channel string) (seen sought, err error) {
	person, err := s.people.person(ctx, r.Team, r.Asker)
	if err != nil {
		return seen, err
	}
	if person.Bot || person.Gone || person.External {
		return seen, &approval.CauseError{Cause: approval.Cause{Code: approval.AskerAlien, Person: r.Asker}}
	}
	place, err := s.slack.Place(ctx, channel, r.Asker)
	if err != nil {
		return seen, err
	}
	if cause := place.Cause(channel, r.Asker); cause != nil {
		return seen, &approval.CauseError{Cause: *cause}
	}
	// A form can name any channel: whose budget pays, and under whose name it stands, is
	// that of people who are in it.
	if !place.Private {
		if in, err := s.slack.Within(ctx, channel, r.Asker); err != nil {
			return seen, err
		} else if !in {
			return seen, &approval.CauseError{Cause: approval.Cause{Code: approval.AskerNotIn, Channel: channel, Person: r.Asker}}
		}
	}
	return sought{guest: person.Guest, shared: place.Shared}, nil
}

// again is Find for a run that is repeated. Who asks has to see the first one's thread and each of
// its files, now; else they hear no more than of one that is not there. What would not be the
// same is said in its thread, before anything is paid.
func (s *Finder) again(ctx context.Context, r *approval.Request) error {
	first, err := s.store.Request(ctx, r.Repeats.Request)
	if err != nil {
		return err
	}
	seen, err := s.maySee(ctx, r, first)
	var cause *approval.CauseError
	var input *approval.InputError
	hidden := errors.As(err, &cause) || errors.As(err, &input)
	if err != nil && !hidden {
		return err
	}
	var bars approval.Reason
	if !hidden {
		if bars, err = s.inputs.barred(ctx, r, first); err != nil {
			return err
		}
	}
	_, err = s.store.Update(ctx, r.ID, func(r *approval.Request, now time.Time) error {
		switch {
		case r.State != approval.Drafting || r.Seek == nil:
			return nil // another replica was first, or its asker has taken it back
		case cause != nil && cause.Cause.Code == approval.AskerAlien:
			return r.TurnBack(&cause.Cause, approval.Reason{}, now)
		case hidden || !approval.Repeatable(first):
			return r.TurnBack(nil, approval.Reason{Code: approval.WhyNoAnswerThere, Name: first.ID}, now)
		}
		if err := (approval.Repetition{Request: r}).Found(first, seen.guest, seen.shared, now); err != nil || bars.None() {
			return err
		}
		return r.Fail(bars, now)
	})
	return err
}

// maySee tells whether who asks sees the thread of a request now, and its files: each has to be in
// its channel, or their own, or pinned for them. Pins are asked before Slack is, and before anything is paid.
func (s *Finder) maySee(ctx context.Context, r, first *approval.Request) (seen sought, err error) {
	thread, err := s.store.Thread(ctx, first.Team, first.SessionID)
	if err != nil {
		return seen, err
	}
	if thread.Channel != first.Project && !first.Private { // a private one is repeated by its own asker alone
		if _, err = s.asker(ctx, r, thread.Channel); err != nil {
			return seen, err
		}
	}
	if seen, err = s.asker(ctx, r, first.Project); err != nil || len(first.Files) == 0 {
		return seen, err
	}
	if err = s.pins.InPlace(ctx, pins.Use{Team: r.Team, Place: first.Project, Alone: first.Private, User: r.Asker, Files: first.Files}); err != nil {
		return seen, err
	}
	pinned := slices.DeleteFunc(slices.Clone(first.Files), func(f approval.File) bool { return f.Pinned == "" })
	before, _, err := s.store.ThreadFiles(ctx, thread)
	if err != nil {
		return seen, err
	}
	_, err = s.slack.Find(ctx, Search{Channel: first.Project, Asker: r.Asker, Files: first.Files, Pinned: pinned, Given: handedTo(r.Asker, before), Seek: approval.Seek{Given: true, Brought: approval.FileIDs(first.Files)}})
	return seen, err
}

// barred is why a run cannot be repeated, as far as that is known without a box: another sandbox,
// or files that hold something else now.
func (s *Inputs) barred(ctx context.Context, r, first *approval.Request) (approval.Reason, error) {
	now := first.Revision.Manifest
	now.Sandbox, now.Template, now.Inputs = s.sandbox.Size().Kind, s.sandbox.Template(), slices.Clone(now.Inputs)
	if why := r.Repeats.Bars(now); !why.None() {
		return why, nil
	}
	for _, f := range first.Files {
		var big *approval.InputError
		if _, err := s.content(ctx, &f); err != nil && !errors.As(err, &big) {
			return approval.Reason{}, err
		}
		for i := range now.Inputs {
			if now.Inputs[i].Name == f.Name && (big != nil || now.Inputs[i].SHA256 != f.SHA256) {
				return approval.Reason{Code: approval.WhyDataChanged, Name: f.Name}, nil
			}
		}
	}
	return approval.Reason{}, nil
}

// Arrived is told of a file that somebody has put into a channel: administrators hear of one that has the name of a
// pinned file, before anybody asks about it.
func (s *Finder) Arrived(ctx context.Context, team, project, id string) error {
	pinned, err := s.pins.Pinned(ctx, team, project, "")
	if err != nil || len(pinned) == 0 {
		return err
	}
	ups, err := s.pins.Ports.Slack.Uploads(ctx, project)
	at := slices.IndexFunc(ups, func(up pins.Upload) bool { return up.ID == id })
	if err != nil || at < 0 {
		return err
	}
	return s.newer(ctx, team, project, pinned, []approval.File{ups[at].File})
}

// newer tells administrators, once of each, of uploads that have the name of a pinned file.
func (s *Finder) newer(ctx context.Context, team, project string, pinned []pins.Pin, uploads []approval.File) error {
	for _, up := range uploads {
		at := slices.IndexFunc(pinned, func(p pins.Pin) bool { return p.Project == project && p.Older(up) })
		if at < 0 {
			continue
		}
		said := approval.PinsNoticed{Newer: []approval.PinNoticed{{Channel: project, File: up.Name, By: up.Shared.By, At: up.Shared.At}}}
		err := s.store.Notify(ctx, approval.Notice{Key: "upload " + team + " " + project + " " + up.ID, Team: team, Kind: approval.NoticePins, Admins: true, At: time.Now().UTC(), Data: approval.Encode(said), Once: true})
		if err != nil {
			return err
		}
	}
	return nil
}

// OfThread are the files that the questions of a thread have read, as its next question
// may use them.
func (s *Finder) OfThread(ctx context.Context, thread approval.Session) ([]approval.File, error) {
	files, _, err := s.store.ThreadFiles(ctx, thread)
	return s.inputs.handy(files), err
}
