package slacksim

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

var appMethods = map[string]method{
	"api.test":               {0, nil, apiTest},
	"auth.test":              {'e', nil, authTest},
	"apps.connections.open":  {'a', nil, openConnection},
	"apps.manifest.validate": {'c', nil, validateManifest},
}

// apiTest is the echo that Slack offers to try a client with.
func apiTest(c *call) (reply, error) {
	if code := c.text("error"); code != "" {
		return nil, &apiError{Code: code, Extra: reply{"args": c.args}}
	}
	return reply{"args": c.args}, nil
}

// authTest says who a token is. For the app-level token that is the app, not the bot.
func authTest(c *call) (reply, error) {
	s := c.s
	out := reply{"url": c.base + "/", "team": s.ws.team.Name, "team_id": s.ws.team.ID, "is_enterprise_install": s.opts.OrgWide}
	if s.opts.Enterprise != "" {
		out["enterprise_id"] = s.opts.Enterprise
	}
	if s.opts.OrgWide {
		delete(out, "team_id")
	}
	if c.app {
		out["app_id"], out["app_name"] = s.app.ID, s.app.Name
		return out, nil
	}
	out["user"], out["user_id"], out["bot_id"] = s.bot.Name, s.bot.ID, BotID
	return out, nil
}

// openConnection hands out a Socket Mode URL that works once, and soon.
func openConnection(c *call) (reply, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for t, expires := range s.tickets {
		if now.After(expires) {
			delete(s.tickets, t)
		}
	}
	ticket := shortID(s.ws.nextTS(), 1) + shortID(s.ws.nextTS(), 2) + s.ws.nextID("")
	s.tickets[ticket] = now.Add(s.opts.Timing.Ticket)
	host := strings.TrimPrefix(c.base, "http://")
	return reply{"url": fmt.Sprintf("ws://%s/link/?ticket=%s&app_id=%s", host, ticket, s.app.ID)}, nil
}

// commandName is what a slash command may be called.
var commandName = regexp.MustCompile(`^/[a-z0-9_\-]{1,31}$`)

// validateManifest checks what goes wrong most often; Slack checks more.
func validateManifest(c *call) (reply, error) {
	raw, err := yaml.Marshal(c.args["manifest"])
	if s, ok := c.args["manifest"].(string); ok {
		raw, err = []byte(s), nil
	}
	var m manifest
	if err != nil || yaml.Unmarshal(raw, &m) != nil || len(raw) == 0 {
		return nil, &apiError{Code: "invalid_manifest", Extra: reply{"errors": []reply{{"message": "Not a manifest", "pointer": "/"}}}}
	}
	var broken []reply
	note := func(pointer, format string, args ...any) {
		broken = append(broken, reply{"message": fmt.Sprintf(format, args...), "pointer": pointer})
	}
	if n := chars(m.Display.Name); n == 0 || n > 35 {
		note("/display_information/name", "Must have 1 to 35 characters")
	}
	for i, cmd := range m.Features.Commands {
		if !commandName.MatchString(cmd.Name) {
			note(fmt.Sprintf("/features/slash_commands/%d/command", i), "Must be a slash and up to 31 lower-case characters")
		}
		if cmd.Description == "" || chars(cmd.Description) > 2000 {
			note(fmt.Sprintf("/features/slash_commands/%d/description", i), "Must have 1 to 2000 characters")
		}
	}
	for i, cut := range m.Features.Shortcuts {
		if cut.Type != "global" && cut.Type != "message" {
			note(fmt.Sprintf("/features/shortcuts/%d/type", i), "Must be global or message")
		}
	}
	for i, event := range m.Settings.Events.Bot {
		if scope := eventScope[event]; scope != "" && !strings.Contains(" "+strings.Join(m.OAuth.Scopes.Bot, " ")+" ", " "+scope+" ") {
			note(fmt.Sprintf("/settings/event_subscriptions/bot_events/%d", i), "%s requires the scope %s", event, scope)
		}
	}
	if len(broken) > 0 {
		return nil, &apiError{Code: "invalid_manifest", Extra: reply{"errors": broken}}
	}
	return reply{"errors": []any{}}, nil
}
