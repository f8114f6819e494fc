package codes

import (
	"bufio"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Token watches whether Slack accepts the bot's token, by what it answers to every call. A token dies while the bot runs: somebody
// uninstalls the app, or has its tokens rotated. The socket has a token of its own and goes on, so that people are heard
// and nothing can be said to them but what goes along with an ack.
//
// It does not end the process: programs are running, and their results are kept for whoever is started with the next token.
type Token struct {
	Log *slog.Logger

	mu   sync.Mutex
	code string    // with which Slack refuses it; empty: it does not
	said time.Time // when the log said so last
}

// peek is how much of an answer is looked at: a refusal is short, and says so first.
const peek = 512

// again is how often the log says it.
const again = 10 * time.Minute

var (
	refusal = regexp.MustCompile(`"ok"\s*:\s*false`)
	named   = regexp.MustCompile(`"error"\s*:\s*"([a-z_]+)"`)
)

// Watch returns what looks at the answers to a client's calls. Several clients may share a token.
func (t *Token) Watch(next http.RoundTripper) http.RoundTripper { return watch{t, next} }

type watch struct {
	*Token
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t watch) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusOK || !bots(r.URL.Path) {
		return resp, err
	}
	if media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return resp, nil
	}
	body := bufio.NewReaderSize(resp.Body, peek)
	begins, err := body.Peek(peek) // an error is the caller's, who meets it in reading on
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	code := ""
	if refusal.Match(begins) {
		if m := named.FindSubmatch(begins); m != nil && slices.Contains(dead, string(m[1])) {
			code = string(m[1])
		}
	}
	if err == nil || err == io.EOF {
		t.heard(code)
	}
	return resp, nil
}

// bots tells of a call of a method with the bot's token. All else tells nothing of it: what the app-level token opens, the address that answers a
// press, and what is up- and downloaded. A file of somebody's may be JSON, and say of itself that a token is dead.
func bots(at string) bool {
	folder, method := path.Split(at)
	return path.Base(folder) == "api" && method != "apps.connections.open"
}

// heard remembers what an answer tells of the token: a code of dead, or that it is good.
func (t *Token) heard(code string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case code != "" && time.Since(t.said) > again:
		t.said = time.Now()
		t.Log.Error("Slack does not accept the bot's token any more, so nothing can be posted: install the app again, put its Bot User OAuth Token into SLACK_BOT_TOKEN and start this anew. What waits is posted then", "code", code)
	case code == "" && t.code != "":
		t.said = time.Time{}
		t.Log.Info("Slack accepts the bot's token again")
	}
	t.code = code
}

// Dead is the code with which Slack refuses the token, or empty.
func (t *Token) Dead() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.code
}
