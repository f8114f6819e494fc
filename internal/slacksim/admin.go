package slacksim

import "slices"

// What an administrator does to a workspace, for tests.

// Invite adds somebody (or the bot) to a channel.
func (s *Sim) Invite(channel, user string) { s.members(channel, user, true) }

// Remove takes somebody (or the bot) out of a channel.
func (s *Sim) Remove(channel, user string) { s.members(channel, user, false) }

// members replaces the list instead of changing it, because answers that are being
// written may still hold the old one.
func (s *Sim) members(channel, user string, in bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.ws.channel(channel)
	if c == nil || c.has(user) == in {
		return
	}
	c.Members = slices.DeleteFunc(slices.Clone(c.Members), func(m string) bool { return m == user })
	if in {
		c.Members = append(c.Members, user)
	}
	s.announceState()
}

// Change changes what is known of somebody: deactivates them, makes them a guest.
func (s *Sim) Change(user string, change func(*User)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.ws.user(user); u != nil {
		change(u)
		s.announceState()
	}
}

// SetChannel changes a channel: shares it with another company, makes it private.
func (s *Sim) SetChannel(channel string, change func(*Channel)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.ws.channel(channel); c != nil {
		change(c)
		s.announceState()
	}
}

// SetGroup changes who is in a user group.
func (s *Sim) SetGroup(handle string, members ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ws.groups == nil {
		s.ws.groups = map[string][]string{}
	}
	s.ws.groups[handle] = members
}

// HideFile hides a file behind the limit of the free plan, or shows it again: Slack
// keeps its place and tells nothing of it but that.
func (s *Sim) HideFile(id string, hidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.ws.files[id]; f != nil {
		f.Hidden = hidden
		s.announceFile(f)
	}
}
