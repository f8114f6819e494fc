package slacksim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

var chatMethods = map[string]method{
	"chat.postMessage":   {'b', []string{"chat:write"}, postMessage},
	"chat.update":        {'b', []string{"chat:write"}, updateMessage},
	"chat.delete":        {'b', []string{"chat:write"}, deleteMessage},
	"chat.postEphemeral": {'b', []string{"chat:write"}, postEphemeral},
	"chat.getPermalink":  {'b', nil, getPermalink},
}

// maxText is where chat.postMessage cuts, maxEdit where chat.update refuses.
const (
	maxText = 40_000
	maxEdit = 4_000
)

// content reads what a message says. Blocks are checked against Slack's limits
// for messages; counted says whether their total length counts too.
func (s *Sim) content(from source, counted bool) (*message, error) {
	m := &message{Text: from.text("text")}
	if from.has("blocks") {
		if err := from.into("blocks", &m.Blocks); err != nil {
			return nil, refuse("invalid_blocks_format", err.Error())
		}
	}
	if from.has("attachments") {
		if err := from.into("attachments", &m.Attachments); err != nil {
			return nil, refuse("invalid_attachments", err.Error())
		}
	}
	if from.has("metadata") {
		if err := from.into("metadata", &m.Metadata); err != nil {
			return nil, refuse("invalid_metadata_format", err.Error())
		}
		if text(m.Metadata, "event_type") == "" && m.Metadata["event_payload"] == nil {
			m.Metadata = nil // slack-go sends an empty one to response_url
		} else if err := checkMetadata(m.Metadata); err != nil {
			return nil, err
		}
	}
	if err := checkMessage(m.Blocks, m.Attachments, counted, s.pictureOf); err != nil {
		return nil, err
	}
	return m, nil
}

// source is where a message's content comes from: a call or a JSON object.
type source interface {
	text(name string) string
	has(name string) bool
	into(name string, target any) error
}

// fields is a JSON object as a source: a response_url post, an ack's payload.
type fields map[string]any

func (f fields) text(name string) string { return text(f, name) }
func (f fields) has(name string) bool    { return f[name] != nil && f[name] != "" }
func (f fields) into(name string, target any) error {
	data, err := json.Marshal(f[name])
	if err == nil {
		err = decode(data, target)
	}
	if err != nil {
		return fmt.Errorf("field %s: %w", name, err)
	}
	return nil
}

// target finds the channel that the bot may write to: by id, by #name, or a
// person's id, which means the direct message with them.
func (s *Sim) target(name string) (*Channel, error) {
	c, err := s.visible(name)
	if err != nil {
		return nil, err
	}
	if !c.has(s.bot.ID) && !(s.app.may("chat:write.public") && !c.IsPrivate) {
		return nil, refuse("not_in_channel")
	}
	return c, nil
}

// visible finds a channel that the bot may know of.
func (s *Sim) visible(name string) (*Channel, error) {
	c := s.ws.channel(name)
	for _, x := range s.ws.channels {
		if c == nil && x.Name != "" && x.Name == strings.TrimPrefix(name, "#") {
			c = x
		}
	}
	if u := s.ws.user(name); c == nil && u != nil && !u.IsBot {
		c = s.ws.channel(imWith(name))
	}
	if c == nil || (c.IsPrivate || c.Kind == "im") && !c.has(s.bot.ID) {
		return nil, refuse("channel_not_found")
	}
	return c, nil
}

// postMessage returns the message as it is stored, which is how an app can see
// whether Slack changed what it sent. The order of the checks is Slack's: content
// first, then the channel, so a bad card is noticed before it is known where it goes.
func postMessage(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.content(c, true)
	if err != nil {
		return nil, err
	}
	to, err := s.target(c.text("channel"))
	if err != nil {
		return nil, err
	}
	if m.Text == "" && len(m.Blocks) == 0 && len(m.Attachments) == 0 {
		return nil, refuse("no_text")
	}
	out := reply{}
	if chars(m.Text) > maxText {
		m.Text = string([]rune(m.Text)[:maxText])
		out["warning"] = "message_truncated"
	}
	if m.ThreadTS, err = s.threadOf(to, c.text("thread_ts")); err != nil {
		return nil, err
	}
	if wait := s.spend(to.ID); wait > 0 {
		return nil, rateLimited(wait)
	}
	m.Broadcast = c.flag("reply_broadcast") && m.ThreadTS != ""
	s.postAsBot(to, m)
	out["channel"], out["ts"], out["message"] = to.ID, m.TS, s.wire(m)
	return out, nil
}

// threadOf checks the thread that a message wants to join.
func (s *Sim) threadOf(c *Channel, ts string) (string, error) {
	if ts == "" {
		return "", nil
	}
	root := s.ws.message(c.ID, ts)
	if root == nil {
		return "", refuse("thread_not_found")
	}
	if root.isReply() { // Slack moves it up to the root
		return root.ThreadTS, nil
	}
	return ts, nil
}

// postAsBot stores and announces a message of the app.
func (s *Sim) postAsBot(to *Channel, m *message) {
	m.Channel, m.User, m.BotID, m.AppID = to.ID, s.bot.ID, BotID, s.app.ID
	s.postLocked(to, m)
}

// postLocked stores a message, tells the pages, and sends the events that the app subscribed to.
func (s *Sim) postLocked(to *Channel, m *message) {
	m.TS = s.ws.nextTS()
	s.settleMessage(m, m.TS)
	s.ws.add(m)
	s.shareLocked(m)
	if m.User == s.bot.ID {
		s.setStatusLocked(m.Channel, m.ThreadTS, "")
	} else {
		s.ws.read[m.User+" "+m.Channel] = m.TS
	}
	s.announce(m, "posted")
	s.messageEvents(to, m)
}

// updateMessage changes an own message. Its text limit is a tenth of what
// chat.postMessage takes, and it refuses where that one cuts.
func updateMessage(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if chars(c.text("text")) > maxEdit {
		return nil, refuse("msg_too_long")
	}
	next, err := s.content(c, true)
	if err != nil {
		return nil, err
	}
	m, err := s.own(c, "cant_update_message")
	if err != nil {
		return nil, err
	}
	if next.Text == "" && len(next.Blocks) == 0 && len(next.Attachments) == 0 {
		return nil, refuse("no_text")
	}
	if isRich(m.Blocks) && len(next.Blocks) > 0 && !isRich(next.Blocks) {
		return nil, refuse("block_mismatch")
	}
	s.rewrite(m, next)
	return reply{"channel": m.Channel, "ts": m.TS, "text": m.Text, "message": s.wire(m)}, nil
}

// isRich is a message that is one rich_text block and nothing else, as people write them.
func isRich(blocks []Block) bool { return len(blocks) == 1 && text(blocks[0], "type") == "rich_text" }

// rewrite replaces a bot's message in place. Blocks vanish when only text is
// given, metadata stays when none is given, and a message with blocks is not
// marked as edited.
func (s *Sim) rewrite(m, next *message) {
	s.settleMessage(next, m.TS)
	before := s.wire(m)
	m.Text, m.Blocks, m.Attachments, m.said = next.Text, next.Blocks, next.Attachments, next.said
	if next.Metadata != nil {
		m.Metadata = next.Metadata
	}
	if len(next.Blocks) == 0 {
		m.Edited = &Edited{User: m.User, TS: s.ws.nextTS()}
	}
	s.announce(m, "updated")
	s.changeEvents(m, "message_changed", reply{"message": s.wire(m), "previous_message": before})
}

// own finds the message that a call names by channel and ts, and refuses with
// code when another wrote it.
func (s *Sim) own(c *call, code string) (*message, error) {
	to, err := s.target(c.text("channel"))
	if err != nil {
		return nil, err
	}
	m := s.ws.message(to.ID, c.text("ts"))
	switch {
	case m == nil:
		return nil, refuse("message_not_found")
	case m.BotID == "":
		return nil, refuse(code)
	}
	return m, nil
}

// deleteMessage is for the app's own messages; people delete theirs with unsay.
func deleteMessage(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.own(c, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	s.erase(m)
	return reply{"channel": m.Channel, "ts": m.TS}, nil
}

// erase removes a message for everybody. A root that had replies leaves them behind.
func (s *Sim) erase(m *message) {
	s.ws.remove(m)
	s.announce(m, "deleted")
	s.changeEvents(m, "message_deleted", reply{"previous_message": s.wire(m), "deleted_ts": m.TS})
}

// postEphemeral says ok even when nobody will see the message: that is Slack's
// contract, and the reason why such a message must never be the only record.
func postEphemeral(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.content(c, true)
	if err != nil {
		return nil, err
	}
	to, err := s.target(c.text("channel"))
	if err != nil {
		return nil, err
	}
	reader := s.ws.user(c.text("user"))
	switch {
	case m.Text == "" && len(m.Blocks) == 0 && len(m.Attachments) == 0:
		return nil, refuse("no_text")
	case len(m.Text) > maxEdit:
		return nil, refuse("msg_too_long")
	case reader == nil:
		return nil, refuse("user_not_found")
	case !to.has(reader.ID):
		return nil, refuse("user_not_in_channel")
	}
	thread := c.text("thread_ts")
	m.Channel = to.ID
	s.whisper(reader, m, thread)
	return reply{"message_ts": m.TS}, nil
}

// whisper shows a message to one person. Slack promises no delivery: who is
// deactivated, or looks at a thread that nobody has answered in, gets nothing.
func (s *Sim) whisper(reader *User, m *message, thread string) {
	m.TS, m.User, m.BotID, m.AppID, m.ThreadTS = s.ws.nextTS(), s.bot.ID, BotID, s.app.ID, thread
	s.settleMessage(m, m.TS)
	if root := s.ws.message(m.Channel, thread); thread != "" && (root == nil || root.ThreadTS == "") {
		return
	}
	if reader.Deleted {
		return
	}
	s.ws.addEphemeral(reader.ID, m)
	s.announceTo(reader.ID, m, "ephemeral")
}

// getPermalink needs no membership: a link is not the message.
func getPermalink(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	to, err := s.visible(c.text("channel"))
	if err != nil {
		return nil, err
	}
	m := s.ws.message(to.ID, c.text("message_ts"))
	if m == nil {
		return nil, refuse("message_not_found")
	}
	return reply{"channel": to.ID, "permalink": permalink(c.base, m)}, nil
}

func permalink(base string, m *message) string {
	link := fmt.Sprintf("%s/archives/%s/p%s", base, m.Channel, strings.Replace(m.TS, ".", "", 1))
	if m.isReply() {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + m.Channel
	}
	return link
}

// servePermalink sends the browser to the page, with the message to look at.
func (s *Sim) servePermalink(w http.ResponseWriter, r *http.Request) {
	digits := strings.TrimPrefix(r.PathValue("message"), "p")
	if len(digits) < 7 || strings.Trim(digits, "0123456789") != "" {
		http.NotFound(w, r)
		return
	}
	ts := digits[:len(digits)-6] + "." + digits[len(digits)-6:]
	s.mu.Lock()
	m := s.ws.message(r.PathValue("channel"), ts)
	s.mu.Unlock()
	if m == nil {
		http.NotFound(w, r)
		return
	}
	to := "/?channel=" + m.Channel + "&ts=" + ts
	if m.isReply() {
		to += "&thread_ts=" + m.ThreadTS
	}
	http.Redirect(w, r, to, http.StatusFound)
}

// bucket holds back a channel that is written to too fast.
type bucket struct {
	left float64
	at   time.Time
}

// spend takes one message from the channel's allowance, or says how long to wait.
func (s *Sim) spend(channel string) time.Duration {
	if s.opts.PostBurst < 0 {
		return 0
	}
	now, b := time.Now(), s.posts[channel]
	if b == nil {
		b = &bucket{left: float64(s.opts.PostBurst), at: now}
		s.posts[channel] = b
	}
	each := s.opts.Timing.Post
	b.left = min(float64(s.opts.PostBurst), b.left+float64(now.Sub(b.at))/float64(each))
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
	for _, m := range mentionToken.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}
