package pageapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"countersign/internal/slacksim/workspace"
)

// serveEvents streams what concerns one person.
func (s *API) serveEvents(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	me := &workspace.Reader{User: r.FormValue("as"), Queue: make(chan workspace.Signal, workspace.MaxQueue)}
	s.Lock()
	if s.Memory.User(me.User) == nil {
		s.Unlock()
		s.sendJSON(w, http.StatusNotFound, workspace.Body{"error": "user_not_found", "message": "There is nobody with that id."})
		return
	}
	s.Readers[me] = struct{}{}
	me.Tell("hello", workspace.Body{"sockets": len(s.Open)})
	s.Unlock()
	defer func() {
		s.Lock()
		defer s.Unlock()
		delete(s.Readers, me)
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	alive := time.NewTicker(15 * time.Second)
	defer alive.Stop()
	for {
		select {
		case sig := <-me.Queue:
			if !s.stream(w, out, sig) || !s.catchUp(w, out, me) {
				return
			}
		case <-alive.C:
			if _, err := io.WriteString(w, ": still here\n\n"); err != nil || out.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-s.Life.Done():
			return
		}
	}
}

// catchUp tells a reader that missed something, once its queue is empty.
func (s *API) catchUp(w io.Writer, out *http.ResponseController, me *workspace.Reader) bool {
	s.Lock()
	missed := me.Behind && len(me.Queue) == 0
	if missed {
		me.Behind = false
	}
	s.Unlock()
	return !missed || s.stream(w, out, workspace.Signal{Event: "state", Data: workspace.Body{}})
}

// stream writes one event. False means that the page has gone.
func (s *API) stream(w io.Writer, out *http.ResponseController, sig workspace.Signal) bool {
	data, err := json.Marshal(sig.Data)
	if err != nil {
		s.Log.Error("event cannot be encoded", "event", sig.Event, "error", err)
		return false
	}
	line := strings.ReplaceAll(string(data), "\n", "")
	if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", sig.Event, line); err != nil {
		return false
	}
	return out.Flush() == nil
}
