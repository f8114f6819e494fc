package slacksim

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

var conversationMethods = map[string]method{
	"conversations.list":    {'b', []string{"channels:read", "groups:read", "im:read", "mpim:read"}, listConversations},
	"conversations.info":    {'b', nil, conversationInfo},
	"conversations.members": {'b', nil, conversationMembers},
	"conversations.open":    {'b', []string{"im:write"}, openConversation},
	"conversations.join":    {'b', []string{"channels:join"}, joinConversation},
	"conversations.replies": {'b', nil, func(c *call) (reply, error) { return readConversation(c, true) }},
	"conversations.history": {'b', nil, func(c *call) (reply, error) { return readConversation(c, false) }},
}

// family is the scope's first half for a conversation: channels, groups or im.
func family(c *Channel) string {
	switch {
	case c.Kind == "im":
		return "im"
	case c.IsPrivate:
		return "groups"
	}
	return "channels"
}

// readable finds the channel of a call, and checks the scope that its kind
// needs. Slack hides a channel of a kind that the app may not read.
func (s *Sim) readable(c *call, right string) (*Channel, error) {
	to, err := s.visible(c.text("channel"))
	if err != nil {
		return nil, err
	}
	return to, s.scoped(family(to) + ":" + right)
}

// page cuts a list by limit and cursor, and says where the next page begins.
func page[T any](c *call, all []T, usual int) ([]T, reply, error) {
	from := 0
	if cursor := c.text("cursor"); cursor != "" {
		raw, err := base64.StdEncoding.DecodeString(cursor)
		n, bad := strconv.Atoi(strings.TrimPrefix(string(raw), "next:"))
		if err != nil || bad != nil || n < 0 || n > len(all) {
			return nil, nil, refuse("invalid_cursor")
		}
		from = n
	}
	to := min(from+min(atoi(c.text("limit"), usual), 1000), len(all))
	next := ""
	if to < len(all) {
		next = base64.StdEncoding.EncodeToString([]byte("next:" + strconv.Itoa(to)))
	}
	return all[from:to], reply{"next_cursor": next}, nil
}

// listConversations lists public channels and the others that the bot is in. A type
// whose scope is missing refuses the whole call.
func listConversations(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	types := strings.Split(c.text("types"), ",")
	if !c.has("types") {
		types = []string{"public_channel"}
	}
	typeOf := map[string]string{"channels": "public_channel", "groups": "private_channel", "im": "im"}
	for _, t := range types {
		for prefix, name := range typeOf {
			if name == strings.TrimSpace(t) && !s.app.may(prefix+":read") {
				return nil, s.scoped(prefix + ":read")
			}
		}
	}
	var all []reply
	for _, ch := range s.ws.channels {
		f := family(ch)
		if slices.Contains(types, typeOf[f]) && (f == "channels" || ch.has(s.bot.ID)) {
			all = append(all, s.wireChannel(ch))
		}
	}
	part, meta, err := page(c, orEmpty(all), 100)
	return reply{"channels": part, "response_metadata": meta}, err
}

func conversationInfo(c *call) (reply, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	ch, err := c.s.readable(c, "read")
	if err != nil {
		return nil, err
	}
	return reply{"channel": c.s.wireChannel(ch)}, nil
}

func conversationMembers(c *call) (reply, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	ch, err := c.s.readable(c, "read")
	if err != nil {
		return nil, err
	}
	part, meta, err := page(c, orEmpty(ch.Members), 100)
	return reply{"members": part, "response_metadata": meta}, err
}

// openConversation opens a direct message with one person.
func openConversation(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if id := c.text("channel"); id != "" {
		ch, err := s.visible(id)
		if err != nil {
			return nil, err
		}
		return reply{"channel": reply{"id": ch.ID}}, nil
	}
	users := strings.Split(c.text("users"), ",")
	u := s.ws.user(users[0])
	switch {
	case len(users) != 1:
		return nil, refuse("method_not_supported_for_channel_type")
	case u == nil:
		return nil, refuse("user_not_found")
	case u.Deleted:
		return nil, refuse("user_disabled")
	case u.IsBot:
		return nil, refuse("cannot_dm_bot")
	}
	if c.flag("return_im") {
		return reply{"channel": s.wireChannel(s.ws.channel(imWith(u.ID)))}, nil
	}
	return reply{"channel": reply{"id": imWith(u.ID)}, "no_op": true, "already_open": true}, nil
}

// joinConversation works for public channels only; into the others one is invited.
func joinConversation(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.visible(c.text("channel"))
	if err != nil {
		return nil, err
	}
	if family(ch) != "channels" {
		return nil, refuse("method_not_supported_for_channel_type")
	}
	out := reply{"channel": s.wireChannel(ch)}
	if ch.has(s.bot.ID) {
		out["warning"] = "already_in_channel"
		return out, nil
	}
	ch.Members = append(slices.Clone(ch.Members), s.bot.ID)
	s.announceState()
	return reply{"channel": s.wireChannel(ch)}, nil
}

// readConversation is conversations.history (newest first) and
// conversations.replies (root first, then oldest first).
func readConversation(c *call, thread bool) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.readable(c, "history")
	switch {
	case err != nil:
		return nil, err
	case !ch.has(s.bot.ID):
		return nil, refuse("not_in_channel")
	}
	ts := c.text("ts")
	if thread && s.ws.message(ch.ID, ts) == nil {
		return nil, refuse("thread_not_found")
	}
	if !thread {
		ts = ""
	}
	var all []reply
	for _, m := range s.ws.messages[ch.ID] {
		if !inPane(m, ts) || !within(c, m.TS) && m.TS != ts {
			continue
		}
		all = append(all, s.wire(m))
	}
	if !thread {
		slices.Reverse(all)
	}
	part, meta, err := page(c, orEmpty(all), 100)
	return reply{"messages": part, "has_more": meta["next_cursor"] != "", "response_metadata": meta}, err
}

// within says whether a ts lies between oldest and latest.
func within(c *call, ts string) bool {
	oldest, latest, inclusive := c.text("oldest"), c.text("latest"), c.flag("inclusive")
	if oldest != "" && (ts < oldest || ts == oldest && !inclusive) {
		return false
	}
	return latest == "" || ts < latest || ts == latest && inclusive
}
