package workspace

import (
	"slices"
)

// Notice is what Slack's client would tell a person outside of any channel.
type Notice struct {
	Text  string `json:"text"`
	Level string `json:"level"` // error, warning or info
}

// maxNotices is how many of them are remembered for each person.
const maxNotices = 50

// MaxQueue is how far behind a page may be before it has to read everything again.
const MaxQueue = 256

// Reader is one page that listens to /sim/events.
type Reader struct {
	User   string
	Queue  chan Signal
	Behind bool // it missed something; the workspace's lock guards this
}

// Signal is one event for a page.
type Signal struct {
	Event string
	Data  any
}

// Tell queues a signal for a reader. It never waits for one.
func (r *Reader) Tell(event string, data any) {
	select {
	case r.Queue <- Signal{event, data}:
	default:
		r.Behind = true
	}
}

// TellUser reaches every page that this person has open. Like all announcements
// it is called with the lock held, and wakes those who wait in Await.
func (s *Workspace) TellUser(user, event string, data any) {
	for r := range s.Readers {
		if r.User == user {
			r.Tell(event, data)
		}
	}
	s.changedLocked()
}

// tellChannel reaches the pages of everybody in a channel.
func (s *Workspace) tellChannel(channel, event string, data any) {
	c := s.Memory.Channel(channel)
	for r := range s.Readers {
		if c != nil && c.Has(r.User) {
			r.Tell(event, data)
		}
	}
	s.changedLocked()
}

// TellAll reaches every open page.
func (s *Workspace) TellAll(event string, data any) {
	for r := range s.Readers {
		r.Tell(event, data)
	}
	s.changedLocked()
}

func change(m *StoredMessage, what string) Body {
	return Body{"channel": m.Channel, "ts": m.TS, "thread_ts": m.ThreadTS, "change": what}
}

// Announce tells a channel of a message that was posted, updated or deleted.
func (s *Workspace) Announce(m *StoredMessage, what string) {
	s.tellChannel(m.Channel, "message", change(m, what))
}

// AnnounceTo does so for a message that one person sees.
func (s *Workspace) AnnounceTo(user string, m *StoredMessage, what string) {
	s.TellUser(user, "message", change(m, what))
}

// AnnounceView sends the modal itself along, so that a page need not ask for it
// within the three seconds that matter.
func (s *Workspace) AnnounceView(user string) {
	s.TellUser(user, "view", Body{"view": s.ShowView(s.TopView(user))})
}

// AnnounceHome says that the app published a Home for this person.
func (s *Workspace) AnnounceHome(user string) { s.TellUser(user, "home", Body{}) }

// AnnounceState is for what has no event of its own: members, people, channels.
func (s *Workspace) AnnounceState() { s.TellAll("state", Body{}) }

// AnnounceFile tells those who can see the file to look again.
func (s *Workspace) AnnounceFile(f *StoredFile) {
	for r := range s.Readers {
		if s.FileFor(r.User, f.ID) != nil {
			r.Tell("state", Body{})
		}
	}
	s.changedLocked()
}

// Notice remembers a notice, for scripts that come later, and shows it on open pages.
func (s *Workspace) Notice(user, level, words string) {
	list := append(s.Notices[user], Notice{Text: words, Level: level})
	if len(list) > maxNotices {
		list = slices.Clone(list[len(list)-maxNotices:])
	}
	s.Notices[user] = list
	s.TellUser(user, "notice", Notice{Text: words, Level: level})
}
