package webapi

import (
	"fmt"
	"net/http"
	"strings"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/workspace"
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

// postMessage returns the message as it is stored, which is how an app can see
// whether Slack changed what it sent. The order of the checks is Slack's: content
// first, then the channel, so a bad card is noticed before it is known where it goes.
func postMessage(c *call) (workspace.Body, error) {
	s := c.s
	m, err := s.Content(c, true)
	if err != nil {
		return nil, err
	}
	to, err := s.Target(c.Text("channel"))
	if err != nil {
		return nil, err
	}
	if m.Empty() {
		return nil, workspace.Refuse("no_text")
	}
	out := workspace.Body{}
	if blockkit.Chars(m.Text) > maxText {
		m.Text = string([]rune(m.Text)[:maxText])
		out["warning"] = "message_truncated"
	}
	m.ThreadTS = s.joins(to, c.Text("thread_ts"))
	if err := to.Restricts(m.ThreadTS != ""); err != nil {
		return nil, err
	}
	if root := s.Memory.Message(to.ID, m.ThreadTS); root != nil && root.Locked {
		return nil, workspace.Refuse("restricted_action_thread_locked")
	}
	if wait := s.Spend(to.ID); wait > 0 {
		return nil, workspace.RateLimited(wait)
	}
	m.Broadcast = c.flag("reply_broadcast") && m.ThreadTS != ""
	s.PostAsBot(to, m)
	out["channel"], out["ts"], out["message"] = to.ID, m.TS, s.Wire(m)
	return out, nil
}

// joins is the thread that a message gets into. Where the message that began it is gone, Slack refuses nothing: it puts the
// reply into the channel itself (slack-go/slack#1571).
func (s *API) joins(to *workspace.Channel, thread string) string {
	ts, err := s.ThreadOf(to, thread)
	if err != nil {
		return ""
	}
	return ts
}

// updateMessage changes an own message. Its text limit is a tenth of what
// chat.postMessage takes, and it refuses where that one cuts.
func updateMessage(c *call) (workspace.Body, error) {
	s := c.s
	if blockkit.Chars(c.Text("text")) > maxEdit {
		return nil, workspace.Refuse("msg_too_long")
	}
	next, err := s.Content(c, true)
	if err != nil {
		return nil, err
	}
	m, err := s.own(c, "cant_update_message")
	if refused, ok := err.(*workspace.Error); ok && refused.Code == "is_archived" {
		return nil, workspace.Refuse("is_inactive") // so this method calls it
	}
	if err == nil {
		err = s.Editable(m)
	}
	if err != nil {
		return nil, err
	}
	if m.Streaming {
		return nil, workspace.Refuse("streaming_state_conflict")
	}
	if next.Empty() {
		return nil, workspace.Refuse("no_text")
	}
	if isRich(m.Blocks) && len(next.Blocks) > 0 && !isRich(next.Blocks) {
		return nil, workspace.Refuse("block_mismatch")
	}
	s.Replace(m, next)
	return workspace.Body{"channel": m.Channel, "ts": m.TS, "text": m.Text, "message": s.Wire(m)}, nil
}

// isRich is a message that is one rich_text block and nothing else, as people write them.
func isRich(blocks []blockkit.Block) bool {
	return len(blocks) == 1 && blockkit.Text(blocks[0], "type") == "rich_text"
}

// own finds the message that a call names by channel and ts, and refuses with
// code when another wrote it.
func (s *API) own(c *call, code string) (*workspace.StoredMessage, error) {
	to, err := s.Target(c.Text("channel"))
	if err != nil {
		return nil, err
	}
	m := s.Memory.Message(to.ID, c.Text("ts"))
	switch {
	case m == nil:
		return nil, workspace.Refuse("message_not_found")
	case m.User != s.Bot.ID: // also one of the bot user that the app had before it was installed anew
		return nil, workspace.Refuse(code)
	}
	return m, nil
}

// deleteMessage is for the app's own messages; people delete theirs with Acts.Unsay.
func deleteMessage(c *call) (workspace.Body, error) {
	s := c.s
	m, err := s.own(c, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	s.Erase(m)
	return workspace.Body{"channel": m.Channel, "ts": m.TS}, nil
}

// postEphemeral says ok even when nobody will see the message: that is Slack's
// contract, and the reason why such a message must never be the only record.
func postEphemeral(c *call) (workspace.Body, error) {
	s := c.s
	m, err := s.Content(c, true)
	if err != nil {
		return nil, err
	}
	to, err := s.Target(c.Text("channel"))
	if err != nil {
		return nil, err
	}
	reader := s.Memory.User(c.Text("user"))
	switch {
	case m.Empty():
		return nil, workspace.Refuse("no_text")
	case len(m.Text) > maxEdit:
		return nil, workspace.Refuse("msg_too_long")
	case reader == nil:
		return nil, workspace.Refuse("user_not_found")
	case !to.Has(reader.ID):
		return nil, workspace.Refuse("user_not_in_channel")
	}
	thread := c.Text("thread_ts")
	m.Channel = to.ID
	s.Whisper(reader, m, thread)
	return workspace.Body{"message_ts": m.TS}, nil
}

// getPermalink needs no membership: a link is not the message.
func getPermalink(c *call) (workspace.Body, error) {
	s := c.s
	to, err := s.Visible(c.Text("channel"))
	if err != nil {
		return nil, err
	}
	m := s.Memory.Message(to.ID, c.Text("message_ts"))
	if m == nil {
		return nil, workspace.Refuse("message_not_found")
	}
	return workspace.Body{"channel": to.ID, "permalink": permalink(c.base, m)}, nil
}

func permalink(base string, m *workspace.StoredMessage) string {
	link := fmt.Sprintf("%s/archives/%s/p%s", base, m.Channel, strings.Replace(m.TS, ".", "", 1))
	if m.IsReply() {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + m.Channel
	}
	return link
}

// ServePermalink sends the browser to the page, with the message to look at.
func (s *API) ServePermalink(w http.ResponseWriter, r *http.Request) {
	digits := strings.TrimPrefix(r.PathValue("message"), "p")
	if len(digits) < 7 || strings.Trim(digits, "0123456789") != "" {
		http.NotFound(w, r)
		return
	}
	ts := digits[:len(digits)-6] + "." + digits[len(digits)-6:]
	s.Lock()
	m := s.Memory.Message(r.PathValue("channel"), ts)
	s.Unlock()
	if m == nil {
		http.NotFound(w, r)
		return
	}
	to := "/?channel=" + m.Channel + "&ts=" + ts
	if m.IsReply() {
		to += "&thread_ts=" + m.ThreadTS
	}
	http.Redirect(w, r, to, http.StatusFound)
}
