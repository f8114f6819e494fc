package slacksim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// routePage adds the JSON API that doc.go describes.
func (s *Sim) routePage(mux *http.ServeMux) {
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
		"read": s.postRead, "file/delete": s.postDeleteFile, "faults": s.postFaults,
	} {
		mux.HandleFunc("POST /sim/"+path, s.answering(ordered(serve)))
	}
	mux.HandleFunc("POST /sim/upload", s.answering(s.postUpload))
	mux.HandleFunc("POST /sim/file/replace", s.answering(s.postReplaceFile))
	mux.HandleFunc("/sim/", s.answering(func(*http.Request) (any, error) {
		return nil, refusal(404, "unknown_path", "The simulator has no such path; doc.go lists them.")
	}))
}

// order is the body of a POST; each path reads the fields it knows.
type order struct {
	press
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

var okay = reply{"ok": true}

// answering turns a result or a refusal into HTTP.
func (s *Sim) answering(serve func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.Header.Get("X-Slacksim") == "" {
			s.sendJSON(w, http.StatusForbidden, reply{"error": "missing_header", "message": "A POST needs the header X-Slacksim: 1."})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxFile+1<<20)
		body, err := serve(r)
		var refused *Refusal
		var silent *Unanswered
		switch {
		case err == nil:
			s.sendJSON(w, http.StatusOK, body)
		case errors.As(err, &refused):
			s.sendJSON(w, refused.Status, reply{"error": refused.Code, "message": refused.Message})
		case errors.As(err, &silent):
			s.sendJSON(w, http.StatusBadGateway, reply{"error": "app_did_not_respond", "message": silent.Message})
		default:
			s.sendJSON(w, http.StatusBadRequest, reply{"error": "bad_request", "message": err.Error()})
		}
	}
}

// sendJSON forbids caching: the page would show yesterday's card.
func (s *Sim) sendJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Cache-Control", "no-store")
	if err := writeJSON(w, status, body); err != nil {
		s.log.Debug("answer to the page not sent", "error", err)
	}
}

// ordered reads the JSON body.
func ordered(serve func(*http.Request, *order) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, refusal(413, "too_large", "The request is too large.")
		}
		o := order{raw: data}
		if err := decode(data, &o); err != nil {
			return nil, refusal(400, "bad_json", "The body is not the JSON that is expected: %v.", err)
		}
		return serve(r, &o)
	}
}

// getState is what a page draws first: who is here, and the channels of one person.
func (s *Sim) getState(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := reply{"team": s.ws.team, "users": s.ws.users, "channels": []Channel{}, "apps": []reply{{
		"id": s.app.ID, "name": s.app.Name, "bot_user": s.bot.ID, "connected": len(s.sockets) > 0, "sockets": len(s.sockets),
		"home": s.app.Home, "commands": orEmpty(s.app.Commands), "shortcuts": orEmpty(s.app.Shortcuts),
	}}}
	if as := r.FormValue("as"); as != "" {
		me := s.ws.user(as)
		if me == nil {
			return nil, refusal(404, "user_not_found", "There is nobody with the id %q.", as)
		}
		out["me"], out["channels"] = me, s.channelsOf(as)
	}
	data, err := json.Marshal(out) // while the lock is held: users and channels change in place
	return json.RawMessage(data), err
}

// channelsOf are the conversations of a person, with what they have not read.
func (s *Sim) channelsOf(as string) []Channel {
	out := []Channel{}
	for _, c := range s.ws.channels {
		if !c.has(as) {
			continue
		}
		shown := *c
		shown.Members = slices.Clone(c.Members)
		shown.Unread, shown.Mentions = s.ws.unread(as, c)
		if c.Kind == "im" {
			shown.User = s.other(c, as)
			if u := s.ws.user(shown.User); u != nil {
				shown.Name = u.Name
			}
		}
		out = append(out, shown)
	}
	return out
}

// getMessages shows a channel to those who are in it, and its ephemeral messages to
// the person that they are for.
func (s *Sim) getMessages(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	as, channel := r.FormValue("as"), r.FormValue("channel")
	if _, _, err := s.member(as, channel); err != nil {
		return nil, err
	}
	return reply{"messages": s.seen(as, channel, r.FormValue("thread"))}, nil
}

func (s *Sim) seen(as, channel, thread string) []Message {
	out := []Message{}
	for _, m := range s.ws.seen(as, channel, thread) {
		out = append(out, s.show(m, as))
	}
	return out
}

func (s *Sim) getView(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return reply{"view": s.showView(s.topView(r.FormValue("as")))}, nil
}

func (s *Sim) getHome(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return reply{"view": s.showView(s.ws.homes[r.FormValue("as")])}, nil
}

// getLog serves the inspector, in pieces: next is where to go on.
func (s *Sim) getLog(r *http.Request) (any, error) {
	after, _ := strconv.Atoi(r.FormValue("after")) // 0 when missing: everything
	entries := s.journal.after(after, atoi(r.FormValue("limit"), maxEntries))
	next := after
	if len(entries) > 0 {
		next = entries[len(entries)-1].N
	}
	return reply{"entries": entries, "next": next}, nil
}

// getFile gives a person the bytes. Only pictures that cannot carry a script
// are shown in place.
func (s *Sim) getFile(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	f := s.fileFor(r.FormValue("as"), r.PathValue("id"))
	gone := f == nil || f.Deleted
	var shown file
	if !gone {
		shown = *f
	}
	s.mu.Unlock()
	if gone {
		s.sendJSON(w, http.StatusNotFound, reply{"error": "file_not_found", "message": "There is no such file, or it was deleted."})
		return
	}
	disposition := "attachment"
	if shown.isPicture() && r.FormValue("download") == "" {
		disposition = "inline"
	}
	h := w.Header()
	h.Set("Content-Type", shown.Kind.Mimetype)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": shown.Name}))
	h.Set("Content-Length", strconv.Itoa(len(shown.data)))
	if _, err := w.Write(shown.data); err != nil {
		s.log.Debug("file not sent to the page", "error", err)
	}
}

// postCommand answers before the app does, as Slack's client does.
func (s *Sim) postCommand(_ *http.Request, o *order) (any, error) {
	return s.later(s.command(o.As, o.Channel, o.Text))
}

func (s *Sim) postAction(_ *http.Request, o *order) (any, error) {
	return s.later(s.click(o.As, o.press, nil))
}

func (s *Sim) postShortcut(_ *http.Request, o *order) (any, error) {
	return s.later(s.shortcut(o.As, o.CallbackID, o.Channel, o.MessageTS))
}

// later waits for the app in the background; the page learns of the end by an event.
func (s *Sim) later(wait func() error, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	s.errand(func() {
		if err := wait(); err != nil {
			s.log.Info("the app did not answer", "error", err)
		}
	})
	return okay, nil
}

func (s *Sim) postSay(_ *http.Request, o *order) (any, error) {
	m, err := s.say(o.As, o.Channel, o.ThreadTS, o.Text, o.Files)
	if err != nil {
		return nil, err
	}
	return reply{"ok": true, "ts": m.TS}, nil
}

func (s *Sim) postUnsay(_ *http.Request, o *order) (any, error) {
	return okay, s.unsay(o.As, o.Channel, o.TS)
}

// postSubmit waits for the app, because a form shows there and then which fields are
// refused.
func (s *Sim) postSubmit(_ *http.Request, o *order) (any, error) {
	broken, err := s.submit(o.As, o.ViewID, o.State.Values)
	if err != nil || len(broken) == 0 {
		return okay, err
	}
	return reply{"ok": false, "errors": broken}, nil
}

func (s *Sim) postClose(_ *http.Request, o *order) (any, error) {
	return okay, s.closeView(o.As, o.ViewID, o.Clear)
}

func (s *Sim) postOpenHome(_ *http.Request, o *order) (any, error) { return okay, s.openHome(o.As) }

// postRead marks everything as read up to now.
func (s *Sim) postRead(_ *http.Request, o *order) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, _, err := s.member(o.As, o.Channel); err != nil {
		return nil, err
	}
	s.ws.read[o.As+" "+o.Channel] = s.ws.nextTS()
	s.tellUser(o.As, "state", reply{})
	return okay, nil
}

func (s *Sim) postDeleteFile(_ *http.Request, o *order) (any, error) {
	return okay, s.discard(o.As, o.File)
}

func (s *Sim) postUpload(r *http.Request) (any, error) {
	name, data, err := uploadedBy(r)
	if err != nil {
		return nil, err
	}
	return s.taken(s.upload(r.FormValue("as"), name, data))
}

func (s *Sim) postReplaceFile(r *http.Request) (any, error) {
	_, data, err := uploadedBy(r)
	if err != nil {
		return nil, err
	}
	return s.taken(s.exchangeFile(r.FormValue("as"), r.FormValue("id"), data))
}

func (s *Sim) taken(f File, err error) (any, error) {
	return reply{"ok": true, "file": f}, err
}

// uploadedBy takes a file out of a form, with its name and nothing else of it.
func uploadedBy(r *http.Request) (name string, data []byte, err error) {
	part, header, err := r.FormFile("file")
	if err != nil {
		return "", nil, refusal(400, "no_file", "The form has no file, or it is larger than %d MB.", maxFile>>20)
	}
	defer part.Close()
	if data, err = io.ReadAll(part); err != nil {
		return "", nil, fmt.Errorf("read upload: %w", err)
	}
	return header.Filename, data, nil
}

// serveEvents streams what concerns one person.
func (s *Sim) serveEvents(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	me := &reader{user: r.FormValue("as"), queue: make(chan signal, maxQueue)}
	s.mu.Lock()
	if s.ws.user(me.user) == nil {
		s.mu.Unlock()
		s.sendJSON(w, http.StatusNotFound, reply{"error": "user_not_found", "message": "There is nobody with that id."})
		return
	}
	s.readers[me] = struct{}{}
	me.tell("hello", reply{"sockets": len(s.sockets)})
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.readers, me)
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	alive := time.NewTicker(15 * time.Second)
	defer alive.Stop()
	for {
		select {
		case sig := <-me.queue:
			if !s.stream(w, out, sig) || !s.catchUp(w, out, me) {
				return
			}
		case <-alive.C:
			if _, err := io.WriteString(w, ": still here\n\n"); err != nil || out.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-s.life.Done():
			return
		}
	}
}

// catchUp tells a reader that missed something, once its queue is empty.
func (s *Sim) catchUp(w io.Writer, out *http.ResponseController, me *reader) bool {
	s.mu.Lock()
	missed := me.behind && len(me.queue) == 0
	if missed {
		me.behind = false
	}
	s.mu.Unlock()
	return !missed || s.stream(w, out, signal{"state", reply{}})
}

// stream writes one event. False means that the page has gone.
func (s *Sim) stream(w io.Writer, out *http.ResponseController, sig signal) bool {
	data, err := json.Marshal(sig.data)
	if err != nil {
		s.log.Error("event cannot be encoded", "event", sig.event, "error", err)
		return false
	}
	line := strings.ReplaceAll(string(data), "\n", "")
	if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", sig.event, line); err != nil {
		return false
	}
	return out.Flush() == nil
}
