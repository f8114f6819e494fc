package e2btest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// box is a folder that stands for a microVM. Its fields are guarded by the
// server's lock, but for what never changes.
type box struct {
	id, root                string
	metadata                map[string]string
	asked                   map[string]any
	envdToken, trafficToken string
	secure, private, shut   bool
	internet                *bool
	started, ends           time.Time
	vcpu, memory            int
	alive, paused           bool
	timer                   *time.Timer
	inside                  int            // calls that are under way
	groups                  map[int]bool   // process groups whose leader has not been reaped
	counted                 map[string]int // what ran in it, once its folder is gone
	ending                  sync.Once
}

func (b *box) carries(wanted map[string]string) bool {
	for key, value := range wanted {
		if b.metadata[key] != value {
			return false
		}
	}
	return true
}

// alias is the name of the template that the box was made of.
func (b *box) alias() string {
	if name, asked := b.asked["templateID"].(string); asked {
		return name
	}
	return Template
}

// made is the answer of create and connect.
func (b *box) made() map[string]any {
	answer := map[string]any{"sandboxID": b.id, "templateID": "t1", "alias": b.alias(), "clientID": "c1", "envdVersion": "0.6.13",
		"trafficAccessToken": nil, "domain": nil}
	if b.secure {
		answer["envdAccessToken"] = b.envdToken
	}
	if b.private {
		answer["trafficAccessToken"] = b.trafficToken
	}
	return answer
}

// listed is a box in a listing, which has no tokens: whoever only lists cannot get into a box.
func (b *box) listed() map[string]any {
	return map[string]any{"sandboxID": b.id, "templateID": "t1", "alias": b.alias(), "clientID": "c1", "envdVersion": "0.6.13",
		"startedAt": b.started.UTC(), "endAt": b.ends.UTC(), "state": b.state(), "cpuCount": b.vcpu, "memoryMB": b.memory,
		"diskSizeMB": 10240, "metadata": b.metadata}
}

// state is one of two: a box that has ended is in no listing.
func (b *box) state() string {
	if b.paused {
		return "paused"
	}
	return "running"
}

// signal goes to all that runs in a box.
func (b *box) signal(what syscall.Signal) {
	for group := range b.groups { // a leader that has been reaped is not in there
		_ = syscall.Kill(-group, what)
	}
	for _, pid := range b.processes() { // those that have left their group
		_ = syscall.Kill(pid, what)
	}
}

// Pause freezes a box, as somebody can on E2B's page. It is on disk then: it costs
// nothing, does not end, and the edge does not know it until somebody connects.
func (s *Server) Pause(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[id]
	b.paused, b.ends = true, s.now()
	b.timer.Stop()
	b.signal(syscall.SIGSTOP)
}

// end kills everything in a box and removes it. What was counted in its folder is kept, since tests
// ask how often code was started after the box has gone.
func (s *Server) end(b *box) {
	b.ending.Do(func() {
		s.mu.Lock()
		b.alive = false
		b.timer.Stop()
		b.counted = map[string]int{"supervise.py": b.count("supervise.py"), "inspect.py": b.count("inspect.py")}
		for group := range b.groups { // under the lock: a leader that has been reaped is not in there
			_ = syscall.Kill(-group, syscall.SIGKILL)
		}
		s.mu.Unlock()
		for _, pid := range b.processes() { // those that have left their group
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		for range 100 { // what was killed may still be writing its last
			if os.RemoveAll(b.root) == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

// processes finds what runs in the box by the environment that it was started with.
func (b *box) processes() (pids []int) {
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		environ, err := os.ReadFile(path)
		if err == nil && bytes.Contains(environ, []byte("E2BTEST_ROOT="+b.root+"\x00")) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// path maps a path in the box to one on this machine, and never out of the box.
func (b *box) path(inside string) string { return filepath.Join(b.root, filepath.Clean("/"+inside)) }

// used is how full the box's disk is. What cannot be read while it changes counts nothing.
func (b *box) used() (total int64) {
	_ = filepath.Walk(b.root, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total
}

// readAll reads a body that is JSON; a file's is streamed.
func readAll(r *http.Request) ([]byte, error) { return io.ReadAll(io.LimitReader(r.Body, 1<<20)) }

// strict decodes JSON and refuses what it does not know: a field of a create that is misspelt would
// leave a box open.
func strict(data []byte, into any) error {
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
