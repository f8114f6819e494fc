package workspace

import (
	"maps"
	"slices"
)

// Family is the scope's first half for a conversation: channels, groups or im.
func Family(c *Channel) string {
	switch {
	case c.Kind == "im":
		return "im"
	case c.IsPrivate:
		return "groups"
	}
	return "channels"
}

// messageEvents tells the app about a new message, as far as it subscribed.
// Slack sends an app its own messages too.
func (s *Posts) messageEvents(to *Channel, m *StoredMessage) {
	body := s.Wire(m)
	body["channel"], body["event_ts"] = m.Channel, m.TS
	if m.User != s.Bot.ID && to.Kind != "im" && to.Has(s.Bot.ID) && slices.Contains(mentioned(m.Text), s.Bot.ID) && s.App.Wants("app_mention") {
		mention := maps.Clone(body)
		mention["type"] = "app_mention"
		s.events.Event(mention, to.IsExtShared)
	}
	if kind, ok := s.messageEvent(to); ok {
		body["channel_type"] = kind
		if len(m.Files) > 0 {
			body["subtype"] = "file_share"
		}
		s.events.Event(body, to.IsExtShared)
	}
}

// messageEvent is the channel_type of the message events of a channel, if the
// app is in it and asked for them.
func (s *Posts) messageEvent(c *Channel) (kind string, wanted bool) {
	kind = map[string]string{"im": "im", "groups": "group", "channels": "channel"}[Family(c)]
	name := map[string]string{"im": "message.im", "groups": "message.groups", "channels": "message.channels"}[Family(c)]
	return kind, c.Has(s.Bot.ID) && s.App.Wants(name)
}

// changeEvents tells the app that a message was changed or deleted.
func (s *Posts) changeEvents(m *StoredMessage, subtype string, more Body) {
	c := s.Memory.Channel(m.Channel)
	kind, ok := s.messageEvent(c)
	if !ok {
		return
	}
	ts := s.Memory.NextTS()
	body := Body{"type": "message", "subtype": subtype, "hidden": true, "channel": m.Channel, "channel_type": kind, "ts": ts, "event_ts": ts}
	maps.Copy(body, more)
	s.events.Event(body, c.IsExtShared)
}
