package person

import "countersign/internal/slacksim/workspace"

// StartChat begins a chat with the app in the assistant view, while the person looks at a
// channel, or at none.
func (s *Acts) StartChat(as, context string) (*workspace.StoredMessage, error) {
	s.Lock()
	defer s.Unlock()
	if _, err := s.actor(as); err != nil {
		return nil, err
	}
	if !s.App.Assistant {
		return nil, Refuse(404, "no_assistant", "%s has no assistant view here.", s.App.Name)
	}
	if context != "" {
		if _, _, err := s.Member(as, context); err != nil {
			return nil, err
		}
	}
	return s.Posts.StartChat(as, context), nil
}

// Look has the person of a chat look at another channel.
func (s *Acts) Look(as, ts, context string) error {
	s.Lock()
	defer s.Unlock()
	_, c, err := s.Member(as, s.Memory.DM(as))
	if err != nil {
		return err
	}
	m := s.Memory.Message(c.ID, ts)
	if m == nil || m.Chat == nil {
		return Refuse(404, "thread_not_found", "There is no such chat.")
	}
	if _, _, err := s.Member(as, context); err != nil {
		return err
	}
	s.LookAt(as, m, context)
	return nil
}

// Chat is a chat that a person has begun.
type Chat struct {
	workspace.Message // its first, as it was then
	who               *Person
}

// StartChat begins a chat in the assistant view; the channel is what the person looks at.
func (p *Person) StartChat(channel string) (Chat, error) {
	m, err := p.s.StartChat(p.id, channel)
	if err != nil {
		return Chat{}, err
	}
	p.s.Lock()
	defer p.s.Unlock()
	return Chat{p.s.Show(m, p.id), p}, nil
}

// Look has the person look at another channel while the chat is open.
func (c Chat) Look(channel string) error { return c.who.s.Look(c.who.id, c.TS, channel) }

// Prompt presses a prompt of the chat, which says its message there.
func (c Chat) Prompt(title string) (workspace.Message, error) {
	fresh, err := c.who.Find(c.Channel, c.TS)
	if err != nil {
		return workspace.Message{}, err
	}
	if fresh.Chat != nil {
		for _, prompt := range fresh.Chat.Prompts {
			if prompt.Title == title {
				return c.who.Reply(c.Channel, c.TS, prompt.Message)
			}
		}
	}
	return workspace.Message{}, Refuse(404, "no_such_prompt", "There is no prompt %q here.", title)
}
