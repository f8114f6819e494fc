// Package mistraltest is a Mistral server on loopback for tests: strict about
// what it is asked, faulty on demand. It answers POST /v1/chat/completions and GET
// /v1/models as the API does, counts a token for every four bytes, and remembers what it was sent.
//
// It imports nothing of ours, so that it cannot share our mistakes. Its forms are those of Mistral's
// openapi.yaml of 2026-08-21 and of answers that were seen; the conformance suite beside it
// (codegen/conformance) tries all providers alike, and this one what is Mistral's own: models that
// have ended, and what its library does with each way of failing.
package mistraltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Key is the only key that the server takes.
const Key = "test-key-8b1f"

// Models are the ones that the server has. The last one thinks aloud, in chunks.
var Models = []string{"codestral-2508", "mistral-medium-3-5", "mistral-large-2512", "mistral-small-2603", "magistral-medium-2509"}

// Message is one message of a call.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Request is a call as it came in. Numbers are pointers, so that one that is left out is told from a
// zero: the API has defaults for the former, and obeys the latter.
type Request struct {
	Model       string    `json:"model"`
	Messages    []Message `json:"messages"`
	Temperature *float64  `json:"temperature"`
	TopP        *float64  `json:"top_p"`
	MaxTokens   *int      `json:"max_tokens"`
	RandomSeed  *int      `json:"random_seed"`
	SafePrompt  *bool     `json:"safe_prompt"`

	Gone <-chan struct{} `json:"-"` // closed when nobody waits for the answer any more, as when the caller is killed
}

// Bytes is the size of what the model would read.
func (r Request) Bytes() (n int) {
	for _, m := range r.Messages {
		n += len(m.Content)
	}
	return n
}

// Reply is how one call is answered. The zero Reply is a small program that runs
// anywhere.
type Reply struct {
	Content string // the model's text
	Fault   Fault
	Finish  string // defaults to "stop", or "length" when max_tokens cut the text
	Model   string // defaults to the one that was asked for
	NoUsage bool
	Cached  int // of the prompt's tokens, how many came from the cache

	RetryAfter string // of a refusal: when to come back, in seconds or as a date
}

// Program is what the zero Reply says.
const Program = "The program shows the answer to everything.\n\n```python\nimport pandas as pd\n\npd.DataFrame({\"answer\": [42]})\n```\n"

// Server is a running server.
type Server struct {
	URL string

	http    *httptest.Server
	stop    chan struct{}
	mu      sync.Mutex
	queue   []Reply
	answer  func(Request) Reply
	got     []Request
	refused []string
	ends    map[string]End
}

// End is what the list says of a model's end.
type End struct {
	On          time.Time
	Replacement string
}

// Deprecate has the list of models say when one of them ends. From then on it is
// refused as one that does not exist, which is how Mistral does it.
func (s *Server) Deprecate(model string, end End) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ends == nil {
		s.ends = map[string]End{}
	}
	s.ends[model] = end
}

// over tells that a model has ended.
func (s *Server) over(model string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	end, ok := s.ends[model]
	return ok && !end.On.After(time.Now())
}

// Start starts a server on a free port of loopback.
func Start() *Server {
	s := &Server{stop: make(chan struct{}), answer: func(Request) Reply { return Reply{} }}
	s.http = httptest.NewServer(s)
	s.URL = s.http.URL
	return s
}

// Close ends the server and every call that still waits.
func (s *Server) Close() {
	close(s.stop)
	s.http.CloseClientConnections()
	s.http.Close()
}

// Next queues replies for the coming calls.
func (s *Server) Next(replies ...Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, replies...)
}

// Answer sets how calls are answered for which nothing is queued.
func (s *Server) Answer(how func(Request) Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = how
}

// Requests lists the calls that were well formed and allowed.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// Refused lists why other calls were not.
func (s *Server) Refused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}

// ServeHTTP is the API. A call that is not well formed takes no reply from the queue: it is counted
// among the refused, and the next one gets the reply that was meant for it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status, why := s.forbids(r); status != 0 {
		s.refuse(w, status, why)
		return
	}
	if r.URL.Path == pathModels {
		s.listModels(w)
		return
	}
	var req Request
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&req); err != nil {
		s.refuse(w, http.StatusUnprocessableEntity, "body: "+err.Error())
		return
	}
	if status, why := req.fault(); status != 0 {
		s.refuse(w, status, why)
		return
	}
	req.Gone = r.Context().Done()
	s.mu.Lock()
	s.got = append(s.got, req)
	reply := Reply{}
	how := s.answer
	queued := len(s.queue) > 0
	if queued {
		reply, s.queue = s.queue[0], s.queue[1:]
	}
	s.mu.Unlock()
	if !queued {
		reply = how(req)
	}
	if s.over(req.Model) {
		reply = Reply{Fault: Gone}
	}
	s.write(w, r, req, reply)
}

// What the server has: the two paths of the API that are asked.
const (
	pathChat   = "/v1/chat/completions"
	pathModels = "/v1/models"
)

// forbids checks what comes before the body, in the order of the API: an address that is not there is
// said so whoever asks.
func (s *Server) forbids(r *http.Request) (status int, why string) {
	method, ok := map[string]string{pathChat: http.MethodPost, pathModels: http.MethodGet}[r.URL.Path]
	switch {
	case !ok:
		return http.StatusNotFound, "no Route matched with those values"
	case r.Method != method:
		return http.StatusMethodNotAllowed, "method " + r.Method
	case r.Header.Get("Authorization") != "Bearer "+Key:
		return http.StatusUnauthorized, "Unauthorized"
	case method == http.MethodPost && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		return http.StatusUnsupportedMediaType, "content type " + r.Header.Get("Content-Type")
	}
	return 0, ""
}

// listModels lists what the key may use.
func (s *Server) listModels(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data := make([]any, len(Models))
	for i, model := range Models {
		card := map[string]any{"id": model, "object": "model", "owned_by": "mistralai", "capabilities": map[string]any{"completion_chat": true},
			"aliases": []string{}, "deprecation": nil, "deprecation_replacement_model": nil, "type": "base"}
		if end, ok := s.ends[model]; ok {
			card["deprecation"] = end.On.UTC().Format(time.RFC3339)
			if end.Replacement != "" {
				card["deprecation_replacement_model"] = end.Replacement
			}
		}
		data[i] = card
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"object": "list", "data": data})
}

// fault checks a call as the API does, and a little stricter: what the library
// would fill in by itself has to be given.
func (r Request) fault() (status int, why string) {
	bad := func(format string, args ...any) (int, string) {
		return http.StatusUnprocessableEntity, fmt.Sprintf(format, args...)
	}
	if !slices.Contains(Models, r.Model) {
		return http.StatusBadRequest, "Invalid model: " + r.Model
	}
	if r.Temperature == nil || *r.Temperature < 0 || *r.Temperature > 1.5 {
		return bad("temperature: not between 0 and 1.5")
	}
	if r.TopP == nil || *r.TopP <= 0 || *r.TopP > 1 {
		return bad("top_p: not above 0 and up to 1")
	}
	if r.MaxTokens == nil || *r.MaxTokens < 1 {
		return bad("max_tokens: not positive")
	}
	if r.RandomSeed == nil || *r.RandomSeed < 0 {
		return bad("random_seed: negative or not given")
	}
	if len(r.Messages) < 2 || r.Messages[0].Role != "system" {
		return bad("messages: a system message and a question are wanted")
	}
	for i, m := range r.Messages[1:] {
		want := [2]string{"user", "assistant"}[i%2]
		if m.Role != want {
			return bad("messages: expected role %s in place %d, got %q", want, i+1, m.Role)
		}
		if strings.TrimSpace(m.Content) == "" {
			return bad("messages: nothing in place %d", i+1)
		}
	}
	if last := r.Messages[len(r.Messages)-1]; last.Role != "user" {
		return http.StatusBadRequest, "Expected last role User or Tool for serving but got " + last.Role
	}
	return 0, ""
}

// refuse notes why, and answers with the API's error.
func (s *Server) refuse(w http.ResponseWriter, status int, why string) {
	s.mu.Lock()
	s.refused = append(s.refused, why)
	s.mu.Unlock()
	problem(w, status, why)
}

// problem is Mistral's error object.
func problem(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"object": "error", "message": why, "type": "invalid_request_error", "param": nil, "code": fmt.Sprint(status)})
}

// success is the body of a good answer.
func success(req Request, reply Reply) map[string]any {
	text, finish := reply.Content, reply.Finish
	if text == "" && reply.Fault == "" {
		text = Program
	}
	if most := 4 * *req.MaxTokens; len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
		finish = "length"
	}
	if finish == "" {
		finish = "stop"
	}
	model := reply.Model
	if model == "" {
		model = req.Model
	}
	in, out := (req.Bytes()+3)/4, (len(text)+3)/4
	body := map[string]any{
		"id": fmt.Sprintf("cmpl-%d", time.Now().UnixNano()), "object": "chat.completion", "created": time.Now().Unix(), "model": model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": finish,
			"message": map[string]any{"role": "assistant", "content": text, "tool_calls": nil}}},
	}
	if !reply.NoUsage {
		usage := map[string]any{"prompt_tokens": in, "completion_tokens": out, "total_tokens": in + out}
		if reply.Cached > 0 {
			usage["prompt_tokens_details"] = map[string]any{"cached_tokens": reply.Cached}
		}
		body["usage"] = usage
	}
	return body
}
