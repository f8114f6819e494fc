package person

import "countersign/internal/slacksim/workspace"

// What people do with a message beside sending it.

// Broadcast posts somebody's words into a thread with "Also send to channel" ticked.
func Broadcast(p *Person, channel, threadTS, words string) error {
	return p.s.Broadcast(p.id, channel, threadTS, words)
}

// Broadcast replies in a thread with "Also send to channel" ticked: Slack tells of it by a subtype of its own, in
// place of a plain message.
func (s *Acts) Broadcast(as, channel, thread, raw string) error {
	s.Lock()
	defer s.Unlock()
	_, c, err := s.Member(as, channel)
	if err != nil {
		return err
	}
	root := s.Memory.Message(channel, thread)
	if root == nil || root.IsReply() {
		return Refuse(404, "thread_not_found", "There is no such thread.")
	}
	s.PostLocked(c, &workspace.StoredMessage{Channel: channel, User: as, Text: s.typed(raw, true, false), ThreadTS: thread, Subtype: "thread_broadcast", Broadcast: true})
	return nil
}

// Edit changes the words of a person's own message.
func (s *Acts) Edit(as, channel, ts, raw string) error {
	s.Lock()
	defer s.Unlock()
	if _, _, err := s.Member(as, channel); err != nil {
		return err
	}
	m := s.Memory.Message(channel, ts)
	if m == nil || m.User != as {
		return Refuse(403, "cant_update_message", "Only its author can edit a message.")
	}
	s.Amend(m, s.typed(raw, true, false))
	return nil
}
