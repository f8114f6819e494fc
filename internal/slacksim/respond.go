package slacksim

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxResponses is how often one response_url may be used.
const maxResponses = 5

// responseURL is where an app answers to one command or click, without a token.
type responseURL struct {
	user, channel string
	original      *message // what was clicked; nil for a command, until it is answered
	thread        string
	left          int
	expires       time.Time
}

// newResponseURL makes an address that is a secret in itself, and forgets those that
// expired long ago.
func (s *Sim) newResponseURL(user, channel string, original *message, thread string) string {
	now := time.Now()
	for id, r := range s.replies {
		if now.After(r.expires.Add(time.Hour)) {
			delete(s.replies, id)
		}
	}
	id := s.ws.nextID("R") + shortID(s.ws.nextTS(), 1) + shortID(user, 2)
	s.replies[id] = &responseURL{user: user, channel: channel, original: original, thread: thread, left: maxResponses, expires: now.Add(s.opts.Timing.Response)}
	return fmt.Sprintf("%s/response/%s", s.base, id)
}

// serveResponseURL answers "ok" in plain text, or JSON with the error and a 4xx, which
// is how clients tell the two apart.
func (s *Sim) serveResponseURL(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = s.methodFault("response_url").before(r.Context(), s)
	}
	if err == nil {
		err = s.respondTo(r.PathValue("id"), data)
	}
	var refusal *apiError
	code := ""
	switch {
	case errors.As(err, &refusal):
		out := reply{"ok": false}
		var status int
		if status, code = refusal.write(w.Header(), out); status == http.StatusOK {
			status = http.StatusBadRequest
		}
		err = writeJSON(w, status, out)
	case err != nil:
		panic(http.ErrAbortHandler)
	default:
		_, err = io.WriteString(w, "ok")
	}
	s.journal.add(Entry{Direction: "api", Name: "response_url", OK: code == "", Error: code, Millis: since(began), Detail: cut(string(data))})
	if err != nil {
		s.log.Warn("answer not sent", "method", "response_url", "error", err)
	}
}

// respondTo uses up one of the five answers, unless what came is refused.
func (s *Sim) respondTo(id string, data []byte) error {
	var body fields
	if err := decode(data, &body); err != nil || body == nil {
		return &apiError{Code: "invalid_payload", Status: http.StatusBadRequest}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	url := s.replies[id]
	switch {
	case url == nil, time.Now().After(url.expires):
		return &apiError{Code: "expired_url", Status: http.StatusNotFound}
	case url.left == 0:
		return &apiError{Code: "used_url", Status: http.StatusNotFound}
	}
	if body["delete_original"] == true {
		url.left--
		s.deleteOriginal(url)
		return nil
	}
	m, err := s.content(body, false)
	if err != nil {
		return err
	}
	if m.Text == "" && len(m.Blocks) == 0 && len(m.Attachments) == 0 {
		return refuse("no_text")
	}
	url.left--
	if body["replace_original"] == true && url.original != nil {
		s.replaceOriginal(url, m)
		return nil
	}
	s.respond(url, m, text(body, "response_type"), text(body, "thread_ts"))
	return nil
}

// respond posts an answer: to everybody, or (the default) to the person alone.
// It works in every channel, whether the bot is in it or not.
func (s *Sim) respond(url *responseURL, m *message, kind, thread string) {
	m.Channel = url.channel
	if kind == "in_channel" {
		m.ThreadTS = thread
		s.postAsBot(s.ws.channel(url.channel), m)
		return
	}
	if thread == "" {
		thread = url.thread
	}
	s.whisper(s.ws.user(url.user), m, thread)
	if url.original == nil {
		url.original = m
	}
}

// replaceOriginal changes what was clicked. If it has been deleted since, nothing
// happens, and Slack says ok.
func (s *Sim) replaceOriginal(url *responseURL, next *message) {
	m := url.original
	if !m.ephemeral {
		if s.ws.message(m.Channel, m.TS) == m {
			s.rewrite(m, next)
		}
		return
	}
	if s.ws.ephemeral(url.user, m.Channel, m.TS) == nil {
		return
	}
	s.settleMessage(next, m.TS)
	m.Text, m.Blocks, m.Attachments, m.said = next.Text, next.Blocks, next.Attachments, next.said
	s.announceTo(url.user, m, "updated")
}

// deleteOriginal is as forgiving as replaceOriginal.
func (s *Sim) deleteOriginal(url *responseURL) {
	m := url.original
	switch {
	case m == nil:
	case m.ephemeral:
		s.ws.forgetEphemeral(url.user, m)
		s.announceTo(url.user, m, "deleted")
	case s.ws.message(m.Channel, m.TS) == m:
		s.erase(m)
	}
}
