package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The line in which boxes wait for their turn to boot. A boot keeps one core busy, so as many
// boot at once as there are cores; more would only slow each other down. All processes of a user
// on this machine share one line. It is a folder of lock files; the kernel frees the locks of a
// process that dies:
//
//	core-N       locked by whoever boots on that core
//	R-TIME-ID    a place in the line, locked by whoever waits: rank first, then time
//	door         locked for a moment by whoever looks
//
// No process is in charge. Each looks at the line again and again, and takes a core when fewer
// places are before its own than there are free cores. A process that is stopped loses its place
// after a minute, and gets it back when it goes on.

const (
	lookEvery  = 20 * time.Millisecond // a boot takes two seconds: a core is idle for a hundredth of that
	touchEvery = 5 * time.Second
	absent     = time.Minute // a place that was not touched for so long keeps nobody back
)

type line struct {
	dir   string
	owner string // whose places they are; makes their names unlike those of others
	cpus  *cores

	mu      sync.Mutex
	places  []*place // ours that wait
	serial  int
	looked  time.Time
	touched time.Time
	moved   chan struct{} // closed and renewed when a core has become free here
}

// place is where one box stands in the line.
type place struct {
	name string
	lock *os.File
	at   int        // 1 is the first of the line; 0: not looked yet, or not in it
	turn chan *turn // gets the turn when it comes
}

// turn is the right to boot on a core, until end is called.
type turn struct {
	line *line
	cpu  int
	lock *os.File
	once sync.Once
}

func newLine(dir, owner string, cpus *cores) *line {
	return &line{dir: dir, owner: owner, cpus: cpus, moved: make(chan struct{})}
}

// ownFolder makes a folder that only this user can enter. It fails where somebody else has made
// it first, as anybody can in a shared temporary folder: they would own what is in it.
func ownFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil || int(st.Uid) != os.Geteuid() || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return fmt.Errorf("%s is not ours", dir)
	}
	if st.Mode&0o077 != 0 { // an earlier program, or another umask
		return os.Chmod(dir, 0o700)
	}
	return nil
}

// manyPlaces is how many names of a folder are tried before one that nobody can guess.
const manyPlaces = 20

// ownPlace returns a folder of this user's inside a folder that everybody may write to. If
// somebody else has put something under the usual name, the next name is taken. All processes of
// the user try the same names in the same order, so they find one another.
func ownPlace(in, name string) string {
	for n := range manyPlaces {
		at := filepath.Join(in, name)
		if n > 0 {
			at += fmt.Sprintf("-%d", n+1)
		}
		if ownFolder(at) == nil {
			return at
		}
	}
	at, err := os.MkdirTemp(in, name+"-")
	if err != nil {
		return filepath.Join(in, name) // settle says what is wrong with it
	}
	return at
}

// wait waits in line until the turn comes. It returns no turn and no error when the place is
// given up. It tells stand where in the line it is.
//
// It looks again and again because a file lock of another process tells nobody that it was freed.
// A core that is freed in this process wakes those who wait here at once.
func (l *line) wait(rank func() rank, gone <-chan struct{}, stand func(at int)) (*turn, error) {
	p, now, err := l.enter(rank())
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		at, moved, err := l.look(p, &now, rank())
		if err != nil {
			return nil, errors.Join(err, l.leave(p))
		}
		stand(at)
		select {
		case t := <-p.turn:
			stand(0)
			return t, nil
		case <-gone:
			return nil, l.leave(p)
		case <-moved:
		case <-tick.C:
		}
	}
}

// enter takes the last place of a rank. It is locked before it can be seen.
func (l *line) enter(now rank) (*place, rank, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := ownFolder(l.dir); err != nil {
		return nil, now, fmt.Errorf("line of boxes: %w", err)
	}
	l.serial++
	p := &place{turn: make(chan *turn, 1)}
	id := fmt.Sprintf("%s.%d", l.owner, l.serial)
	hidden := filepath.Join(l.dir, ".new-"+id)
	lock, err := os.OpenFile(hidden, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, now, fmt.Errorf("line of boxes: %w", err)
	}
	p.lock, p.name = lock, placeName(now, id)
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		err = os.Rename(hidden, filepath.Join(l.dir, p.name))
	}
	if err != nil {
		return nil, now, errors.Join(fmt.Errorf("line of boxes: %w", err), os.Remove(hidden), lock.Close())
	}
	l.places, l.looked = append(l.places, p), time.Time{}
	return p, now, nil
}

// placeName sorts by rank, then by the time since the machine was started, which is the same in all processes.
func placeName(r rank, id string) string {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // it cannot fail on Linux
	return fmt.Sprintf("%d-%020d-%s", r, now.Nano(), id)
}

// leave gives up a place, and the turn if it has just come. A place that is in the list no more has
// its turn in the channel, or about to be: pass puts it there before it lets go of mu.
func (l *line) leave(p *place) error {
	l.mu.Lock()
	waits := slices.Contains(l.places, p)
	var err error
	if waits {
		err = l.remove(p)
	}
	l.mu.Unlock()
	if !waits {
		t := <-p.turn
		l.cpus.free(t.cpu)
		t.end()
	}
	return err
}

func (l *line) remove(p *place) error {
	l.places = slices.DeleteFunc(l.places, func(other *place) bool { return other == p })
	err := os.Remove(filepath.Join(l.dir, p.name))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // somebody has cleared the folder away
	}
	if err = errors.Join(err, unlock(p.lock)); err != nil {
		return fmt.Errorf("line of boxes: %w", err)
	}
	return nil
}

// unlock unlocks explicitly: closing is not enough, since a child that is being started may hold a
// copy of the descriptor.
func unlock(lock *os.File) error {
	return errors.Join(unix.Flock(int(lock.Fd()), unix.LOCK_UN), lock.Close())
}

// look moves the line on for all boxes of this process, unless another of them has just done so.
// A box that has become more urgent moves up.
func (l *line) look(p *place, had *rank, want rank) (at int, moved <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if *had != want && slices.Contains(l.places, p) {
		name := placeName(want, p.name[strings.LastIndex(p.name, "-")+1:])
		if err := os.Rename(filepath.Join(l.dir, p.name), filepath.Join(l.dir, name)); err == nil || errors.Is(err, fs.ErrNotExist) {
			p.name, *had, l.looked = name, want, time.Time{}
		}
	}
	if time.Since(l.looked) >= lookEvery*3/4 {
		l.looked = time.Now()
		err = l.pass()
	}
	return p.at, l.moved, err
}

// pass numbers the places of this process, and gives a core to those whose turn it is.
//
// The door keeps two processes from counting free cores at the same time. Behind it, this process
// locks every core that is free; the place that is first in line gets the first of them, and so on.
// A core that falls to another process's place is let go again, and that process takes it at its
// next look. So the order holds without anybody in charge of it.
func (l *line) pass() error {
	if err := ownFolder(l.dir); err != nil {
		return fmt.Errorf("line of boxes: %w", err)
	}
	door, err := tryLock(filepath.Join(l.dir, "door"))
	if err != nil || door == nil {
		return err // somebody else looks just now: soon again
	}
	defer func() { _ = unlock(door) }()
	waiting, err := l.waiting()
	if err != nil {
		return err
	}
	var free []*turn
	defer func() {
		for _, t := range free {
			if t != nil {
				_ = unlock(t.lock)
			}
		}
	}()
	for _, cpu := range l.cpus.byUse() {
		lock, err := tryLock(filepath.Join(l.dir, fmt.Sprintf("core-%d", cpu)))
		if err != nil {
			return err
		}
		if lock != nil {
			free = append(free, &turn{line: l, cpu: cpu, lock: lock})
		}
	}
	for i, name := range waiting {
		at := slices.IndexFunc(l.places, func(p *place) bool { return p.name == name })
		if at < 0 {
			continue // another process's, for which a core is left
		}
		p := l.places[at]
		p.at = i + 1
		if i >= len(free) {
			continue
		}
		// It is out of the list either way, so it gets its turn also where its file could not be
		// removed: remove has let go of the lock, and whoever looks next clears the file away.
		err := l.remove(p)
		l.cpus.take(free[i].cpu)
		p.at = 0
		p.turn <- free[i]
		free[i] = nil
		if err != nil {
			return err
		}
	}
	return nil
}

// waiting lists the places in the line in order, and removes those of processes that have died. A
// place is locked for as long as its process lives; whoever can lock it has found a dead one's.
func (l *line) waiting() ([]string, error) {
	if time.Since(l.touched) > touchEvery {
		l.touched = time.Now()
		for _, p := range l.places {
			_ = os.Chtimes(filepath.Join(l.dir, p.name), time.Now(), time.Now()) // cleared away: then nobody sees it
		}
	}
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return nil, fmt.Errorf("line of boxes: %w", err)
	}
	var names []string
	for _, p := range l.places {
		names = append(names, p.name) // also where somebody has cleared the folder away
	}
	for _, entry := range entries {
		name := entry.Name()
		hidden := strings.HasPrefix(name, ".new-")
		if !hidden && (name[0] < '0' || name[0] > '9') || slices.Contains(names, name) {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			continue // its turn has come
		}
		if hidden && time.Since(info.ModTime()) < absent {
			continue // somebody may be locking it just now
		}
		// The place may have gone since the folder was read. Then this makes the file anew, finds it
		// unlocked, and removes it.
		dead, err := tryLock(filepath.Join(l.dir, name))
		switch {
		case err != nil:
			return nil, err
		case dead != nil:
			_ = os.Remove(filepath.Join(l.dir, name))
			_ = unlock(dead)
		case !hidden && time.Since(info.ModTime()) < absent:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// tryLock locks a file, or returns nil where somebody else has it.
func tryLock(path string) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("line of boxes: %w", err)
	}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		_ = lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR) {
			return nil, nil
		}
		return nil, fmt.Errorf("line of boxes: %w", err)
	}
	return lock, nil
}

// end lets the next one boot. The box goes on using its core.
func (t *turn) end() {
	t.once.Do(func() {
		_ = unlock(t.lock) // what could fail here has ended with the descriptor
		t.line.mu.Lock()
		defer t.line.mu.Unlock()
		close(t.line.moved)
		t.line.moved, t.line.looked = make(chan struct{}), time.Time{}
	})
}
