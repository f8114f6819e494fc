package pglocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// role is who made the cluster: it migrates, and all tables are its own.
const role = "countersign"

// ServeRole is who works in the database. It owns nothing in it; what it may do is
// granted by whoever migrates.
const ServeRole = "countersign_serve"

// initialise makes a new cluster beside its place and moves it there in one
// step, so that a crash in the middle leaves nothing that looks like data.
func (s *Server) initialise(ctx context.Context) error {
	fresh := s.data + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("clear away an unfinished database: %w", err)
	}
	if err := s.owner.own(fresh); err != nil {
		return fmt.Errorf("make the database's folder: %w", err)
	}
	args := []string{"-D", fresh, "-U", role, "--auth-local=peer", "--auth-host=reject", "--encoding=UTF8", "--locale=C"}
	if s.throwaway {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), args...)
	cmd.Dir = fresh
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner.credential()}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, tail(out))
	}
	if err := s.addServe(ctx, fresh); err != nil {
		return err
	}
	return os.Rename(fresh, s.data)
}

// addServe makes the second role, before anybody can connect. Postgres reads statements
// from its standard input in this mode, and says on its output what became of them.
func (s *Server) addServe(ctx context.Context, data string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "postgres"), "--single", "-D", data, "postgres")
	cmd.Dir = data
	cmd.Stdin = strings.NewReader("CREATE ROLE " + ServeRole + " LOGIN\n")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner.credential()}
	out, err := cmd.CombinedOutput()
	if err == nil && bytes.Contains(out, []byte("ERROR:")) {
		err = errors.New("refused")
	}
	if err != nil {
		return fmt.Errorf("make the role %s: %w: %s", ServeRole, err, tail(out))
	}
	return nil
}

// admit writes who may connect, as either role: this user and the owner, known by their process.
// Both files lie outside the data folder, where the owner cannot put a link in their way.
func (s *Server) admit() error {
	me, err := whoRuns()
	if err != nil {
		return err
	}
	var ident strings.Builder
	for _, user := range []string{me, s.owner.name} {
		for _, as := range []string{role, ServeRole} {
			fmt.Fprintf(&ident, "%s %q %s\n", role, user, as)
		}
	}
	for name, text := range map[string]string{
		"pg_hba.conf":   "local all all peer map=" + role + "\n",
		"pg_ident.conf": ident.String(),
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

// settings are given on the command line and not in a file: they are those of this program, whatever an older one or
// somebody else has written into the folder.
func (s *Server) settings() []string {
	settings := []string{
		"listen_addresses=", // no port: nobody on the network, nobody else on this machine
		"port=5432",         // the socket's name
		"unix_socket_directories=" + `"` + s.socket + `"`, // a list, so it is quoted
		"unix_socket_permissions=0700",
		"hba_file=" + filepath.Join(s.dir, "pg_hba.conf"),
		"ident_file=" + filepath.Join(s.dir, "pg_ident.conf"),
		"max_connections=100",
		"shared_buffers=32MB",
		"wal_level=minimal",
		"max_wal_senders=0",
		"jit=off", // as storage has it: this is for whoever else looks
		"logging_collector=off",
		"log_checkpoints=off",
		"log_min_error_statement=panic", // what the schema refuses is part of the work: a line for each, not its whole statement
		"log_error_verbosity=terse",
		"log_timezone=UTC",
		"timezone=UTC",
	}
	if s.throwaway {
		// What was committed survives the server and this program, though not the machine.
		settings = append(settings, "fsync=off", "full_page_writes=off", "max_connections=500") // a suite has many programs beside one another
	}
	return append(settings, s.more...)
}

// launch starts the server as a child and waits until it takes connections.
func (s *Server) launch(ctx context.Context) error {
	log, err := s.openLog()
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"-D", s.data}
	for _, setting := range s.settings() {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	cmd.Dir = s.data
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes(s.owner)
	started, ended := make(chan error, 1), make(chan struct{})
	go s.run(cmd, started, ended)
	if err := <-started; err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	s.process, s.ended = cmd.Process, ended
	return s.ready(ctx)
}

// errLingers says that children of a server that was killed have yet to notice.
// They take a moment, and Postgres rightly starts no other server until then.
var errLingers = errors.New("processes of the last server are still ending")

// lingering is longer than they take on any machine.
const lingering = 10 * time.Minute

// launchOnceFree starts the server once what is left of a former one has let go of the folder.
func (s *Server) launchOnceFree(ctx context.Context) error {
	// A server that lives is waited for, however long it takes: recovery after a crash reads the whole log.
	for until := time.Now().Add(lingering); ; {
		err := s.launch(ctx)
		if !errors.Is(err, errLingers) || time.Now().After(until) {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// run keeps the thread that started the child for as long as the child lives:
// the kernel takes the end of the thread, not of the process, for the parent's death.
func (s *Server) run(cmd *exec.Cmd, started chan<- error, ended chan<- struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err == nil {
		_ = cmd.Wait() // how it ended stands in its log
		close(ended)
	}
}

// ready waits until postgres writes into its own file that it takes connections. A connection that is tried says less:
// it may be refused for many reasons.
func (s *Server) ready(ctx context.Context) error {
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		if pid, ready := postmaster(s.data); ready && pid == s.process.Pid {
			tick.Stop()
			return nil
		}
		select {
		case <-tick.C:
		case <-s.ended:
			text, _ := os.ReadFile(s.logPath())
			if said := tail(text); strings.Contains(said, "pre-existing shared memory block") {
				return fmt.Errorf("%w: %s", errLingers, said)
			}
			return fmt.Errorf("postgres did not start: %s", tail(text))
		case <-ctx.Done():
			return fmt.Errorf("wait for postgres: %w", ctx.Err())
		}
	}
}

// endLeftover ends a server that outlived its process, and removes what a dead
// one left behind. Nobody else can be using it, since the lock is ours.
func (s *Server) endLeftover(ctx context.Context) error {
	pid, _ := postmaster(s.data)
	if pid <= 0 {
		return nil
	}
	if s.runs(pid) {
		s.log.Info("ending a postgres that was left behind", "process", pid)
		if err := syscall.Kill(pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end the postgres that was left behind (process %d): %w", pid, err)
		}
	}
	for s.runs(pid) {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait for the postgres that was left behind: %w", ctx.Err())
		}
	}
	// The number may belong to anybody by now; Postgres would take them for its predecessor.
	if err := os.Remove(filepath.Join(s.data, "postmaster.pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove what a dead postgres left behind: %w", err)
	}
	return nil
}

// runs tells whether a process is a server of this folder: its number alone may
// be anybody's by now.
func (s *Server) runs(pid int) bool {
	line := commandLine(pid)
	return strings.Contains(line, "postgres") && strings.Contains(line, s.data)
}

func (s *Server) logPath() string { return filepath.Join(s.dir, "postgres.log") }

// openLog starts over when the log has grown large.
func (s *Server) openLog() (*os.File, error) {
	mode := os.O_APPEND
	if info, err := os.Stat(s.logPath()); err == nil && info.Size() > 1<<20 {
		mode = os.O_TRUNC
	}
	return os.OpenFile(s.logPath(), os.O_CREATE|os.O_WRONLY|mode, 0o600)
}

// tail is the end of a program's output, on one line.
func tail(out []byte) string {
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-3):], []byte("; ")))
}
