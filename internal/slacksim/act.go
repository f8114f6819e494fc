package slacksim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Refusal is why a person cannot do what they tried.
type Refusal struct {
	Code    string
	Message string // a plain sentence
	Status  int    // of HTTP
}

func (e *Refusal) Error() string { return e.Message }

// refusal is the error of a person who asks for what Slack's client would not offer
// or its server not allow. It never reaches the app.
func refusal(status int, code, format string, args ...any) error {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...), Status: status}
}

// Unanswered is what a person sees when the app was not there, or not in time.
type Unanswered struct {
	Code    string // operation_timeout or dispatch_failed
	Message string
}

func (e *Unanswered) Error() string { return e.Message }

// The verbs below are everything that a person can do. Each checks first, under
// the lock, and returns the rest as a function that waits for the app: the JSON
// API runs it in the background, a Person waits for it.

// actor finds who acts.
func (s *Sim) actor(id string) (*User, error) {
	u := s.ws.user(id)
	switch {
	case u == nil || u.IsBot:
		return nil, refusal(404, "user_not_found", "There is nobody with the id %q.", id)
	case u.Deleted:
		return nil, refusal(403, "account_inactive", "%s has been deactivated.", u.RealName)
	}
	return u, nil
}

// member finds who acts, and the channel that they act in.
func (s *Sim) member(as, channel string) (*User, *Channel, error) {
	u, err := s.actor(as)
	if err != nil {
		return nil, nil, err
	}
	c := s.ws.channel(channel)
	switch {
	case c == nil || (c.IsPrivate || c.Kind == "im") && !c.has(as):
		return nil, nil, refusal(404, "channel_not_found", "There is no such channel.")
	case !c.has(as):
		return nil, nil, refusal(403, "not_in_channel", "%s is not in #%s.", u.RealName, c.Name)
	case c.IsArchived:
		return nil, nil, refusal(403, "is_archived", "#%s is archived.", c.Name)
	}
	return u, c, nil
}

// command types a slash command.
func (s *Sim) command(as, channel, line string) (func() error, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, c, err := s.member(as, channel)
	if err != nil {
		return nil, err
	}
	name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	cmd, ok := s.app.command(name)
	if !ok {
		return nil, refusal(404, "unknown_command", "%s is not a valid command.", name)
	}
	payload := s.slashPayload(u, c, name, s.typed(strings.TrimSpace(rest), cmd.Escape, true))
	return func() error {
		ack, v := s.deliver("slash_commands", name, payload)
		if v == acknowledged {
			return s.commandAck(as, c.ID, line, ack)
		}
		return s.unanswered(as, "error", v, fmt.Sprintf("%s failed with the error %q", name, codeOf(v)))
	}, nil
}

// codeOf names a silence as Slack does: no connection at all is dispatch_failed, an
// app that got the envelope and said nothing is operation_timeout.
func codeOf(v verdict) string {
	if v == undelivered {
		return "dispatch_failed"
	}
	return "operation_timeout"
}

// unanswered tells the person, through a notice, and whoever waits, through the error.
func (s *Sim) unanswered(user, level string, v verdict, words string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notice(user, level, words)
	return &Unanswered{Code: codeOf(v), Message: words}
}

// commandAck shows what the app put into its acknowledgement.
func (s *Sim) commandAck(as, channel, line string, ack json.RawMessage) error {
	var body fields
	if len(ack) == 0 || decode(ack, &body) != nil || len(body) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.content(body, false)
	if err != nil {
		words := fmt.Sprintf("%s failed with the error %q", strings.Fields(line)[0], "invalid_command_response")
		s.notice(as, "error", words)
		return &Unanswered{Code: "invalid_command_response", Message: words + ": " + err.Error()}
	}
	if m.Text == "" && len(m.Blocks) == 0 && len(m.Attachments) == 0 {
		return nil
	}
	kind := text(body, "response_type")
	if kind == "in_channel" { // then everybody sees the command as well
		s.postLocked(s.ws.channel(channel), &message{Channel: channel, User: as, Text: s.typed(line, true, false)})
	}
	s.respond(&responseURL{user: as, channel: channel}, m, kind, "")
	return nil
}

// say posts a message, with files that the person has uploaded.
func (s *Sim) say(as, channel, thread, raw string, files []string) (*message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, c, err := s.member(as, channel)
	if err != nil {
		return nil, err
	}
	m := &message{Channel: channel, User: as, Text: s.typed(raw, true, false), Files: slices.Clone(files), ThreadTS: thread}
	if strings.TrimSpace(m.Text) == "" && len(files) == 0 {
		return nil, refusal(400, "no_text", "A message needs text or a file.")
	}
	for _, id := range files {
		if f := s.ws.files[id]; f == nil || f.User != as || f.Deleted {
			return nil, refusal(404, "file_not_found", "There is no such file of yours.")
		}
	}
	if root := s.ws.message(channel, thread); thread != "" && (root == nil || root.isReply()) {
		return nil, refusal(404, "thread_not_found", "There is no such thread.")
	}
	s.postLocked(c, m)
	return m, nil
}

// unsay deletes a message of one's own, or takes an ephemeral one away.
func (s *Sim) unsay(as, channel, ts string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, _, err := s.member(as, channel); err != nil {
		return err
	}
	if m := s.ws.ephemeral(as, channel, ts); m != nil {
		s.ws.forgetEphemeral(as, m)
		s.announceTo(as, m, "deleted")
		return nil
	}
	m := s.ws.message(channel, ts)
	switch {
	case m == nil:
		return refusal(404, "message_not_found", "There is no such message.")
	case m.User != as:
		return refusal(403, "cant_delete_message", "Only its author can delete a message.")
	}
	s.erase(m)
	return nil
}

// press is a click on a button, or a choice in a menu.
type press struct {
	Channel   string         `json:"channel"`
	MessageTS string         `json:"message_ts"`
	ViewID    string         `json:"view_id"`
	Action    map[string]any `json:"action"`
	State     struct {
		Values map[string]any `json:"values"`
	} `json:"state"`
}

// click presses something. stale, when set, are the blocks as the person still
// sees them, though the message may have changed since.
func (s *Sim) click(as string, p press, stale []Block) (func() error, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	blocks, build, err := s.pressed(as, p)
	if err != nil {
		return nil, err
	}
	if stale != nil {
		blocks = stale
	}
	e, ok := find(blocks, text(p.Action, "block_id"), text(p.Action, "action_id"))
	if !ok {
		return nil, refusal(404, "no_such_action", "There is no such button any more.")
	}
	values, err := s.state(blocks, p.State.Values, as)
	if err != nil {
		return nil, err
	}
	action, err := s.action(e, p.Action, values, as)
	if err != nil {
		return nil, err
	}
	if !s.app.Interactive {
		return nil, refusal(400, "not_interactive", "The app has interactivity switched off.")
	}
	payload := build(action, values)
	return func() error {
		if _, v := s.deliver("interactive", "block_actions "+e.actionID(), payload); v != acknowledged {
			return s.unanswered(as, "warning", v, fmt.Sprintf("The app did not answer to %q in time (%s).", label(e), codeOf(v)))
		}
		return nil
	}, nil
}

type buildPayload func(action reply, values map[string]any) reply

// pressed finds the blocks that a press is about, and how its payload is built.
func (s *Sim) pressed(as string, p press) ([]Block, buildPayload, error) {
	if p.ViewID != "" {
		if _, err := s.actor(as); err != nil {
			return nil, nil, err
		}
		v := s.viewBy(p.ViewID, "")
		if v == nil || v.User != as {
			return nil, nil, refusal(404, "view_not_found", "That form is not open any more.")
		}
		return v.blocks(), func(a reply, values map[string]any) reply { return s.viewClickPayload(v, a, values) }, nil
	}
	if _, _, err := s.member(as, p.Channel); err != nil {
		return nil, nil, err
	}
	m := s.ws.ephemeral(as, p.Channel, p.MessageTS)
	if m == nil {
		m = s.ws.message(p.Channel, p.MessageTS)
	}
	if m == nil {
		return nil, nil, refusal(404, "message_not_found", "There is no such message any more.")
	}
	blocks := slices.Clone(m.Blocks)
	for _, a := range m.Attachments {
		if body, ok := a.(map[string]any); ok {
			blocks = append(blocks, blocksIn(body["blocks"])...)
		}
	}
	return blocks, func(a reply, values map[string]any) reply { return s.clickPayload(as, m, a, values) }, nil
}

// action writes what was done to one element, and adds the choice to the state.
func (s *Sim) action(e element, told map[string]any, values map[string]any, as string) (reply, error) {
	out := reply{"type": e.kind(), "action_id": e.actionID(), "block_id": e.blockID(), "action_ts": actionTS()}
	switch e.kind() {
	case "button", "icon_button", "workflow_button":
		for _, key := range []string{"text", "value", "style", "url"} {
			if e.body[key] != nil {
				out[key] = e.body[key]
			}
		}
		return out, nil
	case "feedback_buttons":
		out["value"] = told["value"]
		return out, nil
	case "overflow":
		o, err := option(e, told["selected_option"])
		out["selected_option"] = o
		return out, err
	}
	f := answers[e.kind()]
	if told[f.answer] == nil && !many[f.answer] {
		told = object(object(values, e.blockID()), e.actionID())
	}
	value, err := s.answer1(e, f, told, as)
	if err != nil {
		return nil, err
	}
	out[f.answer] = value
	if shown := object(object(values, e.blockID()), e.actionID()); shown != nil {
		shown[f.answer] = value
	}
	return out, nil
}

// label is what stands on an element, for a notice.
func label(e element) string {
	if words := text(object(e.body, "text"), "text"); words != "" {
		return words
	}
	return e.actionID()
}

// shortcut chooses a global shortcut, or one on a message.
func (s *Sim) shortcut(as, callbackID, channel, ts string) (func() error, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.actor(as); err != nil {
		return nil, err
	}
	cut, ok := s.app.shortcut(callbackID)
	if !ok {
		return nil, refusal(404, "unknown_shortcut", "There is no such shortcut.")
	}
	var m *message
	if cut.Type == "message" {
		if _, _, err := s.member(as, channel); err != nil {
			return nil, err
		}
		if m = s.ws.message(channel, ts); m == nil {
			return nil, refusal(404, "message_not_found", "There is no such message.")
		}
	}
	payload := s.shortcutPayload(as, cut, m)
	return func() error {
		if _, v := s.deliver("interactive", text(payload, "type")+" "+callbackID, payload); v != acknowledged {
			return s.unanswered(as, "error", v, fmt.Sprintf("%q failed with the error %q", cut.Name, codeOf(v)))
		}
		return nil
	}, nil
}

// openHome looks at the App Home, which tells the app.
func (s *Sim) openHome(as string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.actor(as); err != nil {
		return err
	}
	if s.app.Home && s.app.wants("app_home_opened") {
		s.event(s.homeEvent(as), false)
	}
	return nil
}
