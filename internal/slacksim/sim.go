package slacksim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/pageapi"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/sockets"
	"countersign/internal/slacksim/webapi"
	"countersign/internal/slacksim/workspace"
)

// Sim is one workspace with one app, and what tests do to it. New makes it, Run
// serves it, Close ends everything that it started.
type Sim struct {
	*fault.Faults
	*sockets.Mode
	*workspace.Directory
	ws   *workspace.Workspace
	api  *webapi.API
	acts *person.Acts
	page *pageapi.API
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
	if o.BotToken == "" {
		o.BotToken = DefaultBotToken
	}
	if o.AppToken == "" {
		o.AppToken = DefaultAppToken
	}
	ws, err := workspace.Open(o)
	if err != nil {
		return nil, err
	}
	faults := &fault.Faults{Workspace: ws}
	mode := sockets.New(ws, faults)
	posts, views := workspace.NewPosts(ws, mode), workspace.NewViews(ws)
	acts := person.NewActs(ws, posts, views, mode)
	return &Sim{
		Faults: faults, Mode: mode, Directory: &workspace.Directory{Workspace: ws, Events: mode}, ws: ws,
		api: webapi.New(ws, posts, views, faults, mode), acts: acts, page: pageapi.New(ws, acts, faults, mode),
	}, nil
}

// As is the person with this id; nothing is checked until they act.
func (s *Sim) As(userID string) *person.Person { return person.New(s.acts, userID) }

// Answer chooses among the words that Slack has for what an app cannot have.
func (s *Sim) Answer(a webapi.Answers) { s.api.Answer(a) }

// Unchecked has forms come through as a client sends them off, also with files that are
// not the person's own: whether Slack looks, its documents do not say.
func (s *Sim) Unchecked() { s.acts.Uncheck() }

// Calls are the Web API calls that the inspector still knows, by method ("" for
// all), oldest first.
func (s *Sim) Calls(method string) []workspace.Entry { return s.ws.Calls(method) }

// Journal is all that the inspector still knows and that came after an entry, oldest
// first: calls, envelopes and acks in the order in which they ended.
func (s *Sim) Journal(after int) []workspace.Entry { return s.ws.Journal(after) }

// Handler serves everything. Whoever uses it without Serve calls Close at the end.
func (s *Sim) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.api.ServeAPI)
	mux.HandleFunc("/link/", s.Mode.ServeSocket)
	mux.HandleFunc("POST /upload/v1/{id}", s.api.ServeUpload)
	mux.HandleFunc("GET /files-pri/{id}/{name...}", s.api.ServeFile)
	mux.HandleFunc("POST /response/{id}", s.api.ServeResponseURL)
	mux.HandleFunc("GET /archives/{channel}/{message}", s.api.ServePermalink)
	s.page.RoutePage(mux)
	if s.ws.Opts.Page != nil {
		mux.Handle("/", s.ws.Opts.Page)
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
		s.ws.Lock()
		if s.ws.Base == "" {
			s.ws.Base = "http://" + r.Host
		}
		s.ws.Unlock()
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
	s.ws.Lock()
	s.ws.Base = "http://" + ln.Addr().String()
	s.ws.Unlock()
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
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.ws.Log.Handler(), slog.LevelWarn)}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return workspace.Folder{Workspace: s.ws}.Keep(ctx) })
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
	if !s.ws.Shut() {
		return nil
	}
	s.CloseSockets(sockets.CloseGoingAway)
	s.ws.Errands.Wait()
	return workspace.Folder{Workspace: s.ws}.Save()
}

// URL is where the workspace is reached, without a slash at the end.
func (s *Sim) URL() string {
	s.ws.Lock()
	defer s.ws.Unlock()
	return s.ws.Base
}

// APIURL is what a Slack client is given instead of https://slack.com/api/.
func (s *Sim) APIURL() string { return s.URL() + "/api/" }

// BotToken and AppToken are the app's credentials.
func (s *Sim) BotToken() string {
	s.ws.Lock()
	defer s.ws.Unlock()
	return s.ws.App.BotToken
}

// AppToken is the app-level token, with connections:write.
func (s *Sim) AppToken() string { return s.ws.App.AppToken }
