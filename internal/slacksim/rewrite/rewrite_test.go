package rewrite

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim/blockkit"
)

// asHeld is what the ways make of some blocks, as JSON, without what store adds.
func asHeld(t *testing.T, blocks string, ways ...int) string {
	t.Helper()
	var all []blockkit.Block
	require.NoError(t, blockkit.Decode([]byte(blocks), &all))
	InWays(ways...).Rewriter().blocks(all)
	text, err := json.Marshal(all)
	require.NoError(t, err)
	return string(text)
}

// paragraph is a rich text block of one section.
func paragraph(elements string) string {
	return `[{"type":"rich_text","block_id":"b","elements":[{"type":"rich_text_section","elements":[` + elements + `]}]}]`
}

func TestEachWayDoesWhatItSays(t *testing.T) {
	t.Parallel()
	text := func(said, style string) string {
		if style != "" {
			style = `"style":` + style + `,`
		}
		return `{` + style + `"text":"` + said + `","type":"text"}`
	}
	code := `[{"type":"rich_text","block_id":"b","elements":[{"type":"rich_text_preformatted","language":"python","elements":[{"type":"text","text":"a  b\nc"}]}]}]`
	tests := map[int][2]string{
		1:  {`[{"type":"divider"}]`, `"block_id":"`},
		2:  {paragraph(text("a", "") + `,` + text("b", "") + `,` + text("c", `{"bold":true}`)), text("ab", "") + `,` + text("c", `{"bold":true}`)},
		3:  {paragraph(text("abc", `{"bold":true}`)), text("ab", `{"bold":true}`) + `,` + text("c", `{"bold":true}`)},
		4:  {`[{"type":"header","block_id":"b","text":{"type":"plain_text","text":"x","emoji":false}}]`, `"emoji":true`},
		5:  {`[{"type":"section","block_id":"b","text":{"type":"mrkdwn","text":"x","verbatim":true}}]`, `"verbatim":false`},
		6:  {paragraph(`{"type":"date","timestamp":1,"format":"{date}","fallback":"x"}`), `{"format":"{date}","timestamp":1,"type":"date"}`},
		7:  {paragraph(`{"type":"link","url":"https://a.example"}`), `"url":"https://a.example/"`},
		8:  {code, `"elements":[{"text":"a  b\nc","type":"text"}],"type":"rich_text_preformatted"}`},
		9:  {code, `"border":0`},
		10: {paragraph(text("a :x: b 👍", "")), text("a ", "") + `,{"name":"x","type":"emoji","unicode":"274c"},` + text(" b ", "") + `,{"name":"+1","type":"emoji","unicode":"1f44d"}`},
		11: {paragraph(text("see https://a.example/x now", "")), text("see ", "") + `,{"type":"link","url":"https://a.example/x"},` + text(" now", "")},
		12: {code, text(`a  b\n`, "") + `,` + text("c", "")},
		13: {paragraph(text("a  b   c", "")), text("a b c", "")},
		14: {`[{"type":"section","block_id":"b","text":{"type":"mrkdwn","text":"a & b &lt; <@U1>"}}]`, `"text":"a \u0026amp; b \u0026lt; \u003c@U1\u003e"`},
		15: {paragraph(text("a", `{"bold":true}`)), `{"bold":true,"code":false,"italic":false,"strike":false}`},
		16: {paragraph(text("a", "") + `,` + text("b", "{}")), text("a", "{}") + `,` + text("b", "")},
		17: {`[{"type":"actions","block_id":"b","elements":[{"type":"button","action_id":"a","text":{"type":"plain_text","text":"x"}}]}]`, `"style":"default"`},
		18: {`[{"type":"actions","block_id":"b","elements":[{"type":"button","action_id":"a","style":"danger","confirm":{},"text":{"type":"plain_text","text":"x"}}]}]`, `"confirm":{"style":"primary"}`},
		19: {paragraph(`{"type":"date","timestamp":1,"format":"{date}"}`), `"timestamp":1.0`},
		20: {strings.Replace(code, `"elements":[{`, `"elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"code "}]},{`, 1), text("code", "") + `,` + text(`\n`, "")},
		21: {paragraph(`{"type":"user","user_id":"U1"}`), `"style":{"bold":false}`},
		22: {`[{"type":"table","block_id":"b","rows":[[{"type":"raw_text","text":"x"}]]}]`, `[[{"elements":[{"elements":[{"text":"x","type":"text"}],"type":"rich_text_section"}],"type":"rich_text"}]]`},
	}
	require.Len(t, tests, Ways)
	for way, tt := range tests {
		before := asHeld(t, tt[0])
		require.NotContains(t, before, tt[1], WayNames[way])
		require.Contains(t, asHeld(t, tt[0], way), tt[1], WayNames[way])
		require.Equal(t, before, asHeld(t, tt[0], 0))
	}
}

func TestCodeKeepsItsBytesWhateverIsDrawn(t *testing.T) {
	t.Parallel()
	const code = "1  x = 'a  b' # https://a.example :x: & < >\n2  y\n"
	for seed := range uint64(200) {
		blocks := []blockkit.Block{{"type": "rich_text", "elements": []any{map[string]any{"type": "rich_text_preformatted",
			"elements": []any{map[string]any{"type": "text", "text": code}}}}}}
		said := AtRandom(seed).Settle(blocks, "1.2")
		require.Equal(t, code, strings.TrimSpace(blockkit.Words(said))+"\n")
		held := ""
		for _, e := range blockkit.List(blockkit.List(blocks[0], "elements")[0].(map[string]any), "elements") {
			held += blockkit.Text(e.(map[string]any), "text")
		}
		require.Equal(t, code, held)
	}
}

// What is drawn depends on the seed and on nothing else; without ways nothing is.
func TestWaysAreDrawnFromASeed(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64) (all string) {
		drawn := AtRandom(seed)
		for range 10 {
			var blocks []blockkit.Block
			require.NoError(t, blockkit.Decode([]byte(paragraph(`{"type":"text","text":"one  two https://a.example :x:"},{"type":"user","user_id":"U1"}`)), &blocks))
			drawn.Settle(blocks, "1.2")
			text, err := json.Marshal(blocks)
			require.NoError(t, err)
			all += string(text) + "\n"
		}
		return all
	}
	require.Equal(t, draw(1), draw(1))
	require.NotEqual(t, draw(1), draw(2))
	lines := strings.Split(strings.TrimSpace(draw(3)), "\n")
	require.NotEqual(t, lines[0], lines[1], "each message anew")
	require.Nil(t, Rewriting{}.Settle([]blockkit.Block{{"type": "divider"}}, "1.2"))
}
