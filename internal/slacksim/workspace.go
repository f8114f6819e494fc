package slacksim

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// workspace is all that Slack remembers. Sim.mu guards it; none of its methods
// locks, waits or sends.
type workspace struct {
	team     Team
	users    []*User
	channels []*Channel
	groups   map[string][]string

	messages   map[string][]*message // by channel, oldest first
	ephemerals map[string][]*message // by the person who sees them; never kept
	files      map[string]*file
	homes      map[string]*view // by user
	modals     map[string][]*view
	read       map[string]string // user and channel -> last ts that was read

	counter int64 // of ids
	lastTS  int64 // in microseconds: every ts is later than the one before
}

// message is a message as Slack stores it. Blocks and Metadata are replaced,
// never changed in place, so they may be handed out.
type message struct {
	Channel     string         `json:"channel"`
	TS          string         `json:"ts"`
	User        string         `json:"user"`
	BotID       string         `json:"bot_id,omitempty"`
	AppID       string         `json:"app_id,omitempty"`
	Subtype     string         `json:"subtype,omitempty"`
	Text        string         `json:"text"`
	Blocks      []Block        `json:"blocks,omitempty"`
	Attachments []any          `json:"attachments,omitempty"`
	Files       []string       `json:"files,omitempty"`
	ThreadTS    string         `json:"thread_ts,omitempty"` // of a reply: its root; of a root with replies: itself
	Broadcast   bool           `json:"broadcast,omitempty"`
	Edited      *Edited        `json:"edited,omitempty"`
	Metadata    map[string]any `json:"metadata,omitempty"`
	ephemeral   bool
	said        []Block // the blocks as they were sent, where they are held otherwise
}

// Edited says who changed a message, and when.
type Edited struct {
	User string `json:"user"`
	TS   string `json:"ts"`
}

func (m *message) isReply() bool { return m.ThreadTS != "" && m.ThreadTS != m.TS }

// newWorkspace copies what Options give, because members come and go.
func newWorkspace(o Options) *workspace {
	w := &workspace{
		team: o.Team, groups: o.Groups,
		messages: map[string][]*message{}, ephemerals: map[string][]*message{},
		files: map[string]*file{}, homes: map[string]*view{}, modals: map[string][]*view{},
		read: map[string]string{},
	}
	for _, u := range o.Users {
		w.users = append(w.users, &u)
	}
	for _, c := range o.Channels {
		if c.Kind == "" {
			c.Kind = "channel"
		}
		c.Members = slices.Clone(c.Members)
		w.channels = append(w.channels, &c)
	}
	return w
}

// welcome adds the bot user, and its direct message with each person.
func (w *workspace) welcome(bot User) {
	w.users = append(w.users, &bot)
	for _, u := range w.users {
		if !u.IsBot {
			w.channels = append(w.channels, &Channel{ID: imWith(u.ID), Kind: "im", Members: []string{u.ID, bot.ID}})
		}
	}
}

// imWith is the direct message of a person with the bot.
func imWith(user string) string { return "D" + strings.TrimPrefix(user, "U") }

// nextTS is a new message's name: Slack's clock, and unique.
func (w *workspace) nextTS() string {
	w.lastTS = max(time.Now().UnixMicro(), w.lastTS+1)
	return fmt.Sprintf("%d.%06d", w.lastTS/1e6, w.lastTS%1e6)
}

// nextID makes an id in Slack's manner: a letter for the kind, then capitals and digits.
func (w *workspace) nextID(kind string) string {
	w.counter++
	return fmt.Sprintf("%s%08X", kind, w.counter+0xA00000)
}

func (w *workspace) user(id string) *User {
	for _, u := range w.users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

func (w *workspace) channel(id string) *Channel {
	for _, c := range w.channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// add stores a message, and keeps the channel's order.
func (w *workspace) add(m *message) {
	w.messages[m.Channel] = append(w.messages[m.Channel], m)
	if m.isReply() {
		if root := w.message(m.Channel, m.ThreadTS); root != nil {
			root.ThreadTS = root.TS
		}
	}
}

// clearStatusOf does nothing yet to state: a status line lives in Sim.

// message finds a message by its ts, in a list that is sorted by it.
func (w *workspace) message(channel, ts string) *message {
	all := w.messages[channel]
	i := sort.Search(len(all), func(i int) bool { return all[i].TS >= ts })
	if i < len(all) && all[i].TS == ts {
		return all[i]
	}
	return nil
}

// remove takes a message out; a root whose last reply is gone is no thread any more.
func (w *workspace) remove(m *message) {
	w.messages[m.Channel] = slices.DeleteFunc(w.messages[m.Channel], func(x *message) bool { return x == m })
	if root := w.message(m.Channel, m.ThreadTS); m.isReply() && root != nil && len(w.replies(root)) == 0 {
		root.ThreadTS = ""
	}
}

// replies are a thread's messages without its root, oldest first.
func (w *workspace) replies(root *message) []*message {
	var out []*message
	for _, m := range w.messages[root.Channel] {
		if m.isReply() && m.ThreadTS == root.TS {
			out = append(out, m)
		}
	}
	return out
}

// ephemeral finds a message that only this person sees.
func (w *workspace) ephemeral(user, channel, ts string) *message {
	for _, m := range w.ephemerals[user] {
		if m.Channel == channel && m.TS == ts {
			return m
		}
	}
	return nil
}

func (w *workspace) forgetEphemeral(user string, m *message) {
	w.ephemerals[user] = slices.DeleteFunc(w.ephemerals[user], func(x *message) bool { return x == m })
}

// maxEphemerals is how many one person's client keeps.
const maxEphemerals = 200

// addEphemeral keeps the latest ones only: nothing ever deletes them otherwise.
func (w *workspace) addEphemeral(user string, m *message) {
	m.ephemeral = true
	list := append(w.ephemerals[user], m)
	if len(list) > maxEphemerals {
		list = slices.Clone(list[len(list)-maxEphemerals:])
	}
	w.ephemerals[user] = list
}

// seen are the messages of a channel (thread "") or of a thread as this person
// sees them, oldest first.
func (w *workspace) seen(user, channel, thread string) []*message {
	var out []*message
	for _, m := range w.messages[channel] {
		if inPane(m, thread) {
			out = append(out, m)
		}
	}
	for _, m := range w.ephemerals[user] {
		if m.Channel == channel && inPane(m, thread) {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b *message) int { return strings.Compare(a.TS, b.TS) })
	return out
}

// inPane says whether a message is shown in a channel (thread "") or in a thread.
func inPane(m *message, thread string) bool {
	if thread == "" {
		return !m.isReply() || m.Broadcast
	}
	return m.TS == thread || m.ThreadTS == thread
}

// unread counts what came after the person last looked.
func (w *workspace) unread(user string, c *Channel) (count, mentions int) {
	last := w.read[user+" "+c.ID]
	for _, m := range w.messages[c.ID] {
		if m.TS <= last || m.User == user || m.isReply() && !m.Broadcast {
			continue
		}
		count++
		if c.Kind == "im" || strings.Contains(m.Text, "<@"+user) {
			mentions++
		}
	}
	return count, mentions
}
