package webapi

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"countersign/internal/slacksim/workspace"
)

var conversationMethods = map[string]method{
	"conversations.list":    {'b', []string{"channels:read", "groups:read", "im:read", "mpim:read"}, listConversations},
	"users.conversations":   {'b', []string{"channels:read", "groups:read", "im:read", "mpim:read"}, listOwn},
	"conversations.info":    {'b', nil, conversationInfo},
	"conversations.members": {'b', nil, conversationMembers},
	"conversations.open":    {'b', []string{"im:write"}, openConversation},
	"conversations.join":    {'b', []string{"channels:join"}, joinConversation},
	"conversations.replies": {'b', nil, func(c *call) (workspace.Body, error) { return readConversation(c, true) }},
	"conversations.history": {'b', nil, func(c *call) (workspace.Body, error) { return readConversation(c, false) }},
}

// readable finds the channel of a call, and checks the scope that its kind
// needs. Slack hides a channel of a kind that the app may not read.
func (s *API) readable(c *call, right string) (*workspace.Channel, error) {
	to, err := s.Visible(c.Text("channel"))
	if err != nil {
		return nil, err
	}
	return to, s.scoped(workspace.Family(to) + ":" + right)
}

// page cuts a list by limit and cursor, and says where the next page begins.
func page[T any](c *call, all []T, usual int) ([]T, workspace.Body, error) {
	from := 0
	if cursor := c.Text("cursor"); cursor != "" {
		raw, err := base64.StdEncoding.DecodeString(cursor)
		n, bad := strconv.Atoi(strings.TrimPrefix(string(raw), "next:"))
		if err != nil || bad != nil || n < 0 || n > len(all) {
			return nil, nil, workspace.Refuse("invalid_cursor")
		}
		from = n
	}
	to := min(from+min(atoi(c.Text("limit"), usual), 1000), len(all))
	next := ""
	if to < len(all) {
		next = base64.StdEncoding.EncodeToString([]byte("next:" + strconv.Itoa(to)))
	}
	return all[from:to], workspace.Body{"next_cursor": next}, nil
}

// listConversations lists public channels and the others that the bot is in. A type
// whose scope is missing refuses the whole call.
func listConversations(c *call) (workspace.Body, error) { return list(c, false) }

// listOwn is users.conversations: only those that the bot is in.
func listOwn(c *call) (workspace.Body, error) { return list(c, true) }

func list(c *call, own bool) (workspace.Body, error) {
	s := c.s
	types := strings.Split(c.Text("types"), ",")
	if !c.Has("types") {
		types = []string{"public_channel"}
	}
	typeOf := map[string]string{"channels": "public_channel", "groups": "private_channel", "im": "im"}
	for _, t := range types {
		for prefix, name := range typeOf {
			if name == strings.TrimSpace(t) && !s.App.May(prefix+":read") {
				return nil, s.scoped(prefix + ":read")
			}
		}
	}
	var all []workspace.Body
	for _, ch := range s.Memory.Channels {
		f := workspace.Family(ch)
		if slices.Contains(types, typeOf[f]) && (f == "channels" && !own || ch.Has(s.Bot.ID)) {
			all = append(all, s.WireChannel(ch))
		}
	}
	part, meta, err := page(c, workspace.OrEmpty(all), 100)
	return workspace.Body{"channels": part, "response_metadata": meta}, err
}

func conversationInfo(c *call) (workspace.Body, error) {
	ch, err := c.s.readable(c, "read")
	if err != nil {
		return nil, err
	}
	return workspace.Body{"channel": c.s.WireChannel(ch)}, nil
}

func conversationMembers(c *call) (workspace.Body, error) {
	ch, err := c.s.readable(c, "read")
	if err != nil {
		return nil, err
	}
	part, meta, err := page(c, workspace.OrEmpty(ch.Members), 100)
	return workspace.Body{"members": part, "response_metadata": meta}, err
}

// openConversation opens a direct message with one person.
func openConversation(c *call) (workspace.Body, error) {
	s := c.s
	if id := c.Text("channel"); id != "" {
		ch, err := s.Visible(id)
		if err != nil {
			return nil, err
		}
		return workspace.Body{"channel": workspace.Body{"id": ch.ID}}, nil
	}
	users := strings.Split(c.Text("users"), ",")
	u := s.Memory.User(users[0])
	switch {
	case len(users) != 1:
		return nil, workspace.Refuse("method_not_supported_for_channel_type")
	case u == nil:
		return nil, workspace.Refuse("user_not_found")
	case u.Deleted:
		return nil, workspace.Refuse("user_disabled")
	case u.IsBot:
		return nil, workspace.Refuse("cannot_dm_bot")
	}
	if c.flag("return_im") {
		return workspace.Body{"channel": s.WireChannel(s.Memory.Channel(s.Memory.DM(u.ID)))}, nil
	}
	return workspace.Body{"channel": workspace.Body{"id": s.Memory.DM(u.ID)}, "no_op": true, "already_open": true}, nil
}

// joinConversation works for public channels only; into the others one is invited.
func joinConversation(c *call) (workspace.Body, error) {
	s := c.s
	ch, err := s.Visible(c.Text("channel"))
	if err != nil {
		return nil, err
	}
	if workspace.Family(ch) != "channels" {
		return nil, workspace.Refuse("method_not_supported_for_channel_type")
	}
	out := workspace.Body{"channel": s.WireChannel(ch)}
	if ch.Has(s.Bot.ID) {
		out["warning"] = "already_in_channel"
		return out, nil
	}
	ch.Members = append(slices.Clone(ch.Members), s.Bot.ID)
	s.AnnounceState()
	return workspace.Body{"channel": s.WireChannel(ch)}, nil
}

// readConversation is conversations.history (newest first) and
// conversations.replies (root first, then oldest first).
func readConversation(c *call, thread bool) (workspace.Body, error) {
	s := c.s
	ch, err := s.readable(c, "history")
	switch {
	case err != nil:
		return nil, err
	case !ch.Has(s.Bot.ID):
		return nil, workspace.Refuse("not_in_channel")
	}
	ts := c.Text("ts")
	if thread && s.Memory.Message(ch.ID, ts) == nil {
		return nil, workspace.Refuse("thread_not_found")
	}
	if !thread {
		ts = ""
	}
	var all []workspace.Body
	for _, m := range s.Memory.Messages[ch.ID] {
		if !workspace.InPane(m, ts) || !within(c, m.TS) && m.TS != ts {
			continue
		}
		all = append(all, s.Wire(m))
	}
	if !thread {
		slices.Reverse(all)
	}
	part, meta, err := page(c, workspace.OrEmpty(all), 100)
	return workspace.Body{"messages": part, "has_more": meta["next_cursor"] != "", "response_metadata": meta}, err
}

// within says whether a ts lies between oldest and latest.
func within(c *call, ts string) bool {
	oldest, latest, inclusive := c.Text("oldest"), c.Text("latest"), c.flag("inclusive")
	if oldest != "" && (ts < oldest || ts == oldest && !inclusive) {
		return false
	}
	return latest == "" || ts < latest || ts == latest && inclusive
}
