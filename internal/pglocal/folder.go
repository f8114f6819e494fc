package pglocal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// InUseError says that another process has the folder open.
type InUseError struct {
	Dir string
	PID int // of that process; 0 when it is unknown
}

// Error implements error.
func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("Another process is using the database in %s.", e.Dir)
	}
	return fmt.Sprintf("Another process (number %d) is using the database in %s.", e.PID, e.Dir)
}

// lock takes the folder for this process. The kernel gives it back when the
// process ends, so there is nothing to clean up after a crash, and, unlike a
// number in a file, it cannot be mistaken for another process's.
func lock(dir string) (*os.File, error) {
	f, err := hold(filepath.Join(dir, "lock"), syscall.LOCK_EX)
	if errors.Is(err, errHeld) {
		text, _ := os.ReadFile(filepath.Join(dir, "lock"))
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return nil, &InUseError{Dir: dir, PID: pid}
	}
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(f.Name(), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// errHeld says that somebody else holds a file.
var errHeld = errors.New("held by another")

// hold locks a file, which it makes where there is none: LOCK_EX for this holder
// alone, LOCK_SH together with others who share it.
func hold(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", filepath.Dir(path), err)
	}
	if err = syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		err = errHeld
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", filepath.Dir(path), err), f.Close())
	}
	return f, nil
}

// unlock gives the folder back at once. Closing alone would not: a child that is
// being forked at this moment, for whatever purpose, still has the file open.
func unlock(f *os.File) error {
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
}

// socketName is what Postgres calls its socket, lock file and all.
const socketName = "/.s.PGSQL.5432.lock"

// maxSocketPath is what fits into a sockaddr_un, less its final zero.
const maxSocketPath = 103 // macOS; Linux has four more

// socketDir is the folder of the socket: in the folder itself, or, when that
// path is too long for a socket or would be taken for a list of several, in the
// system's temporary one, by a name that the same folder always gets.
func socketDir(dir string, uid int) string {
	near := filepath.Join(dir, "socket")
	if len(near)+len(socketName) <= maxSocketPath && !strings.ContainsAny(near, `,"`) {
		return near
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join("/tmp", fmt.Sprintf("pglocal-%d-%s", uid, hex.EncodeToString(sum[:8])))
}

// clusterVersion is the major version that wrote the data, 0 where there is none.
func clusterVersion(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err == nil {
		major, err := leadingNumber(string(text))
		if err != nil {
			return 0, fmt.Errorf("%s does not say which PostgreSQL wrote it", data)
		}
		return major, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	if _, err := os.Lstat(data); err == nil {
		return 0, fmt.Errorf("%s is no database, and is left alone: move it away, or choose another folder", data)
	}
	return 0, nil
}

// postmaster reads what a server says about itself: its process, and whether it
// takes connections.
func postmaster(data string) (pid int, ready bool) {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0, false
	}
	lines := strings.Split(string(text), "\n")
	pid, _ = strconv.Atoi(strings.TrimSpace(lines[0]))
	return pid, len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"
}
