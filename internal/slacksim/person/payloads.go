package person

import (
	"cmp"
	"fmt"
	"time"

	"countersign/internal/slacksim/workspace"
)

// payloads are what the app gets when somebody does something.
type payloads struct {
	*workspace.Workspace
	*workspace.Posts
	*workspace.Views
}

// person is who acts, in an interactive payload.
func (s *payloads) person(id string) workspace.Body {
	u := s.Memory.User(id)
	return workspace.Body{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": cmp.Or(u.Team, s.Memory.Team.ID)}
}

// interaction is what all interactive payloads share.
func (s *payloads) interaction(kind, user string) workspace.Body {
	return workspace.Body{
		"type": kind, "token": "slacksim", "user": s.person(user), "api_app_id": s.App.ID,
		"team": workspace.Body{"id": s.Memory.Team.ID, "domain": s.Memory.Team.Domain}, "enterprise": nil, "is_enterprise_install": false,
	}
}

// slashPayload is a slash command's payload.
func (s *payloads) slashPayload(user *workspace.User, c *workspace.Channel, command, rest string) workspace.Body {
	return workspace.Body{
		"token": "slacksim", "team_id": s.Memory.Team.ID, "team_domain": s.Memory.Team.Domain,
		"channel_id": c.ID, "channel_name": slashName(c), "user_id": user.ID, "user_name": user.Name,
		"command": command, "text": rest, "api_app_id": s.App.ID, "is_enterprise_install": "false",
		"response_url": s.NewResponseURL(user.ID, c.ID, nil, ""), "trigger_id": s.NewTrigger(user.ID),
	}
}

// clickPayload is a block_actions payload for a message.
func (s *payloads) clickPayload(user string, m *workspace.StoredMessage, action workspace.Body, values map[string]any) workspace.Body {
	c := s.Memory.Channel(m.Channel)
	out := s.interaction("block_actions", user)
	container := workspace.Body{"type": "message", "message_ts": m.TS, "channel_id": m.Channel, "is_ephemeral": m.Ephemeral}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	out["container"], out["channel"] = container, workspace.Body{"id": c.ID, "name": slashName(c)}
	if !m.Ephemeral { // Slack does not send an ephemeral message back
		body := s.Wire(m)
		if m.Said != nil {
			body["blocks"] = s.Rewriting.Anew(m.Blocks, m.Said)
		}
		out["message"] = body
	}
	out["state"], out["actions"] = workspace.Body{"values": values}, []workspace.Body{action}
	thread := ""
	if m.IsReply() {
		thread = m.ThreadTS
	}
	out["response_url"] = s.NewResponseURL(user, m.Channel, m, thread)
	out["trigger_id"] = s.NewTrigger(user)
	return out
}

// viewClickPayload is a block_actions payload for a modal or a Home.
func (s *payloads) viewClickPayload(v *workspace.StoredView, action workspace.Body, values map[string]any) workspace.Body {
	out := s.interaction("block_actions", v.User)
	out["container"] = workspace.Body{"type": "view", "view_id": v.ID}
	out["view"], out["actions"] = s.viewAnew(v, values), []workspace.Body{action}
	out["trigger_id"] = s.NewTrigger(v.User)
	return out
}

// viewAnew is a view as a press carries it.
func (s *payloads) viewAnew(v *workspace.StoredView, values map[string]any) workspace.Body {
	body := s.WireView(v, values)
	body["blocks"] = s.Rewriting.Anew(v.Blocks(), v.Said)
	return body
}

// submitPayload carries all answers of the form, touched or not.
func (s *payloads) submitPayload(v *workspace.StoredView, values map[string]any) workspace.Body {
	out := s.interaction("view_submission", v.User)
	out["view"], out["response_urls"] = s.viewAnew(v, values), []any{}
	out["trigger_id"] = s.NewTrigger(v.User)
	return out
}

// closedPayload says whether one modal was dismissed or all of them at once.
func (s *payloads) closedPayload(v *workspace.StoredView, cleared bool) workspace.Body {
	out := s.interaction("view_closed", v.User)
	out["view"], out["is_cleared"] = s.WireView(v, nil), cleared
	return out
}

// shortcutPayload is a global shortcut's, or a message shortcut's when m is there.
func (s *payloads) shortcutPayload(user string, cut workspace.Shortcut, m *workspace.StoredMessage) workspace.Body {
	kind := "shortcut"
	if m != nil {
		kind = "message_action"
	}
	out := s.interaction(kind, user)
	out["callback_id"], out["action_ts"], out["trigger_id"] = cut.CallbackID, actionTS(), s.NewTrigger(user)
	if m != nil {
		c := s.Memory.Channel(m.Channel)
		out["message"], out["message_ts"] = s.Wire(m), m.TS
		out["channel"] = workspace.Body{"id": c.ID, "name": slashName(c)}
		out["response_url"] = s.NewResponseURL(user, c.ID, nil, "")
	}
	return out
}

// homeEvent brings the view that the person sees, if the app has published one.
func (s *payloads) homeEvent(user string) workspace.Body {
	out := workspace.Body{"type": "app_home_opened", "user": user, "channel": s.Memory.DM(user), "tab": "home", "event_ts": actionTS()}
	if v := s.Memory.Homes[user]; v != nil {
		out["view"] = s.WireView(v, nil)
	}
	return out
}

// slashName is how slash commands name the conversation.
func slashName(c *workspace.Channel) string {
	switch workspace.Family(c) {
	case "im":
		return "directmessage"
	case "groups":
		return "privategroup"
	}
	return c.Name
}

// actionTS is the time of an action, in a ts's form.
func actionTS() string {
	now := time.Now().UnixMicro()
	return fmt.Sprintf("%d.%06d", now/1e6, now%1e6)
}
