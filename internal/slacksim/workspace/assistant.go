package workspace

import "slices"

// Chat is what the first message of a thread of the assistant view has beside its words. Slack
// posts that message itself when somebody begins a chat, and everything that is said there is
// a reply to it.
type Chat struct {
	Title   string   `json:"title"`
	Asks    string   `json:"asks,omitempty"` // stands over the prompts
	Prompts []Prompt `json:"prompts"`        // that can be pressed until somebody has written
	Context string   `json:"context,omitempty"`
}

// Prompt is a question that an app suggests: what is read, and what is said when it is pressed.
type Prompt struct {
	Title   string `json:"title"`
	Message string `json:"message"`
}

// MostPrompts is how many prompts one thread takes.
const MostPrompts = 4

// chatRoot is the subtype of the first message of such a thread.
const chatRoot = "assistant_app_thread"

// StartChat begins a thread of the assistant view, and tells the app what its person looks at.
func (s *Posts) StartChat(user, context string) *StoredMessage {
	to := s.Memory.Channel(s.Memory.DM(user))
	m := &StoredMessage{Channel: to.ID, User: s.Bot.ID, BotID: s.BotID, AppID: s.App.ID, Subtype: chatRoot, Text: "New chat", Chat: &Chat{Title: "New chat", Context: context}}
	s.PostLocked(to, m)
	s.chatEvent(user, m, "assistant_thread_started")
	return m
}

// LookAt says that the person of a thread looks at another channel now.
func (s *Posts) LookAt(user string, m *StoredMessage, context string) {
	chat := *m.Chat
	chat.Context = context
	m.Chat = &chat
	s.changedLocked()
	s.chatEvent(user, m, "assistant_thread_context_changed")
}

func (s *Posts) chatEvent(user string, m *StoredMessage, kind string) {
	if !s.App.Assistant || !s.App.Wants(kind) {
		return
	}
	context := Body{}
	if m.Chat.Context != "" {
		context = Body{"channel_id": m.Chat.Context, "team_id": s.Memory.Team.ID, "enterprise_id": nil}
	}
	s.events.Event(Body{"type": kind, "event_ts": s.Memory.NextTS(),
		"assistant_thread": Body{"user_id": user, "channel_id": m.Channel, "thread_ts": m.TS, "context": context}}, false)
}

// Title gives a thread its title, which becomes the words of its first message.
func (s *Posts) Title(m *StoredMessage, title string) {
	before, chat := s.Wire(m), *m.Chat
	chat.Title = title
	m.Chat, m.Text, m.Edited = &chat, title, &Edited{User: m.User, TS: s.Memory.NextTS()}
	s.Announce(m, "updated")
	s.changeEvents(m, "message_changed", Body{"message": s.Wire(m), "previous_message": before})
}

// Suggest puts prompts into a thread, in place of those that were there.
func (s *Posts) Suggest(m *StoredMessage, asks string, prompts []Prompt) {
	chat := *m.Chat
	chat.Asks, chat.Prompts = asks, slices.Clone(prompts)
	m.Chat = &chat
	s.Announce(m, "updated")
}
