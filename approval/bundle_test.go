package approval

import (
	"errors"
	"sync"
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

// question is what the asker asks unless a test changes it.
func question() Question {
	return Question{Team: "T1", Project: "C1", Asker: "asker", Text: "What were sales?", Trigger: NewID(8),
		Files: []File{{ID: "F1", Name: "sales.csv", Size: 8}}}
}
