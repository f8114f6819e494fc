package webapi

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"countersign/internal/slacksim/workspace"
)

var peopleMethods = map[string]method{
	"users.info":            {'b', []string{"users:read"}, userInfo},
	"users.list":            {'b', []string{"users:read"}, listUsers},
	"usergroups.list":       {'b', []string{"usergroups:read"}, listGroups},
	"usergroups.users.list": {'b', []string{"usergroups:read"}, groupUsers},
	"bots.info":             {'b', []string{"users:read"}, botInfo},
}

// wireUser leaves out what needs a scope of its own, such as the e-mail address.
func (s *API) wireUser(u *workspace.User) workspace.Body {
	zone, offset := time.UTC, 0
	if loaded, err := time.LoadLocation(u.TZ); err == nil {
		zone = loaded
	}
	label, offset := time.Now().In(zone).Zone()
	return workspace.Body{
		"id": u.ID, "team_id": cmp.Or(u.Team, s.Memory.Team.ID), "name": u.Name, "real_name": u.RealName, "deleted": u.Deleted,
		"color": u.Color, "tz": u.TZ, "tz_label": label, "tz_offset": offset, "is_bot": u.IsBot, "is_admin": u.IsAdmin,
		"is_owner": false, "is_primary_owner": false, "is_restricted": u.IsRestricted, "is_ultra_restricted": u.IsUltraRestricted,
		"is_stranger": u.IsStranger, "is_app_user": false, "is_email_confirmed": !u.IsBot, "updated": 1700000000,
		"profile": workspace.Body{
			"real_name": u.RealName, "real_name_normalized": u.RealName, "display_name": u.Name,
			"display_name_normalized": u.Name, "title": u.Title, "team": cmp.Or(u.Team, s.Memory.Team.ID), "status_text": "", "status_emoji": "",
		},
	}
}

func userInfo(c *call) (workspace.Body, error) {
	u := c.s.Memory.User(c.Text("user"))
	if u == nil {
		return nil, workspace.Refuse("user_not_found")
	}
	return workspace.Body{"user": c.s.wireUser(u)}, nil
}

func listUsers(c *call) (workspace.Body, error) {
	all := []workspace.Body{}
	for _, u := range c.s.Memory.Users {
		if u.Team == "" { // the list is of the workspace's own
			all = append(all, c.s.wireUser(u))
		}
	}
	part, meta, err := page(c, all, 200)
	return workspace.Body{"members": part, "cache_ts": time.Now().Unix(), "response_metadata": meta}, err
}

// groupID is a user group's id: S and its handle in capitals.
func groupID(handle string) string {
	return "S0" + strings.ToUpper(strings.ReplaceAll(handle, "-", ""))
}

func listGroups(c *call) (workspace.Body, error) {
	s := c.s
	out := []workspace.Body{}
	for _, handle := range slices.Sorted(maps.Keys(s.Memory.Groups)) {
		g := workspace.Body{
			"id": groupID(handle), "team_id": s.Memory.Team.ID, "is_usergroup": true, "name": handle, "handle": handle,
			"description": "", "is_external": false, "date_delete": 0, "user_count": len(s.Memory.Groups[handle]),
		}
		if c.flag("include_users") {
			g["users"] = s.Memory.Groups[handle]
		}
		out = append(out, g)
	}
	return workspace.Body{"usergroups": out}, nil
}

// groupUsers lists who is in a user group now: an app that decides by it must ask
// each time.
func groupUsers(c *call) (workspace.Body, error) {
	for handle, users := range c.s.Memory.Groups {
		if groupID(handle) == c.Text("usergroup") {
			return workspace.Body{"users": workspace.OrEmpty(users)}, nil
		}
	}
	return nil, workspace.Refuse("no_such_subteam")
}

func botInfo(c *call) (workspace.Body, error) {
	s := c.s
	if id := c.Text("bot"); id != s.BotID {
		return nil, workspace.Refuse("bot_not_found")
	}
	return workspace.Body{"bot": workspace.Body{"id": s.BotID, "deleted": false, "name": s.App.Name, "app_id": s.App.ID, "user_id": s.Bot.ID, "icons": workspace.Body{}}}, nil
}
