package fault

import (
	"slices"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/workspace"
)

// Only narrows a fault to some of a method's calls: those into one channel, and
// those with one kind of message. Each zero field lets everything through. So a
// refusal can be played by itself: the full card and not the plainer one, the
// answer and not the line above it.
type Only struct {
	Channel string // the call's channel, or the person whose direct message it is
	Kind    Kind
	Holds   string // the type of a block or of anything in one: "rich_text_preformatted", "table"
	Longer  int    // only messages whose blocks say more than so many characters
}

// Kind is what sort of message a call is about.
type Kind string

// The kinds of message.
const (
	AnyKind    Kind = ""
	WithBlocks Kind = "blocks"
	TextOnly   Kind = "text"
	Roots      Kind = "root"   // in no thread
	Replies    Kind = "reply"  // in a thread
	Directs    Kind = "direct" // to one person
)

// MessageKinds are all of them.
var MessageKinds = []Kind{AnyKind, WithBlocks, TextOnly, Roots, Replies, Directs}

// covers tells whether a fault is meant for this call. The workspace's lock is held.
func (o Only) covers(memory *workspace.Memory, c workspace.Source) bool {
	if o == (Only{}) {
		return true
	}
	if c == nil {
		return false // a download, a response_url: neither has a channel
	}
	to := memory.Channel(goesTo(c))
	if u := memory.User(goesTo(c)); to == nil && u != nil {
		to = memory.Channel(memory.DM(u.ID))
	}
	if o.Channel != "" && o.Channel != goesTo(c) && (to == nil || o.Channel != to.ID && memory.DM(o.Channel) != to.ID) {
		return false
	}
	var blocks []any
	_ = c.Into("blocks", &blocks) // what is no list holds nothing
	if !o.Kind.covers(memory, c, to, len(blocks) > 0) {
		return false
	}
	if o.Holds != "" && !holdsType(blocks, o.Holds) {
		return false
	}
	return o.Longer == 0 || written(blocks) > o.Longer
}

func (k Kind) covers(memory *workspace.Memory, c workspace.Source, to *workspace.Channel, blocks bool) bool {
	thread := c.Text("thread_ts")
	if thread == "" && to != nil { // chat.update names the message itself
		if m := memory.Message(to.ID, c.Text("ts")); m != nil && m.IsReply() {
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

// goesTo is the channel of a call. Methods do not agree on its name.
func goesTo(c workspace.Source) string {
	for _, name := range []string{"channel", "channel_id"} {
		if id := c.Text(name); id != "" {
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
				n += blockkit.Chars(said)
			} else if !ok {
				n += written(e)
			}
		}
	}
	return n
}

// Mend ends the faults of one method and leaves the others.
func (s *Faults) Mend(method string) {
	s.setFault(func(f *switches) {
		f.methods = slices.DeleteFunc(f.methods, func(m *Method) bool { return m.Method == method })
	})
}
