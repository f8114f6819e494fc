package slacksim

import (
	"maps"
	"slices"
	"strings"
	"time"
)

var peopleMethods = map[string]method{
	"users.info":                  {'b', []string{"users:read"}, userInfo},
	"users.list":                  {'b', []string{"users:read"}, listUsers},
	"usergroups.list":             {'b', []string{"usergroups:read"}, listGroups},
	"usergroups.users.list":       {'b', []string{"usergroups:read"}, groupUsers},
	"bots.info":                   {'b', []string{"users:read"}, botInfo},
	"assistant.threads.setStatus": {'b', []string{"chat:write", "assistant:write"}, setStatus},
}

// wireUser leaves out what needs a scope of its own, such as the e-mail address.
func (s *Sim) wireUser(u *User) reply {
	zone, offset := time.UTC, 0
	if loaded, err := time.LoadLocation(u.TZ); err == nil {
		zone = loaded
	}
	label, offset := time.Now().In(zone).Zone()
	return reply{
		"id": u.ID, "team_id": s.ws.team.ID, "name": u.Name, "real_name": u.RealName, "deleted": u.Deleted,
		"color": u.Color, "tz": u.TZ, "tz_label": label, "tz_offset": offset, "is_bot": u.IsBot, "is_admin": u.IsAdmin,
		"is_owner": false, "is_primary_owner": false, "is_restricted": u.IsRestricted, "is_ultra_restricted": false,
		"is_stranger": u.IsStranger, "is_app_user": false, "is_email_confirmed": !u.IsBot, "updated": 1700000000,
		"profile": reply{
			"real_name": u.RealName, "real_name_normalized": u.RealName, "display_name": u.Name,
			"display_name_normalized": u.Name, "title": u.Title, "team": s.ws.team.ID, "status_text": "", "status_emoji": "",
		},
	}
}

func userInfo(c *call) (reply, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	u := c.s.ws.user(c.text("user"))
	if u == nil {
		return nil, refuse("user_not_found")
	}
	return reply{"user": c.s.wireUser(u)}, nil
}

func listUsers(c *call) (reply, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	all := []reply{}
	for _, u := range c.s.ws.users {
		all = append(all, c.s.wireUser(u))
	}
	part, meta, err := page(c, all, 200)
	return reply{"members": part, "cache_ts": time.Now().Unix(), "response_metadata": meta}, err
}

// groupID is a user group's id: S and its handle in capitals.
func groupID(handle string) string {
	return "S0" + strings.ToUpper(strings.ReplaceAll(handle, "-", ""))
}

func listGroups(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []reply{}
	for _, handle := range slices.Sorted(maps.Keys(s.ws.groups)) {
		g := reply{
			"id": groupID(handle), "team_id": s.ws.team.ID, "is_usergroup": true, "name": handle, "handle": handle,
			"description": "", "is_external": false, "date_delete": 0, "user_count": len(s.ws.groups[handle]),
		}
		if c.flag("include_users") {
			g["users"] = s.ws.groups[handle]
		}
		out = append(out, g)
	}
	return reply{"usergroups": out}, nil
}

// groupUsers lists who is in a user group now: an app that decides by it must ask
// each time.
func groupUsers(c *call) (reply, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	for handle, users := range c.s.ws.groups {
		if groupID(handle) == c.text("usergroup") {
			return reply{"users": orEmpty(users)}, nil
		}
	}
	return nil, refuse("no_such_subteam")
}

func botInfo(c *call) (reply, error) {
	s := c.s
	if id := c.text("bot"); id != BotID {
		return nil, refuse("bot_not_found")
	}
	return reply{"bot": reply{"id": BotID, "deleted": false, "name": s.app.Name, "app_id": s.app.ID, "user_id": s.bot.ID, "icons": reply{}}}, nil
}

// setStatus shows "is thinking..." under a thread until the app posts there.
func setStatus(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	to, err := s.target(c.text("channel_id"))
	if err != nil {
		return nil, err
	}
	ts := c.text("thread_ts")
	if s.ws.message(to.ID, ts) == nil {
		return nil, refuse("invalid_thread_ts")
	}
	s.setStatusLocked(to.ID, ts, c.text("status"))
	return reply{}, nil
}

// setStatusLocked shows a status line, or clears it. Slack clears one by itself
// after two minutes.
func (s *Sim) setStatusLocked(channel, thread, status string) {
	key := channel + " " + thread
	old, shown := s.status[key]
	if shown {
		old.Stop()
		delete(s.status, key)
	} else if status == "" {
		return
	}
	if status != "" {
		s.status[key] = time.AfterFunc(s.opts.Timing.Status, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.setStatusLocked(channel, thread, "")
		})
	}
	s.tellChannel(channel, "status", reply{"channel": channel, "thread_ts": thread, "status": status})
}
