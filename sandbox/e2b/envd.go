package e2b

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// envdPort is where the daemon in a box listens.
const envdPort = "49983"

// folder is where everything of ours is in a box; nothing is read or written
// outside of it.
const folder = "/home/user/countersign"

// uploadRate is the slowest line that an upload or a download is waited for.
const uploadRate = 256 << 10 // bytes per second

// shared are the domains of E2B's own clouds, where one address serves all boxes
// and headers say which is meant: one connection instead of one per box.
var shared = []string{"e2b.app", "e2b.dev", "e2b.pro", "e2b-staging.dev"}

func (c *wire) envd(b *box, what, method, target string) call {
	base := c.sandboxURL
	switch {
	case base != "":
	case slices.Contains(shared, b.domain):
		base = "https://sandbox." + b.domain
	default:
		base = "https://" + envdPort + "-" + b.id + "." + b.domain
	}
	return call{what: what, method: method, url: base + target, edge: true, box: b, header: http.Header{
		"E2b-Sandbox-Id":   {b.id},
		"E2b-Sandbox-Port": {envdPort},
		"X-Access-Token":   {b.token},
	}}
}

// inBox joins names to the folder and refuses what would lead out of it: envd
// reads and writes as root.
func inBox(names ...string) (string, error) {
	full := path.Join(append([]string{folder}, names...)...)
	if !strings.HasPrefix(full, folder+"/") {
		return "", fmt.Errorf("%q is outside of the box's folder", full)
	}
	return full, nil
}

func (c *wire) file(b *box, what, method string, size int64, names []string) (call, error) {
	full, err := inBox(names...)
	if err != nil {
		return call{}, err
	}
	k := c.envd(b, what, method, "/files?"+url.Values{"path": {full}, "username": {c.user}}.Encode())
	// A large file takes longer than any call may be silent.
	k.time = c.patience + time.Duration(size/uploadRate)*time.Second
	return k, nil
}

// write puts a file into the box, whole; parents are made on the way.
func (c *wire) write(ctx context.Context, b *box, data []byte, names ...string) error {
	k, err := c.file(b, putting, http.MethodPost, int64(len(data)), names)
	if err != nil {
		return err
	}
	k.header.Set("Content-Type", "application/octet-stream")
	k.body = data
	_, err = c.repeat(ctx, k)
	return err
}

// pour is write for what is streamed.
func (c *wire) pour(ctx context.Context, b *box, s stream, names ...string) error {
	k, err := c.file(b, putting, http.MethodPost, s.size, names)
	if err != nil {
		return err
	}
	k.header.Set("Content-Type", "application/octet-stream")
	k.stream = &s
	_, err = c.repeat(ctx, k)
	return err
}

const putting = "put a file into the box"

// read takes a file out of the box; fs.ErrNotExist when there is none.
func (c *wire) read(ctx context.Context, b *box, limit int64, names ...string) ([]byte, error) {
	return c.take(ctx, b, limit, c.repeat, names)
}

// readOnce is read with one attempt.
func (c *wire) readOnce(ctx context.Context, b *box, limit int64, names ...string) ([]byte, error) {
	return c.take(ctx, b, limit, c.send, names)
}

func (c *wire) take(ctx context.Context, b *box, limit int64, ask func(context.Context, call) (answer, error), names []string) ([]byte, error) {
	k, err := c.file(b, "take a file out of the box", http.MethodGet, limit, names)
	if err != nil {
		return nil, err
	}
	k.limit = limit
	got, err := ask(ctx, k)
	if f := asFailure(err); f != nil && f.missing() {
		return nil, fs.ErrNotExist
	}
	return got.body, err
}

// missing tells that envd itself says that there is no such file. Another 404,
// some proxy's page, says nothing about files.
func (f *failure) missing() bool {
	return f.edge && f.status == http.StatusNotFound && f.spoken
}

// exists asks whether there is a file or folder.
func (c *wire) exists(ctx context.Context, b *box, names ...string) (bool, error) {
	full, err := inBox(names...)
	if err != nil {
		return false, err
	}
	k := c.rpc(b, "look into the box", "/filesystem.Filesystem/Stat")
	k.header.Set("Content-Type", "application/json")
	k.body, _ = json.Marshal(map[string]string{"path": full})
	var stat struct {
		Entry *struct {
			Name string `json:"name"`
		} `json:"entry"`
	}
	got, err := c.repeat(ctx, k)
	if f := asFailure(err); f != nil && f.missing() {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := decode(k, got, &stat); err != nil {
		return false, err
	}
	// Neither there nor missing: an answer that does not say is no answer, or a start might be repeated by it.
	if stat.Entry == nil {
		return false, &failure{what: k.what, edge: true, sent: true, err: errGarbled}
	}
	return true, nil
}

func (c *wire) rpc(b *box, what, method string) call {
	k := c.envd(b, what, http.MethodPost, method)
	k.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.user+":")))
	k.header.Set("Connect-Protocol-Version", "1")
	return k
}

// process is what envd starts.
type process struct {
	Process struct {
		Cmd  string            `json:"cmd"`
		Args []string          `json:"args"`
		Envs map[string]string `json:"envs"`
		Cwd  string            `json:"cwd"`
	} `json:"process"`
	Stdin bool `json:"stdin"`
}

// shell is the process that runs a line in our folder. The path is set because
// envd's own need not hold the template's Python; no login shell, because what a
// profile does is not ours to know.
func shell(line string) (p process) {
	p.Process.Cmd, p.Process.Args, p.Process.Cwd = "/bin/sh", []string{"-c", line}, folder
	p.Process.Envs = map[string]string{"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
	return p
}

// start has envd start a process and hangs up once it says so: the process goes
// on. It sends no Connect-Timeout-Ms, at the end of which envd would kill it.
// The line must bear being started more than once. user is whose process it is in the box.
func (c *wire) start(ctx context.Context, b *box, user, line string) error {
	k := c.rpc(b, "start the code", "/process.Process/Start")
	k.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":")))
	k.header.Set("Content-Type", "application/connect+json")
	body, _ := json.Marshal(shell(line)) // strings always marshal
	k.body = envelope(0, body)
	attempt := 0
	err := c.again(ctx, k.what, func() error {
		attempt++
		return c.exchange(ctx, k, func(resp *http.Response) error { return started(k, resp.Body) })
	})
	// doubt has it count as one that may be repeated. The gate in the box (mkdir once) keeps a second start out.
	if attempt > 1 { // the one before may have had its effect
		return c.doubt(err)
	}
	return err
}

// The flags of Connect's envelopes.
const (
	flagCompressed = 1
	flagEnd        = 2
)

func envelope(flag byte, message []byte) []byte {
	framed := append(make([]byte, 0, 5+len(message)), flag)
	framed = binary.BigEndian.AppendUint32(framed, uint32(len(message)))
	return append(framed, message...)
}

// started reads the stream up to the event that says that the process runs.
func started(k call, stream io.Reader) error {
	garbled := func(why error) error {
		return &failure{what: k.what, edge: true, sent: true, err: fmt.Errorf("%w: %w", errGarbled, why)}
	}
	var head [5]byte
	if _, err := io.ReadFull(stream, head[:]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(head[1:])
	// The first event is some fifty bytes, and nobody has offered to take it compressed.
	if size > errorCap || head[0]&flagCompressed != 0 {
		return garbled(fmt.Errorf("an envelope of %d bytes with flags %d", size, head[0]))
	}
	message := make([]byte, size)
	if _, err := io.ReadFull(stream, message); err != nil {
		return err
	}
	var said struct {
		Event struct {
			Start *struct {
				PID uint32 `json:"pid"`
			} `json:"start"`
		} `json:"event"`
		Error *struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	switch err := json.Unmarshal(message, &said); {
	case err != nil:
		return garbled(err)
	case said.Error != nil:
		return &failure{what: k.what, edge: true, sent: true, spoken: true, status: connectStatus(said.Error.Code),
			code: clean(said.Error.Code), message: clean(said.Error.Message)}
	case head[0]&flagEnd != 0 || said.Event.Start == nil:
		return garbled(fmt.Errorf("the stream does not begin with a start: %s", clean(string(message))))
	}
	return nil
}

// connectStatus gives a Connect error, which comes inside a 200, the status that
// it would have had outside of a stream.
func connectStatus(code string) int {
	switch code {
	case "invalid_argument", "failed_precondition", "out_of_range":
		return http.StatusBadRequest
	case "unauthenticated":
		return http.StatusUnauthorized
	case "permission_denied":
		return http.StatusForbidden
	case "not_found":
		return http.StatusNotFound
	case "resource_exhausted":
		return http.StatusTooManyRequests
	case "unavailable":
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
