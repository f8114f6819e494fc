package approval

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/budget"
)

// errCrash is what a replica that is killed panics with, and what a port that
// has failed for no known reason returns.
var errCrash = errors.New("crash")

// faults are the crash points: each name strikes once, at its first passing, or
// from then on when it is lasting.
type faults struct {
	mu      sync.Mutex
	errs    map[string]error // returned
	deaths  map[string]bool  // panicked
	lasting bool
	passed  []string
}

func (f *faults) hit(point string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.passed = append(f.passed, point)
	if f.deaths[point] {
		delete(f.deaths, point)
		panic(errCrash)
	}
	err := f.errs[point]
	if !f.lasting {
		delete(f.errs, point)
	}
	return err
}

func (f *faults) fail(point string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.errs == nil {
		f.errs = map[string]error{}
	}
	f.errs[point] = err
}

func (f *faults) kill(point string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deaths == nil {
		f.deaths = map[string]bool{}
	}
	f.deaths[point] = true
}

// struck tells that nothing is armed any more.
func (f *faults) struck() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.errs)+len(f.deaths) == 0
}

// fakeWriter answers from a script, then with a good program.
type fakeWriter struct {
	faults *faults
	mu     sync.Mutex
	script []func(Brief) (Draft, error)
	briefs []Brief
	then   func() // what happens in the world while the model writes
}

const goodCode = "import pandas as pd\nprint(pd.read_csv(\"sales.csv\").sum())\n"

func (w *fakeWriter) Models() []string  { return []string{"m1", "m2", "gone-model"} }
func (w *fakeWriter) Bound() (int, int) { return 100_000, 4_000 }

func (w *fakeWriter) Write(_ context.Context, b Brief) (Draft, error) {
	if err := w.faults.hit("Write.before"); err != nil {
		return Draft{}, err
	}
	w.mu.Lock()
	w.briefs = append(w.briefs, deepCopy(b))
	answer := writes(goodCode)
	if len(w.script) > 0 {
		answer, w.script = w.script[0], w.script[1:]
	}
	w.mu.Unlock()
	if w.then != nil {
		w.then()
	}
	draft, err := answer(b)
	if err == nil {
		err = w.faults.hit("Write.after")
	}
	return draft, err
}

// used is what every scripted call reports.
func used(model string) budget.Usage { return budget.Usage{Model: model, Input: 1000, Output: 100} }

func writes(code string) func(Brief) (Draft, error) {
	return func(b Brief) (Draft, error) {
		return Draft{Code: code, Summary: "Adds it up.", Usage: used(b.Model), PromptVersion: "p1"}, nil
	}
}

func breaks(err error) func(Brief) (Draft, error) {
	return func(Brief) (Draft, error) { return Draft{}, err }
}

// fakeBox is a sandbox whose boxes outlive the replica that made them.
type fakeBox struct {
	faults    *faults
	mu        sync.Mutex
	size      budget.BoxSize
	boxes     []*box
	inspect   []func(code string) (Inspection, error)
	result    Result
	ended     func() // what happens in the world while the code runs
	prepared  []string
	discarded []string
	inspected []string
	jobs      []Job
}

type box struct {
	id, request string
	seal        Manifest
	starts      int // of the user's code
	gone        bool
}

func (s *fakeBox) Size() budget.BoxSize { return s.size }
func (s *fakeBox) Template() string     { return "python 3.11, pandas 2" }

func (s *fakeBox) Inspect(_ context.Context, code string, _ []File) (Inspection, error) {
	if err := s.faults.hit("Inspect.before"); err != nil {
		return Inspection{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inspected = append(s.inspected, code)
	if len(s.inspect) > 0 {
		next := s.inspect[0]
		s.inspect = s.inspect[1:]
		return next(code)
	}
	return Inspection{Findings: []Finding{{Level: Note, Text: "imports pandas"}}, Box: 400 * time.Millisecond}, s.faults.hit("Inspect.after")
}

func (s *fakeBox) Prepare(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepared = append(s.prepared, id)
}

func (s *fakeBox) Discard(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discarded = append(s.discarded, id)
}

func (s *fakeBox) Create(_ context.Context, id string, seal Manifest) (string, error) {
	if err := s.faults.hit("Create.before"); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.boxes {
		if b.request == id && !b.gone {
			return b.id, s.faults.hit("Create.after")
		}
	}
	b := &box{id: fmt.Sprintf("box-%d", len(s.boxes)+1), request: id, seal: seal}
	s.boxes = append(s.boxes, b)
	return b.id, s.faults.hit("Create.after")
}

func (s *fakeBox) find(id string) *box {
	for _, b := range s.boxes {
		if b.id == id && !b.gone {
			return b
		}
	}
	return nil
}

func (s *fakeBox) Start(_ context.Context, id string, job Job) error {
	if err := s.faults.hit("Start.before"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.find(id)
	if b == nil {
		return ErrBoxGone
	}
	if b.starts == 0 { // the directory that can be made only once
		b.starts++
		s.jobs = append(s.jobs, deepCopy(job))
	}
	return s.faults.hit("Start.after")
}

func (s *fakeBox) Result(_ context.Context, id string) (Result, error) {
	if err := s.faults.hit("Result.before"); err != nil {
		return Result{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.find(id)
	switch {
	case b == nil:
		return Result{}, ErrBoxGone
	case b.starts == 0:
		return Result{}, ErrNotStarted
	}
	if s.ended != nil {
		s.ended()
	}
	return deepCopy(s.result), s.faults.hit("Result.after")
}

func (s *fakeBox) Kill(_ context.Context, id string) error {
	if err := s.faults.hit("Kill.before"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.find(id); b != nil {
		b.gone = true
	}
	return s.faults.hit("Kill.after")
}

// vanish takes every box away, as the death of a replica with local boxes does.
func (s *fakeBox) vanish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.boxes {
		b.gone = true
	}
}

func (s *fakeBox) starts() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.boxes {
		n += b.starts
	}
	return n
}

func (s *fakeBox) living() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.boxes {
		if !b.gone {
			n++
		}
	}
	return n
}

// fakeSlack has people and files, and remembers what it was asked to draw.
type fakeSlack struct {
	faults *faults
	mu     sync.Mutex
	files  map[string]string // contents by id
	people map[string]Person
	drawn  []Surface
	posted int
}

func (s *fakeSlack) Publish(_ context.Context, v *View, kind Surface) (Post, error) {
	if err := s.faults.hit("Publish " + string(kind)); err != nil {
		return Post{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	post, ok := v.Posts[kind]
	if !ok {
		s.posted++
		post = Post{RequestID: v.Request.ID, Surface: kind, Channel: v.Request.Project, TS: fmt.Sprintf("ts-%d", s.posted)}
	}
	post.Shown = string(v.Request.State)
	s.drawn = append(s.drawn, kind)
	return post, nil
}

func (s *fakeSlack) Fetch(_ context.Context, f File, limit int64) ([]byte, error) {
	if err := s.faults.hit("Fetch.before"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.files[f.ID]
	switch {
	case !ok:
		return nil, fmt.Errorf("fetch: %w", ErrFileGone)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("fetch: %w", ErrFileTooBig)
	}
	return []byte(data), nil
}

func (s *fakeSlack) put(id, data string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[id] = data
}

func (s *fakeSlack) Person(_ context.Context, team, user string) (Person, error) {
	if err := s.faults.hit("Person.before"); err != nil {
		return Person{}, err
	}
	if p, ok := s.people[user]; ok {
		return p, nil
	}
	return Person{ID: user, Name: user, External: team != "T1"}, nil
}

// bundle is a whole world for one test.
type bundle struct {
	*Service
	t      *testing.T
	faults *faults
	store  *memStore
	writer *fakeWriter
	box    *fakeBox
	slack  *fakeSlack
	log    *strings.Builder
}

// epoch is older than anything, so that prices hold on synctest's clock, too.
var epoch = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)

func setup(t *testing.T) *bundle {
	t.Helper()
	f := &faults{}
	b := &bundle{t: t, faults: f, store: newMemStore(f), log: &strings.Builder{},
		writer: &fakeWriter{faults: f},
		box:    &fakeBox{faults: f, size: budget.BoxSize{Kind: "local", VCPU: 1, MemoryMB: 1024}, result: Result{Outcome: OK, Value: "42", Box: 2 * time.Second}},
		slack: &fakeSlack{faults: f, files: map[string]string{"F1": "a,b\n1,2\n"}, people: map[string]Person{
			"guest": {Guest: true}, "bot": {Bot: true}, "stranger": {External: true}, "gone": {Gone: true}}},
	}
	policy := DefaultPolicy()
	policy.Reviewers = []string{"R1", "R2", "R3", "asker", "guest", "bot", "stranger", "gone"}
	policy.Admins = []string{"admin", "guest", "gone"}
	row := func(model string) budget.ModelPrice {
		return budget.ModelPrice{Model: model, From: epoch, Input: budget.Dollar, Cached: budget.Dollar / 10, Output: 2 * budget.Dollar}
	}
	b.Service = &Service{Store: b.store, Writer: b.writer, Sandbox: b.box, NoBox: "This machine cannot.", Slack: b.slack,
		Read: func(name string, data []byte) ([]Table, error) {
			if err := f.hit("Read.before"); err != nil {
				return nil, err
			}
			return []Table{{Rows: strings.Count(string(data), "\n") - 1, Columns: []Column{{Name: "a", Type: "integer"}}}}, nil
		},
		Prices: budget.Prices{Models: []budget.ModelPrice{row("m1"), row("m2")},
			Boxes: []budget.BoxPrice{{Kind: "local", From: epoch, VCPU: 14_000, GiB: 4_500}}},
		Policy: policy, Log: slog.New(slog.NewTextHandler(b.log, nil)),
	}
	return b
}

// question is what the asker asks unless a test changes it.
func question() Question {
	return Question{Team: "T1", Project: "C1", Asker: "asker", Text: "What were sales?", Trigger: NewID(8),
		Files: []File{{ID: "F1", Name: "sales.csv", Size: 8}}}
}

func (b *bundle) ask() *Request {
	b.t.Helper()
	r, err := b.Ask(b.t.Context(), question())
	require.NoError(b.t, err)
	return r
}

// replica is one life of a process: it ends with its work, or by a crash.
func (b *bundle) replica(work func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			if cause != any(errCrash) {
				panic(cause)
			}
			err = errCrash
		}
	}()
	return work()
}

// work does jobs as the queue would until there are none: what fails is repeated.
func (b *bundle) work() (failures []error) {
	b.t.Helper()
	for range 200 {
		w, ok := b.store.next()
		if !ok {
			return failures
		}
		if err := b.replica(func() error { return b.Do(context.Background(), w) }); err != nil {
			failures = append(failures, err)
			require.NoError(b.t, b.store.Wake(context.Background(), w))
		}
	}
	b.t.Fatalf("the queue never gets empty: %v", failures)
	return nil
}

func (b *bundle) request(id string) *Request {
	b.t.Helper()
	r, err := b.store.Request(context.Background(), id)
	require.NoError(b.t, err)
	return r
}

// pending asks and lets the code be written.
func (b *bundle) pending() *Request {
	b.t.Helper()
	r := b.ask()
	require.Empty(b.t, b.work())
	r = b.request(r.ID)
	require.Equal(b.t, Pending, r.State, r.Reason)
	return r
}

func ruling(r *Request, by string, verdict Verdict) Ruling {
	return Ruling{RequestID: r.ID, Revision: r.Revision.Number, Digest: r.Revision.Digest, Verdict: verdict, Reason: "because",
		Click: Click{Team: r.Team, User: by, ActionTS: "click of " + by, Channel: "review", MessageTS: "1.1"}}
}

// approved asks, writes and approves, with nothing run yet.
func (b *bundle) approved() *Request {
	b.t.Helper()
	r, err := b.Decide(b.t.Context(), ruling(b.pending(), "R1", Approve))
	require.NoError(b.t, err)
	require.Equal(b.t, Approved, r.State)
	return r
}

// kinds are the events of a request, in order.
func (b *bundle) kinds(id string) (kinds []string) {
	events, err := b.store.Events(context.Background(), id)
	require.NoError(b.t, err)
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (b *bundle) count(id, kind string) (n int) {
	for _, k := range b.kinds(id) {
		if k == kind {
			n++
		}
	}
	return n
}

// spends are the settlements of a request by purpose.
func (b *bundle) spends(id string, purpose budget.Purpose) (list []budget.Settlement) {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	var holds []*ledgerHold
	for _, h := range b.store.holds {
		if h.RequestID == id && h.Purpose == purpose && h.settled != nil {
			holds = append(holds, h)
		}
	}
	slices.SortFunc(holds, func(a, b *ledgerHold) int { return a.At.Compare(b.At) })
	for _, h := range holds {
		list = append(list, *h.settled)
	}
	return list
}

// open counts holds that nobody has settled.
func (b *bundle) open(id string) (n int) {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	for _, h := range b.store.holds {
		if h.RequestID == id && h.settled == nil {
			n++
		}
	}
	return n
}
