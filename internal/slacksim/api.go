package slacksim

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// call is one Web API call: who calls and with what arguments.
type call struct {
	s    *Sim
	r    *http.Request
	args map[string]any // strings from a form, any JSON value from a JSON body
	base string
	app  bool // called with the app-level token
}

// reply is the body of a Web API answer, without "ok".
type reply map[string]any

// method is a Web API method. scopes are alternatives: one of them is enough.
type method struct {
	token  byte // 'b' for bot, 'a' for app-level, 'e' for either, 'c' for configuration, 0 for none needed
	scopes []string
	serve  func(*call) (reply, error)
}

var methods map[string]method

// Methods stand beside their code, in groups; here they become one table.
func init() {
	methods = map[string]method{}
	for _, group := range []map[string]method{chatMethods, conversationMethods, fileMethods, viewMethods, peopleMethods, appMethods, moreMethods, streamMethods} {
		maps.Copy(methods, group)
	}
}

// apiError is a refusal in Slack's words.
type apiError struct {
	Code       string
	Messages   []string // response_metadata.messages
	Extra      reply
	Status     int // of HTTP; 0 is 200
	RetryAfter time.Duration
}

func (e *apiError) Error() string { return strings.Join(append([]string{e.Code}, e.Messages...), ": ") }

// refuse is {"ok":false,"error":code}, with the details that Slack gives beside it.
func refuse(code string, messages ...string) error { return &apiError{Code: code, Messages: messages} }

// rateLimited is the one refusal that Slack says by HTTP status as well.
func rateLimited(after time.Duration) error {
	return &apiError{Code: "ratelimited", Status: http.StatusTooManyRequests, RetryAfter: after}
}

// serveAPI answers one call, and writes it into the journal before the answer is
// sent, so that a script that has the answer finds the call there.
func (s *Sim) serveAPI(w http.ResponseWriter, r *http.Request) {
	name, began := r.PathValue("method"), time.Now()
	c := &call{s: s, r: r, base: "http://" + r.Host}
	args, err := arguments(w, r)
	c.args = args
	var out reply
	if err == nil {
		out, err = s.answer(w, c, name)
	}
	if err == errCut {
		panic(http.ErrAbortHandler)
	}
	body := maps.Clone(out)
	if body == nil {
		body = reply{}
	}
	body["ok"] = err == nil
	status, code := http.StatusOK, ""
	if err != nil {
		refusal, ok := err.(*apiError)
		if !ok {
			refusal = &apiError{Code: "internal_error", Messages: []string{err.Error()}, Status: http.StatusInternalServerError}
		}
		status, code = refusal.write(w.Header(), body)
	}
	s.journal.add(Entry{Direction: "api", Name: name, OK: err == nil, Error: code, Millis: since(began), Detail: detail(reply{"request": withoutToken(args), "answer": body})})
	if err := writeJSON(w, status, body); err != nil {
		s.log.Warn("answer not sent", "method", name, "error", err)
	}
}

func withoutToken(args map[string]any) map[string]any {
	out := maps.Clone(args)
	delete(out, "token")
	return out
}

// write puts the refusal into the answer. Slack refuses with HTTP 200 except where
// Status says otherwise.
func (e *apiError) write(h http.Header, body reply) (status int, code string) {
	body["error"] = e.Code
	maps.Copy(body, e.Extra)
	if len(e.Messages) > 0 {
		body["response_metadata"] = reply{"messages": e.Messages}
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	return max(e.Status, http.StatusOK), e.Code
}

// answer checks the token and its scopes, plays the faults, and calls the method.
func (s *Sim) answer(w http.ResponseWriter, c *call, name string) (reply, error) {
	fault := s.methodFault(name, c)
	if err := fault.before(c.r.Context(), s); err != nil {
		return nil, err
	}
	m, known := methods[name]
	if !known {
		return nil, &apiError{Code: "unknown_method", Extra: reply{"req_method": name}}
	}
	if err := s.authorize(w, c, m); err != nil {
		return nil, err
	}
	out, err := m.serve(c)
	if err == nil {
		err = fault.afterwards(c.r.Context(), s)
	}
	return out, err
}

// authorize knows two tokens, the bot's and the app's, and which methods want which.
// Every answer to a good token lists what was granted, as Slack's does.
func (s *Sim) authorize(w http.ResponseWriter, c *call, m method) error {
	token, bearer := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		token = c.text("token")
	}
	c.app = token == s.app.AppToken
	switch {
	case m.token == 0 && token == "":
		return nil
	case token == "":
		return refuse("not_authed")
	case m.token == 'c':
		if !strings.HasPrefix(token, "xoxe.") {
			return refuse("not_allowed_token_type")
		}
		return nil
	case token != s.app.AppToken && token != s.app.BotToken:
		return refuse("invalid_auth")
	case m.token == 'a' && !c.app, m.token == 'b' && c.app:
		return refuse("not_allowed_token_type")
	case m.token == 'a' && !bearer:
		return refuse("not_authed", "this method takes its token in the Authorization header only")
	}
	provided := strings.Join(s.app.Scopes, ",")
	if c.app {
		provided = "connections:write"
	}
	w.Header().Set("X-OAuth-Scopes", provided)
	w.Header().Set("X-Accepted-OAuth-Scopes", strings.Join(m.scopes, ","))
	return s.scoped(m.scopes...)
}

// scoped refuses when the app has none of these scopes.
func (s *Sim) scoped(scopes ...string) error {
	for _, scope := range scopes {
		if s.app.may(scope) {
			return nil
		}
	}
	if len(scopes) == 0 {
		return nil
	}
	return &apiError{Code: "missing_scope", Extra: reply{"needed": strings.Join(scopes, ","), "provided": strings.Join(s.app.Scopes, ",")}}
}

const maxBody = 8 << 20

// arguments reads query, form and JSON bodies alike.
func arguments(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	args := map[string]any{}
	for k, v := range r.URL.Query() {
		args[k] = v[0]
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch media {
	case "application/json":
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, refuse("request_timeout")
		}
		var body map[string]any
		if len(data) > 0 && decode(data, &body) != nil {
			return nil, refuse("invalid_json")
		}
		maps.Copy(args, body)
	case "multipart/form-data":
		if err := r.ParseMultipartForm(maxBody); err != nil {
			return nil, refuse("invalid_form_data")
		}
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return nil, refuse("invalid_form_data")
		}
	}
	for k, v := range r.PostForm {
		args[k] = v[0]
	}
	return args, nil
}

// text is an argument as a string; numbers and booleans are written out.
func (c *call) text(name string) string {
	switch v := c.args[name].(type) {
	case string:
		return v
	case bool, json.Number:
		return fmt.Sprint(v)
	}
	return ""
}

// flag is a boolean argument, which forms write as "true" or "1".
func (c *call) flag(name string) bool { return c.text(name) == "true" || c.text(name) == "1" }

// has is false for an argument that is empty: Slack takes it as not given.
func (c *call) has(name string) bool {
	v, ok := c.args[name]
	return ok && v != nil && v != ""
}

// into decodes a structured argument: JSON in JSON, or JSON in a form field.
func (c *call) into(name string, target any) error {
	data := []byte(c.text(name))
	if _, isText := c.args[name].(string); !isText {
		data, _ = json.Marshal(c.args[name])
	}
	if err := decode(data, target); err != nil {
		return fmt.Errorf("argument %s: %w", name, err)
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

func since(t time.Time) float64 { return float64(time.Since(t).Microseconds()) / 1000 }
