package slacksim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Sim is one workspace with one app. New makes it, Run serves it, Close ends
// everything that it started.
type Sim struct {
	opts Options
	app  *app
	log  *slog.Logger
	bot  User

	// life ends with Close; errands are the goroutines that Close waits for.
	life    context.Context
	end     context.CancelFunc
	errands sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	base     string        // where we are reached, as in http://127.0.0.1:4321
	changed  chan struct{} // closed and replaced whenever something below changes
	dirty    bool          // there is something that the folder does not have yet
	ws       *workspace
	triggers map[string]*trigger
	replies  map[string]*responseURL
	uploads  map[string]*upload
	status   map[string]*time.Timer // by channel and thread: when the status line clears
	notices  map[string][]Notice
	readers  map[*reader]struct{} // of /sim/events
	sockets  []*socket
	turn     int // whose turn it is among the sockets
	tickets  map[string]time.Time
	pending  map[string]*delivery
	held     *delivery // by the reorder fault
	faults   faults
	trouble  *misfortune        // nil: none
	posts    map[string]*bucket // by channel
	counts   Counts

	journal journal    // guards itself
	saving  sync.Mutex // one snapshot at a time
}

// New reads the manifest and the folder. It starts nothing.
func New(o Options) (*Sim, error) {
	if o.Team.ID == "" {
		o.Team = DefaultTeam
	}
	if o.Users == nil {
		o.Users = DefaultUsers()
	}
	if o.Channels == nil {
		o.Channels = DefaultChannels()
	}
	if o.Manifest == nil {
		o.Manifest = []byte(defaultManifest)
	}
	if o.AppID == "" {
		o.AppID = "A0ANALYZE"
	}
	if o.BotToken == "" {
		o.BotToken = DefaultBotToken
	}
	if o.AppToken == "" {
		o.AppToken = DefaultAppToken
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
	s := &Sim{
		opts: o, app: installed, log: o.Logger, life: life, end: end,
		bot:      User{ID: BotUser, Name: installed.BotName, RealName: installed.Name, Role: "bot", Title: "App", IsBot: true, TZ: "Etc/UTC", Color: "4a154b"},
		changed:  make(chan struct{}),
		ws:       newWorkspace(o),
		triggers: map[string]*trigger{}, replies: map[string]*responseURL{}, uploads: map[string]*upload{},
		status: map[string]*time.Timer{}, notices: map[string][]Notice{}, readers: map[*reader]struct{}{},
		tickets: map[string]time.Time{}, pending: map[string]*delivery{}, posts: map[string]*bucket{},
	}
	s.ws.welcome(s.bot)
	if err := s.load(); err != nil {
		end()
		return nil, err
	}
	return s, nil
}

// Handler serves everything. Whoever uses it without Serve calls Close at the end.
func (s *Sim) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("/link/", s.serveSocket)
	mux.HandleFunc("POST /upload/v1/{id}", s.serveUpload)
	mux.HandleFunc("GET /files-pri/{id}/{name...}", s.serveFile)
	mux.HandleFunc("POST /response/{id}", s.serveResponseURL)
	mux.HandleFunc("GET /archives/{channel}/{message}", s.servePermalink)
	s.routePage(mux)
	if s.opts.Page != nil {
		mux.Handle("/", s.opts.Page)
	}
	return s.onlyHere(mux)
}

// onlyHere turns away requests that a browser was tricked into sending under
// another name (DNS rebinding), and learns the address we are reached at.
func (s *Sim) onlyHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			http.Error(w, "This simulator answers on this machine only, at 127.0.0.1 or localhost.", http.StatusForbidden)
			return
		}
		s.mu.Lock()
		if s.base == "" {
			s.base = "http://" + r.Host
		}
		s.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// loopback is true for this machine's own addresses. A name is never looked up: what
// it means is somebody else's to say.
func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Listen opens addr, which must be a loopback address: nothing here asks for a
// password, and everybody can act as anybody.
func (s *Sim) Listen(addr string) (net.Listener, error) {
	if !loopback(addr) {
		return nil, fmt.Errorf("listen on %s: the Slack simulator binds to loopback addresses only", addr)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	if tcp, ok := ln.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return nil, errors.Join(fmt.Errorf("listen on %s: the name leads off this machine", addr), ln.Close())
	}
	s.mu.Lock()
	s.base = "http://" + ln.Addr().String()
	s.mu.Unlock()
	return ln, nil
}

// Run listens on addr and serves until the context ends.
func (s *Sim) Run(ctx context.Context, addr string) error {
	ln, err := s.Listen(addr)
	if err != nil {
		return err
	}
	return s.Serve(ctx, ln)
}

// Serve serves until the context ends, then closes everything and writes the
// last snapshot.
func (s *Sim) Serve(ctx context.Context, ln net.Listener) error {
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.keep(ctx) })
	group.Go(func() error {
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve %s: %w", ln.Addr(), err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		err := s.Close()
		return errors.Join(err, server.Close())
	})
	return group.Wait()
}

// Close ends the sockets, the timers and whatever waits, and writes the last snapshot.
func (s *Sim) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.end()
	sockets := append([]*socket(nil), s.sockets...)
	for _, t := range s.status {
		t.Stop()
	}
	s.mu.Unlock()
	for _, c := range sockets {
		c.drop(closeGoingAway)
	}
	s.errands.Wait()
	return s.save()
}

// URL is where the workspace is reached, without a slash at the end.
func (s *Sim) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base
}

// APIURL is what a Slack client is given instead of https://slack.com/api/.
func (s *Sim) APIURL() string { return s.URL() + "/api/" }

// BotToken and AppToken are the app's credentials.
func (s *Sim) BotToken() string { return s.app.BotToken }

// AppToken is the app-level token, with connections:write.
func (s *Sim) AppToken() string { return s.app.AppToken }

// errand runs work that Close waits for. After Close it does nothing.
func (s *Sim) errand(work func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errandLocked(work)
}

func (s *Sim) errandLocked(work func()) {
	if s.closed {
		return
	}
	s.errands.Go(work)
}

// wakeLocked wakes everybody who waits for something to happen.
func (s *Sim) wakeLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// changedLocked wakes them too, and notes that the folder is behind.
func (s *Sim) changedLocked() {
	s.dirty = true
	s.wakeLocked()
}

// await waits until look finds what it looks for. It looks once now, and again
// after each change; it never polls.
func await[T any](ctx context.Context, s *Sim, look func() (T, bool)) (T, error) {
	for {
		s.mu.Lock()
		found, ok := look()
		changed := s.changed
		s.mu.Unlock()
		if ok {
			return found, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		case <-s.life.Done():
			var none T
			return none, errors.New("the simulator was closed")
		}
	}
}

// sleep waits, unless the simulator closes first.
func (s *Sim) sleep(d time.Duration) bool {
	if d <= 0 {
		return s.life.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.life.Done():
		return false
	}
}
