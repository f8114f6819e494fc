package steps

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/internal/deepcopy"
)

// memReadings keeps how files are read, as storage does.
type memReadings struct {
	shelf sync.Mutex
	seen  map[string]string
	kept  map[approval.Content]*KeptReading
}

func shown(team string, f approval.File) string {
	return fmt.Sprint(team, " ", f.ID, " ", f.Name, " ", f.Size)
}

func (m *memReadings) Known(_ context.Context, team string, f approval.File, _ time.Duration) (string, error) {
	m.shelf.Lock()
	defer m.shelf.Unlock()
	return m.seen[shown(team, f)], nil
}

func (m *memReadings) Know(_ context.Context, team string, f approval.File) error {
	m.shelf.Lock()
	defer m.shelf.Unlock()
	if m.seen == nil {
		m.seen = map[string]string{}
	}
	m.seen[shown(team, f)] = f.SHA256
	return nil
}

func (m *memStore) Reading(_ context.Context, c approval.Content) (KeptReading, error) {
	m.shelf.Lock()
	defer m.shelf.Unlock()
	kept := KeptReading{Now: m.now()}
	if had := m.kept[c]; had != nil {
		kept.Answer, kept.Tries, kept.At = deepcopy.Of(had.Answer), had.Tries, had.At
	}
	return kept, nil
}

func (m *memStore) BeginReading(_ context.Context, c approval.Content) (bool, error) {
	if err := m.faults.hit("BeginReading.before"); err != nil {
		return false, err
	}
	m.shelf.Lock()
	defer m.shelf.Unlock()
	if m.kept == nil {
		m.kept = map[approval.Content]*KeptReading{}
	}
	had := m.kept[c]
	if had == nil {
		had = &KeptReading{}
		m.kept[c] = had
	}
	if had.Now = m.now(); had.Rests() {
		return false, nil
	}
	if m.now().Sub(had.At) > approval.Rests[len(approval.Rests)-1] {
		had.Tries = 0
	}
	if had.Answer != nil && had.Answer.Reading == nil {
		had.Answer = nil
	}
	had.Tries, had.At = had.Tries+1, m.now()
	return true, nil
}

func (m *memStore) UseReading(_ context.Context, c approval.Content) (bool, error) {
	m.shelf.Lock()
	defer m.shelf.Unlock()
	had := m.kept[c]
	if had == nil || had.Answer == nil || had.Answer.Reading == nil {
		return false, nil
	}
	had.At = m.now()
	return true, nil
}

func (m *memReadings) Uncount(_ context.Context, c approval.Content, all bool) error {
	m.shelf.Lock()
	defer m.shelf.Unlock()
	if had := m.kept[c]; had != nil {
		had.Tries--
		had.At = had.At.Add(-approval.RestAfter(had.Tries))
		if (had.Tries == 0 || all) && had.Answer == nil {
			delete(m.kept, c)
		}
	}
	return nil
}

func (m *memStore) KeepReading(_ context.Context, c approval.Content, a reading.Answer) error {
	if err := m.faults.hit("KeepReading.before"); err != nil {
		return err
	}
	m.shelf.Lock()
	defer m.shelf.Unlock()
	if m.kept == nil {
		m.kept = map[approval.Content]*KeptReading{}
	}
	had := m.kept[c]
	if had == nil {
		had = &KeptReading{}
		m.kept[c] = had
	}
	had.At = m.now()
	if a.Problem == nil || !approval.Passing(*a.Problem) || had.Answer != nil && had.Answer.Reading != nil {
		had.Tries = 0
	}
	if had.Answer == nil || had.Answer.Reading == nil {
		had.Answer = deepcopy.Of(&a)
	}
	m.found(c, had.Answer.Reading)
	return m.faults.hit("KeepReading.after")
}

// found gives a reading to the files that name it, as storage does with each load.
func (m *memStore) found(c approval.Content, known *reading.Reading) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.requests {
		for i := range r.Files {
			if f := &r.Files[i]; known != nil && f.SHA256 == c.SHA256 && f.ReadAs == known.SHA256() {
				f.Reading = known.Settled(f.Answers)
			}
		}
	}
}

// forget loses all readings.
func (m *memStore) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = nil
	for _, r := range m.requests {
		for i := range r.Files {
			r.Files[i].Reading = nil
		}
	}
}

// ToldBefore looks through all requests, the latest first.
func (m *memStore) ToldBefore(_ context.Context, c approval.Content) (told []reading.Answered, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var at time.Time
	for _, r := range m.requests {
		for _, f := range r.Files {
			tells := slices.ContainsFunc(f.Answers, reading.Answered.Tells)
			if r.Team == c.Team && r.Project == c.Project && f.SHA256 == c.SHA256 && tells && !r.ChangedAt.Before(at) {
				at, told = r.ChangedAt, slices.Clone(f.Answers)
			}
		}
	}
	return told, nil
}

// fakeRead is how the fake box reads: a column of whole numbers, in so many lines.
func fakeRead(data string) reading.Answer {
	rows := int64(0)
	for _, r := range data {
		if r == '\n' {
			rows++
		}
	}
	return reading.Answer{Reading: &reading.Reading{Version: 1, Kind: "text", Encoding: "utf-8", Sure: 1, Tables: []reading.Table{{Rows: max(0, rows-1), Delimiter: ",", HeadingLine: 1, HeadingRows: 1,
		Columns: []reading.Column{{Name: "a", Type: "integer", DType: "int64"}}}}}}
}

// fakeGlimpse is what is seen of any file.
func fakeGlimpse(f InputFile) *reading.Glimpse {
	g := reading.Glance{Columns: []reading.Seen{{Distinct: 1, Least: "canary-1", Most: "canary-2", Often: []reading.Frequent{{Value: "canary-3", Count: 5}}}}}
	if f.Look == approval.Samples {
		g.Rows = [][]string{{"canary-4"}}
	}
	return &reading.Glimpse{Tables: []reading.Glance{g}}
}

const fakeReadLease = 40 * time.Second

func (s *fakeBox) ReadLease(size int64) time.Duration {
	return fakeReadLease + time.Duration(size>>20)*time.Second
}

func (s *fakeBox) Desk() string { return "desk 1" }

func (s *fakeBox) ReadFile(ctx context.Context, f InputFile) (Readout, error) {
	s.wait(ctx)
	if err := s.faults.hit("ReadFile.before"); err != nil {
		return Readout{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = append(s.read, f.Name)
	data, err := contentOf(f)
	if err != nil {
		return Readout{Box: 300 * time.Millisecond}, err
	}
	if len(s.reads) > 0 {
		next := s.reads[0]
		s.reads = s.reads[1:]
		return next(f)
	}
	if f.Look != approval.Shape {
		return Readout{Answer: reading.Answer{Glimpse: fakeGlimpse(f)}, Box: 300 * time.Millisecond}, s.faults.hit("ReadFile.after")
	}
	return Readout{Answer: fakeRead(data), Box: 300 * time.Millisecond}, s.faults.hit("ReadFile.after")
}

// unreadable has the box say of the next file why it is not read.
func unreadable(code string) func(InputFile) (Readout, error) {
	return func(InputFile) (Readout, error) {
		return Readout{Answer: reading.Answer{Problem: &reading.Problem{Code: code}}, Box: time.Second}, nil
	}
}

// dies has the next file end its box.
func dies(InputFile) (Readout, error) {
	return Readout{Box: time.Second}, fmt.Errorf("over: %w", ErrReaderDied)
}
