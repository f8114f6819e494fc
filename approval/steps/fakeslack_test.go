package steps

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"countersign/approval"
	"countersign/approval/review"
)

// fakeSlack has people and files, and remembers what it was asked to draw.
type fakeSlack struct {
	unposted []Post // what was deleted again
	faults   *faults
	mu       sync.Mutex
	files    map[string]string // contents by id
	people   map[string]review.Person
	drawn    []Surface
	shared   []approval.Artifact // what the files' surface was drawn from
	posted   int
	told     []string           // notices, once for each direct message
	unseen   map[Surface]Unseen // what the latest view said that Slack refuses
	running  func(context.Context)
	line     Post                              // what a line is told in
	drawing  func(v *View, kind Surface) error // while a call of Slack's is under way
	hidden   bool                              // files that are not there may come back
	place    approval.Place                    // every channel
	outside  bool                              // nobody is in any
	find     func(Search) (Found, error)
	half     func() (io.ReadCloser, error) // what the next fetch gives
	looked   []string                      // people, in the order in which they were looked up
}

func (s *fakeSlack) lacks(f approval.File) error {
	if s.hidden {
		return &approval.CauseError{Cause: approval.Cause{Code: approval.FileNotSeen, File: f.Name}}
	}
	return &approval.CauseError{Cause: approval.Cause{Code: approval.FileGone, File: f.Name}}
}

func (s *fakeSlack) Stat(_ context.Context, f approval.File) error {
	if err := s.faults.hit("Stat.before"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.files[f.ID]; !ok {
		return s.lacks(f)
	}
	return nil
}

func (s *fakeSlack) Place(context.Context, string, string) (approval.Place, error) {
	if err := s.faults.hit("Place.before"); err != nil {
		return approval.Place{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.place, nil
}

func (s *fakeSlack) Find(_ context.Context, q Search) (Found, error) {
	if err := s.faults.hit("Find.before"); err != nil {
		return Found{}, err
	}
	if s.find != nil {
		return s.find(q)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range q.Files {
		if _, ok := s.files[f.ID]; !ok && q.Seek.Given {
			return Found{}, s.lacks(f)
		}
	}
	return Found{Files: q.Files}, nil
}

func (s *fakeSlack) Within(context.Context, string, string) (bool, error) {
	if err := s.faults.hit("Within.before"); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.outside, nil
}

// at changes where every channel stands.
func (s *fakeSlack) at(p approval.Place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.place = p
}

// lose takes a file away: for good, or out of sight.
func (s *fakeSlack) lose(id string, hidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, id)
	s.hidden = hidden
}

func (s *fakeSlack) Publish(_ context.Context, v *View, kind Surface) (Post, error) {
	if err := s.faults.hit("Publish " + string(kind)); err != nil {
		return Post{}, err
	}
	if s.drawing != nil {
		if err := s.drawing(v, kind); err != nil {
			return v.Posts[kind], err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	post, ok := v.Posts[kind]
	if !ok {
		s.posted++
		post = Post{RequestID: v.Request.ID, Surface: kind, Channel: v.Request.Project, TS: fmt.Sprintf("ts-%d", s.posted)}
	}
	post.Shown = string(v.Request.State)
	s.unseen = maps.Clone(v.Unseen)
	s.drawn = append(s.drawn, kind)
	if kind == SurfaceFiles && !ok {
		s.shared = v.Artifacts
	}
	return post, nil
}

func (s *fakeSlack) Fetch(_ context.Context, f approval.File, limit int64) (io.ReadCloser, error) {
	if err := s.faults.hit("Fetch.before"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.files[f.ID]
	if half := s.half; half != nil && ok {
		s.half = nil
		return half()
	}
	switch {
	case !ok:
		return nil, fmt.Errorf("fetch: %w", s.lacks(f))
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("fetch: %w", ErrFileTooBig)
	}
	return Held([]byte(data))()
}

func (s *fakeSlack) put(id, data string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[id] = data
}

func (s *fakeSlack) Person(_ context.Context, team, user string) (review.Person, error) {
	if err := s.faults.hit("Person.before"); err != nil {
		return review.Person{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looked = append(s.looked, user)
	if p, ok := s.people[user]; ok {
		p.ID = user
		return p, nil
	}
	return review.Person{ID: user, Name: user, External: team != "T1"}, nil
}

// Tell finds what it posted before, as Slack's history would show it.
func (s *fakeSlack) Tell(_ context.Context, v *NoticeView, had NoticePost) (NoticePost, error) {
	if err := s.faults.hit("Tell.before"); err != nil {
		return had, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.people[had.Recipient]; ok && p.Gone {
		return had, ErrUnreachable
	}
	place := v.Key + " to " + had.Recipient
	if !slices.Contains(s.told, place) || had.TS == "" && had.Begun.IsZero() {
		s.told = append(s.told, place)
	}
	had.Channel, had.TS, had.Begun = "D-"+had.Recipient, "ts", time.Time{}
	return had, s.faults.hit("Tell.after")
}

// Unpost takes a message away again.
func (s *fakeSlack) Unpost(_ context.Context, p Post) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unposted = append(s.unposted, p)
	return s.faults.hit("Unpost.before")
}

// Running takes the word of a run that goes on.
func (s *fakeSlack) Running(ctx context.Context, _ *View, _ string) Post {
	if s.running != nil {
		s.running(ctx)
	}
	return s.line
}
