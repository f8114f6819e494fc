package local

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"countersign/approval"
)

// runscFlags are the global flags of every box. What is not obvious of them:
// systrap is the quickest platform that works in a machine without nested virtualisation; no host
// sockets, so that no folder that is bound could lead to a daemon here; no overlay, since the root is
// read-only; exclusive access lets the sandbox keep what it knows of files below /usr, which saves
// half a second to a second of importing pandas.
//
// The last one: upstream has split its helpers (gvisor_sentry and others) into
// files beside runsc and will drop the fallback to the binary itself after
// October 2026. The pinned version has it, and go.sum keeps it that way. For a
// later pin, build the sentry as a file of its own as well.
func (s *machine) runscFlags() []string {
	flags := []string{
		"--root=" + s.home.state,
		"--network=none",
		"--platform=systrap",
		"--host-uds=none",
		"--overlay2=none",
		"--directfs=false", // the gofer opens files, not the sentry: half a second slower to import, one wall more
		"--file-access-mounts=exclusive",
		"--oci-seccomp=true",
		"--ignore-cgroups", // the meter here does it, in the same way for root and for everybody
		"--sidecar-usage-policy=LEGACY_DEPRECATED_SLOW_EMBEDDED_FALLBACK",
	}
	if s.rootless {
		flags = append(flags, "--rootless")
	}
	return flags
}

// process is `runsc run` and what hangs below it: the sandbox with its kernel (the sentry), which
// runs the code, and the gofer, which opens files for it. Killing the first ends all three.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has been reaped
	mem  string        // the sandbox's memory file, as a path below /proc
	anon string        // the sandbox's own status, for what it needs itself

	mu    sync.Mutex
	words bytes.Buffer // what it said; for people who look for the reason of a failure
}

// launch starts runsc. The thread that starts it lives as long as it: the kernel kills runsc when
// that thread ends (Pdeathsig), however this program ends. All of the box inherits the thread's
// affinity, which is one core.
func (s *machine) launch(b *box, cpu int, job, out *os.File) (*process, error) {
	args := append(s.runscFlags(), b.view.flags()...)
	args = append(args, "run", "-bundle", b.bundle, "-pass-fd", "3:3", "-pass-fd", "4:4", b.id)
	cmd := exec.Command(s.opt.Runsc, args...)
	// An environment of its own: the keys of this process are in ours.
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=" + os.TempDir()}
	cmd.ExtraFiles = []*os.File{job, out}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
	p := &process{cmd: cmd, done: make(chan struct{})}
	// Always a pipe: into a regular file the sandbox would write at an offset of its own.
	saidR, saidW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("launch: %w", err)
	}
	cmd.Stdout, cmd.Stderr = saidW, saidW
	started := make(chan error)
	s.inflight.Go(func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		err := pin(cpu)
		if err == nil {
			err = cmd.Start()
		}
		started <- err
		if err == nil {
			_ = cmd.Wait()
			_ = saidR.SetReadDeadline(time.Now().Add(time.Second)) // something that it left behind may still hold the pipe
			close(p.done)
		}
	})
	err = errors.Join(<-started, saidW.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("launch: %w", err), saidR.Close())
	}
	s.inflight.Go(func() { p.listen(saidR) })
	return p, nil
}

// niceness is how far a box that is ready stands back.
const niceness = 10

// standBack lowers the priority of a thread. One that stands back further already stays as it is, as where serve itself was
// started by nice: raising it again is refused to whoever has no right to that, such as in a container.
func standBack(tid int) error {
	left, err := unix.Getpriority(unix.PRIO_PROCESS, tid) // the kernel says 20 less the niceness
	if err != nil || 20-left >= niceness {
		return err
	}
	return unix.Setpriority(unix.PRIO_PROCESS, tid, niceness)
}

// yield lowers the priority of a box that is ready: a click must be answered within three
// seconds, however hard the boxes compute. A box that boots keeps its priority, since somebody
// may be waiting for it.
func (p *process) yield() error {
	for range 2 { // a thread that had not stood back yet may have started another one
		for _, pid := range p.all() {
			threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
			if err != nil {
				return fmt.Errorf("lower the box's priority: %w", err)
			}
			for _, thread := range threads {
				tid, err := strconv.Atoi(filepath.Base(thread))
				if err == nil {
					err = standBack(tid)
				}
				if err != nil && !errors.Is(err, unix.ESRCH) {
					return fmt.Errorf("lower the box's priority: %w", err)
				}
			}
		}
	}
	return nil
}

// all lists the process ids of runsc and of all its descendants. It is a glance: what starts while it
// looks may be missing, so nobody relies on it for an end.
func (p *process) all() []int {
	pids := []int{p.cmd.Process.Pid}
	for i := 0; i < len(pids); i++ {
		pids = append(pids, children(pids[i])...)
	}
	return pids
}

// ticks is the number of clock ticks a second in /proc, on every architecture that gVisor runs on.
const ticks = 100

// cpu is the processor time that the box has used so far. While runsc lives, it leaves out
// processes that ended without being waited for. Afterwards it is what runsc and the processes
// that it waited for have used.
func (p *process) cpu() (used time.Duration) {
	if p.ended() {
		return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	}
	for _, pid := range p.all() {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(data), ") ") // no name of ours has a bracket
		fields := strings.Fields(rest)
		for i := 11; i < 15 && i < len(fields); i++ { // utime, stime, and those of the children that were waited for
			n, _ := strconv.ParseInt(fields[i], 10, 64) // the kernel writes numbers
			used += time.Duration(n) * time.Second / ticks
		}
	}
	return used
}

// listen keeps the first kilobytes that runsc prints and drops the rest.
func (p *process) listen(r *os.File) {
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		p.mu.Lock()
		p.words.Write(buf[:max(0, min(n, 8192-p.words.Len()))])
		p.mu.Unlock()
		if err != nil {
			_ = r.Close()
			return
		}
	}
}

func (p *process) said() string {
	time.Sleep(10 * time.Millisecond) // the last words may still be in the pipe; they only go to a log
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.TrimSpace(p.words.String())
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill ends runsc; its sandbox and its gofer end with it.
func (p *process) kill() {
	if !p.ended() {
		_ = p.cmd.Process.Kill()
	}
}

// findMemory finds the sandbox's memory file. All memory of the code in the box
// is in it, tmpfs too; resident sizes would count next to nothing (by them, 24 processes had taken
// 4.7 GB before a limit of 512 MB was noticed). The descriptor is looked at through /proc, which works for a
// plain user as well, since the sandbox runs under the same one.
func (p *process) findMemory() error {
	pids := p.all()
	for _, pid := range pids[1:] {
		fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		if err != nil {
			return fmt.Errorf("find memory: %w", err)
		}
		for _, fd := range fds {
			if target, err := os.Readlink(fd); err == nil && strings.HasPrefix(target, "/memfd:runsc-memory") {
				p.mem, p.anon = fd, fmt.Sprintf("/proc/%d/status", pid)
				_, err := p.memory()
				return err
			}
		}
	}
	return fmt.Errorf("find memory: no memory file in %d processes of the box", len(pids))
}

// children lists the processes that a process has started, whichever of its threads did.
func children(pid int) []int {
	var found []int
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	for _, list := range lists {
		data, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(data)) {
			if child, err := strconv.Atoi(field); err == nil {
				found = append(found, child)
			}
		}
	}
	return found
}

// memory is what the box uses now, in bytes: the code's memory and files, and
// what the kernel in the box needs to keep account of them.
func (p *process) memory() (int64, error) {
	var st unix.Stat_t
	if err := unix.Stat(p.mem, &st); err != nil {
		return 0, fmt.Errorf("memory meter: %w", err)
	}
	status, err := os.ReadFile(p.anon)
	if err != nil {
		return 0, fmt.Errorf("memory meter: %w", err)
	}
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	var kb int64
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		return 0, fmt.Errorf("memory meter: %w", err)
	}
	return st.Blocks*512 + kb<<10, nil
}

// meter watches the memory until the returned function is called. It does without cgroups, which a
// plain user cannot make. Between two looks a box can take more than it may: one that was allowed
// 608 MB ended at 623 to 647. A box whose memory cannot be read any more is ended.
func (b *box) meter(limit int64) (stop func()) {
	quit, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(25 * time.Millisecond)
		defer tick.Stop()
		for {
			used, err := b.proc.memory()
			switch {
			case err == nil && used > limit:
				b.stop(approval.OutOfRAM)
				return
			case err != nil && !b.proc.ended() && !errors.Is(err, io.EOF): // a process that is ending has a status without sizes (EOF)
				// The sandbox may be ending just now. If not, it would run without a memory limit.
				select {
				case <-b.proc.done:
				case <-quit:
				case <-time.After(time.Second):
					b.stop(approval.Broken)
				}
				return
			}
			select {
			case <-tick.C:
			case <-quit:
				return
			case <-b.proc.done:
				return
			}
		}
	}()
	return func() { close(quit); <-stopped }
}

// cores counts the boxes of this process on each processor that it may use. Those of other processes
// on the machine it does not know: the kernel's scheduler cannot move a box, but shares the core.
type cores struct {
	mu   sync.Mutex
	used map[int]int
}

func usableCores() (*cores, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("sched_getaffinity: %w", err)
	}
	c := &cores{used: map[int]int{}}
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			c.used[cpu] = 0
		}
	}
	return c, nil
}

// byUse lists the cores, the least used first.
func (c *cores) byUse() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedFunc(maps.Keys(c.used), func(a, b int) int { return cmp.Or(cmp.Compare(c.used[a], c.used[b]), cmp.Compare(a, b)) })
}

func (c *cores) take(cpu int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used[cpu]++
}

func (c *cores) free(cpu int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used[cpu]--
}

// pin binds the calling thread to a core. What it starts inherits that, and code in a box cannot
// undo it: the sandbox's own kernel answers its calls.
func pin(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("sched_setaffinity %d: %w", cpu, err)
	}
	return nil
}
