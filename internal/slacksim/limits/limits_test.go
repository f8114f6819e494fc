package limits

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim/blockkit"
)

func TestABorderOfCodeIsRefused(t *testing.T) {
	t.Parallel()
	with := func(border string) error {
		var blocks []blockkit.Block
		require.NoError(t, blockkit.Decode([]byte(`[{"type":"rich_text","elements":[{"type":"rich_text_preformatted",`+border+`"elements":[{"type":"text","text":"x"}]}]}]`), &blocks))
		return Message(blocks, nil, true, nil)
	}
	require.NoError(t, with(``))
	require.NoError(t, with(`"border":0,`))
	require.ErrorContains(t, with(`"border":3,`), "invalid_blocks")
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
		var blocks []blockkit.Block
		if blockkit.Decode([]byte(raw), &blocks) != nil {
			return
		}
		if Message(blocks, nil, true, func(string) bool { return true }) != nil {
			return
		}
		require.LessOrEqual(t, len(blocks), maxBlocks)
		blockkit.Store(blocks, "1.2")
		for _, e := range blockkit.Elements(blocks) {
			require.NotEmpty(t, e.ActionID())
			require.NotEmpty(t, e.BlockID())
		}
		blockkit.Words(blocks)
		_, err := json.Marshal(blocks)
		require.NoError(t, err)
	})
}
