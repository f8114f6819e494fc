package webapi

import (
	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/limits"
	"countersign/internal/slacksim/workspace"
)

// A message that is written while people read it: chat.startStream begins it,
// chat.appendStream goes on, chat.stopStream ends it. While it is being written it
// cannot be changed otherwise. Sources as in more.go.
var streamMethods = map[string]method{
	"chat.startStream":  {'b', []string{"chat:write"}, startStream},
	"chat.appendStream": {'b', []string{"chat:write"}, appendStream},
	"chat.stopStream":   {'b', []string{"chat:write"}, stopStream},
}

// maxStreamed is how much text one call may add.
const maxStreamed = 12_000

// streamed reads what a call adds: text, and blocks beside it.
func streamed(c *call) (said string, blocks []blockkit.Block, err error) {
	said = c.Text("markdown_text")
	if blockkit.Chars(said) > maxStreamed {
		return "", nil, workspace.Refuse("msg_too_long")
	}
	if !c.Has("chunks") {
		return said, nil, nil
	}
	var chunks []map[string]any
	if err := c.Into("chunks", &chunks); err != nil {
		return "", nil, workspace.Refuse("invalid_chunks", err.Error())
	}
	for _, chunk := range chunks {
		switch blockkit.Text(chunk, "type") {
		case "markdown_text":
			said += blockkit.Text(chunk, "text")
		case "task_update":
			if blockkit.Text(chunk, "id") == "" || blockkit.Text(chunk, "title") == "" {
				return "", nil, workspace.Refuse("invalid_chunks", "a task_update needs an id and a title")
			}
		case "plan_update":
		case "blocks":
			more := workspace.Fields(chunk)
			var some []blockkit.Block
			if err := more.Into("blocks", &some); err != nil {
				return "", nil, workspace.Refuse("invalid_chunks", err.Error())
			}
			blocks = append(blocks, some...)
		default:
			return "", nil, workspace.Refuse("invalid_chunks", "there is no chunk of the type "+blockkit.Text(chunk, "type"))
		}
	}
	return said, blocks, nil
}

// startStream answers a thread. In a channel it says to whom.
func startStream(c *call) (workspace.Body, error) {
	s := c.s
	said, blocks, err := streamed(c)
	if err != nil {
		return nil, err
	}
	to, err := s.Target(c.Text("channel"))
	if err != nil {
		return nil, err
	}
	switch {
	case !c.Has("thread_ts"):
		return nil, workspace.Refuse("invalid_arguments", "[ERROR] missing required field: thread_ts")
	case to.Kind != "im" && !c.Has("recipient_team_id"):
		return nil, workspace.Refuse("missing_recipient_team_id")
	case to.Kind != "im" && !c.Has("recipient_user_id"):
		return nil, workspace.Refuse("missing_recipient_user_id")
	}
	m := &workspace.StoredMessage{Text: said, Blocks: blocks, Streaming: true}
	if m.ThreadTS, err = s.ThreadOf(to, c.Text("thread_ts")); err != nil {
		return nil, err
	}
	if err := limits.Message(m.Blocks, nil, false, s.PictureOf); err != nil {
		return nil, workspace.Refused(err)
	}
	if wait := s.Spend(to.ID); wait > 0 {
		return nil, workspace.RateLimited(wait)
	}
	s.PostAsBot(to, m)
	return workspace.Body{"channel": to.ID, "ts": m.TS}, nil
}

func appendStream(c *call) (workspace.Body, error) {
	s := c.s
	m, err := s.goOn(c)
	if err != nil {
		return nil, err
	}
	s.Announce(m, "updated")
	return workspace.Body{"channel": m.Channel, "ts": m.TS}, nil
}

// stopStream adds what is left, and the message is one like the others.
func stopStream(c *call) (workspace.Body, error) {
	s := c.s
	end, err := s.Content(c, false)
	if err != nil {
		return nil, err
	}
	m, err := s.goOn(c)
	if err != nil {
		return nil, err
	}
	m.Blocks, m.Streaming = append(m.Blocks[:len(m.Blocks):len(m.Blocks)], end.Blocks...), false
	if end.Metadata != nil {
		m.Metadata = end.Metadata
	}
	blockkit.Store(m.Blocks, m.TS)
	s.Announce(m, "updated")
	return workspace.Body{"channel": m.Channel, "ts": m.TS, "message": s.Wire(m)}, nil
}

// goOn adds to a message that is still being written.
func (s *API) goOn(c *call) (*workspace.StoredMessage, error) {
	said, blocks, err := streamed(c)
	if err != nil {
		return nil, err
	}
	m, err := s.own(c, "message_not_owned_by_app")
	if err != nil {
		return nil, err
	}
	if !m.Streaming {
		return nil, workspace.Refuse("message_not_in_streaming_state")
	}
	if err := limits.Message(blocks, nil, false, s.PictureOf); err != nil {
		return nil, workspace.Refused(err)
	}
	m.Text += said
	m.Blocks = append(m.Blocks[:len(m.Blocks):len(m.Blocks)], blocks...)
	blockkit.Store(m.Blocks, m.TS)
	return m, nil
}
