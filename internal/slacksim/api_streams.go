package slacksim

// A message that is written while people read it: chat.startStream begins it,
// chat.appendStream goes on, chat.stopStream ends it. While it is being written it
// cannot be changed otherwise. Sources as in api_more.go.
var streamMethods = map[string]method{
	"chat.startStream":  {'b', []string{"chat:write"}, startStream},
	"chat.appendStream": {'b', []string{"chat:write"}, appendStream},
	"chat.stopStream":   {'b', []string{"chat:write"}, stopStream},
}

// maxStreamed is how much text one call may add.
const maxStreamed = 12_000

// streamed reads what a call adds: text, and blocks beside it.
func streamed(c *call) (said string, blocks []Block, err error) {
	said = c.text("markdown_text")
	if chars(said) > maxStreamed {
		return "", nil, refuse("msg_too_long")
	}
	if !c.has("chunks") {
		return said, nil, nil
	}
	var chunks []map[string]any
	if err := c.into("chunks", &chunks); err != nil {
		return "", nil, refuse("invalid_chunks", err.Error())
	}
	for _, chunk := range chunks {
		switch text(chunk, "type") {
		case "markdown_text":
			said += text(chunk, "text")
		case "task_update":
			if text(chunk, "id") == "" || text(chunk, "title") == "" {
				return "", nil, refuse("invalid_chunks", "a task_update needs an id and a title")
			}
		case "plan_update":
		case "blocks":
			more := fields(chunk)
			var some []Block
			if err := more.into("blocks", &some); err != nil {
				return "", nil, refuse("invalid_chunks", err.Error())
			}
			blocks = append(blocks, some...)
		default:
			return "", nil, refuse("invalid_chunks", "there is no chunk of the type "+text(chunk, "type"))
		}
	}
	return said, blocks, nil
}

// startStream answers a thread. In a channel it says to whom.
func startStream(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	said, blocks, err := streamed(c)
	if err != nil {
		return nil, err
	}
	to, err := s.target(c.text("channel"))
	if err != nil {
		return nil, err
	}
	switch {
	case !c.has("thread_ts"):
		return nil, refuse("invalid_arguments", "[ERROR] missing required field: thread_ts")
	case to.Kind != "im" && !c.has("recipient_team_id"):
		return nil, refuse("missing_recipient_team_id")
	case to.Kind != "im" && !c.has("recipient_user_id"):
		return nil, refuse("missing_recipient_user_id")
	}
	m := &message{Text: said, Blocks: blocks, Streaming: true}
	if m.ThreadTS, err = s.threadOf(to, c.text("thread_ts")); err != nil {
		return nil, err
	}
	if err := checkMessage(m.Blocks, nil, false, s.pictureOf); err != nil {
		return nil, err
	}
	if wait := s.spend(to.ID); wait > 0 {
		return nil, rateLimited(wait)
	}
	s.postAsBot(to, m)
	return reply{"channel": to.ID, "ts": m.TS}, nil
}

func appendStream(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.goOn(c)
	if err != nil {
		return nil, err
	}
	s.announce(m, "updated")
	return reply{"channel": m.Channel, "ts": m.TS}, nil
}

// stopStream adds what is left, and the message is one like the others.
func stopStream(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	end, err := s.content(c, false)
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
	store(m.Blocks, m.TS)
	s.announce(m, "updated")
	return reply{"channel": m.Channel, "ts": m.TS, "message": s.wire(m)}, nil
}

// goOn adds to a message that is still being written.
func (s *Sim) goOn(c *call) (*message, error) {
	said, blocks, err := streamed(c)
	if err != nil {
		return nil, err
	}
	m, err := s.own(c, "message_not_owned_by_app")
	if err != nil {
		return nil, err
	}
	if !m.Streaming {
		return nil, refuse("message_not_in_streaming_state")
	}
	if err := checkMessage(blocks, nil, false, s.pictureOf); err != nil {
		return nil, err
	}
	m.Text += said
	m.Blocks = append(m.Blocks[:len(m.Blocks):len(m.Blocks)], blocks...)
	store(m.Blocks, m.TS)
	return m, nil
}
