package steps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
	"unsafe"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
	"countersign/internal/deepcopy"
)

const goodCode = "import pandas as pd\nprint(pd.read_csv(\"sales.csv\").sum())\n"

// used is what every scripted call reports.
func used(model string) budget.Usage { return budget.Usage{Model: model, Input: 1000, Output: 100} }

type box struct {
	id, request string
	seal        approval.Manifest
	starts      int // of the user's code
	gone        bool
	holds       *InputFile // the first of the inputs of the job that is in it
}

const fakeInspectLease = 30 * time.Second

// fakeWriter answers from a script, then with a good program.
type fakeWriter struct {
	faults *faults
	mu     sync.Mutex
	script []func(Brief) (Draft, error)
	briefs []Brief
	then   func() // what happens in the world while the model writes
	wide   bool   // prompts are as long as they may be
	sites  map[string]approval.Addressee

	room   int // bytes of a prompt for what was said before; 0: plenty
	recaps []Recap
	recap  func(Recap) (Recapped, error) // nil: it goes well
}

func (w *fakeWriter) Models() []string { return []string{"m1", "m2", "gone-model"} }

// Offers are all of one provider, at its own host, unless sites say otherwise.
func (w *fakeWriter) Offers() (all []review.Offer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, model := range w.Models() {
		o := review.Offer{Model: model, Own: true, Answer: 4_000}
		if site, ok := w.sites[model]; ok {
			o.Addressee, o.Own = site, site.Host == ""
		}
		all = append(all, o)
	}
	return all
}

// Room is for what is said in a thread of a test, and room of it where one says so.
func (w *fakeWriter) Room(Brief) int {
	if w.room > 0 {
		return w.room
	}
	return 16_000
}

func (w *fakeWriter) RecapRoom(string) int { return 40_000 }

func (w *fakeWriter) RecapSize(Recap) (int, int) { return 5_000, 1_000 }

func (w *fakeWriter) Recap(_ context.Context, r Recap) (Recapped, error) {
	if err := w.faults.hit("Recap.before"); err != nil {
		return Recapped{}, err
	}
	w.mu.Lock()
	w.recaps = append(w.recaps, deepcopy.Of(r))
	answer := w.recap
	w.mu.Unlock()
	made, err := Recapped{Text: fmt.Sprintf("Summary %d.", len(w.recaps)), Usage: budget.Usage{Model: r.Model, Input: 3_000, Output: 100}, Provider: "P", Host: "p.example"}, error(nil)
	if answer != nil {
		made, err = answer(r)
	}
	if err == nil {
		err = w.faults.hit("Recap.after")
	}
	return made, err
}

func (w *fakeWriter) Bound() (int, int) { return 100_000, 4_000 }

// Size is a tenth of the bound, so that some calls of which nobody knows what they
// have cost fit under one hold; wide is the bound itself.
func (w *fakeWriter) Size(Brief) (int, int) {
	if w.wide {
		return w.Bound()
	}
	return 10_000, 4_000
}

func (w *fakeWriter) Write(_ context.Context, b Brief) (Draft, error) {
	if err := w.faults.hit("Write.before"); err != nil {
		return Draft{}, err
	}
	w.mu.Lock()
	w.briefs = append(w.briefs, deepcopy.Of(b))
	answer := writes(goodCode)
	if len(w.script) > 0 {
		answer, w.script = w.script[0], w.script[1:]
	}
	w.mu.Unlock()
	if w.then != nil {
		w.then()
	}
	draft, err := answer(b)
	for _, m := range b.History {
		if !slices.Contains(draft.Whole, m.RequestID) {
			draft.Whole = append(draft.Whole, m.RequestID)
		}
	}
	draft.Summed = b.Summary != ""
	if err == nil {
		err = w.faults.hit("Write.after")
	}
	return draft, err
}

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
	findings  []approval.Finding // beside what is always found
	result    approval.Result
	upgrade   string // of what is installed
	notReady  error
	waited    func() // what happens in the world when it has been told
	kept      int    // how often a box is not ready yet
	line      []int  // what is told of the line before a box is there
	offline   bool   // no box reaches any host
	making    func() // what happens in the world while a box is made
	ended     func() // what happens in the world while the code runs
	waiting   func() // and when somebody asks for a result before it has begun
	endless   bool   // the code runs until its box is ended
	prepared  []string
	discarded []string
	inspected []string
	jobs      []Job
	filled    []map[string]string // what is in each box, by the files' names
	filling   func()              // what happens in the world while a box is filled
	reads     []func(InputFile) (Readout, error)
	read      []string // the files that were read, by name
}

func (s *fakeBox) Size() budget.BoxSize { return s.size }

func (s *fakeBox) Lease(l approval.Limits) time.Duration {
	return time.Duration(l.Seconds)*time.Second + 30*time.Second
}

func (s *fakeBox) Ready() error { return s.notReady }

func (s *fakeBox) ReachesHosts() bool { return !s.offline }

func (s *fakeBox) InspectLease() time.Duration { return fakeInspectLease }

func (s *fakeBox) Template() string { return "python 3.11, pandas 2" + s.upgrade }

func (s *fakeBox) Inspect(ctx context.Context, code string, _ []approval.File) (Inspection, error) {
	s.wait(ctx)
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
	return Inspection{Findings: append([]approval.Finding{{Level: approval.Note, Text: "imports pandas"}}, s.findings...), Box: 400 * time.Millisecond}, s.faults.hit("Inspect.after")
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

// wait stands in line.
func (s *fakeBox) wait(ctx context.Context) {
	for _, place := range s.line {
		TellPlace(ctx, place)
	}
	if s.waited != nil && len(s.line) > 0 {
		s.waited()
	}
}

func (s *fakeBox) Create(ctx context.Context, id string, seal approval.Manifest) (string, error) {
	s.wait(ctx)
	if s.kept > 0 {
		s.kept--
		return "", &BoxError{Err: errors.New("not yet"), Words: "It is busy.", Retry: true, Kept: true}
	}
	if err := s.faults.hit("Create.before"); err != nil {
		return "", err
	}
	if s.making != nil {
		s.making()
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

// Fill takes in a job: again where another replica had done so.
func (s *fakeBox) Fill(_ context.Context, id string, job Job) error {
	if err := s.faults.hit("Fill.before"); err != nil {
		return err
	}
	s.mu.Lock()
	b := s.find(id)
	s.mu.Unlock()
	switch {
	case b == nil:
		return ErrBoxGone
	case b.holds != nil && b.holds == unsafe.SliceData(job.Inputs):
		return nil
	}
	if s.filling != nil {
		s.filling()
	}
	held := map[string]string{}
	for _, in := range job.Inputs {
		data, err := contentOf(in)
		if err != nil {
			return err
		}
		held[in.Name] = data
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b.holds = unsafe.SliceData(job.Inputs)
	s.filled = append(s.filled, held)
	return s.faults.hit("Fill.after")
}

// contentOf reads an input as a box does.
func contentOf(f InputFile) (string, error) {
	from, err := f.Content()
	if err != nil {
		return "", err
	}
	defer func() { _ = from.Close() }()
	data, err := io.ReadAll(from)
	return string(data), err
}

// textOf is contentOf where nothing goes wrong.
func textOf(f InputFile) string {
	data, err := contentOf(f)
	if err != nil {
		panic(err)
	}
	return data
}

func (s *fakeBox) Start(ctx context.Context, id string, job Job) error {
	if err := s.faults.hit("Start.before"); err != nil {
		return err
	}
	if err := s.Fill(ctx, id, job); err != nil {
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
		s.jobs = append(s.jobs, deepcopy.Of(job))
	}
	return s.faults.hit("Start.after")
}

func (s *fakeBox) Result(_ context.Context, id string) (approval.Result, error) {
	if err := s.faults.hit("Result.before"); err != nil {
		return approval.Result{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.find(id)
	switch {
	case b == nil:
		return approval.Result{}, ErrBoxGone
	case b.starts == 0:
		if s.waiting != nil {
			s.waiting()
		}
		return approval.Result{}, ErrNotStarted
	}
	if s.ended != nil {
		s.ended()
	}
	for s.endless {
		if b.gone {
			return approval.Result{}, ErrBoxGone
		}
		s.mu.Unlock()
		time.Sleep(time.Millisecond)
		s.mu.Lock()
	}
	return deepcopy.Of(s.result), s.faults.hit("Result.after")
}

func (s *fakeBox) Kill(ctx context.Context, id string) error {
	if err := s.faults.hit("Kill.before"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.find(id); b != nil && !b.gone {
		b.gone = true
		TellLived(ctx)
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
