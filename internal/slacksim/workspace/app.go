package workspace

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// The app's bot user, and the id that its messages carry beside it.
const (
	BotUser = "U0ANALYZE"
	BotID   = "B0ANALYZE"
)

// app is the one app that is installed, as its manifest describes it.
type app struct {
	ID, Name           string
	BotToken, AppToken string
	BotName            string
	Home               bool
	Assistant          bool // it has threads of the assistant view
	Interactive        bool
	Scopes             []string
	Events             []string
	Metadata           []string // the kinds that it is told of
	Commands           []Command
	Shortcuts          []Shortcut
}

// Command is a slash command.
type Command struct {
	Name        string `json:"command" yaml:"command"`
	Description string `json:"description" yaml:"description"`
	Hint        string `json:"usage_hint" yaml:"usage_hint"`
	Escape      bool   `json:"-" yaml:"should_escape"`
}

// Shortcut is a global or a message shortcut.
type Shortcut struct {
	Name        string `json:"name" yaml:"name"`
	Type        string `json:"type" yaml:"type"`
	CallbackID  string `json:"callback_id" yaml:"callback_id"`
	Description string `json:"description" yaml:"description"`
}

// Manifest holds what the simulator needs of an app manifest.
type Manifest struct {
	Display struct {
		Name string `yaml:"name"`
	} `yaml:"display_information"`
	Features struct {
		Home struct {
			Enabled bool `yaml:"home_tab_enabled"`
		} `yaml:"app_home"`
		Assistant *struct {
			Description string `yaml:"assistant_description"`
		} `yaml:"assistant_view"`
		Bot struct {
			Name string `yaml:"display_name"`
		} `yaml:"bot_user"`
		Shortcuts []Shortcut `yaml:"shortcuts"`
		Commands  []Command  `yaml:"slash_commands"`
	} `yaml:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `yaml:"bot"`
		} `yaml:"scopes"`
	} `yaml:"oauth_config"`
	Settings struct {
		Events struct {
			Bot      []string `yaml:"bot_events"`
			Metadata []struct {
				App  string `yaml:"app_id"`
				Kind string `yaml:"event_type"`
			} `yaml:"metadata_subscriptions"`
		} `yaml:"event_subscriptions"`
		Interactivity struct {
			Enabled bool `yaml:"is_enabled"`
		} `yaml:"interactivity"`
		SocketMode bool `yaml:"socket_mode_enabled"`
	} `yaml:"settings"`
}

// install reads the manifest. JSON is YAML, so one decoder reads both.
func install(o Options) (*app, error) {
	var m Manifest
	if err := yaml.Unmarshal(o.Manifest, &m); err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	if !m.Settings.SocketMode {
		return nil, fmt.Errorf("read manifest: socket_mode_enabled is not set, and this Slack has no other way to reach an app")
	}
	a := &app{
		ID: o.AppID, Name: m.Display.Name, BotToken: o.BotToken, AppToken: o.AppToken,
		BotName: m.Features.Bot.Name, Home: m.Features.Home.Enabled, Interactive: m.Settings.Interactivity.Enabled,
		Scopes: m.OAuth.Scopes.Bot, Events: m.Settings.Events.Bot,
		Commands: m.Features.Commands, Shortcuts: m.Features.Shortcuts,
	}
	for _, of := range m.Settings.Events.Metadata {
		if of.App == "*" || of.App == o.AppID {
			a.Metadata = append(a.Metadata, of.Kind)
		}
	}
	a.Assistant = m.Features.Assistant != nil && !o.NoAssistant
	if err := m.assisting(); err != nil {
		return nil, err
	}
	if o.Scopes != nil {
		a.Scopes = o.Scopes
	}
	return a, nil
}

// assisting holds the assistant view against what goes with it: Slack takes its scope and its
// events only with the feature, and the feature only with a description (docs.slack.dev,
// reference/app-manifest; openclaw/openclaw#67650; read 2026-11-27).
func (m Manifest) assisting() error {
	scoped := slices.Contains(m.OAuth.Scopes.Bot, "assistant:write")
	hears := slices.ContainsFunc(m.Settings.Events.Bot, func(e string) bool { return strings.HasPrefix(e, "assistant_thread_") })
	switch {
	case m.Features.Assistant == nil && (scoped || hears):
		return fmt.Errorf("read manifest: assistant:write and the events of assistant threads need features.assistant_view")
	case m.Features.Assistant != nil && m.Features.Assistant.Description == "":
		return fmt.Errorf("read manifest: features.assistant_view has no assistant_description")
	case m.Features.Assistant != nil && !scoped:
		return fmt.Errorf("read manifest: features.assistant_view needs the scope assistant:write")
	}
	return nil
}

// Command finds a slash command. Without the scope Slack has never heard of it.
func (a *app) Command(name string) (Command, bool) {
	i := slices.IndexFunc(a.Commands, func(c Command) bool { return c.Name == name })
	if i < 0 || !a.May("commands") {
		return Command{}, false
	}
	return a.Commands[i], true
}

// Shortcut finds a shortcut by its callback_id.
func (a *app) Shortcut(callbackID string) (Shortcut, bool) {
	i := slices.IndexFunc(a.Shortcuts, func(c Shortcut) bool { return c.CallbackID == callbackID })
	if i < 0 || !a.May("commands") {
		return Shortcut{}, false
	}
	return a.Shortcuts[i], true
}

// May says whether the app was granted a scope.
func (a *app) May(scope string) bool { return slices.Contains(a.Scopes, scope) }

// EventScope is the scope without which Slack does not send an event.
var EventScope = map[string]string{
	"app_mention":      "app_mentions:read",
	"message.im":       "im:history",
	"message.channels": "channels:history",
	"message.groups":   "groups:history",

	"file_shared": "files:read",

	"message_metadata_posted": "metadata.message:read",
}

// Wants is true for an event that the app subscribed to and may have.
func (a *app) Wants(event string) bool {
	scope := EventScope[event]
	return slices.Contains(a.Events, event) && (scope == "" || a.May(scope))
}
