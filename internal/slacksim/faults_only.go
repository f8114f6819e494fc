package slacksim

import "slices"

// Only narrows a fault to some of a method's calls: those into one channel, and
// those with one kind of message. Each zero field lets everything through. So a
// refusal can be played by itself: the full card and not the plainer one, the
// answer and not the line above it.
type Only struct {
	Channel string // the call's channel, or the person whose direct message it is
	Kind    MessageKind
	Holds   string // the type of a block or of anything in one: "rich_text_preformatted", "table"
	Longer  int    // only messages whose blocks say more than so many characters
}

// MessageKind is what sort of message a call is about.
type MessageKind string

// The kinds of message.
const (
	AnyKind    MessageKind = ""
	WithBlocks MessageKind = "blocks"
	TextOnly   MessageKind = "text"
	Roots      MessageKind = "root"   // in no thread
	Replies    MessageKind = "reply"  // in a thread
	Directs    MessageKind = "direct" // to one person
)

var messageKinds = []MessageKind{AnyKind, WithBlocks, TextOnly, Roots, Replies, Directs}

// covers tells whether a fault is meant for this call. Sim.mu is held.
func (o Only) covers(s *Sim, c *call) bool {
	if o == (Only{}) {
		return true
	}
	if c == nil {
		return false // a download, a response_url: neither has a channel
	}
	to := s.ws.channel(c.channel())
	if u := s.ws.user(c.channel()); to == nil && u != nil {
		to = s.ws.channel(imWith(u.ID))
	}
	if o.Channel != "" && o.Channel != c.channel() && (to == nil || o.Channel != to.ID && imWith(o.Channel) != to.ID) {
		return false
	}
	var blocks []any
	_ = c.into("blocks", &blocks) // what is no list holds nothing
	if !o.Kind.covers(c, to, len(blocks) > 0) {
		return false
	}
	if o.Holds != "" && !holdsType(blocks, o.Holds) {
		return false
	}
	return o.Longer == 0 || written(blocks) > o.Longer
}

func (k MessageKind) covers(c *call, to *Channel, blocks bool) bool {
	thread := c.text("thread_ts")
	if thread == "" && to != nil { // chat.update names the message itself
		if m := c.s.ws.message(to.ID, c.text("ts")); m != nil && m.isReply() {
			thread = m.ThreadTS
		}
	}
	switch k {
	case WithBlocks:
		return blocks
	case TextOnly:
		return !blocks
	case Roots:
		return thread == ""
	case Replies:
		return thread != ""
	case Directs:
		return to != nil && to.Kind == "im"
	}
	return true
}

// channel is where a call goes. Methods do not agree on its name.
func (c *call) channel() string {
	for _, name := range []string{"channel", "channel_id"} {
		if id := c.text(name); id != "" {
			return id
		}
	}
	return ""
}

// holdsType looks for a "type" anywhere in blocks.
func holdsType(node any, kind string) bool {
	switch node := node.(type) {
	case []any:
		return slices.ContainsFunc(node, func(n any) bool { return holdsType(n, kind) })
	case map[string]any:
		if node["type"] == kind {
			return true
		}
		for _, n := range node {
			if holdsType(n, kind) {
				return true
			}
		}
	}
	return false
}

// written counts the characters of every "text" in blocks.
func written(node any) (n int) {
	switch node := node.(type) {
	case []any:
		for _, e := range node {
			n += written(e)
		}
	case map[string]any:
		for key, e := range node {
			if said, ok := e.(string); ok && key == "text" {
				n += chars(said)
			} else if !ok {
				n += written(e)
			}
		}
	}
	return n
}

// Mend ends the faults of one method and leaves the others.
func (s *Sim) Mend(method string) {
	s.setFault(func(f *faults) {
		f.methods = slices.DeleteFunc(f.methods, func(m *MethodFault) bool { return m.Method == method })
	})
}
