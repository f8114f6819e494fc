package person

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/rewrite"
	"countersign/internal/slacksim/workspace"
)

// office is a workspace with a few people, to whom no app is connected.
func office(t testing.TB) *Acts {
	t.Helper()
	ws, err := workspace.Open(workspace.Options{
		Manifest: []byte("features: { bot_user: { display_name: analyze } }\nsettings: { socket_mode_enabled: true }"),
		Users:    []workspace.User{{ID: "U0MAYA", Name: "maya"}, {ID: "U0BEN", Name: "ben"}},
		Channels: []workspace.Channel{{ID: "C0GENERAL", Name: "general"}, {ID: "C0SALES", Name: "sales-data"}},
	})
	require.NoError(t, err)
	return NewActs(ws, workspace.NewPosts(ws, nil), workspace.NewViews(ws), nil)
}

func TestTypedTextBecomesSlackText(t *testing.T) {
	t.Parallel()
	s := office(t)
	for typed, want := range map[string][3]string{ // in a message, in a command with ids, in a command without
		"plain":                    {"plain", "plain", "plain"},
		"a < b & c > d":            {"a &lt; b &amp; c &gt; d", "a &lt; b &amp; c &gt; d", "a &lt; b &amp; c &gt; d"},
		"@maya, hi":                {"<@U0MAYA>, hi", "<@U0MAYA|maya>, hi", "@maya, hi"},
		"mail@maya":                {"mail@maya", "mail@maya", "mail@maya"},
		"@nobody":                  {"@nobody", "@nobody", "@nobody"},
		"(#sales-data)":            {"(<#C0SALES|sales-data>)", "(<#C0SALES|sales-data>)", "(#sales-data)"},
		"<@U0BEN>":                 {"<@U0BEN>", "<@U0BEN|ben>", "@ben"},
		"<@U0NONE>":                {"<@U0NONE>", "<@U0NONE>", "<@U0NONE>"},
		"<!here> <https://x.y|z>":  {"<!here> <https://x.y|z>", "<!here> <https://x.y|z>", "<!here> <https://x.y|z>"},
		"<script>":                 {"&lt;script&gt;", "&lt;script&gt;", "&lt;script&gt;"},
		"@analyze ``` <@U0BEN ben": {"<@U0ANALYZE> ``` &lt;@U0BEN ben", "<@U0ANALYZE|analyze> ``` &lt;@U0BEN ben", "@analyze ``` &lt;@U0BEN ben"},
	} {
		require.Equal(t, want, [3]string{s.typed(typed, true, false), s.typed(typed, true, true), s.typed(typed, false, true)}, typed)
	}
}

// Whoever looks at a press gets the message as it is held, drawn again; people read what was sent.
func TestAPressCarriesWhatIsHeld(t *testing.T) {
	t.Parallel()
	s := office(t)
	s.Rewriting = rewrite.InWays(10, 21)
	m := &workspace.StoredMessage{User: workspace.BotID, Channel: "C0GENERAL", Text: "Hello <@U0MAYA>", Blocks: blockkit.BlocksIn([]any{map[string]any{"type": "rich_text", "elements": []any{
		map[string]any{"type": "rich_text_section", "elements": []any{map[string]any{"type": "text", "text": "no :x:"}}}}}})}
	s.Replace(m, &workspace.StoredMessage{Text: m.Text, Blocks: m.Blocks})
	require.Contains(t, m.Text, "Hello @maya")
	require.Equal(t, "no :x:", s.Show(m, "U0MAYA").Words())
	payload, err := json.Marshal(s.payloads.clickPayload("U0MAYA", m, workspace.Body{}, nil)["message"])
	require.NoError(t, err)
	require.Contains(t, string(payload), `"type":"emoji"`)
}

// FuzzTyped: what people type never leaves a bare "<" or ">" that is not part of a token.
func FuzzTyped(f *testing.F) {
	s := office(f)
	for _, seed := range []string{"a < b", "<@U0BEN|x>", "@ben #general", "<https://x|<>>", "<@U0BEN<@U0BEN>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, out := range []string{s.typed(raw, true, false), s.typed(raw, true, true), s.typed(raw, false, true)} {
			rest := token.ReplaceAllString(out, "")
			require.NotContains(t, rest, "<")
			require.NotContains(t, rest, ">")
		}
	})
}
