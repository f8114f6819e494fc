// Package e2btest is a strict E2B for tests: control plane, edge proxy and envd,
// on loopback, keeping to what is known of the real ones.
//
// Its one rule: what E2B would refuse, it refuses, and what a careful client must
// not do, it notes as a violation, which fails the test. Its boxes are folders;
// what is started in one really runs, as a plain child process with no isolation
// whatsoever, so only a test's own trusted code may be given to it. With Settings.Machines
// it runs as root of something like a machine of its own, which the runner closes.
//
// The crash points are here, not in the product: Fail makes a call hang, break
// off or answer wrongly, before or after it has taken effect, and End takes a box
// away. Starts counts how often the code of a box was really started.
//
// What is known of the real ones was read in E2B's public repositories as of 2026-08-21 (spec/openapi.yml
// of E2B, control plane, edge proxy and envd 0.6.13 of infra) and, where it says so, seen with
// E2B's own proxy and envd. The calls of v2 were read in the types of its JS SDK 2.51.0 of 2026-09-21.
// Nothing was seen of the hosted service itself.
//
//	server.go   what a test sees and sets
//	control.go  the control plane: create, list, connect, kill
//	envd.go     the edge before a box, and the calls into it: files, processes
//	box.go      a box, which is a folder and what runs in it
//	machine.go  a box with a machine of its own, out of namespaces
//	fault.go    what goes wrong
package e2btest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Key is the API key that the server takes, in E2B's form (e2b_ and hexadecimal digits).
const Key = "e2b_0123456789abcdef"

// The templates that it knows. A box of either is the same; Box.Asked says which one was asked for.
const (
	Template       = "code-interpreter-v1"
	FormerTemplate = "code-interpreter-v0"
)

// Op names a kind of call, for Fail, Tamper and Calls.
type Op string

// The calls.
const (
	Create  Op = "create"
	List    Op = "list"
	Get     Op = "get"
	Connect Op = "connect"
	Kill    Op = "kill"
	Read    Op = "read"
	See     Op = "see"  // a read of what the witness has written
	Hear    Op = "hear" // a read of the last line that was printed
	Write   Op = "write"
	Stat    Op = "stat"
	Start   Op = "start"
)

// Server is one E2B with one team.
type Server struct {
	APIURL     string
	SandboxURL string

	t       testing.TB
	closing chan struct{}

	mu         sync.Mutex
	boxes      map[string]*box
	order      []string
	next       int
	faults     map[Op][]Fault
	tamper     map[Op]func(map[string]any)
	calls      map[Op]int
	served     map[string]int // calls that have versions, by version
	violations []string
	settings   Settings
}

// Settings are what a test may want otherwise.
type Settings struct {
	VCPU, MemoryMB int           // of the template; 2 and 2048
	Concurrent     int           // boxes at once; 20
	DiskBytes      int64         // of a box; 1 GiB
	Skew           time.Duration // of its clock against ours
	PageSize       int           // a cap on listings; 100
	Boot           time.Duration // of envd: until then its port is closed; 0
	AtOnce         int           // calls into one box that the edge lets through at once; 0 is any number, less is none
	Slow           time.Duration // how long a call into a box takes at least; 0
	Bare           bool          // the template has Python and nothing else any more
	Python         string        // what is python3 in a box; /usr/bin/python3
	Machines       bool          // what is started runs in something like a machine of its own; only root can have that
	Hosts          string        // lines for the hosts file of such a machine
	Uncloseable    string        // a line of shell that makes such a machine lack what closes it
	API            string        // the only version, "v1" or "v2", of create and connect that it has; both when empty

	// Unknown answers a call that the server does not have. Nil is as E2B's own
	// server of 2026-08 does it; others have other words, or none.
	Unknown func(w http.ResponseWriter)
}

// New starts a server that ends with the test, and with it all that runs in its boxes.
func New(t testing.TB, change ...func(*Settings)) *Server {
	s := &Server{t: t, closing: make(chan struct{}), boxes: map[string]*box{}, faults: map[Op][]Fault{}, tamper: map[Op]func(map[string]any){}, calls: map[Op]int{}, served: map[string]int{},
		settings: Settings{VCPU: 2, MemoryMB: 2048, Concurrent: 20, DiskBytes: 1 << 30, PageSize: 100, Python: "/usr/bin/python3"}}
	for _, c := range change {
		c(&s.settings)
	}
	api, edge := httptest.NewServer(s.api()), httptest.NewServer(s.edge())
	s.APIURL, s.SandboxURL = api.URL, edge.URL
	t.Cleanup(func() {
		close(s.closing)
		api.CloseClientConnections()
		edge.CloseClientConnections()
		for _, b := range s.Boxes() {
			s.End(b.ID)
		}
		api.Close()
		edge.Close()
		for _, v := range s.Violations() {
			t.Errorf("E2B would not have liked it: %s", v)
		}
	})
	return s
}

// Change alters the settings while the server runs. Boxes keep what they were made with.
func (s *Server) Change(change func(*Settings)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.settings)
}

// now is the server's clock. A client must not hold it against its own: Skew sets them apart.
func (s *Server) now() time.Time { return time.Now().Add(s.settings.Skew) }

// violation notes what a careful client does not do. It refuses nothing: E2B takes these calls, and
// only somebody's box or bill suffers.
func (s *Server) violation(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
}

// Violations returns what has been noted, and forgets it.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	noted := s.violations
	s.violations = nil
	return noted
}

// Box is what a test may see of a box.
type Box struct {
	ID       string
	Alive    bool
	Metadata map[string]string
	Asked    map[string]any // the body that it was created with
	Root     string         // its file system
	Starts   int            // how often the supervisor was really started in it
	Reads    int            // how often inspect.py was
}

// Boxes lists all that were ever made, oldest first.
func (s *Server) Boxes() []Box {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Box
	for _, id := range s.order {
		b := s.boxes[id]
		all = append(all, Box{ID: id, Alive: b.alive, Metadata: maps.Clone(b.metadata), Asked: b.asked, Root: b.root,
			Starts: b.count("supervise.py"), Reads: b.count("inspect.py")})
	}
	return all
}

// Alive lists the boxes that live.
func (s *Server) Alive() []Box {
	return slices.DeleteFunc(s.Boxes(), func(b Box) bool { return !b.Alive })
}

// Box returns one.
func (s *Server) Box(id string) Box {
	for _, b := range s.Boxes() {
		if b.ID == id {
			return b
		}
	}
	s.t.Fatalf("there is no box %q", id)
	return Box{}
}

// Starts adds up how often code was started for a request, in whatever boxes. It is what "at most
// once" is held against: it counts processes, and not what the client believes of them.
func (s *Server) Starts(requestID string) (n int) {
	for _, b := range s.Boxes() {
		if b.Metadata["countersign_request"] == requestID {
			n += b.Starts
		}
	}
	return n
}

// Add puts a box there that nobody has asked for, of a certain age: one that a lost answer to a
// create has left, or another installation's.
func (s *Server) Add(metadata map[string]string, age, lifetime time.Duration) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.newBox(metadata, age, lifetime)
	b.secure, b.private, b.shut = true, true, true
	return b.id
}

// End takes a box away, as when its node is lost. What ran in it is killed.
func (s *Server) End(id string) {
	s.mu.Lock()
	b := s.boxes[id]
	s.mu.Unlock()
	if b != nil {
		s.end(b)
	}
}

// Calls counts the calls of a kind that arrived, the failed ones among them.
func (s *Server) Calls(op Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[op]
}

// Served counts the calls that have versions, "v1" or "v2", of one version.
func (s *Server) Served(version string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served[version]
}

// Tamper changes the JSON of good answers of a kind from now on.
func (s *Server) Tamper(op Op, change func(answer map[string]any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tamper[op] = change
}

// reply writes JSON, after a test's Tamper has had its way with an object. The Date is the server's,
// by which a client can know how far the clocks are apart.
func (s *Server) reply(w http.ResponseWriter, op Op, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	change := s.tamper[op]
	s.mu.Unlock()
	if change != nil {
		var object map[string]any
		if json.Unmarshal(data, &object) == nil {
			change(object)
			data, _ = json.Marshal(object)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// deny answers as the control plane and envd do: a status, and an object with the same code and a text
// for people.
func (s *Server) deny(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": status, "message": message})
}

// newBox makes a box; the caller holds the lock.
func (s *Server) newBox(metadata map[string]string, age, lifetime time.Duration) *box {
	s.next++
	id := fmt.Sprintf("i%dbox%08x", s.next, s.next*2654435761%(1<<32))
	root, err := os.MkdirTemp("", "e2btest-")
	if err != nil {
		panic(err)
	}
	b := &box{id: id, root: root, metadata: metadata, alive: true, groups: map[int]bool{}, envdToken: "ea_" + id, trafficToken: "ta_" + id,
		started: s.now().Add(-age), vcpu: s.settings.VCPU, memory: s.settings.MemoryMB}
	b.ends = b.started.Add(lifetime)
	for _, dir := range []string{"home/user", "tmp", "image"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			panic(err)
		}
	}
	python := s.settings.Python
	if s.settings.Bare {
		python += " -S" // without the folders that packages are in
	}
	// Every Python file that is run in the box leaves a line in image/ran, by the shell that starts
	// it: counting in the code would count only what got as far as counting.
	shim := "#!/bin/sh\nfor a in \"$@\"; do case $a in *.py) basename \"$a\" >>\"${0%/*}/ran\"; break;; esac; done\nexec " + python + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(root, "image/python3"), []byte(shim), 0o755); err != nil {
		panic(err)
	}
	// A box ends by the server's clock, and this machine's timer runs by ours.
	b.timer = time.AfterFunc(time.Until(b.ends.Add(-s.settings.Skew)), func() { s.end(b) })
	s.boxes[id] = b
	s.order = append(s.order, id)
	return b
}

// count tells how often a Python file was run in the box.
func (b *box) count(name string) int {
	if b.counted != nil {
		return b.counted[name]
	}
	data, _ := os.ReadFile(filepath.Join(b.root, "image/ran"))
	return strings.Count("\n"+string(data), "\n"+name+"\n")
}
