package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"countersign/approval"
	"countersign/approval/steps"
)

// home is the folder of one instance: the boxes' root, their configurations and
// runsc's state. A lock on it lives as long as this process, so that whoever
// comes later can tell a dead one's folder from a living one's.
type home struct {
	dir           string
	instance      string
	lock          *os.File
	root          string
	state         string
	runBundle     string
	inspectBundle string
	readBundle    string
}

// settle clears dead predecessors away and makes this instance's folder. Names in it are short:
// runsc and the witness have sockets in it, whose paths the kernel bounds at 107 bytes.
func settle(opt Options, fonts string) (*home, error) {
	dir, err := filepath.Abs(opt.Dir)
	if err != nil {
		return nil, fmt.Errorf("local sandbox: %w", err)
	}
	if err := ownFolder(dir); err != nil {
		return nil, &steps.BoxError{Err: err, Words: "The folder " + dir + " cannot be used, or belongs to somebody else: name another one for the local sandbox."}
	}
	clearDead(dir)
	h := &home{instance: approval.NewID(6)}
	h.dir = filepath.Join(dir, h.instance)
	if err := os.Mkdir(h.dir, 0o700); err != nil {
		return nil, fmt.Errorf("local sandbox: %w", err)
	}
	// Before anything is laid: a folder without a lock is taken for one that is being made, for a minute.
	h.lock, err = takeLock(h.dir)
	if err != nil {
		return nil, fmt.Errorf("local sandbox: %w", err)
	}
	h.root, h.state = filepath.Join(h.dir, "root"), filepath.Join(h.dir, "s")
	h.runBundle, h.inspectBundle = filepath.Join(h.dir, "run"), filepath.Join(h.dir, "inspect")
	h.readBundle = filepath.Join(h.dir, "read")
	err = errors.Join(os.Mkdir(h.state, 0o700), layRoot(h.root), layFonts(h.root, fonts),
		layBundle(h.readBundle, h.root, analyst, opt.Python, "/runner/read.py", "fd:3", "fd:4", "/work"),
		layBundle(h.runBundle, h.root, 0, opt.Python, "/runner/supervise.py", "fd:3", "fd:4", "/work", "/out", strconv.Itoa(analyst)),
		layBundle(h.inspectBundle, h.root, analyst, opt.Python, "/runner/inspect.py", "fd:3", "fd:4"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("local sandbox: %w", err), h.leave())
	}
	return h, nil
}

// takeLock locks an instance's folder, or says that its owner lives.
func takeLock(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), lock.Close())
	}
	return lock, nil
}

// neighbour tells whether a box belongs to another instance that lives and shares
// this one's folder. The id comes from the database, so it is held to be a plain name before it
// becomes part of a path.
func (h *home) neighbour(boxID string) bool {
	id, ours := strings.CutPrefix(boxID, Kind+"-")
	instance, _, _ := strings.Cut(id, "-")
	if !ours || instance == "" || instance == h.instance || instance != filepath.Base(instance) {
		return false
	}
	lock, err := os.OpenFile(filepath.Join(filepath.Dir(h.dir), instance, "lock"), os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer func() { _ = lock.Close() }()
	// Where nobody holds the lock it is ours for this moment. A process that clears dead folders away
	// then takes this one for alive, and clears it the next time.
	return errors.Is(unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// clearDead removes the folders of instances whose process is gone, and ends
// what is left of their boxes: the kernel ends them with their parent, so this
// finds something only where even that failed.
func clearDead(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		old := filepath.Join(dir, entry.Name())
		if !entry.IsDir() {
			continue
		}
		if _, err := os.Stat(filepath.Join(old, "lock")); errors.Is(err, fs.ErrNotExist) {
			if info, err := entry.Info(); err != nil || unixAge(info) < 60 {
				continue // somebody may be making it just now
			}
		}
		// Whoever gets the lock of a folder knows that its owner is gone: the kernel lets go of it with the process.
		lock, err := takeLock(old)
		if err != nil {
			continue // alive
		}
		endThose(filepath.Join(old, "s"))
		_ = (&home{dir: old, state: filepath.Join(old, "s"), lock: lock}).leave()
	}
}

func unixAge(info fs.FileInfo) int64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &now)
	return now.Sec - info.ModTime().Unix()
}

// endThose kills the processes of runsc that were started with this state folder. They are found by
// their command line, because the one who could have told their numbers is dead.
func endThose(state string) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return
	}
	for _, line := range lines {
		data, err := os.ReadFile(line)
		if err != nil || !strings.Contains("\x00"+string(data), "\x00--root="+state+"\x00") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(line))); err == nil && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// sweepTime is what runsc has for forgetting a box: a moment is usual, and nobody needs it.
const sweepTime = 5 * time.Second

// sweepBox removes runsc's record of a box that has ended. Its failure harms nobody: the record is
// under a name that no other box gets, and the folder goes with the process.
func (h *home) sweepBox(opt Options, id string) {
	ctx, cancel := context.WithTimeout(context.Background(), sweepTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, opt.Runsc, "--root="+h.state, "delete", "-force", id)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	_ = cmd.Run()
	// Whatever it has not removed: a killed runsc leaves its files.
	leftovers, _ := filepath.Glob(filepath.Join(h.state, "*"+id+"*"))
	for _, path := range leftovers {
		_ = os.RemoveAll(path)
	}
}

// How often a folder is removed before it is left to the next start.
const (
	leaveTries = 50
	leavePause = 100 * time.Millisecond
)

// leave removes the folder. As root, runsc leaves an empty network namespace
// mounted in it, and boxes that start at the same time leave one on top of the other. A runsc that
// has just been killed may still be writing its last into it, so it is ended and the folder removed again.
func (h *home) leave() error {
	var err error
	for range leaveTries {
		for unix.Unmount(filepath.Join(h.state, "null-netns"), unix.MNT_DETACH) == nil {
		}
		// The lock last: while it is held, nobody else takes the folder for a dead one's.
		if err = os.RemoveAll(h.dir); err == nil {
			break
		}
		endThose(h.state)
		time.Sleep(leavePause)
	}
	if h.lock != nil {
		err = errors.Join(err, h.lock.Close())
	}
	if err != nil {
		return fmt.Errorf("local sandbox: %w", err)
	}
	return nil
}
