package webapi

import (
	"fmt"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/workspace"
)

var appMethods = map[string]method{
	"api.test":               {0, nil, apiTest},
	"auth.test":              {'e', nil, authTest},
	"apps.connections.open":  {'a', nil, openConnection},
	"apps.manifest.validate": {'c', nil, validateManifest},
}

// apiTest is the echo that Slack offers to try a client with.
func apiTest(c *call) (workspace.Body, error) {
	if code := c.Text("error"); code != "" {
		return nil, &workspace.Error{Code: code, Extra: workspace.Body{"args": c.args}}
	}
	return workspace.Body{"args": c.args}, nil
}

// authTest says who a token is. For the app-level token that is the app, not the bot.
func authTest(c *call) (workspace.Body, error) {
	s := c.s
	out := workspace.Body{"url": c.base + "/", "team": s.Memory.Team.Name, "team_id": s.Memory.Team.ID, "is_enterprise_install": s.Opts.OrgWide}
	if s.Opts.Enterprise != "" {
		out["enterprise_id"] = s.Opts.Enterprise
	}
	if s.Opts.OrgWide {
		delete(out, "team_id")
	}
	if c.app {
		out["app_id"], out["app_name"] = s.App.ID, s.App.Name
		return out, nil
	}
	out["user"], out["user_id"], out["bot_id"] = s.Bot.Name, s.Bot.ID, s.BotID
	return out, nil
}

// openConnection hands out a Socket Mode URL that works once, and soon.
func openConnection(c *call) (workspace.Body, error) {
	s := c.s
	ticket := s.sockets.Ticket()
	host := strings.TrimPrefix(c.base, "http://")
	return workspace.Body{"url": fmt.Sprintf("ws://%s/link/?ticket=%s&app_id=%s", host, ticket, s.App.ID)}, nil
}

// commandName is what a slash command may be called.
var commandName = regexp.MustCompile(`^/[a-z0-9_\-]{1,31}$`)

// validateManifest checks what goes wrong most often; Slack checks more.
func validateManifest(c *call) (workspace.Body, error) {
	raw, err := yaml.Marshal(c.args["manifest"])
	if s, ok := c.args["manifest"].(string); ok {
		raw, err = []byte(s), nil
	}
	var m workspace.Manifest
	if err != nil || yaml.Unmarshal(raw, &m) != nil || len(raw) == 0 {
		return nil, &workspace.Error{Code: "invalid_manifest", Extra: workspace.Body{"errors": []workspace.Body{{"message": "Not a manifest", "pointer": "/"}}}}
	}
	var broken []workspace.Body
	note := func(pointer, format string, args ...any) {
		broken = append(broken, workspace.Body{"message": fmt.Sprintf(format, args...), "pointer": pointer})
	}
	if n := blockkit.Chars(m.Display.Name); n == 0 || n > 35 {
		note("/display_information/name", "Must have 1 to 35 characters")
	}
	for i, cmd := range m.Features.Commands {
		if !commandName.MatchString(cmd.Name) {
			note(fmt.Sprintf("/features/slash_commands/%d/command", i), "Must be a slash and up to 31 lower-case characters")
		}
		if cmd.Description == "" || blockkit.Chars(cmd.Description) > 2000 {
			note(fmt.Sprintf("/features/slash_commands/%d/description", i), "Must have 1 to 2000 characters")
		}
	}
	for i, cut := range m.Features.Shortcuts {
		if cut.Type != "global" && cut.Type != "message" {
			note(fmt.Sprintf("/features/shortcuts/%d/type", i), "Must be global or message")
		}
	}
	for i, event := range m.Settings.Events.Bot {
		if scope := workspace.EventScope[event]; scope != "" && !strings.Contains(" "+strings.Join(m.OAuth.Scopes.Bot, " ")+" ", " "+scope+" ") {
			note(fmt.Sprintf("/settings/event_subscriptions/bot_events/%d", i), "%s requires the scope %s", event, scope)
		}
	}
	if len(broken) > 0 {
		return nil, &workspace.Error{Code: "invalid_manifest", Extra: workspace.Body{"errors": broken}}
	}
	return workspace.Body{"errors": []any{}}, nil
}
