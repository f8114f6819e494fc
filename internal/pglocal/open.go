package pglocal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// NoneError says that a folder holds no cluster.
type NoneError struct {
	Dir string
}

func (e *NoneError) Error() string { return fmt.Sprintf("There is no database in %s yet.", e.Dir) }

// handover is how long Open waits for a process that starts or stops its server.
const handover = 10 * time.Second

// Open connects a short command to the server that another process runs in the folder.
// Where no process runs one, it starts the server; that server ends after Stop, once all
// other commands that use it have stopped as well. Open makes no cluster: where there is
// none it returns a *NoneError, or the error that would keep Start from making one.
func Open(ctx context.Context, o Options) (*Server, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{joined: true, dir: dir, data: filepath.Join(dir, "data")}
	if s.owner, err = findOwner(s.data, os.Geteuid(), os.Getegid()); err != nil {
		return nil, err
	}
	s.socket = socketDir(s.dir, s.owner.uid)
	switch major, err := clusterVersion(s.data); {
	case err != nil:
		return nil, err
	case major == 0:
		return nil, s.none(o)
	}
	for deadline := time.Now().Add(handover); ; {
		server, err := Start(ctx, o)
		if err == nil {
			server.brief = true
		}
		used, ok := errors.AsType[*InUseError](err)
		if !ok {
			return server, err
		}
		if s.runsElsewhere() {
			if err := s.admitted(used); err != nil {
				return nil, err
			}
			if joined, err := s.join(); joined || err != nil {
				return s, err
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, err
		}
	}
}

// join has whoever runs the server know that it is used until Stop. It fails where
// the server is about to end, or has just ended.
func (s *Server) join() (joined bool, err error) {
	f, err := hold(s.guests(), syscall.LOCK_SH)
	if errors.Is(err, errHeld) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !s.runsElsewhere() {
		return false, unlock(f)
	}
	s.lock = f
	return true, nil
}

// seeOff waits until no command is in the server any more, and lets no other in
// until done is called. It waits for no longer than its patience: what a command
// does has been committed or is of no use to anybody by then.
func (s *Server) seeOff() (done func()) {
	for deadline := time.Now().Add(s.patience); ; time.Sleep(20 * time.Millisecond) {
		f, err := hold(s.guests(), syscall.LOCK_EX)
		if err == nil {
			return func() { _ = unlock(f) } // it ends with this process in any case
		}
		if !errors.Is(err, errHeld) || time.Now().After(deadline) {
			s.log.Warn("the database ends beside a command that uses it", "error", err)
			return func() {}
		}
	}
}

func (s *Server) guests() string { return filepath.Join(s.dir, "guests") }

// Joined says whether another process runs the server.
func (s *Server) Joined() bool { return s.joined }

// runsElsewhere tells whether the process that has the folder open has a server
// in it that takes connections.
func (s *Server) runsElsewhere() bool {
	pid, ready := postmaster(s.data)
	return ready && s.runs(pid)
}

// admitted checks that the server was started for this user, which Postgres itself
// would deny with a riddle.
func (s *Server) admitted(used *InUseError) error {
	me, err := whoRuns()
	if err != nil {
		return err
	}
	ident, err := os.ReadFile(filepath.Join(s.dir, "pg_ident.conf"))
	if err != nil {
		return fmt.Errorf("look up who may use the database: %w", err)
	}
	if !strings.Contains(string(ident), fmt.Sprintf("%q", me)) {
		return fmt.Errorf("%w It lets in %s and not %s: run this as that user", used, s.owner.name, me)
	}
	return nil
}

// none is what there is to say about a folder without a cluster: the first thing
// that would keep Start from making one, or that there is none.
func (s *Server) none(o Options) error {
	where := installed()
	if o.places != nil {
		where = *o.places
	}
	if _, err := where.find(0); err != nil {
		return err
	}
	there := s.dir
	for _, err := os.Stat(there); err != nil && there != filepath.Dir(there); _, err = os.Stat(there) {
		there = filepath.Dir(there) // Start makes what is missing passable
	}
	if err := s.owner.passes(there); err != nil {
		return err
	}
	return &NoneError{Dir: s.dir}
}
