package slacksim

import (
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Methods that apps written with Slack's own clients call, though ours does not.
// Arguments, answers and error codes are those of their pages
// (docs.slack.dev/reference/methods/..., read in stored copies of 2026-11-26, and the
// response types of @slack/web-api 8.2.0).
var moreMethods = map[string]method{
	"users.lookupByEmail":  {'b', []string{"users:read.email"}, lookupByEmail},
	"users.profile.get":    {'b', []string{"users.profile:read"}, getProfile},
	"chat.scheduleMessage": {'b', []string{"chat:write"}, scheduleMessage},
	"reactions.add":        {'b', []string{"reactions:write"}, addReaction},
	"pins.add":             {'b', []string{"pins:write"}, addPin},
	"team.info":            {'b', []string{"team:read"}, teamInfo},
	"auth.teams.list":      {'b', nil, listTeams},
}

// email is what somebody's address is here. Bots have none.
func (s *Sim) email(u *User) string {
	if u.IsBot {
		return ""
	}
	return u.Name + "@" + s.ws.team.Domain + ".example"
}

// lookupByEmail finds nobody who has left.
func lookupByEmail(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.ws.users {
		if !u.Deleted && c.has("email") && s.email(u) == c.text("email") {
			out := s.wireUser(u)
			out["profile"].(reply)["email"] = s.email(u)
			return reply{"user": out}, nil
		}
	}
	return nil, refuse("users_not_found")
}

// getProfile is the caller's own where nobody is named.
func getProfile(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	id := c.text("user")
	if id == "" {
		id = s.bot.ID
	}
	u := s.ws.user(id)
	if u == nil {
		return nil, refuse("user_not_found")
	}
	profile := s.wireUser(u)["profile"].(reply)
	if s.app.may("users:read.email") && !u.IsBot {
		profile["email"] = s.email(u)
	}
	return reply{"profile": profile}, nil
}

// farthest is how far ahead a message may be scheduled.
const farthest = 120 * 24 * time.Hour

// scheduleMessage checks a message now, and posts it when its time has come.
func scheduleMessage(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.content(c, true)
	if err != nil {
		return nil, err
	}
	to, err := s.target(c.text("channel"))
	if err != nil {
		return nil, err
	}
	seconds, err := strconv.ParseInt(c.text("post_at"), 10, 64)
	at := time.Unix(seconds, 0)
	switch {
	case err != nil:
		return nil, refuse("invalid_time")
	case !at.After(time.Now()):
		return nil, refuse("time_in_past")
	case time.Until(at) > farthest:
		return nil, refuse("time_too_far")
	case m.Text == "" && len(m.Blocks) == 0 && len(m.Attachments) == 0:
		return nil, refuse("no_text")
	case chars(m.Text) > maxText:
		return nil, refuse("msg_too_long")
	}
	if m.ThreadTS, err = s.threadOf(to, c.text("thread_ts")); err != nil {
		return nil, err
	}
	s.errandLocked(func() {
		if s.sleep(time.Until(at)) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.postAsBot(to, m)
		}
	})
	return reply{"channel": to.ID, "scheduled_message_id": s.ws.nextID("Q"), "post_at": seconds,
		"message": reply{"text": m.Text, "username": s.app.BotName, "bot_id": BotID, "type": "delayed_message", "subtype": "bot_message"}}, nil
}

// Reaction is who has reacted to a message with what.
type Reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
	Count int      `json:"count"`
}

// emojiName is what an emoji may be called, with a skin tone.
var emojiName = regexp.MustCompile(`^[a-z0-9_'+-]+(::skin-tone-[2-6])?$`)

func addReaction(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if name := c.text("name"); !emojiName.MatchString(name) {
		return nil, refuse("invalid_name")
	}
	m, err := s.item(c)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(m.Reactions) // answers that are being written hold the old ones
	at := slices.IndexFunc(all, func(r Reaction) bool { return r.Name == c.text("name") })
	if at < 0 {
		at, all = len(all), append(all, Reaction{Name: c.text("name")})
	}
	if slices.Contains(all[at].Users, s.bot.ID) {
		return nil, refuse("already_reacted")
	}
	all[at].Users = append(slices.Clone(all[at].Users), s.bot.ID)
	all[at].Count = len(all[at].Users)
	m.Reactions = all
	s.announce(m, "updated")
	return reply{}, nil
}

func addPin(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.item(c)
	if err != nil {
		return nil, err
	}
	if m.Pinned {
		return nil, refuse("already_pinned")
	}
	m.Pinned = true
	s.announce(m, "updated")
	return reply{}, nil
}

// item is the message that a reaction or a pin is for.
func (s *Sim) item(c *call) (*message, error) {
	if !c.has("channel") || !c.has("timestamp") {
		return nil, refuse("no_item_specified")
	}
	to, err := s.target(c.text("channel"))
	if err != nil {
		return nil, err
	}
	m := s.ws.message(to.ID, c.text("timestamp"))
	if m == nil {
		return nil, refuse("message_not_found")
	}
	return m, nil
}

func teamInfo(c *call) (reply, error) {
	s := c.s
	if id := c.text("team"); id != "" && id != s.ws.team.ID {
		return nil, refuse("team_not_found")
	}
	out := reply{"id": s.ws.team.ID, "name": s.ws.team.Name, "domain": s.ws.team.Domain, "url": c.base + "/",
		"email_domain": s.ws.team.Domain + ".example", "icon": reply{"image_default": true}}
	if s.opts.Enterprise != "" {
		out["enterprise_id"] = s.opts.Enterprise
	}
	return reply{"team": out}, nil
}

// listTeams are the workspaces that a token reaches: one.
func listTeams(c *call) (reply, error) {
	return reply{"teams": []reply{{"id": c.s.ws.team.ID, "name": c.s.ws.team.Name}}, "response_metadata": reply{"next_cursor": ""}}, nil
}
