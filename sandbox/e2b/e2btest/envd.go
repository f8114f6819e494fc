package e2btest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// envdPort is the daemon's in every box, which serves files and processes.
const envdPort = "49983"

// browser is the edge's own pattern of whom it answers in HTML.
var browser = regexp.MustCompile(`(?i)mozilla|chrome|safari|firefox|edge|opera|msie`)

// edge is the proxy before the boxes, as it answers on an address that is not a
// box's own: two headers say which box is meant.
func (s *Server) edge() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /files", s.op(Write, s.inside(s.write)))
	// What the witness writes, and the last line that was printed, are read again and again while code
	// runs, at the client's own pace. They are counted and made to fail apart from the results, or no
	// test could say which read it means.
	read, see, hear := s.op(Read, s.inside(s.read)), s.op(See, s.inside(s.read)), s.op(Hear, s.inside(s.read))
	mux.HandleFunc("GET /files", func(w http.ResponseWriter, r *http.Request) {
		switch path.Base(r.URL.Query().Get("path")) {
		case "seen":
			see(w, r)
		case "line":
			hear(w, r)
		default:
			read(w, r)
		}
	})
	mux.HandleFunc("POST /filesystem.Filesystem/Stat", s.op(Stat, s.inside(s.stat)))
	mux.HandleFunc("POST /process.Process/Start", s.op(Start, s.inside(s.start)))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.violation("there is no call %s %s in a box", r.Method, r.URL.Path)
		http.NotFound(w, r)
	})
	return mux
}

// inside finds the box and checks its token, as edge and envd do in turn. Both kinds of 502 come from
// the edge: the box is no more, or it lives and nobody listens yet. SDKs take them for the same.
func (s *Server) inside(serve func(http.ResponseWriter, *http.Request, *box)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.manners(r)
		if r.Header.Get("X-API-Key") != "" {
			s.violation("the API key was sent into a box")
		}
		id, port := r.Header.Get("E2b-Sandbox-Id"), r.Header.Get("E2b-Sandbox-Port")
		if id == "" || port == "" {
			http.Error(w, "missing header", http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		b := s.boxes[id]
		alive := b != nil && b.alive && !b.paused
		booting := alive && s.now().Before(b.started.Add(s.settings.Boot))
		limit, slow := s.settings.AtOnce, s.settings.Slow
		full := alive && !booting && limit != 0 && b.inside >= max(0, limit)
		// A call that is turned away does not count: the edge's limit is on connections into the box.
		if alive && !full {
			b.inside++
			defer func() { s.mu.Lock(); b.inside--; s.mu.Unlock() }()
		}
		s.mu.Unlock()
		time.Sleep(slow)
		var fault Fault
		switch {
		case !alive:
			fault = NotFound(id)
		case full:
			fault = TooMany(id, limit)
		case port != envdPort || booting:
			fault = PortClosed(id)
		case b.secure && r.Header.Get("X-Access-Token") != b.envdToken:
			s.deny(w, http.StatusUnauthorized, "unauthorized access, please provide a valid access token or method signing if supported")
			return
		default:
			serve(w, r, b)
			return
		}
		if browser.MatchString(r.UserAgent()) && r.Header.Get("Accept") != "application/json" {
			fault.Body = "<!DOCTYPE html><html><body>Closed port or sandbox not found</body></html>"
		}
		w.WriteHeader(fault.Status)
		_, _ = w.Write([]byte(fault.Body))
	}
}

// known tells whether envd has this user. It says 401 of one that it has not, as of a bad token.
func (s *Server) known(w http.ResponseWriter, user string) bool {
	if user != "user" && user != "root" && user != "" {
		s.deny(w, http.StatusUnauthorized, fmt.Sprintf("error looking up user '%s': user: unknown user %s", user, user))
		return false
	}
	return true
}

// write puts a file into the box: parents are made, what is there is overwritten. The answer is JSON
// under the type text/plain, as envd has it, so a client must not go by the type.
func (s *Server) write(w http.ResponseWriter, r *http.Request, b *box) {
	at := r.URL.Query().Get("path")
	if !s.known(w, r.URL.Query().Get("username")) {
		return
	}
	if r.Header.Get("Content-Type") != "application/octet-stream" || !filepath.IsAbs(at) {
		s.deny(w, http.StatusBadRequest, "unsupported content type or path")
		return
	}
	s.mu.Lock()
	room := s.settings.DiskBytes - b.used()
	s.mu.Unlock()
	if r.ContentLength > room {
		s.deny(w, http.StatusInsufficientStorage, "not enough disk space available")
		return
	}
	file := b.path(at)
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644); err == nil {
			_, err = io.Copy(f, r.Body)
			_ = f.Close()
		}
	}
	if err != nil {
		s.deny(w, http.StatusInternalServerError, "error writing file")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_ = json.NewEncoder(w).Encode([]map[string]string{{"name": filepath.Base(at), "path": at, "type": "file"}})
}

// read gives any file of the box, whoever owns it: envd is root.
func (s *Server) read(w http.ResponseWriter, r *http.Request, b *box) {
	at := r.URL.Query().Get("path")
	if !s.known(w, r.URL.Query().Get("username")) {
		return
	}
	info, err := os.Stat(b.path(at))
	switch {
	case err != nil:
		s.deny(w, http.StatusNotFound, fmt.Sprintf("path '%s' does not exist", at))
	case info.IsDir():
		s.deny(w, http.StatusBadRequest, fmt.Sprintf("path '%s' is a directory", at))
	default:
		http.ServeFile(w, r, b.path(at))
	}
}

// stat is a unary call of Connect in JSON: 64-bit numbers are texts, and an error's code is a word.
func (s *Server) stat(w http.ResponseWriter, r *http.Request, b *box) {
	var body struct {
		Path string `json:"path"`
	}
	data, err := readAll(r)
	if r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	if err != nil || strict(data, &body) != nil || !strings.HasPrefix(r.Header.Get("Authorization"), "Basic ") {
		s.rpcError(w, http.StatusBadRequest, "invalid_argument", "invalid request")
		return
	}
	info, err := os.Stat(b.path(body.Path))
	if err != nil {
		s.rpcError(w, http.StatusNotFound, "not_found", fmt.Sprintf("file not found: stat %s: no such file or directory", body.Path))
		return
	}
	kind := "FILE_TYPE_FILE"
	if info.IsDir() {
		kind = "FILE_TYPE_DIRECTORY"
	}
	s.reply(w, Stat, http.StatusOK, map[string]any{"entry": map[string]any{"name": info.Name(), "type": kind, "path": body.Path,
		"size": strconv.FormatInt(info.Size(), 10), "mode": 420, "permissions": "-rw-r--r--", "owner": "user", "group": "user"}})
}

// rpcError is an error as a unary Connect call has it: the code is a word.
func (s *Server) rpcError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"code": code, "message": message})
}

// startBody are the fields of a start that are used here.
type startBody struct {
	Process struct {
		Cmd  string            `json:"cmd"`
		Args []string          `json:"args"`
		Envs map[string]string `json:"envs"`
		Cwd  string            `json:"cwd"`
	} `json:"process"`
	Stdin bool `json:"stdin"`
}

// start runs a process and streams its events until it ends or the client is
// gone. The process does not notice the client's going: that is why a run outlives the replica that
// started it (seen with envd 0.6.13: a client that hung up at once collected the result afterwards).
//
// A stream's message has an envelope of five bytes: a flag, and the length. Errors come inside of a
// stream that has the status 200, as its last message.
func (s *Server) start(w http.ResponseWriter, r *http.Request, b *box) {
	if r.Header.Get("Content-Type") != "application/connect+json" {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	if r.Header.Get("Connect-Timeout-Ms") != "" {
		s.violation("a start with a time-out: envd kills the process at its end")
	}
	w.Header().Set("Content-Type", "application/connect+json")
	fail := func(code, message string) {
		event(w, 2, map[string]any{"error": map[string]string{"code": code, "message": message}})
	}
	var body startBody
	data, err := readAll(r)
	if err != nil || len(data) < 5 || data[0] != 0 || int(binary.BigEndian.Uint32(data[1:5])) != len(data)-5 || strict(data[5:], &body) != nil {
		fail("invalid_argument", "protocol error: bad envelope")
		return
	}
	if info, err := os.Stat(b.path(body.Process.Cwd)); err != nil || !info.IsDir() {
		fail("invalid_argument", fmt.Sprintf("cwd '%s' does not exist", body.Process.Cwd))
		return
	}
	s.mu.Lock()
	settings := s.settings
	s.mu.Unlock()
	cmd := exec.Command(body.Process.Cmd, body.Process.Args...)
	cmd.Dir = b.path(body.Process.Cwd)
	cmd.Env = append(cmd.Env, "PATH="+b.root+"/image:/usr/bin:/bin", "HOME="+b.path("/home/user"), "TMPDIR="+b.path("/tmp"),
		"LANG=C.UTF-8", "E2BTEST_ROOT="+b.root)
	if settings.Machines {
		cmd = b.machine(settings, body.Process.Cwd, append([]string{body.Process.Cmd}, body.Process.Args...))
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Under the lock that end takes: nothing starts in a box whose processes have just been killed.
	s.mu.Lock()
	if !b.alive {
		s.mu.Unlock()
		return
	}
	err = cmd.Start()
	if err == nil {
		b.groups[cmd.Process.Pid] = true
	}
	s.mu.Unlock()
	if err != nil {
		fail("invalid_argument", fmt.Sprintf("error starting process: %v", err))
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(b.groups, cmd.Process.Pid)
	}()
	event(w, 0, map[string]any{"event": map[string]any{"start": map[string]any{"pid": cmd.Process.Pid}}})
	if r.Context().Value(quiet{}) != nil {
		return
	}
	select {
	case <-r.Context().Done():
	case <-ended:
		end := map[string]any{"exited": cmd.ProcessState.Exited(), "status": cmd.ProcessState.String()}
		if code := cmd.ProcessState.ExitCode(); code != 0 { // a zero is left out
			end["exitCode"] = code
		}
		event(w, 0, map[string]any{"event": map[string]any{"end": end}})
		event(w, 2, map[string]any{})
	}
}

// event writes one message of a stream. Flag 2 is the last one.
func event(w http.ResponseWriter, flag byte, message any) {
	data, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(data))), data...))
	_ = http.NewResponseController(w).Flush()
}
