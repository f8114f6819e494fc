package webapi

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strings"
	"time"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/sockets"
	"countersign/internal/slacksim/workspace"
)

// API is what the app can call over HTTP.
type API struct {
	*workspace.Workspace
	*workspace.Posts
	*workspace.Views
	*fault.Faults
	sockets *sockets.Mode
	uploads map[string]*upload
	answers Answers
}

// New is the Web API of this workspace.
func New(ws *workspace.Workspace, posts *workspace.Posts, views *workspace.Views, faults *fault.Faults, sockets *sockets.Mode) *API {
	return &API{Workspace: ws, Posts: posts, Views: views, Faults: faults, sockets: sockets, uploads: map[string]*upload{}}
}

// call is one Web API call: who calls and with what arguments.
type call struct {
	s    *API
	r    *http.Request
	args map[string]any // strings from a form, any JSON value from a JSON body
	base string
	app  bool // called with the app-level token
}

// method is a Web API method. scopes are alternatives: one of them is enough. serve is
// called with the lock held.
type method struct {
	token  byte // 'b' for bot, 'a' for app-level, 'e' for either, 'c' for configuration, 0 for none needed
	scopes []string
	serve  func(*call) (workspace.Body, error)
}

var methods map[string]method

// Methods stand beside their code, in groups; here they become one table.
func init() {
	methods = map[string]method{}
	for _, group := range []map[string]method{chatMethods, conversationMethods, fileMethods, viewMethods, peopleMethods, appMethods, moreMethods, streamMethods, assistantMethods} {
		maps.Copy(methods, group)
	}
}

// ServeAPI answers one call, and writes it into the journal before the answer is
// sent, so that a script that has the answer finds the call there.
func (s *API) ServeAPI(w http.ResponseWriter, r *http.Request) {
	name, began := r.PathValue("method"), time.Now()
	c := &call{s: s, r: r, base: "http://" + r.Host}
	args, err := arguments(w, r)
	c.args = args
	var out workspace.Body
	if err == nil {
		out, err = s.answer(w, c, name)
	}
	if err == fault.ErrCut {
		panic(http.ErrAbortHandler)
	}
	body := maps.Clone(out)
	if body == nil {
		body = workspace.Body{}
	}
	body["ok"] = err == nil
	status, code := http.StatusOK, ""
	if err != nil {
		refusal, ok := err.(*workspace.Error)
		if !ok {
			refusal = &workspace.Error{Code: "internal_error", Messages: []string{err.Error()}, Status: http.StatusInternalServerError}
		}
		status, code = refusal.Write(w.Header(), body)
	}
	s.Entries.Add(workspace.Entry{Direction: "api", Name: name, OK: err == nil, Error: code, Millis: workspace.Since(began), Detail: workspace.Detail(workspace.Body{"request": withoutToken(args), "answer": body})})
	if refused, ok := err.(*workspace.Error); ok && refused.Page {
		refused.WritePage(w)
		return
	}
	if err := workspace.WriteJSON(w, status, body); err != nil {
		s.Log.Warn("answer not sent", "method", name, "error", err)
	}
}

func withoutToken(args map[string]any) map[string]any {
	out := maps.Clone(args)
	delete(out, "token")
	return out
}

// answer checks the token and its scopes, plays the faults, and calls the method.
func (s *API) answer(w http.ResponseWriter, c *call, name string) (workspace.Body, error) {
	wrong := s.Next(name, c)
	if err := wrong.Before(c.r.Context(), s.Workspace); err != nil {
		return nil, err
	}
	m, known := methods[name]
	if !known {
		return nil, &workspace.Error{Code: "unknown_method", Extra: workspace.Body{"req_method": name}}
	}
	if err := s.authorize(w, c, m); err != nil {
		return nil, err
	}
	out, err := c.locked(m.serve)
	if err == nil {
		err = wrong.Afterwards(c.r.Context(), s.Workspace)
	}
	return out, err
}

// locked calls a method with the workspace's lock held, so that none has to take it.
func (c *call) locked(serve func(*call) (workspace.Body, error)) (workspace.Body, error) {
	c.s.Lock()
	defer c.s.Unlock()
	return serve(c)
}

// authorize knows two tokens, the bot's and the app's, and which methods want which.
// Every answer to a good token lists what was granted, as Slack's does.
func (s *API) authorize(w http.ResponseWriter, c *call, m method) error {
	token, bearer := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		token = c.Text("token")
	}
	s.Lock()
	app, bot, dead := s.App.AppToken, s.App.BotToken, s.Dead[token]
	s.Unlock()
	c.app = token == app
	switch {
	case m.token == 0 && token == "":
		return nil
	case token == "":
		return workspace.Refuse("not_authed")
	case m.token == 'c':
		if !strings.HasPrefix(token, "xoxe.") {
			return workspace.Refuse("not_allowed_token_type")
		}
		return nil
	case dead != "":
		return workspace.Refuse(dead)
	case token != app && token != bot:
		return workspace.Refuse("invalid_auth")
	case m.token == 'a' && !c.app, m.token == 'b' && c.app:
		return workspace.Refuse("not_allowed_token_type")
	case m.token == 'a' && !bearer:
		return workspace.Refuse("not_authed", "this method takes its token in the Authorization header only")
	}
	provided := strings.Join(s.App.Scopes, ",")
	if c.app {
		provided = "connections:write"
	}
	w.Header().Set("X-OAuth-Scopes", provided)
	w.Header().Set("X-Accepted-OAuth-Scopes", strings.Join(m.scopes, ","))
	return s.scoped(m.scopes...)
}

// scoped refuses when the app has none of these scopes.
func (s *API) scoped(scopes ...string) error {
	for _, scope := range scopes {
		if s.App.May(scope) {
			return nil
		}
	}
	if len(scopes) == 0 {
		return nil
	}
	return &workspace.Error{Code: "missing_scope", Extra: workspace.Body{"needed": strings.Join(scopes, ","), "provided": strings.Join(s.App.Scopes, ",")}}
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
			return nil, workspace.Refuse("request_timeout")
		}
		var body map[string]any
		if len(data) > 0 && blockkit.Decode(data, &body) != nil {
			return nil, workspace.Refuse("invalid_json")
		}
		maps.Copy(args, body)
	case "multipart/form-data":
		if err := r.ParseMultipartForm(maxBody); err != nil {
			return nil, workspace.Refuse("invalid_form_data")
		}
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return nil, workspace.Refuse("invalid_form_data")
		}
	}
	for k, v := range r.PostForm {
		args[k] = v[0]
	}
	return args, nil
}

// Text is an argument as a string; numbers and booleans are written out.
func (c *call) Text(name string) string {
	switch v := c.args[name].(type) {
	case string:
		return v
	case bool, json.Number:
		return fmt.Sprint(v)
	}
	return ""
}

// flag is a boolean argument, which forms write as "true" or "1".
func (c *call) flag(name string) bool { return c.Text(name) == "true" || c.Text(name) == "1" }

// Has is false for an argument that is empty: Slack takes it as not given.
func (c *call) Has(name string) bool {
	v, ok := c.args[name]
	return ok && v != nil && v != ""
}

// Into decodes a structured argument: JSON in JSON, or JSON in a form field.
func (c *call) Into(name string, target any) error {
	data := []byte(c.Text(name))
	if _, isText := c.args[name].(string); !isText {
		data, _ = json.Marshal(c.args[name])
	}
	if err := blockkit.Decode(data, target); err != nil {
		return fmt.Errorf("argument %s: %w", name, err)
	}
	return nil
}
