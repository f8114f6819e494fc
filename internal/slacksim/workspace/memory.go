package workspace

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"countersign/internal/slacksim/blockkit"
)

// Memory is everything that Slack remembers. The workspace's lock guards it; its methods
// never lock, wait or send.
type Memory struct {
	Team     Team
	Users    []*User
	Channels []*Channel
	Groups   map[string][]string

	Messages   map[string][]*StoredMessage // by channel, oldest first
	Ephemerals map[string][]*StoredMessage // by the person who sees them; never kept
	Files      map[string]*StoredFile
	Homes      map[string]*StoredView // by user
	Modals     map[string][]*StoredView
	Read       map[string]string // user and channel -> last ts that was read

	Installs int // how often the app was installed anew: each time with another bot user

	counter int64 // of ids
	LastTS  int64 // in microseconds: every ts is later than the one before
}

// StoredMessage is a message as Slack stores it. Blocks and Metadata are replaced,
// never changed in place, so they may be handed out.
type StoredMessage struct {
	Channel     string           `json:"channel"`
	TS          string           `json:"ts"`
	User        string           `json:"user"`
	BotID       string           `json:"bot_id,omitempty"`
	AppID       string           `json:"app_id,omitempty"`
	Subtype     string           `json:"subtype,omitempty"`
	Text        string           `json:"text"`
	Blocks      []blockkit.Block `json:"blocks,omitempty"`
	Attachments []any            `json:"attachments,omitempty"`
	Files       []string         `json:"files,omitempty"`
	ThreadTS    string           `json:"thread_ts,omitempty"` // of a reply: its root; of a root with replies: itself
	Broadcast   bool             `json:"broadcast,omitempty"`
	Edited      *Edited          `json:"edited,omitempty"`
	Metadata    map[string]any   `json:"metadata,omitempty"`
	Reactions   []Reaction       `json:"reactions,omitempty"`
	Pinned      bool             `json:"pinned,omitempty"`
	Locked      bool             `json:"locked,omitempty"`    // of a root: administrators let nobody reply
	Streaming   bool             `json:"streaming,omitempty"` // it is still being written
	Chat        *Chat            `json:"chat,omitempty"`      // of the first message of a thread of the assistant view
	Ephemeral   bool
	Said        []blockkit.Block // the blocks as they were sent, where they are held otherwise
}

// Reaction is who has reacted to a message with what.
type Reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
	Count int      `json:"count"`
}

// Edited says who changed a message, and when.
type Edited struct {
	User string `json:"user"`
	TS   string `json:"ts"`
}

// IsReply is false for a root, even one with replies.
func (m *StoredMessage) IsReply() bool { return m.ThreadTS != "" && m.ThreadTS != m.TS }

// Empty is true of a message that says nothing. Slack takes none.
func (m *StoredMessage) Empty() bool {
	return m.Text == "" && len(m.Blocks) == 0 && len(m.Attachments) == 0
}

// newMemory copies what Options give, because members come and go.
func newMemory(o Options) *Memory {
	w := &Memory{
		Team: o.Team, Groups: o.Groups,
		Messages: map[string][]*StoredMessage{}, Ephemerals: map[string][]*StoredMessage{},
		Files: map[string]*StoredFile{}, Homes: map[string]*StoredView{}, Modals: map[string][]*StoredView{},
		Read: map[string]string{},
	}
	for _, u := range o.Users {
		w.Users = append(w.Users, &u)
	}
	for _, c := range o.Channels {
		if c.Kind == "" {
			c.Kind = "channel"
		}
		c.Members = slices.Clone(c.Members)
		w.Channels = append(w.Channels, &c)
	}
	return w
}

// welcome adds the bot user, and its direct message with each person.
func (w *Memory) welcome(bot User) {
	w.Users = append(w.Users, &bot)
	for _, u := range w.Users {
		if !u.IsBot {
			w.Channels = append(w.Channels, &Channel{ID: w.DM(u.ID), Kind: "im", Members: []string{u.ID, bot.ID}})
		}
	}
}

// DM is the direct message of a person with the bot. Another bot user has others.
func (w *Memory) DM(user string) string {
	return "D" + strings.Repeat("R", w.Installs) + strings.TrimPrefix(user, "U")
}

// NextTS returns the ts of a new message: the time, made unique.
func (w *Memory) NextTS() string {
	w.LastTS = max(time.Now().UnixMicro(), w.LastTS+1)
	return fmt.Sprintf("%d.%06d", w.LastTS/1e6, w.LastTS%1e6)
}

// NextID returns an id like Slack's: a letter for the kind, then capitals and digits.
func (w *Memory) NextID(kind string) string {
	w.counter++
	return fmt.Sprintf("%s%08X", kind, w.counter+0xA00000)
}

// User finds a user by id, or returns nil.
func (w *Memory) User(id string) *User {
	for _, u := range w.Users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

// Channel finds a channel by id, or returns nil.
func (w *Memory) Channel(id string) *Channel {
	for _, c := range w.Channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// add stores a message, and keeps the channel's order.
func (w *Memory) add(m *StoredMessage) {
	w.Messages[m.Channel] = append(w.Messages[m.Channel], m)
	if m.IsReply() {
		if root := w.Message(m.Channel, m.ThreadTS); root != nil {
			root.ThreadTS = root.TS
		}
	}
}

// Message finds a message by its ts, in a list that is sorted by it.
func (w *Memory) Message(channel, ts string) *StoredMessage {
	all := w.Messages[channel]
	i := sort.Search(len(all), func(i int) bool { return all[i].TS >= ts })
	if i < len(all) && all[i].TS == ts {
		return all[i]
	}
	return nil
}

// remove takes a message out; a root whose last reply is gone is no thread any more.
func (w *Memory) remove(m *StoredMessage) {
	w.Messages[m.Channel] = slices.DeleteFunc(w.Messages[m.Channel], func(x *StoredMessage) bool { return x == m })
	if root := w.Message(m.Channel, m.ThreadTS); m.IsReply() && root != nil && len(w.replies(root)) == 0 {
		root.ThreadTS = ""
	}
}

// replies are a thread's messages without its root, oldest first.
func (w *Memory) replies(root *StoredMessage) []*StoredMessage {
	var out []*StoredMessage
	for _, m := range w.Messages[root.Channel] {
		if m.IsReply() && m.ThreadTS == root.TS {
			out = append(out, m)
		}
	}
	return out
}

// Ephemeral finds a message that only this person sees.
func (w *Memory) Ephemeral(user, channel, ts string) *StoredMessage {
	for _, m := range w.Ephemerals[user] {
		if m.Channel == channel && m.TS == ts {
			return m
		}
	}
	return nil
}

// ForgetEphemeral removes a message that only one person sees.
func (w *Memory) ForgetEphemeral(user string, m *StoredMessage) {
	w.Ephemerals[user] = slices.DeleteFunc(w.Ephemerals[user], func(x *StoredMessage) bool { return x == m })
}

// maxEphemerals is how many one person's client keeps.
const maxEphemerals = 200

// addEphemeral keeps the latest ones only: nothing ever deletes them otherwise.
func (w *Memory) addEphemeral(user string, m *StoredMessage) {
	m.Ephemeral = true
	list := append(w.Ephemerals[user], m)
	if len(list) > maxEphemerals {
		list = slices.Clone(list[len(list)-maxEphemerals:])
	}
	w.Ephemerals[user] = list
}

// seen are the messages of a channel (thread "") or of a thread as this person
// sees them, oldest first.
func (w *Memory) seen(user, channel, thread string) []*StoredMessage {
	var out []*StoredMessage
	for _, m := range w.Messages[channel] {
		if InPane(m, thread) {
			out = append(out, m)
		}
	}
	for _, m := range w.Ephemerals[user] {
		if m.Channel == channel && InPane(m, thread) {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b *StoredMessage) int { return strings.Compare(a.TS, b.TS) })
	return out
}

// InPane says whether a message is shown in a channel (thread "") or in a thread.
func InPane(m *StoredMessage, thread string) bool {
	if thread == "" {
		return !m.IsReply() || m.Broadcast
	}
	return m.TS == thread || m.ThreadTS == thread
}

// Latest is what was said last in a channel, in a thread or not: nothing where people have
// only joined.
func (w *Memory) Latest(channel string) (ts, thread string) {
	for _, m := range slices.Backward(w.Messages[channel]) {
		if m.Subtype != "channel_join" && m.Subtype != "channel_leave" {
			return m.TS, m.ThreadTS
		}
	}
	return "", ""
}

// Unread counts what came after the person last looked.
func (w *Memory) Unread(user string, c *Channel) (count, mentions int) {
	last := w.Read[user+" "+c.ID]
	for _, m := range w.Messages[c.ID] {
		if m.TS <= last || m.User == user || m.IsReply() && !m.Broadcast {
			continue
		}
		count++
		if c.Kind == "im" || strings.Contains(m.Text, "<@"+user) {
			mentions++
		}
	}
	return count, mentions
}
