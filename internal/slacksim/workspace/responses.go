package workspace

import (
	"fmt"
	"net/http"
	"time"

	"countersign/internal/slacksim/blockkit"
)

// maxResponses is how often one response_url may be used.
const maxResponses = 5

// ResponseURL is an address at which the app answers one command or click without a token.
type ResponseURL struct {
	User, Channel string
	original      *StoredMessage // what was clicked; nil for a command, until it is answered
	thread        string
	left          int
	expires       time.Time
}

// NewResponseURL makes an address that nobody can guess, and drops those that expired long
// ago.
func (s *Posts) NewResponseURL(user, channel string, original *StoredMessage, thread string) string {
	now := time.Now()
	for id, r := range s.answers {
		if now.After(r.expires.Add(time.Hour)) {
			delete(s.answers, id)
		}
	}
	id := s.Memory.NextID("R") + blockkit.ShortID(s.Memory.NextTS(), 1) + blockkit.ShortID(user, 2)
	s.answers[id] = &ResponseURL{User: user, Channel: channel, original: original, thread: thread, left: maxResponses, expires: now.Add(s.Opts.Timing.Response)}
	return fmt.Sprintf("%s/response/%s", s.Base, id)
}

// RespondTo uses up one of the five answers, unless what came is refused.
func (s *Posts) RespondTo(id string, data []byte) error {
	var body Fields
	if err := blockkit.Decode(data, &body); err != nil || body == nil {
		return &Error{Code: "invalid_payload", Status: http.StatusBadRequest}
	}
	s.Lock()
	defer s.Unlock()
	url := s.answers[id]
	switch {
	case url == nil, time.Now().After(url.expires):
		return &Error{Code: "expired_url", Status: http.StatusNotFound}
	case url.left == 0:
		return &Error{Code: "used_url", Status: http.StatusNotFound}
	}
	if body["delete_original"] == true {
		url.left--
		s.deleteOriginal(url)
		return nil
	}
	m, err := s.Content(body, false)
	if err != nil {
		return err
	}
	if m.Empty() {
		return Refuse("no_text")
	}
	url.left--
	if body["replace_original"] == true && url.original != nil {
		s.replaceOriginal(url, m)
		return nil
	}
	s.Respond(url, m, blockkit.Text(body, "response_type"), blockkit.Text(body, "thread_ts"))
	return nil
}

// Respond posts an answer: to everybody, or (the default) to the person alone.
// It works in every channel, whether the bot is in it or not.
func (s *Posts) Respond(url *ResponseURL, m *StoredMessage, kind, thread string) {
	m.Channel = url.Channel
	if kind == "in_channel" {
		m.ThreadTS = thread
		s.PostAsBot(s.Memory.Channel(url.Channel), m)
		return
	}
	if thread == "" {
		thread = url.thread
	}
	s.Whisper(s.Memory.User(url.User), m, thread)
	if url.original == nil {
		url.original = m
	}
}

// replaceOriginal changes what was clicked. If it has been deleted since, nothing
// happens, and Slack says ok.
func (s *Posts) replaceOriginal(url *ResponseURL, next *StoredMessage) {
	m := url.original
	if !m.Ephemeral {
		if s.Memory.Message(m.Channel, m.TS) == m {
			s.Replace(m, next)
		}
		return
	}
	if s.Memory.Ephemeral(url.User, m.Channel, m.TS) == nil {
		return
	}
	s.settleMessage(next, m.TS)
	m.Text, m.Blocks, m.Attachments, m.Said = next.Text, next.Blocks, next.Attachments, next.Said
	s.AnnounceTo(url.User, m, "updated")
}

// deleteOriginal is as forgiving as replaceOriginal.
func (s *Posts) deleteOriginal(url *ResponseURL) {
	m := url.original
	switch {
	case m == nil:
	case m.Ephemeral:
		s.Memory.ForgetEphemeral(url.User, m)
		s.AnnounceTo(url.User, m, "deleted")
	case s.Memory.Message(m.Channel, m.TS) == m:
		s.Erase(m)
	}
}
