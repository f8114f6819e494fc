package slacksim

import (
	"slices"
)

// Message is a message as one person sees it: what the JSON API and Person
// hand out.
type Message struct {
	Channel     string         `json:"channel"`
	TS          string         `json:"ts"`
	User        string         `json:"user"`
	BotID       string         `json:"bot_id,omitempty"`
	AppID       string         `json:"app_id,omitempty"`
	Username    string         `json:"username"`
	Subtype     string         `json:"subtype,omitempty"`
	Text        string         `json:"text"`
	Blocks      []Block        `json:"blocks"`
	Attachments []any          `json:"attachments"`
	Files       []File         `json:"files"`
	ThreadTS    string         `json:"thread_ts,omitempty"`
	ReplyCount  int            `json:"reply_count"`
	ReplyUsers  []string       `json:"reply_users"`
	LatestReply string         `json:"latest_reply,omitempty"`
	Edited      *Edited        `json:"edited,omitempty"`
	Ephemeral   bool           `json:"ephemeral"`
	Metadata    map[string]any `json:"metadata,omitempty"`

	said []Block // the blocks as they were sent, where they are held otherwise
}

// all are the message's blocks, followed by those in its attachments.
func (m Message) all() []Block {
	return append(slices.Clone(m.Blocks), m.attached()...)
}

// attached are the blocks in the message's attachments.
func (m Message) attached() (all []Block) {
	for _, a := range m.Attachments {
		if body, ok := a.(map[string]any); ok {
			all = append(all, blocksIn(body["blocks"])...)
		}
	}
	return all
}

// Words is everything that can be read in the message: its text when it has no
// blocks, otherwise what stands in the blocks and attachments, one piece a line.
func (m Message) Words() string {
	if all := m.all(); m.said != nil {
		return words(append(slices.Clone(m.said), m.attached()...))
	} else if len(all) > 0 {
		return words(all)
	}
	return m.Text
}

// Has says whether the message offers the action, named by action_id or by
// what stands on the button.
func (m Message) Has(action string) bool {
	_, ok := named(m.all(), action)
	return ok
}

// Actions are the action_ids that the message offers, in reading order.
func (m Message) Actions() []string {
	var out []string
	for _, e := range elements(m.all()) {
		out = append(out, e.actionID())
	}
	return out
}

// named finds an element by its action_id or by the words on it.
func named(blocks []Block, what string) (element, bool) {
	if e, ok := find(blocks, "", what); ok {
		return e, true
	}
	for _, e := range elements(blocks) {
		if label := text(object(e.body, "text"), "text"); label != "" && label == what {
			return e, true
		}
	}
	return element{}, false
}

// show draws a message for the page.
func (s *Sim) show(m *message, viewer string) Message {
	out := Message{
		Channel: m.Channel, TS: m.TS, User: m.User, BotID: m.BotID, AppID: m.AppID, Subtype: m.Subtype, Text: m.Text,
		Blocks: orEmpty(m.Blocks), Attachments: orEmpty(m.Attachments), Files: []File{}, ThreadTS: m.ThreadTS,
		ReplyUsers: []string{}, Edited: m.Edited, Ephemeral: m.ephemeral, Metadata: m.Metadata,
		said: m.said,
	}
	if u := s.ws.user(m.User); u != nil {
		out.Username = u.RealName
	}
	for _, id := range m.Files {
		out.Files = append(out.Files, s.showFile(id, viewer))
	}
	if m.ThreadTS == m.TS {
		for _, r := range s.ws.replies(m) {
			out.ReplyCount++
			out.LatestReply = r.TS
			if !slices.Contains(out.ReplyUsers, r.User) {
				out.ReplyUsers = append(out.ReplyUsers, r.User)
			}
		}
	}
	return out
}

// orEmpty makes a missing list an empty one: the JSON API promises that lists are
// never null.
func orEmpty[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}

// wire writes a message as the Web API and events do.
func (s *Sim) wire(m *message) reply {
	out := reply{"type": "message", "ts": m.TS, "user": m.User, "text": m.Text, "team": s.ws.team.ID}
	if m.BotID != "" {
		out["bot_id"], out["app_id"] = m.BotID, m.AppID
		out["bot_profile"] = reply{"id": m.BotID, "app_id": m.AppID, "name": s.app.Name, "team_id": s.ws.team.ID, "deleted": false}
	}
	optional := map[string]any{"subtype": m.Subtype, "thread_ts": m.ThreadTS}
	for k, v := range optional {
		if v != "" {
			out[k] = v
		}
	}
	if len(m.Blocks) > 0 {
		out["blocks"] = m.Blocks
	}
	if len(m.Attachments) > 0 {
		out["attachments"] = m.Attachments
	}
	if m.Metadata != nil {
		out["metadata"] = m.Metadata
	}
	if m.Edited != nil {
		out["edited"] = m.Edited
	}
	if len(m.Files) > 0 {
		files := []reply{}
		for _, id := range m.Files {
			files = append(files, s.wireFile(id))
		}
		out["files"], out["upload"] = files, true
	}
	s.wireThread(m, out)
	return out
}

// wireThread adds what Slack tells of a thread: to a reply its root's author, to a
// root how often it was answered.
func (s *Sim) wireThread(m *message, out reply) {
	switch {
	case m.isReply():
		if root := s.ws.message(m.Channel, m.ThreadTS); root != nil {
			out["parent_user_id"] = root.User
		}
	case m.ThreadTS != "":
		shown := s.show(m, "")
		out["reply_count"], out["reply_users"], out["latest_reply"] = shown.ReplyCount, shown.ReplyUsers, shown.LatestReply
		out["reply_users_count"] = len(shown.ReplyUsers)
	}
}

// wireChannel writes every flag that an app may judge a channel by, the false ones too.
func (s *Sim) wireChannel(c *Channel) reply {
	out := reply{
		"id": c.ID, "is_archived": false, "is_private": c.IsPrivate || c.Kind == "im", "is_member": c.has(s.bot.ID),
		"is_ext_shared": c.IsExtShared, "is_shared": c.IsExtShared, "is_org_shared": false, "is_pending_ext_shared": false,
		"is_channel": c.Kind == "channel" && !c.IsPrivate, "is_group": c.Kind == "channel" && c.IsPrivate,
		"is_im": c.Kind == "im", "is_mpim": false, "is_general": c.ID == General, "created": 1700000000,
		"context_team_id": s.ws.team.ID,
	}
	if c.Kind == "im" {
		out["user"] = s.other(c, s.bot.ID)
		return out
	}
	out["name"], out["name_normalized"], out["num_members"] = c.Name, c.Name, len(c.Members)
	out["topic"] = reply{"value": c.Topic, "creator": "", "last_set": 0}
	out["purpose"] = reply{"value": "", "creator": "", "last_set": 0}
	return out
}

// other is whom someone talks to in a direct message.
func (s *Sim) other(c *Channel, me string) string {
	for _, m := range c.Members {
		if m != me {
			return m
		}
	}
	return ""
}
