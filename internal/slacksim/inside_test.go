package slacksim

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestTypedTextBecomesSlackText(t *testing.T) {
	t.Parallel()
	s, err := New(Options{})
	require.NoError(t, err)
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

func TestJournalKeepsTheLatest(t *testing.T) {
	t.Parallel()
	var j journal
	for range maxEntries + 5 {
		j.add(Entry{Name: "x"})
	}
	all := j.after(0, maxEntries*2)
	require.Len(t, all, maxEntries)
	require.Equal(t, 6, all[0].N)
	require.Equal(t, maxEntries+5, all[maxEntries-1].N)
	require.Len(t, j.after(0, 3), 3)
	require.Equal(t, maxEntries+4, j.after(maxEntries+3, 100)[0].N)
	require.Contains(t, detail(func() {}), "unsupported type")
}

func TestDetailIsCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	for n := range 4 {
		shown := cut(strings.Repeat("x", n) + strings.Repeat("é", maxDetail))
		require.True(t, utf8.ValidString(shown))
		require.LessOrEqual(t, len(shown), maxDetail+len("…"))
	}
}

// FuzzMessage: whatever an app sends as blocks is taken or refused, never
// crashes, and what is taken stays within the limits and can be stored and read.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`[]`, `[null]`, `[{"type":"section","text":{"type":"mrkdwn","text":"x"}}]`, `[{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"x"}}]}]`,
		`[{"type":"table","rows":[[{"type":"raw_text","text":"x"}]]}]`, `[{"type":"input","label":1,"element":{}}]`,
		`[{"type":"rich_text","elements":[{"type":"rich_text_list","style":"bullet","elements":[{"elements":[{"type":"text","text":"x"}]}]}]}]`,
		`[{"type":"data_visualization","title":"x","chart":{"type":"line","axis_config":{"categories":["a"]},"series":[{"name":"s","data":[{"label":"a"}]}]}}]`,
		`[{"type":"image","slack_file":{"id":"F"},"alt_text":"x"},{"type":"context","elements":[{"type":"image"}]}]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var blocks []Block
		if decode([]byte(raw), &blocks) != nil {
			return
		}
		if checkMessage(blocks, nil, true, func(string) bool { return true }) != nil {
			return
		}
		require.LessOrEqual(t, len(blocks), maxBlocks)
		store(blocks, "1.2")
		for _, e := range elements(blocks) {
			require.NotEmpty(t, e.actionID())
			require.NotEmpty(t, e.blockID())
		}
		words(blocks)
		_, err := json.Marshal(blocks)
		require.NoError(t, err)
	})
}

// FuzzTyped: what people type never leaves a bare "<" or ">" that is not part of a token.
func FuzzTyped(f *testing.F) {
	s, err := New(Options{})
	require.NoError(f, err)
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
