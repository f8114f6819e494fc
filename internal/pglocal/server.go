package pglocal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options say which cluster to run, and how.
type Options struct {
	Dir       string        // made when it is not there
	Log       *slog.Logger  // nothing is logged when it is nil
	Throwaway bool          // nothing is kept safe from a power cut: for tests
	Wait      time.Duration // for another process to leave the folder, such as a command that is soon over
	Programs  string        // the folder of Postgres' programs, when not the one that PG_BIN names or this machine has
	Settings  []string      // more of them, such as work_mem=64MB: for tests

	places *places // where programs are looked for, when not on this machine's usual places
}

// Server is a running Postgres.
type Server struct {
	joined    bool // another process runs it
	brief     bool // it was started for a command that is soon over
	dir       string
	data      string
	socket    string
	bin       string
	owner     owner
	throwaway bool
	more      []string
	places    places
	patience  time.Duration // with a server that was asked to stop, and before that with a brief one's guests
	log       *slog.Logger
	lock      *os.File
	process   *os.Process
	ended     chan struct{} // closed when the process has ended
	stop      sync.Once
	stopped   error
}

// Start runs the cluster of a folder, and makes it first where there is none. It returns
// when the server accepts connections. The error is an *InUseError when another process
// has the folder open and a *MissingError when Postgres is not installed; every error is
// a sentence for the person who started the program.
func Start(ctx context.Context, o Options) (*Server, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, fmt.Errorf("make the database's folder: %w", err)
	}
	s := &Server{dir: dir, data: filepath.Join(dir, "data"), throwaway: o.Throwaway, more: o.Settings, log: o.Log, ended: make(chan struct{}),
		patience: 10 * time.Second}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if o.places == nil {
		s.places = installed()
	} else {
		s.places = *o.places
	}
	if o.Programs != "" {
		s.places.chosen = o.Programs
	}
	for deadline := time.Now().Add(o.Wait); ; {
		s.lock, err = lock(dir)
		if err == nil {
			break
		}
		if _, ok := errors.AsType[*InUseError](err); !ok || ctx.Err() != nil || !time.Now().Before(deadline) {
			return nil, err
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// start finds whose the folder is and which PostgreSQL wrote it, ends what a crash has left running in it, and
// starts the server.
func (s *Server) start(ctx context.Context) (err error) {
	began := time.Now()
	if s.owner, err = findOwner(s.data, os.Geteuid(), os.Getegid()); err != nil {
		return err
	}
	if err := s.owner.passes(s.dir); err != nil {
		return err
	}
	major, err := clusterVersion(s.data)
	if err != nil {
		return err
	}
	if s.bin, err = s.places.find(major); err != nil {
		if missing, ok := errors.AsType[*MissingError](err); ok {
			missing.Dir = s.dir
		}
		return err
	}
	if err := s.endLeftover(ctx); err != nil {
		return err
	}
	if major == 0 {
		if err := s.initialise(ctx); err != nil {
			return err
		}
	}
	if err := s.admit(); err != nil {
		return err
	}
	s.socket = socketDir(s.dir, s.owner.uid)
	if err := s.owner.own(s.socket); err != nil {
		return fmt.Errorf("make the folder of the database's socket: %w", err)
	}
	if err := s.launchOnceFree(ctx); err != nil {
		return err
	}
	s.log.Info("postgres runs", "dir", s.dir, "programs", s.bin, "user", s.owner.name, "took", time.Since(began))
	return nil
}

// URL is where the database is, for whoever migrates it: a socket that only this user
// and the owner can reach, and no password.
func (s *Server) URL() string { return s.as(role) }

// ServeURL is the same for whoever works in it.
func (s *Server) ServeURL() string { return s.as(ServeRole) }

// as is the address of the socket for one of its users.
func (s *Server) as(user string) string {
	query := url.Values{"host": {s.socket}, "port": {"5432"}, "user": {user}, "sslmode": {"disable"}}
	return "postgres:///postgres?" + strings.ReplaceAll(query.Encode(), "+", "%20") // clients differ on what a plus means
}

// Ended is closed when the server process has ended, asked or not.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Stop shuts the server down and unlocks the folder. It disconnects all clients; what
// they committed stays. A server of another process keeps running. Stop may be called
// more than once.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		if s.brief {
			defer s.seeOff()()
		}
		if s.process != nil {
			s.stopped = s.end()
		}
		if !s.joined && s.socket != "" && !strings.HasPrefix(s.socket, s.dir) {
			_ = os.RemoveAll(s.socket) // what is left would only be an empty folder
		}
		if s.lock != nil {
			s.stopped = errors.Join(s.stopped, unlock(s.lock))
		}
	})
	return s.stopped
}

// end asks ever less politely. Past SIGQUIT Postgres recovers at its next start.
func (s *Server) end() error {
	for _, ask := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		if err := s.process.Signal(ask); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop postgres: %w", err)
		}
		select {
		case <-s.ended:
			return nil
		case <-time.After(s.patience):
			s.log.Warn("postgres does not stop", "signal", ask)
		}
	}
	return fmt.Errorf("postgres (process %d) cannot be stopped", s.process.Pid)
}
