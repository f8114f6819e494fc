package workspace

import (
	"maps"
	"slices"

	"countersign/internal/slacksim/blockkit"
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
	s.mentionEvent(to, m)
	// Slack tells of metadata of the kinds that the manifest names (docs.slack.dev/reference/events/message_metadata_posted).
	// Whether it tells an app of its own has not been seen with a workspace.
	if kind := blockkit.Text(m.Metadata, "event_type"); kind != "" && to.Has(s.Bot.ID) && slices.Contains(s.App.Metadata, kind) && s.App.Wants("message_metadata_posted") {
		s.events.Event(Body{"type": "message_metadata_posted", "app_id": m.AppID, "bot_id": m.BotID, "user_id": m.User, "team_id": s.Memory.Team.ID,
			"channel_id": m.Channel, "metadata": m.Metadata, "message_ts": m.TS, "event_ts": m.TS}, to.IsExtShared)
	}
	// Slack tells of each file that is put into a conversation which the app sees (docs.slack.dev/reference/events/file_shared).
	for _, id := range m.Files {
		if to.Has(s.Bot.ID) && s.App.Wants("file_shared") {
			s.events.Event(Body{"type": "file_shared", "channel_id": m.Channel, "file_id": id, "user_id": m.User, "file": Body{"id": id}, "event_ts": m.TS}, to.IsExtShared)
		}
	}
	if kind, ok := s.messageEvent(to); ok {
		body["channel_type"] = kind
		if len(m.Files) > 0 {
			body["subtype"] = "file_share"
		}
		s.events.Event(body, to.IsExtShared)
	}
}

// mentionEvent tells the app that somebody has named it.
func (s *Posts) mentionEvent(to *Channel, m *StoredMessage) {
	if m.User != s.Bot.ID && to.Kind != "im" && to.Has(s.Bot.ID) && slices.Contains(mentioned(m.Text), s.Bot.ID) && s.App.Wants("app_mention") {
		mention := s.Wire(m)
		mention["type"], mention["channel"], mention["event_ts"] = "app_mention", m.Channel, m.TS
		s.events.Event(mention, to.IsExtShared)
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
