package workspace

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/limits"
)

// Posts posts, changes and deletes messages, for people and for the app: it checks and
// stores them, announces them to the pages, and tells the app.
type Posts struct {
	*Workspace
	events    Events
	answers   map[string]*ResponseURL
	allowance map[string]*bucket // by channel
}

// Events delivers events to the app.
type Events interface {
	Event(event Body, shared bool)
}

// NewPosts returns the Posts of a workspace; events delivers what the app subscribed to.
func NewPosts(ws *Workspace, events Events) *Posts {
	return &Posts{Workspace: ws, events: events, answers: map[string]*ResponseURL{}, allowance: map[string]*bucket{}}
}

// Content reads what a message says. Blocks are checked against Slack's limits
// for messages; counted says whether their total length counts too.
func (s *Posts) Content(from Source, counted bool) (*StoredMessage, error) {
	m := &StoredMessage{Text: from.Text("text")}
	if from.Has("blocks") {
		if err := from.Into("blocks", &m.Blocks); err != nil {
			return nil, Refuse("invalid_blocks_format", err.Error())
		}
	}
	if from.Has("attachments") {
		if err := from.Into("attachments", &m.Attachments); err != nil {
			return nil, Refuse("invalid_attachments", err.Error())
		}
	}
	if from.Has("metadata") {
		if err := from.Into("metadata", &m.Metadata); err != nil {
			return nil, Refuse("invalid_metadata_format", err.Error())
		}
		if blockkit.Text(m.Metadata, "event_type") == "" && m.Metadata["event_payload"] == nil {
			m.Metadata = nil // slack-go sends an empty one to response_url
		} else if err := limits.Metadata(m.Metadata); err != nil {
			return nil, Refused(err)
		}
	}
	if err := limits.Message(m.Blocks, m.Attachments, counted, s.PictureOf); err != nil {
		return nil, Refused(err)
	}
	return m, nil
}

// Source is where a message's content comes from: a call or a JSON object.
type Source interface {
	Text(name string) string
	Has(name string) bool
	Into(name string, target any) error
}

// Fields is a JSON object as a source: a response_url post, an ack's payload.
type Fields map[string]any

func (f Fields) Text(name string) string { return blockkit.Text(f, name) }

func (f Fields) Has(name string) bool { return f[name] != nil && f[name] != "" }

func (f Fields) Into(name string, target any) error {
	data, err := json.Marshal(f[name])
	if err == nil {
		err = blockkit.Decode(data, target)
	}
	if err != nil {
		return fmt.Errorf("field %s: %w", name, err)
	}
	return nil
}

// Target finds a channel that the bot may write to, by id, by #name, or by a person's id
// for the direct message with them.
func (s *Posts) Target(name string) (*Channel, error) {
	c, err := s.Visible(name)
	if err != nil {
		return nil, err
	}
	if c.IsArchived {
		return nil, Refuse("is_archived")
	}
	if !c.Has(s.Bot.ID) && !(s.App.May("chat:write.public") && !c.IsPrivate) {
		return nil, Refuse("not_in_channel")
	}
	return c, nil
}

// Visible finds a channel that the bot can see.
func (s *Posts) Visible(name string) (*Channel, error) {
	c := s.Memory.Channel(name)
	for _, x := range s.Memory.Channels {
		if c == nil && x.Name != "" && x.Name == strings.TrimPrefix(name, "#") {
			c = x
		}
	}
	if u := s.Memory.User(name); c == nil && u != nil && !u.IsBot {
		c = s.Memory.Channel(s.Memory.DM(name))
	}
	if c == nil || (c.IsPrivate || c.Kind == "im") && !c.Has(s.Bot.ID) {
		return nil, Refuse("channel_not_found")
	}
	return c, nil
}

// ThreadOf checks the thread that a message wants to join.
func (s *Posts) ThreadOf(c *Channel, ts string) (string, error) {
	if ts == "" {
		return "", nil
	}
	root := s.Memory.Message(c.ID, ts)
	if root == nil {
		return "", Refuse("thread_not_found")
	}
	if root.IsReply() { // Slack moves it up to the root
		return root.ThreadTS, nil
	}
	return ts, nil
}

// PostAsBot stores and announces a message of the app.
func (s *Posts) PostAsBot(to *Channel, m *StoredMessage) {
	m.Channel, m.User, m.BotID, m.AppID = to.ID, s.Bot.ID, s.BotID, s.App.ID
	s.PostLocked(to, m)
}

// PostLocked stores a message, tells the pages, and sends the events that the app subscribed to.
func (s *Posts) PostLocked(to *Channel, m *StoredMessage) {
	m.TS = s.Memory.NextTS()
	s.settleMessage(m, m.TS)
	s.Memory.add(m)
	s.shareLocked(m)
	if m.User == s.Bot.ID {
		s.SetStatusLocked(m.Channel, m.ThreadTS, "")
	} else {
		s.Memory.Read[m.User+" "+m.Channel] = m.TS
	}
	s.Announce(m, "posted")
	s.messageEvents(to, m)
}

// Replace changes a bot's message in place. Blocks vanish when only text is
// given, metadata stays when none is given, and a message with blocks is not
// marked as edited.
func (s *Posts) Replace(m, next *StoredMessage) {
	s.settleMessage(next, m.TS)
	before := s.Wire(m)
	m.Text, m.Blocks, m.Attachments, m.Said = next.Text, next.Blocks, next.Attachments, next.Said
	if next.Metadata != nil {
		m.Metadata = next.Metadata
	}
	if len(next.Blocks) == 0 {
		m.Edited = &Edited{User: m.User, TS: s.Memory.NextTS()}
	}
	s.Announce(m, "updated")
	s.changeEvents(m, "message_changed", Body{"message": s.Wire(m), "previous_message": before})
}

// Amend changes what a person has written. Slack sends an app that it mentions an app_mention anew
// (slackapi/bolt-js#960), whether it did before or not.
func (s *Posts) Amend(m *StoredMessage, words string) {
	before := s.Wire(m)
	m.Text, m.Edited = words, &Edited{User: m.User, TS: s.Memory.NextTS()}
	s.Announce(m, "updated")
	s.mentionEvent(s.Memory.Channel(m.Channel), m)
	s.changeEvents(m, "message_changed", Body{"message": s.Wire(m), "previous_message": before})
}

// Erase removes a message for everybody. Of a root that had replies its place stays, in which the thread goes on.
func (s *Posts) Erase(m *StoredMessage) {
	if len(s.Memory.replies(m)) > 0 {
		before := s.Wire(m)
		m.User, m.BotID, m.Subtype, m.Text, m.Blocks, m.Files, m.Attachments, m.Metadata = "USLACKBOT", "", "tombstone", "This message was deleted.", nil, nil, nil, nil
		s.Announce(m, "updated")
		s.changeEvents(m, "message_changed", Body{"message": s.Wire(m), "previous_message": before})
		return
	}
	s.Memory.remove(m)
	s.Announce(m, "deleted")
	s.changeEvents(m, "message_deleted", Body{"previous_message": s.Wire(m), "deleted_ts": m.TS})
}

// Whisper shows a message to one person. Slack does not promise delivery: a deactivated
// person gets nothing, and neither does a thread without replies.
func (s *Posts) Whisper(reader *User, m *StoredMessage, thread string) {
	m.TS, m.User, m.BotID, m.AppID, m.ThreadTS = s.Memory.NextTS(), s.Bot.ID, s.BotID, s.App.ID, thread
	s.settleMessage(m, m.TS)
	if root := s.Memory.Message(m.Channel, thread); thread != "" && (root == nil || root.ThreadTS == "") {
		return
	}
	if reader.Deleted {
		return
	}
	s.Memory.addEphemeral(reader.ID, m)
	s.AnnounceTo(reader.ID, m, "ephemeral")
}

// bucket holds back a channel that is written to too fast.
type bucket struct {
	left float64
	at   time.Time
}

// Spend takes one message from the channel's allowance, or says how long to wait.
func (s *Posts) Spend(channel string) time.Duration {
	if s.Opts.PostBurst < 0 {
		return 0
	}
	now, b := time.Now(), s.allowance[channel]
	if b == nil {
		b = &bucket{left: float64(s.Opts.PostBurst), at: now}
		s.allowance[channel] = b
	}
	each := s.Opts.Timing.Post
	b.left = min(float64(s.Opts.PostBurst), b.left+float64(now.Sub(b.at))/float64(each))
	b.at = now
	if b.left < 1 {
		return time.Duration((1 - b.left) * float64(each))
	}
	b.left--
	return 0
}

// mentioned are the people a text names, in order.
func mentioned(text string) []string {
	var out []string
	for _, m := range MentionToken.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// SetStatusLocked shows a status line, or clears it. Slack clears one by itself
// after two minutes.
func (s *Posts) SetStatusLocked(channel, thread, status string) {
	key := channel + " " + thread
	old, shown := s.status[key]
	if shown {
		old.Stop()
		delete(s.status, key)
	} else if status == "" {
		return
	}
	if status != "" {
		s.status[key] = time.AfterFunc(s.Opts.Timing.Status, func() {
			s.Lock()
			defer s.Unlock()
			s.SetStatusLocked(channel, thread, "")
		})
	}
	s.tellChannel(channel, "status", Body{"channel": channel, "thread_ts": thread, "status": status})
}
