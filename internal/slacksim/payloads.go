package slacksim

import (
	"fmt"
	"slices"
	"time"
)

// messageEvents tells the app about a new message, as far as it subscribed.
// Slack sends an app its own messages too.
func (s *Sim) messageEvents(to *Channel, m *message) {
	body := s.wire(m)
	body["channel"], body["event_ts"] = m.Channel, m.TS
	if m.User != s.bot.ID && to.Kind != "im" && to.has(s.bot.ID) && slices.Contains(mentioned(m.Text), s.bot.ID) && s.app.wants("app_mention") {
		mention := reply{}
		for k, v := range body {
			mention[k] = v
		}
		mention["type"] = "app_mention"
		s.event(mention, to.IsExtShared)
	}
	if kind, ok := s.messageEvent(to); ok {
		body["channel_type"] = kind
		if len(m.Files) > 0 {
			body["subtype"] = "file_share"
		}
		s.event(body, to.IsExtShared)
	}
}

// messageEvent is the channel_type of the message events of a channel, if the
// app is in it and asked for them.
func (s *Sim) messageEvent(c *Channel) (kind string, wanted bool) {
	kind = map[string]string{"im": "im", "groups": "group", "channels": "channel"}[family(c)]
	name := map[string]string{"im": "message.im", "groups": "message.groups", "channels": "message.channels"}[family(c)]
	return kind, c.has(s.bot.ID) && s.app.wants(name)
}

// changeEvents tells the app that a message was changed or deleted.
func (s *Sim) changeEvents(m *message, subtype string, more reply) {
	c := s.ws.channel(m.Channel)
	kind, ok := s.messageEvent(c)
	if !ok {
		return
	}
	ts := s.ws.nextTS()
	body := reply{"type": "message", "subtype": subtype, "hidden": true, "channel": m.Channel, "channel_type": kind, "ts": ts, "event_ts": ts}
	for k, v := range more {
		body[k] = v
	}
	s.event(body, c.IsExtShared)
}

// person is who acts, in an interactive payload.
func (s *Sim) person(id string) reply {
	u := s.ws.user(id)
	return reply{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": s.ws.team.ID}
}

// interaction is what all interactive payloads share.
func (s *Sim) interaction(kind, user string) reply {
	return reply{
		"type": kind, "token": "slacksim", "user": s.person(user), "api_app_id": s.app.ID,
		"team": reply{"id": s.ws.team.ID, "domain": s.ws.team.Domain}, "enterprise": nil, "is_enterprise_install": false,
	}
}

// slashPayload is a slash command's payload.
func (s *Sim) slashPayload(user *User, c *Channel, command, rest string) reply {
	return reply{
		"token": "slacksim", "team_id": s.ws.team.ID, "team_domain": s.ws.team.Domain,
		"channel_id": c.ID, "channel_name": slashName(c), "user_id": user.ID, "user_name": user.Name,
		"command": command, "text": rest, "api_app_id": s.app.ID, "is_enterprise_install": "false",
		"response_url": s.newResponseURL(user.ID, c.ID, nil, ""), "trigger_id": s.newTrigger(user.ID),
	}
}

// slashName is how slash commands name the conversation.
func slashName(c *Channel) string {
	switch family(c) {
	case "im":
		return "directmessage"
	case "groups":
		return "privategroup"
	}
	return c.Name
}

// clickPayload is a block_actions payload for a message.
func (s *Sim) clickPayload(user string, m *message, action reply, values map[string]any) reply {
	c := s.ws.channel(m.Channel)
	out := s.interaction("block_actions", user)
	container := reply{"type": "message", "message_ts": m.TS, "channel_id": m.Channel, "is_ephemeral": m.ephemeral}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	out["container"], out["channel"] = container, reply{"id": c.ID, "name": slashName(c)}
	if !m.ephemeral { // Slack does not send an ephemeral message back
		body := s.wire(m)
		if m.said != nil {
			body["blocks"] = s.anew(m.Blocks, m.said)
		}
		out["message"] = body
	}
	out["state"], out["actions"] = reply{"values": values}, []reply{action}
	thread := ""
	if m.isReply() {
		thread = m.ThreadTS
	}
	out["response_url"] = s.newResponseURL(user, m.Channel, m, thread)
	out["trigger_id"] = s.newTrigger(user)
	return out
}

// viewClickPayload is a block_actions payload for a modal or a Home.
func (s *Sim) viewClickPayload(v *view, action reply, values map[string]any) reply {
	out := s.interaction("block_actions", v.User)
	out["container"] = reply{"type": "view", "view_id": v.ID}
	out["view"], out["actions"] = s.viewAnew(v, values), []reply{action}
	out["trigger_id"] = s.newTrigger(v.User)
	return out
}

// viewAnew is a view as a press carries it.
func (s *Sim) viewAnew(v *view, values map[string]any) reply {
	body := s.wireView(v, values)
	body["blocks"] = s.anew(v.blocks(), v.said)
	return body
}

// submitPayload carries all answers of the form, touched or not.
func (s *Sim) submitPayload(v *view, values map[string]any) reply {
	out := s.interaction("view_submission", v.User)
	out["view"], out["response_urls"] = s.viewAnew(v, values), []any{}
	out["trigger_id"] = s.newTrigger(v.User)
	return out
}

// closedPayload says whether one modal was dismissed or all of them at once.
func (s *Sim) closedPayload(v *view, cleared bool) reply {
	out := s.interaction("view_closed", v.User)
	out["view"], out["is_cleared"] = s.wireView(v, nil), cleared
	return out
}

// shortcutPayload is a global shortcut's, or a message shortcut's when m is there.
func (s *Sim) shortcutPayload(user string, cut Shortcut, m *message) reply {
	kind := "shortcut"
	if m != nil {
		kind = "message_action"
	}
	out := s.interaction(kind, user)
	out["callback_id"], out["action_ts"], out["trigger_id"] = cut.CallbackID, actionTS(), s.newTrigger(user)
	if m != nil {
		c := s.ws.channel(m.Channel)
		out["message"], out["message_ts"] = s.wire(m), m.TS
		out["channel"] = reply{"id": c.ID, "name": slashName(c)}
		out["response_url"] = s.newResponseURL(user, c.ID, nil, "")
	}
	return out
}

// homeEvent brings the view that the person sees, if the app has published one.
func (s *Sim) homeEvent(user string) reply {
	out := reply{"type": "app_home_opened", "user": user, "channel": imWith(user), "tab": "home", "event_ts": actionTS()}
	if v := s.ws.homes[user]; v != nil {
		out["view"] = s.wireView(v, nil)
	}
	return out
}

// actionTS is the time of an action, in a ts's form.
func actionTS() string {
	now := time.Now().UnixMicro()
	return fmt.Sprintf("%d.%06d", now/1e6, now%1e6)
}
