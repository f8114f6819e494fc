package workspace

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"countersign/internal/slacksim/rewrite"
)

// Workspace is a workspace with one app: its memory, the lock around it, and everybody who
// waits for a change. Posts, Views, Faults and Mode all work on one Workspace.
type Workspace struct {
	Opts Options
	App  *app
	Log  *slog.Logger
	Bot  User
	// BotID stands in the bot's messages beside its user. Like that it is another one when the app is installed anew.
	BotID string

	// life ends with the simulator; errands are the goroutines that its end waits for.
	Life    context.Context
	end     context.CancelFunc
	Errands sync.WaitGroup

	sync.Mutex // guards what follows

	Closed    bool
	Base      string        // where we are reached, as in http://127.0.0.1:4321
	changed   chan struct{} // closed and replaced whenever something below changes
	dirty     bool          // there is something that the folder does not have yet
	Memory    *Memory
	status    map[string]*time.Timer // by channel and thread: when the status line clears
	Notices   map[string][]Notice
	Readers   map[*Reader]struct{} // of /sim/events
	Rewriting rewrite.Rewriting
	Dead      map[string]string // tokens that are good no more, each with Slack's word for it
	// EditWindow is how old a message may be that is still edited; zero: as old as it likes, negative: none may be.
	EditWindow time.Duration

	Entries journal    // guards itself
	saving  sync.Mutex // one snapshot at a time
}

// Open reads the manifest and the folder. It starts nothing.
func Open(o Options) (*Workspace, error) {
	if o.AppID == "" {
		o.AppID = "A0ANALYZE"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.PostBurst == 0 {
		o.PostBurst = DefaultPostBurst
	}
	o.Timing.fill()
	installed, err := install(o)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	s := &Workspace{
		Opts: o, App: installed, Log: o.Logger, Life: life, end: end,
		BotID:   BotID,
		Bot:     User{ID: BotUser, Name: installed.BotName, RealName: installed.Name, Role: "bot", Title: "App", IsBot: true, TZ: "Etc/UTC", Color: "4a154b"},
		changed: make(chan struct{}), Memory: newMemory(o),
		status: map[string]*time.Timer{}, Dead: map[string]string{}, Notices: map[string][]Notice{}, Readers: map[*Reader]struct{}{},
	}
	s.Memory.welcome(s.Bot)
	if err := (Folder{s}).load(); err != nil {
		end()
		return nil, err
	}
	return s, nil
}

// Shut ends all waits and stops the timers. The second call returns false.
func (s *Workspace) Shut() bool {
	s.Lock()
	defer s.Unlock()
	if s.Closed {
		return false
	}
	s.Closed = true
	s.end()
	for _, t := range s.status {
		t.Stop()
	}
	return true
}

// Errand runs work that Close waits for. After Close it does nothing.
func (s *Workspace) Errand(work func()) {
	s.Lock()
	defer s.Unlock()
	s.ErrandLocked(work)
}

// ErrandLocked is Errand for callers that hold the lock.
func (s *Workspace) ErrandLocked(work func()) {
	if s.Closed {
		return
	}
	s.Errands.Go(work)
}

// WakeLocked wakes everybody who waits for something to happen.
func (s *Workspace) WakeLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// changedLocked wakes them too, and notes that the folder is behind.
func (s *Workspace) changedLocked() {
	s.dirty = true
	s.WakeLocked()
}

// Await waits until look finds what it looks for. It looks once now, and again
// after each change; it never polls.
func Await[T any](ctx context.Context, s *Workspace, look func() (T, bool)) (T, error) {
	for {
		s.Lock()
		found, ok := look()
		changed := s.changed
		s.Unlock()
		if ok {
			return found, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		case <-s.Life.Done():
			var none T
			return none, errors.New("the simulator was closed")
		}
	}
}

// Sleep waits, unless the simulator closes first.
func (s *Workspace) Sleep(d time.Duration) bool {
	if d <= 0 {
		return s.Life.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.Life.Done():
		return false
	}
}
