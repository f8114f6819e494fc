package workspace

import (
	"slices"
)

// Directory is who is in the workspace and where, as an administrator changes it.
type Directory struct {
	*Workspace
	Events Events // what the app subscribed to goes there
}

// Invite adds somebody (or the bot) to a channel.
func (s *Directory) Invite(channel, user string) { s.members(channel, user, true) }

// Remove takes somebody (or the bot) out of a channel.
func (s *Directory) Remove(channel, user string) { s.members(channel, user, false) }

// members replaces the list instead of changing it, because answers that are being
// written may still hold the old one.
func (s *Directory) members(channel, user string, in bool) {
	s.Lock()
	defer s.Unlock()
	c := s.Memory.Channel(channel)
	if c == nil || c.Has(user) == in {
		return
	}
	c.Members = slices.DeleteFunc(slices.Clone(c.Members), func(m string) bool { return m == user })
	if in {
		c.Members = append(c.Members, user)
	}
	s.AnnounceState()
}

// Change changes what is known of somebody: deactivates them, makes them a guest.
func (s *Directory) Change(user string, change func(*User)) {
	s.Lock()
	defer s.Unlock()
	if u := s.Memory.User(user); u != nil {
		change(u)
		s.AnnounceState()
	}
}

// SetChannel changes a channel: shares it with another company, makes it private.
func (s *Directory) SetChannel(channel string, change func(*Channel)) {
	s.Lock()
	defer s.Unlock()
	if c := s.Memory.Channel(channel); c != nil {
		change(c)
		s.AnnounceState()
	}
}

// SetGroup changes who is in a user group.
func (s *Directory) SetGroup(handle string, members ...string) {
	s.Lock()
	defer s.Unlock()
	if s.Memory.Groups == nil {
		s.Memory.Groups = map[string][]string{}
	}
	s.Memory.Groups[handle] = members
}

// HideFile hides a file behind the limit of the free plan, or shows it again: Slack
// keeps its place and tells nothing of it but that.
func (s *Directory) HideFile(id string, hidden bool) {
	s.file(id, func(f *StoredFile) { f.Hidden = hidden })
}

// ForeignFile makes a file one of Slack Connect, of which messages say nothing but the id. LinkedFile makes it a link to
// a file that lies somewhere else.
func (s *Directory) ForeignFile(id string) { s.file(id, func(f *StoredFile) { f.Foreign = true }) }

// LinkedFile is described at ForeignFile.
func (s *Directory) LinkedFile(id string) { s.file(id, func(f *StoredFile) { f.Linked = true }) }

func (s *Directory) file(id string, change func(*StoredFile)) {
	s.Lock()
	defer s.Unlock()
	if f := s.Memory.Files[id]; f != nil {
		change(f)
		s.AnnounceFile(f)
	}
}
