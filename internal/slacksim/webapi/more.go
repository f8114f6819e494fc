package webapi

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/workspace"
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
	"reactions.remove":     {'b', []string{"reactions:write"}, removeReaction},
	"pins.add":             {'b', []string{"pins:write"}, addPin},
	"team.info":            {'b', []string{"team:read"}, teamInfo},
	"auth.teams.list":      {'b', nil, listTeams},
}

// email is what somebody's address is here. Bots have none.
func (s *API) email(u *workspace.User) string {
	if u.IsBot {
		return ""
	}
	return u.Name + "@" + s.Memory.Team.Domain + ".example"
}

// lookupByEmail finds nobody who has left.
func lookupByEmail(c *call) (workspace.Body, error) {
	s := c.s
	for _, u := range s.Memory.Users {
		if !u.Deleted && c.Has("email") && s.email(u) == c.Text("email") {
			out := s.wireUser(u)
			out["profile"].(workspace.Body)["email"] = s.email(u)
			return workspace.Body{"user": out}, nil
		}
	}
	return nil, workspace.Refuse("users_not_found")
}

// getProfile is the caller's own where nobody is named.
func getProfile(c *call) (workspace.Body, error) {
	s := c.s
	id := c.Text("user")
	if id == "" {
		id = s.Bot.ID
	}
	u := s.Memory.User(id)
	if u == nil {
		return nil, workspace.Refuse("user_not_found")
	}
	profile := s.wireUser(u)["profile"].(workspace.Body)
	if s.App.May("users:read.email") && !u.IsBot {
		profile["email"] = s.email(u)
	}
	return workspace.Body{"profile": profile}, nil
}

// farthest is how far ahead a message may be scheduled.
const farthest = 120 * 24 * time.Hour

// scheduleMessage checks a message now, and posts it when its time has come.
func scheduleMessage(c *call) (workspace.Body, error) {
	s := c.s
	m, err := s.Content(c, true)
	if err != nil {
		return nil, err
	}
	to, err := s.Target(c.Text("channel"))
	if err != nil {
		return nil, err
	}
	seconds, err := strconv.ParseInt(c.Text("post_at"), 10, 64)
	at := time.Unix(seconds, 0)
	switch {
	case err != nil:
		return nil, workspace.Refuse("invalid_time")
	case !at.After(time.Now()):
		return nil, workspace.Refuse("time_in_past")
	case time.Until(at) > farthest:
		return nil, workspace.Refuse("time_too_far")
	case m.Empty():
		return nil, workspace.Refuse("no_text")
	case blockkit.Chars(m.Text) > maxText:
		return nil, workspace.Refuse("msg_too_long")
	}
	if m.ThreadTS, err = s.ThreadOf(to, c.Text("thread_ts")); err != nil {
		return nil, err
	}
	s.ErrandLocked(func() {
		if s.Sleep(time.Until(at)) {
			s.Lock()
			defer s.Unlock()
			s.PostAsBot(to, m)
		}
	})
	return workspace.Body{"channel": to.ID, "scheduled_message_id": s.Memory.NextID("Q"), "post_at": seconds,
		"message": workspace.Body{"text": m.Text, "username": s.App.BotName, "bot_id": s.BotID, "type": "delayed_message", "subtype": "bot_message"}}, nil
}

// emojiName is what an emoji may be called, with a skin tone.
var emojiName = regexp.MustCompile(`^[a-z0-9_'+-]+(::skin-tone-[2-6])?$`)

func addReaction(c *call) (workspace.Body, error) {
	s := c.s
	if name := c.Text("name"); !emojiName.MatchString(name) {
		return nil, workspace.Refuse("invalid_name")
	}
	m, err := s.item(c)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(m.Reactions) // answers that are being written hold the old ones
	at := slices.IndexFunc(all, func(r workspace.Reaction) bool { return r.Name == c.Text("name") })
	if at < 0 {
		at, all = len(all), append(all, workspace.Reaction{Name: c.Text("name")})
	}
	if slices.Contains(all[at].Users, s.Bot.ID) {
		return nil, workspace.Refuse("already_reacted")
	}
	all[at].Users = append(slices.Clone(all[at].Users), s.Bot.ID)
	all[at].Count = len(all[at].Users)
	m.Reactions = all
	s.Announce(m, "updated")
	return workspace.Body{}, nil
}

// removeReaction takes back what the app itself has put there.
func removeReaction(c *call) (workspace.Body, error) {
	s := c.s
	if name := c.Text("name"); !emojiName.MatchString(name) {
		return nil, workspace.Refuse("invalid_name")
	}
	m, err := s.item(c)
	if err != nil {
		return nil, err
	}
	var kept []workspace.Reaction
	found := false
	for _, r := range m.Reactions {
		if r.Name == c.Text("name") && slices.Contains(r.Users, s.Bot.ID) {
			found = true
			r.Users = slices.DeleteFunc(slices.Clone(r.Users), func(user string) bool { return user == s.Bot.ID })
			r.Count = len(r.Users)
		}
		if r.Count > 0 {
			kept = append(kept, r)
		}
	}
	if !found {
		return nil, workspace.Refuse("no_reaction")
	}
	m.Reactions = kept
	s.Announce(m, "updated")
	return workspace.Body{}, nil
}

func addPin(c *call) (workspace.Body, error) {
	s := c.s
	m, err := s.item(c)
	if err != nil {
		return nil, err
	}
	if m.Pinned {
		return nil, workspace.Refuse("already_pinned")
	}
	m.Pinned = true
	s.Announce(m, "updated")
	return workspace.Body{}, nil
}

// item is the message that a reaction or a pin is for.
func (s *API) item(c *call) (*workspace.StoredMessage, error) {
	if !c.Has("channel") || !c.Has("timestamp") {
		return nil, workspace.Refuse("no_item_specified")
	}
	to, err := s.Target(c.Text("channel"))
	if err != nil {
		return nil, err
	}
	m := s.Memory.Message(to.ID, c.Text("timestamp"))
	if m == nil {
		return nil, workspace.Refuse("message_not_found")
	}
	if root := s.Memory.Message(to.ID, m.ThreadTS); m.Locked || root != nil && root.Locked {
		return nil, workspace.Refuse("thread_locked")
	}
	return m, nil
}

func teamInfo(c *call) (workspace.Body, error) {
	s := c.s
	if id := c.Text("team"); id != "" && id != s.Memory.Team.ID {
		return nil, workspace.Refuse("team_not_found")
	}
	out := workspace.Body{"id": s.Memory.Team.ID, "name": s.Memory.Team.Name, "domain": s.Memory.Team.Domain, "url": c.base + "/",
		"email_domain": s.Memory.Team.Domain + ".example", "icon": workspace.Body{"image_default": true}}
	if s.Opts.Enterprise != "" {
		out["enterprise_id"] = s.Opts.Enterprise
	}
	return workspace.Body{"team": out}, nil
}

// listTeams are the workspaces that a token reaches: one.
func listTeams(c *call) (workspace.Body, error) {
	return workspace.Body{"teams": []workspace.Body{{"id": c.s.Memory.Team.ID, "name": c.s.Memory.Team.Name}}, "response_metadata": workspace.Body{"next_cursor": ""}}, nil
}
