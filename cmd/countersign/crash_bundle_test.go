package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/sandbox/e2b/e2btest"
)

// cloud has a house run its code in an E2B of its own, which outlives replicas.
func cloud(t testing.TB) (*e2btest.Server, func(*Config)) {
	t.Helper()
	boxes := e2btest.New(t)
	return boxes, func(c *Config) {
		c.E2BAPIKey, c.E2BAPIURL, c.E2BBoxURL, c.E2BTemplate = e2btest.Key, boxes.APIURL, boxes.SandboxURL, e2btest.Template
	}
}

// begin starts a child that dies with this process. The kernel ties its death to
// the thread that began it, so that thread is kept until the child has ended.
func begin(cmd *exec.Cmd) (<-chan error, error) {
	started, ended := make(chan error), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	return ended, <-started
}

// victim is a replica in a process of its own, which can be killed.
type victim struct {
	t    testing.TB
	cmd  *exec.Cmd
	end  sync.Once
	dead chan struct{} // closed when the process has ended
	err  error         // how it has ended
}

// victim starts a replica as a process and waits until it is connected.
func (h *house) victim(more ...string) *victim {
	h.t.Helper()
	before := h.sim.Counts().Connections
	v := h.begun(more...)
	h.t.Cleanup(func() {
		v.kill()
		require.NotContains(h.t, h.log.String(), "DATA RACE")
	})
	h.soon("the replica is connected", func() bool {
		return h.sim.Counts().Connections >= before+2 && h.sim.Sockets() == h.sockets()
	})
	return v
}

// begun starts a replica as a process: this binary, or the one that PROVE_BINARY names.
func (h *house) begun(more ...string) *victim {
	h.t.Helper()
	program, err := os.Executable()
	require.NoError(h.t, err)
	if real := os.Getenv("PROVE_BINARY"); real != "" {
		program = real
	}
	return h.start(exec.Command(program, "serve"), append([]string{"COUNTERSIGN_TEST_AS_PROGRAM=1", "GOCOVERDIR=" + h.t.TempDir()}, append(h.environ(), more...)...)...)
}

// start starts a replica by any program, with these settings, and waits until it is connected.
func (h *house) start(cmd *exec.Cmd, settings ...string) *victim {
	h.t.Helper()
	v := &victim{t: h.t, cmd: cmd, dead: make(chan struct{})}
	v.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}, settings...)
	v.cmd.Stdout, v.cmd.Stderr = h.log, h.log
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	ended, err := begin(v.cmd)
	require.NoError(h.t, err)
	go func() {
		v.err = <-ended
		close(v.dead)
	}()
	h.running.Store(v, true)
	return v
}

// lives tells whether the process has not ended.
func (v *victim) lives() bool {
	select {
	case <-v.dead:
		return false
	default:
		return true
	}
}

// kill is kill -9, and waits for the end. Whoever is first does it.
func (v *victim) kill() {
	v.end.Do(func() { _ = v.cmd.Process.Kill() })
	<-v.dead
}

// term asks the replica to stop, and does not wait.
func (v *victim) term() { v.end.Do(func() { _ = v.cmd.Process.Signal(syscall.SIGTERM) }) }

// gone waits for the victim's end, and for Slack to notice.
func (h *house) gone(v *victim) {
	h.t.Helper()
	select {
	case <-v.dead:
	case <-h.ctx.Done():
		require.FailNow(h.t, "the replica was not ended: its point was never reached", h.picture())
	}
	require.NoError(h.t, h.sim.WaitSockets(h.patient(), 0))
}

// once makes a hook that acts on the nth call only.
func once(nth int32, do func()) func() {
	var calls atomic.Int32
	return func() {
		if calls.Add(1) == nth {
			do()
		}
	}
}

// marked is a program that leaves a mark outside of its box each time that it
// runs, which a real box would not let it: so the runs of the code itself are
// counted. It takes a moment, and makes a file to be uploaded.
func (h *house) marked(seconds string) (code string, marks func() int) {
	file := filepath.Join(h.t.TempDir(), "marks")
	code = fmt.Sprintf(`import time
with open(%q, "a") as marks:
    marks.write("x")
time.sleep(%s)
with open("answer.csv", "w") as out:
    out.write("answer\n42\n")
print("the answer is", 42)`, file, seconds)
	return code, func() int {
		data, err := os.ReadFile(file)
		if !os.IsNotExist(err) {
			require.NoError(h.t, err)
		}
		return len(data)
	}
}

// until waits for something in the database or on the disk, for as long as the house stands.
func (h *house) until(what string, is func() bool) {
	h.t.Helper()
	enough := h.patient()
	for !is() {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-enough.Done():
			require.FailNow(h.t, "it never came to be: "+what, h.picture())
		}
	}
}

// picture is what there is, for the report of a failure.
func (h *house) picture() string {
	var all []string
	for _, m := range append(h.carla.Messages(slacksim.CodeReview), h.maya.Messages(slacksim.SalesData)...) {
		all = append(all, m.TS+" "+m.Text)
		for _, reply := range h.carla.Thread(m.Channel, m.TS) {
			if reply.TS != m.TS {
				all = append(all, "    "+reply.TS+" "+reply.Text)
			}
		}
	}
	return strings.Join(all, "\n")
}
