package pageapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/sockets"
	"countersign/internal/slacksim/workspace"
)

// API is the JSON API through which people act: the page in the browser, scripts.
type API struct {
	*workspace.Workspace
	*person.Acts
	*fault.Faults
	*sockets.Mode
}

// New is the API of this workspace; RoutePage adds its paths.
func New(ws *workspace.Workspace, acts *person.Acts, faults *fault.Faults, mode *sockets.Mode) *API {
	return &API{Workspace: ws, Acts: acts, Faults: faults, Mode: mode}
}

// RoutePage adds the JSON API that doc.go describes.
func (s *API) RoutePage(mux *http.ServeMux) {
	mux.HandleFunc("GET /sim/state", s.answering(s.getState))
	mux.HandleFunc("GET /sim/messages", s.answering(s.getMessages))
	mux.HandleFunc("GET /sim/view", s.answering(s.getView))
	mux.HandleFunc("GET /sim/home", s.answering(s.getHome))
	mux.HandleFunc("GET /sim/log", s.answering(s.getLog))
	mux.HandleFunc("GET /sim/files/{id}", s.getFile)
	mux.HandleFunc("GET /sim/events", s.serveEvents)
	mux.HandleFunc("GET /sim/signin", serveSignIn)
	for path, serve := range map[string]func(*http.Request, *order) (any, error){
		"command": s.postCommand, "message": s.postSay, "message/delete": s.postUnsay, "action": s.postAction,
		"view/submit": s.postSubmit, "view/close": s.postClose, "home/open": s.postOpenHome, "shortcut": s.postShortcut,
		"read": s.postRead, "file/delete": s.postDeleteFile, "faults": s.postFaults, "chat": s.postChat, "chat/look": s.postLook,
	} {
		mux.HandleFunc("POST /sim/"+path, s.answering(ordered(serve)))
	}
	mux.HandleFunc("POST /sim/upload", s.answering(s.postUpload))
	mux.HandleFunc("POST /sim/file/replace", s.answering(s.postReplaceFile))
	mux.HandleFunc("/sim/", s.answering(func(*http.Request) (any, error) {
		return nil, person.Refuse(404, "unknown_path", "The simulator has no such path; doc.go lists them.")
	}))
}

// order is the body of a POST; each path reads the fields it knows.
type order struct {
	person.Press
	As         string          `json:"as"`
	ThreadTS   string          `json:"thread_ts"`
	Text       string          `json:"text"`
	Files      []string        `json:"files"`
	TS         string          `json:"ts"`
	CallbackID string          `json:"callback_id"`
	File       string          `json:"file"`
	Clear      bool            `json:"clear"`
	raw        json.RawMessage // for faults
}

var okay = workspace.Body{"ok": true}

// answering turns a result or a refusal into HTTP.
func (s *API) answering(serve func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.Header.Get("X-Slacksim") == "" {
			s.sendJSON(w, http.StatusForbidden, workspace.Body{"error": "missing_header", "message": "A POST needs the header X-Slacksim: 1."})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, workspace.MaxFile+1<<20)
		body, err := serve(r)
		var refused *person.Refusal
		var silent *person.Unanswered
		switch {
		case err == nil:
			s.sendJSON(w, http.StatusOK, body)
		case errors.As(err, &refused):
			s.sendJSON(w, refused.Status, workspace.Body{"error": refused.Code, "message": refused.Message})
		case errors.As(err, &silent):
			s.sendJSON(w, http.StatusBadGateway, workspace.Body{"error": "app_did_not_respond", "message": silent.Message})
		default:
			s.sendJSON(w, http.StatusBadRequest, workspace.Body{"error": "bad_request", "message": err.Error()})
		}
	}
}

// sendJSON forbids caching: the page would show yesterday's card.
func (s *API) sendJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Cache-Control", "no-store")
	if err := workspace.WriteJSON(w, status, body); err != nil {
		s.Log.Debug("answer to the page not sent", "error", err)
	}
}

// ordered reads the JSON body.
func ordered(serve func(*http.Request, *order) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, person.Refuse(413, "too_large", "The request is too large.")
		}
		o := order{raw: data}
		if err := blockkit.Decode(data, &o); err != nil {
			return nil, person.Refuse(400, "bad_json", "The body is not the JSON that is expected: %v.", err)
		}
		return serve(r, &o)
	}
}

// getState is what a page draws first: who is here, and the channels of one person.
func (s *API) getState(r *http.Request) (any, error) {
	s.Lock()
	defer s.Unlock()
	out := workspace.Body{"team": s.Memory.Team, "users": s.Memory.Users, "channels": []workspace.Channel{}, "apps": []workspace.Body{{
		"id": s.App.ID, "name": s.App.Name, "bot_user": s.Bot.ID, "connected": len(s.Open) > 0, "sockets": len(s.Open),
		"home": s.App.Home, "assistant": s.App.Assistant, "commands": workspace.OrEmpty(s.App.Commands), "shortcuts": workspace.OrEmpty(s.App.Shortcuts),
	}}}
	if as := r.FormValue("as"); as != "" {
		me := s.Memory.User(as)
		if me == nil {
			return nil, person.Refuse(404, "user_not_found", "There is nobody with the id %q.", as)
		}
		out["me"], out["channels"] = me, s.channelsOf(as)
	}
	data, err := json.Marshal(out) // while the lock is held: users and channels change in place
	return json.RawMessage(data), err
}

// channelsOf are the conversations of a person, with what they have not read.
func (s *API) channelsOf(as string) []workspace.Channel {
	out := []workspace.Channel{}
	for _, c := range s.Memory.Channels {
		if !c.Has(as) {
			continue
		}
		shown := *c
		shown.Members = slices.Clone(c.Members)
		shown.Unread, shown.Mentions = s.Memory.Unread(as, c)
		shown.Latest, shown.Thread = s.Memory.Latest(c.ID)
		if c.Kind == "im" {
			shown.User = workspace.Other(c, as)
			if u := s.Memory.User(shown.User); u != nil {
				shown.Name = u.Name
			}
		}
		out = append(out, shown)
	}
	return out
}

// getMessages shows a channel to those who are in it, and its ephemeral messages to
// the person that they are for.
func (s *API) getMessages(r *http.Request) (any, error) {
	s.Lock()
	defer s.Unlock()
	as, channel := r.FormValue("as"), r.FormValue("channel")
	if _, _, err := s.Member(as, channel); err != nil {
		return nil, err
	}
	return workspace.Body{"messages": s.Seen(as, channel, r.FormValue("thread"))}, nil
}

func (s *API) getView(r *http.Request) (any, error) {
	s.Lock()
	defer s.Unlock()
	return workspace.Body{"view": s.ShowView(s.TopView(r.FormValue("as")))}, nil
}

func (s *API) getHome(r *http.Request) (any, error) {
	s.Lock()
	defer s.Unlock()
	return workspace.Body{"view": s.ShowView(s.Memory.Homes[r.FormValue("as")])}, nil
}

// getLog serves the inspector, in pieces: next is where to go on.
func (s *API) getLog(r *http.Request) (any, error) {
	after, _ := strconv.Atoi(r.FormValue("after")) // 0 when missing: everything
	limit, err := strconv.Atoi(r.FormValue("limit"))
	if err != nil || limit <= 0 {
		limit = workspace.MaxEntries
	}
	entries := s.Entries.After(after, limit)
	next := after
	if len(entries) > 0 {
		next = entries[len(entries)-1].N
	}
	return workspace.Body{"entries": entries, "next": next}, nil
}

// getFile gives a person the bytes. Only pictures that cannot carry a script
// are shown in place.
func (s *API) getFile(w http.ResponseWriter, r *http.Request) {
	s.Lock()
	f := s.FileFor(r.FormValue("as"), r.PathValue("id"))
	gone := f == nil || f.Deleted
	var shown workspace.StoredFile
	if !gone {
		shown = *f
	}
	s.Unlock()
	if gone {
		s.sendJSON(w, http.StatusNotFound, workspace.Body{"error": "file_not_found", "message": "There is no such file, or it was deleted."})
		return
	}
	disposition := "attachment"
	if shown.IsPicture() && r.FormValue("download") == "" {
		disposition = "inline"
	}
	h := w.Header()
	h.Set("Content-Type", shown.Kind.Mimetype)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": shown.Name}))
	h.Set("Content-Length", strconv.Itoa(len(shown.Data)))
	if _, err := w.Write(shown.Data); err != nil {
		s.Log.Debug("file not sent to the page", "error", err)
	}
}

// postCommand answers before the app does, as Slack's client does.
func (s *API) postCommand(_ *http.Request, o *order) (any, error) {
	return s.later(s.Command(o.As, o.Channel, o.Text))
}

func (s *API) postAction(_ *http.Request, o *order) (any, error) {
	return s.later(s.Click(o.As, o.Press, nil))
}

func (s *API) postShortcut(_ *http.Request, o *order) (any, error) {
	return s.later(s.Shortcut(o.As, o.CallbackID, o.Channel, o.MessageTS))
}

// postChat begins a chat with the app, and says where.
func (s *API) postChat(_ *http.Request, o *order) (any, error) {
	m, err := s.StartChat(o.As, o.Channel)
	if err != nil {
		return nil, err
	}
	return workspace.Body{"ok": true, "channel": m.Channel, "ts": m.TS}, nil
}

func (s *API) postLook(_ *http.Request, o *order) (any, error) {
	return okay, s.Look(o.As, o.ThreadTS, o.Channel)
}

// later waits for the app in the background; the page learns of the end by an event.
func (s *API) later(wait func() error, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	s.Errand(func() {
		if err := wait(); err != nil {
			s.Log.Info("the app did not answer", "error", err)
		}
	})
	return okay, nil
}

func (s *API) postSay(_ *http.Request, o *order) (any, error) {
	m, err := s.Say(o.As, o.Channel, o.ThreadTS, o.Text, o.Files)
	if err != nil {
		return nil, err
	}
	return workspace.Body{"ok": true, "ts": m.TS}, nil
}

func (s *API) postUnsay(_ *http.Request, o *order) (any, error) {
	return okay, s.Unsay(o.As, o.Channel, o.TS)
}

// postSubmit waits for the app, because a form shows there and then which fields are
// refused.
func (s *API) postSubmit(_ *http.Request, o *order) (any, error) {
	broken, err := s.Submit(o.As, o.ViewID, o.State.Values)
	if err != nil || len(broken) == 0 {
		return okay, err
	}
	return workspace.Body{"ok": false, "errors": broken}, nil
}

func (s *API) postClose(_ *http.Request, o *order) (any, error) {
	return okay, s.CloseView(o.As, o.ViewID, o.Clear)
}

func (s *API) postOpenHome(_ *http.Request, o *order) (any, error) { return okay, s.OpenHome(o.As) }

// postRead marks everything as read up to now.
func (s *API) postRead(_ *http.Request, o *order) (any, error) {
	s.Lock()
	defer s.Unlock()
	if _, _, err := s.Member(o.As, o.Channel); err != nil {
		return nil, err
	}
	s.Memory.Read[o.As+" "+o.Channel] = s.Memory.NextTS()
	s.TellUser(o.As, "state", workspace.Body{})
	return okay, nil
}

func (s *API) postDeleteFile(_ *http.Request, o *order) (any, error) {
	return okay, s.Discard(o.As, o.File)
}

func (s *API) postUpload(r *http.Request) (any, error) {
	name, data, err := uploadedBy(r)
	if err != nil {
		return nil, err
	}
	return s.taken(s.Upload(r.FormValue("as"), name, data))
}

func (s *API) postReplaceFile(r *http.Request) (any, error) {
	_, data, err := uploadedBy(r)
	if err != nil {
		return nil, err
	}
	return s.taken(s.ExchangeFile(r.FormValue("as"), r.FormValue("id"), data))
}

func (s *API) taken(f workspace.File, err error) (any, error) {
	return workspace.Body{"ok": true, "file": f}, err
}

// uploadedBy takes a file out of a form, with its name and nothing else of it.
func uploadedBy(r *http.Request) (name string, data []byte, err error) {
	part, header, err := r.FormFile("file")
	if err != nil {
		return "", nil, person.Refuse(400, "no_file", "The form has no file, or it is larger than %d MB.", workspace.MaxFile>>20)
	}
	defer part.Close()
	if data, err = io.ReadAll(part); err != nil {
		return "", nil, fmt.Errorf("read upload: %w", err)
	}
	return header.Filename, data, nil
}

// serveSignIn is where Slack sends those who may not have a file.
func serveSignIn(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, "<!DOCTYPE html><html><head><title>Sign in | Slack simulator</title></head><body>Sign in to see this file.</body></html>")
}
