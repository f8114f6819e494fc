package workspace

import (
	"regexp"
	"slices"

	"countersign/internal/slacksim/blockkit"
)

// Message is a message as one person sees it.
type Message struct {
	Channel     string           `json:"channel"`
	TS          string           `json:"ts"`
	User        string           `json:"user"`
	BotID       string           `json:"bot_id,omitempty"`
	AppID       string           `json:"app_id,omitempty"`
	Username    string           `json:"username"`
	Subtype     string           `json:"subtype,omitempty"`
	Text        string           `json:"text"`
	Blocks      []blockkit.Block `json:"blocks"`
	Attachments []any            `json:"attachments"`
	Files       []File           `json:"files"`
	ThreadTS    string           `json:"thread_ts,omitempty"`
	ReplyCount  int              `json:"reply_count"`
	ReplyUsers  []string         `json:"reply_users"`
	LatestReply string           `json:"latest_reply,omitempty"`
	Edited      *Edited          `json:"edited,omitempty"`
	Ephemeral   bool             `json:"ephemeral"`
	Reactions   []Reaction       `json:"reactions,omitempty"`
	Metadata    map[string]any   `json:"metadata,omitempty"`
	Chat        *Chat            `json:"assistant_app_thread,omitempty"`

	said []blockkit.Block // the blocks as they were sent, where they are held otherwise
}

// All are the message's blocks, followed by those in its attachments.
func (m Message) All() []blockkit.Block {
	return append(slices.Clone(m.Blocks), m.attached()...)
}

// attached are the blocks in the message's attachments.
func (m Message) attached() (all []blockkit.Block) {
	for _, a := range m.Attachments {
		if body, ok := a.(map[string]any); ok {
			all = append(all, blockkit.BlocksIn(body["blocks"])...)
		}
	}
	return all
}

// Words returns everything that can be read in the message, one piece a line: the blocks
// and attachments, or the text where there are none.
func (m Message) Words() string {
	if all := m.All(); m.said != nil {
		return blockkit.Words(append(slices.Clone(m.said), m.attached()...))
	} else if len(all) > 0 {
		return blockkit.Words(all)
	}
	return m.Text
}

// Has says whether the message offers an action, named by action_id or by the words on
// the button, or in a menu behind dots.
func (m Message) Has(action string) bool {
	_, ok := blockkit.Named(m.All(), action)
	if !ok {
		_, ok = blockkit.Within(m.All(), action)
	}
	return ok
}

// Actions are the action_ids that the message offers, in reading order.
func (m Message) Actions() []string {
	var out []string
	for _, e := range blockkit.Elements(m.All()) {
		out = append(out, e.ActionID())
	}
	return out
}

// Show draws a message for the page.
func (s *Workspace) Show(m *StoredMessage, viewer string) Message {
	out := Message{
		Channel: m.Channel, TS: m.TS, User: m.User, BotID: m.BotID, AppID: m.AppID, Subtype: m.Subtype, Text: m.Text,
		Blocks: OrEmpty(m.Blocks), Attachments: OrEmpty(m.Attachments), Files: []File{}, ThreadTS: m.ThreadTS,
		ReplyUsers: []string{}, Edited: m.Edited, Ephemeral: m.Ephemeral, Metadata: m.Metadata,
		Reactions: m.Reactions, Chat: m.Chat, said: m.Said,
	}
	if u := s.Memory.User(m.User); u != nil {
		out.Username = u.RealName
	}
	for _, id := range m.Files {
		out.Files = append(out.Files, s.ShowFile(id, viewer))
	}
	if m.ThreadTS == m.TS {
		for _, r := range s.Memory.replies(m) {
			out.ReplyCount++
			out.LatestReply = r.TS
			if !slices.Contains(out.ReplyUsers, r.User) {
				out.ReplyUsers = append(out.ReplyUsers, r.User)
			}
		}
	}
	return out
}

// OrEmpty makes a missing list an empty one: the JSON API promises that lists are
// never null.
func OrEmpty[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}

// Wire writes a message as the Web API and events show it.
func (s *Workspace) Wire(m *StoredMessage) Body {
	out := Body{"type": "message", "ts": m.TS, "user": m.User, "text": m.Text, "team": s.Memory.Team.ID}
	if m.BotID != "" {
		out["bot_id"], out["app_id"] = m.BotID, m.AppID
		out["bot_profile"] = Body{"id": m.BotID, "app_id": m.AppID, "name": s.App.Name, "team_id": s.Memory.Team.ID, "deleted": false}
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
	if len(m.Reactions) > 0 {
		out["reactions"] = m.Reactions
	}
	if m.Edited != nil {
		out["edited"] = m.Edited
	}
	if m.Chat != nil {
		out["assistant_app_thread"] = Body{"title": m.Chat.Title, "title_blocks": []Body{}, "artifacts": []Body{}}
	}
	if len(m.Files) > 0 {
		files := []Body{}
		for _, id := range m.Files {
			files = append(files, s.wireIn(id))
		}
		out["files"], out["upload"] = files, true
	}
	s.wireThread(m, out)
	return out
}

// wireThread adds what Slack tells of a thread: to a reply its root's author, to a
// root how often it was answered.
func (s *Workspace) wireThread(m *StoredMessage, out Body) {
	switch {
	case m.IsReply():
		if root := s.Memory.Message(m.Channel, m.ThreadTS); root != nil {
			out["parent_user_id"] = root.User
			if m.Subtype == "thread_broadcast" {
				out["root"] = s.Wire(root)
			}
		}
	case m.ThreadTS != "":
		shown := s.Show(m, "")
		out["reply_count"], out["reply_users"], out["latest_reply"] = shown.ReplyCount, shown.ReplyUsers, shown.LatestReply
		out["reply_users_count"] = len(shown.ReplyUsers)
	}
}

// WireChannel writes a channel with all flags that apps look at, false ones included.
func (s *Workspace) WireChannel(c *Channel) Body {
	out := Body{
		"id": c.ID, "is_archived": c.IsArchived, "is_private": c.IsPrivate || c.Kind == "im", "is_member": c.Has(s.Bot.ID),
		"is_ext_shared": c.IsExtShared, "is_shared": c.IsExtShared, "is_org_shared": false, "is_pending_ext_shared": false,
		"is_channel": c.Kind == "channel" && !c.IsPrivate, "is_group": c.Kind == "channel" && c.IsPrivate,
		"is_im": c.Kind == "im", "is_mpim": false, "is_general": c.Name == "general", "created": 1700000000,
		"context_team_id": s.Memory.Team.ID,
	}
	if c.Kind == "im" {
		out["user"] = Other(c, s.Bot.ID)
		return out
	}
	out["name"], out["name_normalized"], out["num_members"] = c.Name, c.Name, len(c.Members)
	out["topic"] = Body{"value": c.Topic, "creator": "", "last_set": 0}
	out["purpose"] = Body{"value": "", "creator": "", "last_set": 0}
	return out
}

// Other returns the other person in a direct message.
func Other(c *Channel, me string) string {
	for _, m := range c.Members {
		if m != me {
			return m
		}
	}
	return ""
}

// MentionToken is how the text of a message names somebody.
var MentionToken = regexp.MustCompile(`<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>`)

// settleMessage makes of a message what Slack holds of it.
func (s *Workspace) settleMessage(m *StoredMessage, seed string) {
	m.Said = s.Rewriting.Settle(m.Blocks, seed)
	if m.Said != nil && s.Rewriting.Rewriter().Does(21) {
		m.Text = MentionToken.ReplaceAllStringFunc(m.Text, func(token string) string {
			if u := s.Memory.User(MentionToken.FindStringSubmatch(token)[1]); u != nil {
				return "@" + u.Name
			}
			return token
		})
	}
}

// Seen are the messages of a channel or a thread as this person sees them.
func (s *Workspace) Seen(as, channel, thread string) []Message {
	out := []Message{}
	for _, m := range s.Memory.seen(as, channel, thread) {
		out = append(out, s.Show(m, as))
	}
	return out
}
