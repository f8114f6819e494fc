package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/sandbox"
)

// Kind is how manifests and prices call this sandbox.
const Kind = "local"

var _ steps.Sandbox = (*Sandbox)(nil)

// Options say where things are. The zero value works where everything is in
// its usual place.
type Options struct {
	// Runsc is the gVisor binary. Defaults to what FindRunsc finds.
	Runsc string
	// Python is the interpreter with pandas and matplotlib. It must lie below
	// /usr, which is all of the host that a box sees. Defaults to /usr/bin/python3.
	Python string
	// Dir holds what boxes need while they live: a few files, no data. Several
	// processes may share it. Defaults to a folder of the user's in the
	// temporary folder; it should be short, since sockets live in it.
	Dir string
	// Machine is what all processes of this user on this machine share, whatever
	// their Dir: the line in which boxes boot, and the list of fonts. Defaults to a
	// folder of the user's in the temporary folder.
	Machine string
	// Unproven has nobody get a box before Prove has found that boxes hold.
	Unproven bool
	// MaxWarm bounds the boxes that wait for an approval; each takes about
	// 140 MB. Defaults to as many as memory has room for; negative: none.
	MaxWarm int
	// WarmFor is how long a hint counts, and how long a box that is on its way is kept for a request that
	// does not ask for it again. Defaults to 10 minutes.
	WarmFor time.Duration
	// Memory is what Size says and so what a run is billed by. Defaults to 1024 MB.
	Memory int
	Log    *slog.Logger
}

// Sandbox makes boxes. Nothing runs until one is asked for; Close ends them all.
type Sandbox struct {
	sandbox.Shelf // what boxes here have
	*machine

	template string

	inspectTime, patience, pause, warmLife time.Duration // constants, but for tests
	spareMB                                func() int    // what of the machine's memory may go to boxes that wait; below 0: too much has gone

	mu        sync.Mutex
	boxes     map[string]*box // by box id: created, started, or over and not yet killed
	byReq     map[string]*box
	wanted    map[string]hint // requests that may be approved soon
	expected  int             // how many, as the day had it when somebody last counted
	spare     []*box          // booting or waiting, belonging to nobody
	notBefore time.Time       // when one more may boot for later
	tally     Warm            // what has become of them
	notYet    error           // why nobody gets a box: a *steps.BoxError; nil when everybody does
	closed    bool
}

// New lays out what boxes need and clears away what dead processes left. It
// starts no box: call SelfTest to learn whether one would start.
func New(opt Options) (*Sandbox, error) {
	if opt.Runsc == "" {
		found, err := FindRunsc()
		if err != nil {
			return nil, err
		}
		opt.Runsc = found
	}
	if opt.Python == "" {
		opt.Python = "/usr/bin/python3"
	}
	if opt.Dir == "" {
		opt.Dir = ownPlace(os.TempDir(), fmt.Sprintf("countersign-%d", os.Geteuid()))
	}
	if opt.Machine == "" {
		opt.Machine = ownPlace(os.TempDir(), fmt.Sprintf("countersign-%d-machine", os.Geteuid()))
	}
	if opt.WarmFor == 0 {
		opt.WarmFor = 10 * time.Minute
	}
	if opt.Memory == 0 {
		opt.Memory = 1024
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	template, err := installed(opt.Python)
	if err != nil {
		return nil, err
	}
	cpus, err := usableCores()
	if err != nil {
		return nil, fmt.Errorf("local sandbox: %w", err)
	}
	template = sandbox.Runner() + ", " + template
	home, err := settle(opt, fontList(opt.Machine, template))
	if err != nil {
		return nil, err
	}
	m := &machine{opt: opt, rootless: os.Geteuid() != 0, home: home, log: opt.Log, cpus: cpus, line: newLine(opt.Machine, home.instance, cpus), bootTime: bootTime, standstill: standstill}
	s := &Sandbox{machine: m, template: template, inspectTime: inspectTime, patience: patience, pause: time.Second,
		boxes: map[string]*box{}, byReq: map[string]*box{}, wanted: map[string]hint{}, warmLife: warmLife, spareMB: func() int { return spareMB(opt.Memory) }}
	if opt.Unproven {
		s.notYet = starting()
	}
	return s, nil
}

// FindRunsc looks for the gVisor binary: where COUNTERSIGN_RUNSC says; in
// libexec beside the executable, or beside its folder; and, for tests and `go
// run`, in libexec of the module that the working directory is in. Never on
// PATH: what is found there may be years old.
func FindRunsc() (string, error) {
	exe, _ := os.Executable() // without it, the other places remain
	dir, _ := os.Getwd()
	return findRunsc(os.Getenv("COUNTERSIGN_RUNSC"), exe, dir)
}

func findRunsc(named, exe, dir string) (string, error) {
	if named != "" {
		return checkRunsc(named)
	}
	places := []string{filepath.Dir(exe), filepath.Dir(filepath.Dir(exe))}
	for ; len(dir) > 1; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			places = append(places, dir)
		}
	}
	for _, place := range places {
		if path, err := checkRunsc(filepath.Join(place, "libexec", "runsc")); err == nil {
			return path, nil
		}
	}
	return "", &steps.BoxError{Err: errors.New("runsc not found"),
		Words: "The local sandbox needs gVisor: run `make libexec/runsc`, or set COUNTERSIGN_RUNSC to a runsc binary."}
}

func checkRunsc(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && (info.IsDir() || info.Mode()&0o111 == 0) {
		err = fmt.Errorf("%s is not executable", path)
	}
	if err != nil {
		return "", &steps.BoxError{Err: err,
			Words: fmt.Sprintf("The gVisor binary %s cannot be used: run `make libexec/runsc`, or set COUNTERSIGN_RUNSC to another one.", path)}
	}
	return filepath.Abs(path)
}

// Size is what a box is billed by. One core is what a box really has (affinity). The memory is a
// number of the settings: each run has a limit of its own, and the price is one for all.
func (s *Sandbox) Size() budget.BoxSize {
	return budget.BoxSize{Kind: Kind, VCPU: 1, MemoryMB: s.opt.Memory}
}

// Template describes what is installed in the boxes, which is what is
// installed on this machine: "runner 0123456789ab, debian 12, python 3.11, pandas 1.5.3, ...".
func (s *Sandbox) Template() string { return s.template }

// ReachesHosts: a local box has no network at all.
func (s *Sandbox) ReachesHosts() bool { return false }

// Close ends all boxes, waits until they are gone and removes what they needed. After it nothing can
// boot: every way to a box looks at closed under the same lock. Boxes of inspections and readings are
// in no list; their calls end them, so whoever closes cancels the calls' contexts first.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	doomed := append([]*box{}, s.spare...)
	for _, b := range s.boxes {
		doomed = append(doomed, b)
	}
	for _, hint := range s.wanted {
		hint.until.Stop()
	}
	for _, b := range s.boxes {
		if b.idle != nil {
			b.idle.Stop()
		}
	}
	s.spare = nil
	clear(s.boxes)
	clear(s.byReq)
	clear(s.wanted)
	s.mu.Unlock()
	for _, b := range doomed {
		b.kill()
	}
	s.inflight.Wait()
	return s.home.leave()
}

// sealed refuses what this sandbox cannot keep of a seal. It is looked at before there is a box, so
// that a request that has to go back to its reviewers costs nothing.
func (s *Sandbox) sealed(seal approval.Manifest) error {
	var words string
	switch {
	case seal.Sandbox != Kind:
		words = fmt.Sprintf("It was approved for the sandbox %q, and this one is %q.", seal.Sandbox, Kind)
	case seal.Template != s.template:
		words = fmt.Sprintf("What is installed here has changed since the approval: it was %q, now it is %q.", seal.Template, s.template)
	case len(seal.Network) > 0:
		words = "It was approved with network access to " + strings.Join(seal.Network, ", ") + ", and a local box has no network."
	default:
		return nil
	}
	return &steps.BoxError{Err: errors.New("the seal does not fit"), Words: words}
}

// gone tells of a box that is no more.
func gone(boxID string) error { return fmt.Errorf("box %s: %w", boxID, steps.ErrBoxGone) }

// absent tells of a box that this process does not have. Another process on this
// machine may: while that one lives its box is not gone, and its run not lost.
func (s *Sandbox) absent(boxID string) error {
	if !s.home.neighbour(boxID) {
		return gone(boxID)
	}
	return &steps.BoxError{Err: fmt.Errorf("box %s is another process's", boxID), Retry: true,
		Words: "It runs in another process of Countersign on this machine. Please look again later."}
}

// Result waits for the end. It may be asked again until the box is killed.
func (s *Sandbox) Result(ctx context.Context, boxID string) (approval.Result, error) {
	b := s.box(boxID)
	if b == nil {
		return approval.Result{}, s.absent(boxID)
	}
	return b.wait(ctx)
}

// FirstOutput is when the first of a box's result left it: of what its code printed,
// or its report where that comes first. Zero: not yet, or the box has gone.
func (s *Sandbox) FirstOutput(boxID string) time.Time {
	b := s.box(boxID)
	if b == nil {
		return time.Time{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.first
}

// Kill ends a box and forgets it. A box that is not known here is as good as killed: it has ended
// with its process, or is another process's, which comes to the same request and kills it.
func (s *Sandbox) Kill(ctx context.Context, boxID string) error {
	b := s.box(boxID)
	if b == nil {
		return nil
	}
	s.forget(b)
	b.kill()
	select {
	case <-b.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("kill box %s: %w", boxID, ctx.Err())
	}
}

func (s *Sandbox) box(id string) *box {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.boxes[id]
}

func (s *Sandbox) forget(b *box) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.boxes, b.id)
	for req, other := range s.byReq {
		if other == b {
			delete(s.byReq, req)
		}
	}
}
