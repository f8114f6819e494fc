package bot

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"countersign/bot/command"
	"countersign/bot/ids"
	"countersign/bot/strays"
)

// decoded is manifest.yaml, read strictly: a key that slack-go does not know is an error.
func decoded(t *testing.T) slack.Manifest {
	t.Helper()
	var tree map[string]any
	require.NoError(t, yaml.Unmarshal(manifest(t), &tree))
	text, err := json.Marshal(tree)
	require.NoError(t, err)
	var m slack.Manifest
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&m))
	return m
}

// eventScopes are the events that this app may ask for, with the scope without
// which Slack never sends them.
var eventScopes = map[string]string{"app_home_opened": "", "app_mention": "app_mentions:read", "message.im": "im:history",
	"message_metadata_posted": strays.Scope, "file_shared": "files:read", "assistant_thread_started": "", "assistant_thread_context_changed": ""}

func TestTheManifestAsksForWhatTheProgramUsesAndNothingElse(t *testing.T) {
	t.Parallel()
	m := decoded(t)
	scopes := slices.Clone(m.OAuthConfig.Scopes.Bot)
	slices.Sort(scopes)
	named := slices.Concat(slices.Collect(maps.Keys(Scopes())), slices.Collect(maps.Keys(Extras())))
	slices.Sort(named)
	require.Equal(t, named, scopes)
	require.Empty(t, m.OAuthConfig.Scopes.User)
	events := slices.Clone(m.Settings.EventSubscriptions.BotEvents)
	slices.Sort(events)
	require.Equal(t, slices.Sorted(maps.Keys(eventScopes)), events)
	for event, scope := range eventScopes {
		if scope != "" {
			require.Contains(t, scopes, scope, "Slack does not send %s without it", event)
		}
	}
}

func TestTheManifestNamesEveryCommandAndShortcut(t *testing.T) {
	t.Parallel()
	m := decoded(t)
	var named []string
	for _, c := range m.Features.SlashCommands {
		named = append(named, c.Command)
		require.True(t, c.ShouldEscape, "%s: mentions have to arrive as ids", c.Command)
	}
	slices.Sort(named)
	require.Equal(t, slices.Sorted(maps.Keys(New(Options{}).board.commands)), named)
	named = nil
	for _, s := range m.Features.Shortcuts {
		named = append(named, s.CallbackID)
		require.Equal(t, map[string]slack.ShortcutType{ids.CallbackAsk: slack.GlobalShortcut, ids.CallbackAskMessage: slack.MessageShortcut}[s.CallbackID], s.Type)
	}
	slices.Sort(named)
	require.Equal(t, slices.Sorted(maps.Keys(New(Options{}).board.shortcuts)), named)
}

func TestTheManifestKeepsSlacksLimits(t *testing.T) {
	t.Parallel()
	m := decoded(t)
	within := func(text string, most int) {
		t.Helper()
		require.NotEmpty(t, text)
		require.LessOrEqual(t, utf8.RuneCountInString(text), most, text)
	}
	within(m.Display.Name, 35)
	within(m.Display.Description, 140)
	require.Regexp(t, `^#([0-9a-f]{3}){1,2}$`, m.Display.BackgroundColor)
	require.Regexp(t, `^[a-z0-9._-]{1,80}$`, m.Features.BotUser.DisplayName)
	for _, c := range m.Features.SlashCommands {
		require.Regexp(t, `^/[a-z]{1,31}$`, c.Command)
		within(c.Description, 2000)
		within(c.UsageHint, 1000)
		require.Empty(t, c.Url, "with Socket Mode there is no address")
	}
	for _, s := range m.Features.Shortcuts {
		within(s.Name, 24)
		within(s.Description, 150)
		within(s.CallbackID, 255)
	}
	require.True(t, m.Settings.SocketModeEnabled)
	require.True(t, m.Settings.Interactivity.IsEnabled)
	require.Empty(t, m.Settings.Interactivity.RequestUrl)
	require.Empty(t, m.Settings.EventSubscriptions.RequestUrl)
	require.True(t, m.Features.AppHome.HomeTabEnabled)
	require.True(t, m.Features.AppHome.MessagesTabEnabled)
	require.False(t, m.Features.AppHome.MessagesTabReadOnlyEnabled, "people write to the app")
}

func TestEveryUsageHintIsUnderstood(t *testing.T) {
	t.Parallel()
	for _, c := range decoded(t).Features.SlashCommands {
		for form := range strings.SplitSeq(c.UsageHint, " | ") {
			if c.Command != ids.CommandBudget {
				continue
			}
			form = regexp.MustCompile(`@user`).ReplaceAllString(form, "<@U1|user>")
			_, err := command.ParseBudget(strings.ReplaceAll(form, "ID", "bcd23fg"))
			require.NoError(t, err, form)
		}
	}
}
