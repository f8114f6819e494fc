package conformance

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Handler gives the same good answer to every call, for tests of whole programs. It is not strict: only Run holds requests
// to the format.
func (d Dialect) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != d.Path || d.key(r.Header) != Key {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(encode(d.say(d, d.Good())))
	})
}

// server answers as its scene says, and remembers what it was asked. What is odd about a request is
// told at the end and not in the answer: a scene has to get the failure that it is about.
type server struct {
	*httptest.Server
	dialect Dialect
	stop    chan struct{}

	mu  sync.Mutex
	how func(w http.ResponseWriter, r *http.Request)
	got []map[string]any
	odd []string // what was wrong with requests
}

// serve starts a server that gives good answers.
func serve(t *testing.T, d Dialect) *server {
	s := &server{dialect: d, stop: make(chan struct{})}
	s.says(d.Good())
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		// First whoever waits is let go: Close waits for handlers.
		close(s.stop)
		s.CloseClientConnections()
		s.Close()
		if len(s.odd) > 0 {
			t.Errorf("requests that %s would refuse: %v", d.Name, s.odd)
		}
	})
	return s
}

// answers sets how calls are answered.
func (s *server) answers(how func(w http.ResponseWriter, r *http.Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.how = how
}

// body answers with these bytes.
func (s *server) body(status int, kind string, body []byte) {
	s.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	})
}

// says answers with what a model says.
func (s *server) says(said Said) {
	s.body(http.StatusOK, "application/json", encode(s.dialect.say(s.dialect, said)))
}

// refuses answers with the API's error.
func (s *server) refuses(status int, message, retryAfter string) {
	s.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		_, _ = w.Write(encode(s.dialect.fault(status, message)))
	})
}

// waits does nothing until the caller gives up, or the scene is over.
func (s *server) waits(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.stop:
	}
	// The connection ends without an answer: any status would be one.
	panic(http.ErrAbortHandler)
}

// requests are the bodies that have come, in their order.
func (s *server) requests() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// ServeHTTP checks a request as the provider would, and answers it.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what is cut off is no JSON
	var request map[string]any
	wrong := ""
	switch {
	case r.Method != http.MethodPost || r.URL.Path != s.dialect.Path:
		wrong = r.Method + " " + r.URL.Path
	case s.dialect.key(r.Header) != Key:
		wrong = "the key is " + s.dialect.key(r.Header)
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		wrong = "content type " + r.Header.Get("Content-Type")
	case json.Unmarshal(body, &request) != nil:
		wrong = "no JSON"
	case request["model"] != s.dialect.Model:
		wrong = "the model"
	default:
		wrong = s.dialect.ask(request)
	}
	s.mu.Lock()
	// Also what is wrong: a scene counts calls, however they look.
	s.got = append(s.got, request)
	if wrong != "" {
		s.odd = append(s.odd, wrong)
	}
	how := s.how
	s.mu.Unlock()
	how(w, r)
}
