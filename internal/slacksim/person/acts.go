package person

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/sockets"
	"countersign/internal/slacksim/workspace"
)

// Refusal is why a person cannot do what they tried.
type Refusal struct {
	Code    string
	Message string // a plain sentence
	Status  int    // of HTTP
}

func (e *Refusal) Error() string { return e.Message }

// Refuse is the error for something that Slack's client does not offer or its server does
// not allow. It never reaches the app.
func Refuse(status int, code, format string, args ...any) error {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...), Status: status}
}

// Unanswered is what a person sees when the app was not there, or not in time.
type Unanswered struct {
	Code    string // operation_timeout or dispatch_failed
	Message string
}

func (e *Unanswered) Error() string { return e.Message }

// Acts is everything that a person can do. Each verb checks first, under the lock,
// and returns the rest as a function that waits for the app: the JSON API runs it in
// the background, a Person waits for it.
type Acts struct {
	*workspace.Workspace
	*workspace.Posts
	*workspace.Views
	*sockets.Mode
	payloads payloads

	unchecked bool // what a client sends off comes through as it is
}

// Uncheck has everything come through that a client sends off.
func (s *Acts) Uncheck() {
	s.Lock()
	defer s.Unlock()
	s.unchecked = true
}

// NewActs returns the verbs of a workspace; mode delivers their payloads to the app.
func NewActs(ws *workspace.Workspace, posts *workspace.Posts, views *workspace.Views, mode *sockets.Mode) *Acts {
	return &Acts{Workspace: ws, Posts: posts, Views: views, Mode: mode, payloads: payloads{ws, posts, views}}
}

// actor finds who acts.
func (s *Acts) actor(id string) (*workspace.User, error) {
	u := s.Memory.User(id)
	switch {
	case u == nil || u.IsBot:
		return nil, Refuse(404, "user_not_found", "There is nobody with the id %q.", id)
	case u.Deleted:
		return nil, Refuse(403, "account_inactive", "%s has been deactivated.", u.RealName)
	}
	return u, nil
}

// Member finds who acts, and the channel that they act in.
func (s *Acts) Member(as, channel string) (*workspace.User, *workspace.Channel, error) {
	u, err := s.actor(as)
	if err != nil {
		return nil, nil, err
	}
	c := s.Memory.Channel(channel)
	switch {
	case c == nil || (c.IsPrivate || c.Kind == "im") && !c.Has(as):
		return nil, nil, Refuse(404, "channel_not_found", "There is no such channel.")
	case !c.Has(as):
		return nil, nil, Refuse(403, "not_in_channel", "%s is not in #%s.", u.RealName, c.Name)
	case c.IsArchived:
		return nil, nil, Refuse(403, "is_archived", "#%s is archived.", c.Name)
	}
	return u, c, nil
}

// Command types a slash command.
func (s *Acts) Command(as, channel, line string) (func() error, error) {
	s.Lock()
	defer s.Unlock()
	u, c, err := s.Member(as, channel)
	if err != nil {
		return nil, err
	}
	name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	cmd, ok := s.App.Command(name)
	if !ok {
		return nil, Refuse(404, "unknown_command", "%s is not a valid command.", name)
	}
	payload := s.payloads.slashPayload(u, c, name, s.typed(strings.TrimSpace(rest), cmd.Escape, true))
	return func() error {
		ack, v := s.Deliver("slash_commands", name, payload)
		if v == sockets.Acknowledged {
			return s.commandAck(as, c.ID, line, ack)
		}
		return s.unanswered(as, "error", v, fmt.Sprintf("%s failed with the error %q", name, codeOf(v)))
	}, nil
}

// codeOf names a silence as Slack does: no connection at all is dispatch_failed, an
// app that got the envelope and said nothing is operation_timeout.
func codeOf(v sockets.Verdict) string {
	if v == sockets.Undelivered {
		return "dispatch_failed"
	}
	return "operation_timeout"
}

// unanswered tells the person, through a notice, and whoever waits, through the error.
func (s *Acts) unanswered(user, level string, v sockets.Verdict, words string) error {
	s.Lock()
	defer s.Unlock()
	s.Notice(user, level, words)
	return &Unanswered{Code: codeOf(v), Message: words}
}

// commandAck shows what the app put into its acknowledgement.
func (s *Acts) commandAck(as, channel, line string, ack json.RawMessage) error {
	var body workspace.Fields
	if len(ack) == 0 || blockkit.Decode(ack, &body) != nil || len(body) == 0 {
		return nil
	}
	s.Lock()
	defer s.Unlock()
	m, err := s.Content(body, false)
	if err != nil {
		words := fmt.Sprintf("%s failed with the error %q", strings.Fields(line)[0], "invalid_command_response")
		s.Notice(as, "error", words)
		return &Unanswered{Code: "invalid_command_response", Message: words + ": " + err.Error()}
	}
	if m.Empty() {
		return nil
	}
	kind := blockkit.Text(body, "response_type")
	if kind == "in_channel" { // then everybody sees the command as well
		s.PostLocked(s.Memory.Channel(channel), &workspace.StoredMessage{Channel: channel, User: as, Text: s.typed(line, true, false)})
	}
	s.Respond(&workspace.ResponseURL{User: as, Channel: channel}, m, kind, "")
	return nil
}

// Say posts a message, with files that the person has uploaded.
func (s *Acts) Say(as, channel, thread, raw string, files []string) (*workspace.StoredMessage, error) {
	s.Lock()
	defer s.Unlock()
	_, c, err := s.Member(as, channel)
	if err != nil {
		return nil, err
	}
	m := &workspace.StoredMessage{Channel: channel, User: as, Text: s.typed(raw, true, false), Files: slices.Clone(files), ThreadTS: thread}
	if strings.TrimSpace(m.Text) == "" && len(files) == 0 {
		return nil, Refuse(400, "no_text", "A message needs text or a file.")
	}
	for _, id := range files {
		if _, err := s.ownFile(as, id); err != nil {
			return nil, err
		}
	}
	if root := s.Memory.Message(channel, thread); thread != "" && (root == nil || root.IsReply()) {
		return nil, Refuse(404, "thread_not_found", "There is no such thread.")
	}
	s.PostLocked(c, m)
	return m, nil
}

// Unsay deletes a person's own message, or dismisses an ephemeral one.
func (s *Acts) Unsay(as, channel, ts string) error {
	s.Lock()
	defer s.Unlock()
	if _, _, err := s.Member(as, channel); err != nil {
		return err
	}
	if m := s.Memory.Ephemeral(as, channel, ts); m != nil {
		s.Memory.ForgetEphemeral(as, m)
		s.AnnounceTo(as, m, "deleted")
		return nil
	}
	m := s.Memory.Message(channel, ts)
	switch {
	case m == nil:
		return Refuse(404, "message_not_found", "There is no such message.")
	case m.User != as:
		return Refuse(403, "cant_delete_message", "Only its author can delete a message.")
	}
	s.Erase(m)
	return nil
}

// Press is a click on a button, or a choice in a menu.
type Press struct {
	Channel   string         `json:"channel"`
	MessageTS string         `json:"message_ts"`
	ViewID    string         `json:"view_id"`
	Action    map[string]any `json:"action"`
	State     struct {
		Values map[string]any `json:"values"`
	} `json:"state"`
}

// Click presses something. stale, when set, are the blocks as the person still
// sees them, though the message may have changed since.
func (s *Acts) Click(as string, p Press, stale []blockkit.Block) (func() error, error) {
	s.Lock()
	defer s.Unlock()
	blocks, build, err := s.pressed(as, p)
	if err != nil {
		return nil, err
	}
	if stale != nil {
		blocks = stale
	}
	e, ok := blockkit.Find(blocks, blockkit.Text(p.Action, "block_id"), blockkit.Text(p.Action, "action_id"))
	if !ok {
		return nil, Refuse(404, "no_such_action", "There is no such button any more.")
	}
	values, err := s.state(blocks, p.State.Values, as)
	if err != nil {
		return nil, err
	}
	action, err := s.action(e, p.Action, values, as)
	if err != nil {
		return nil, err
	}
	if !s.App.Interactive {
		return nil, Refuse(400, "not_interactive", "The app has interactivity switched off.")
	}
	payload := build(action, values)
	return func() error {
		if _, v := s.Deliver("interactive", "block_actions "+e.ActionID(), payload); v != sockets.Acknowledged {
			return s.unanswered(as, "warning", v, fmt.Sprintf("The app did not answer to %q in time (%s).", label(e), codeOf(v)))
		}
		return nil
	}, nil
}

type buildPayload func(action workspace.Body, values map[string]any) workspace.Body

// pressed finds the blocks that a press is about, and how its payload is built.
func (s *Acts) pressed(as string, p Press) ([]blockkit.Block, buildPayload, error) {
	if p.ViewID != "" {
		if _, err := s.actor(as); err != nil {
			return nil, nil, err
		}
		v := s.ViewBy(p.ViewID, "")
		if v == nil || v.User != as {
			return nil, nil, Refuse(404, "view_not_found", "That form is not open any more.")
		}
		return v.Blocks(), func(a workspace.Body, values map[string]any) workspace.Body {
			return s.payloads.viewClickPayload(v, a, values)
		}, nil
	}
	if _, _, err := s.Member(as, p.Channel); err != nil {
		return nil, nil, err
	}
	m := s.Memory.Ephemeral(as, p.Channel, p.MessageTS)
	if m == nil {
		m = s.Memory.Message(p.Channel, p.MessageTS)
	}
	if m == nil {
		return nil, nil, Refuse(404, "message_not_found", "There is no such message any more.")
	}
	blocks := slices.Clone(m.Blocks)
	for _, a := range m.Attachments {
		if body, ok := a.(map[string]any); ok {
			blocks = append(blocks, blockkit.BlocksIn(body["blocks"])...)
		}
	}
	return blocks, func(a workspace.Body, values map[string]any) workspace.Body {
		return s.payloads.clickPayload(as, m, a, values)
	}, nil
}

// action writes what was done to one element, and adds the choice to the state.
func (s *Acts) action(e blockkit.Element, told map[string]any, values map[string]any, as string) (workspace.Body, error) {
	out := workspace.Body{"type": e.Kind(), "action_id": e.ActionID(), "block_id": e.BlockID(), "action_ts": actionTS()}
	switch e.Kind() {
	case "button", "icon_button", "workflow_button":
		for _, key := range []string{"text", "value", "style", "url"} {
			if e.Body[key] != nil {
				out[key] = e.Body[key]
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
	f := blockkit.Answers[e.Kind()]
	if told[f.Answer] == nil && !blockkit.Lists[f.Answer] {
		told = blockkit.Object(blockkit.Object(values, e.BlockID()), e.ActionID())
	}
	value, err := s.answer1(e, f, told, as)
	if err != nil {
		return nil, err
	}
	out[f.Answer] = value
	if shown := blockkit.Object(blockkit.Object(values, e.BlockID()), e.ActionID()); shown != nil {
		shown[f.Answer] = value
	}
	return out, nil
}

// label is what stands on an element, for a notice.
func label(e blockkit.Element) string {
	if words := blockkit.Text(blockkit.Object(e.Body, "text"), "text"); words != "" {
		return words
	}
	return e.ActionID()
}

// Shortcut chooses a global shortcut, or one on a message.
func (s *Acts) Shortcut(as, callbackID, channel, ts string) (func() error, error) {
	s.Lock()
	defer s.Unlock()
	if _, err := s.actor(as); err != nil {
		return nil, err
	}
	cut, ok := s.App.Shortcut(callbackID)
	if !ok {
		return nil, Refuse(404, "unknown_shortcut", "There is no such shortcut.")
	}
	var m *workspace.StoredMessage
	if cut.Type == "message" {
		if _, _, err := s.Member(as, channel); err != nil {
			return nil, err
		}
		if m = s.Memory.Message(channel, ts); m == nil {
			return nil, Refuse(404, "message_not_found", "There is no such message.")
		}
	}
	payload := s.payloads.shortcutPayload(as, cut, m)
	return func() error {
		if _, v := s.Deliver("interactive", blockkit.Text(payload, "type")+" "+callbackID, payload); v != sockets.Acknowledged {
			return s.unanswered(as, "error", v, fmt.Sprintf("%q failed with the error %q", cut.Name, codeOf(v)))
		}
		return nil
	}, nil
}

// OpenHome looks at the App Home, which tells the app.
func (s *Acts) OpenHome(as string) error {
	s.Lock()
	defer s.Unlock()
	if _, err := s.actor(as); err != nil {
		return err
	}
	if s.App.Home && s.App.Wants("app_home_opened") {
		s.Event(s.payloads.homeEvent(as), false)
	}
	return nil
}
