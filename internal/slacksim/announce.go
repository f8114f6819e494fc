package slacksim

import "slices"

// Notice is what Slack's client would tell a person outside of any channel.
type Notice struct {
	Text  string `json:"text"`
	Level string `json:"level"` // error, warning or info
}

// maxNotices is how many of them are remembered for each person.
const maxNotices = 50

// maxQueue is how far behind a page may be before it has to read everything again.
const maxQueue = 256

// reader is one page that listens to /sim/events.
type reader struct {
	user   string
	queue  chan signal
	behind bool // it missed something; Sim.mu guards this
}

type signal struct {
	event string
	data  any
}

// tell queues a signal for a reader. It never waits for one.
func (r *reader) tell(event string, data any) {
	select {
	case r.queue <- signal{event, data}:
	default:
		r.behind = true
	}
}

// tellUser reaches every page that this person has open. Like all announcements
// it is called with the lock held, and wakes those who wait in await.
func (s *Sim) tellUser(user, event string, data any) {
	for r := range s.readers {
		if r.user == user {
			r.tell(event, data)
		}
	}
	s.changedLocked()
}

// tellChannel reaches the pages of everybody in a channel.
func (s *Sim) tellChannel(channel, event string, data any) {
	c := s.ws.channel(channel)
	for r := range s.readers {
		if c != nil && c.has(r.user) {
			r.tell(event, data)
		}
	}
	s.changedLocked()
}

func (s *Sim) tellAll(event string, data any) {
	for r := range s.readers {
		r.tell(event, data)
	}
	s.changedLocked()
}

func change(m *message, what string) reply {
	return reply{"channel": m.Channel, "ts": m.TS, "thread_ts": m.ThreadTS, "change": what}
}

// announce tells a channel of a message that was posted, updated or deleted.
func (s *Sim) announce(m *message, what string) { s.tellChannel(m.Channel, "message", change(m, what)) }

// announceTo does so for a message that one person sees.
func (s *Sim) announceTo(user string, m *message, what string) {
	s.tellUser(user, "message", change(m, what))
}

// announceView sends the modal itself along, so that a page need not ask for it
// within the three seconds that matter.
func (s *Sim) announceView(user string) {
	s.tellUser(user, "view", reply{"view": s.showView(s.topView(user))})
}

func (s *Sim) announceHome(user string) { s.tellUser(user, "home", reply{}) }

// announceState is for what has no event of its own: members, people, channels.
func (s *Sim) announceState() { s.tellAll("state", reply{}) }

func (s *Sim) announceSockets() { s.tellAll("connection", reply{"sockets": len(s.sockets)}) }

// announceFile tells those who can see the file to look again.
func (s *Sim) announceFile(f *file) {
	for r := range s.readers {
		if s.fileFor(r.user, f.ID) != nil {
			r.tell("state", reply{})
		}
	}
	s.changedLocked()
}

// notice remembers a notice, for scripts that come later, and shows it on open pages.
func (s *Sim) notice(user, level, words string) {
	list := append(s.notices[user], Notice{Text: words, Level: level})
	if len(list) > maxNotices {
		list = slices.Clone(list[len(list)-maxNotices:])
	}
	s.notices[user] = list
	s.tellUser(user, "notice", Notice{Text: words, Level: level})
}
