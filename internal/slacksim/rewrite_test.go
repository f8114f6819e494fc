package slacksim_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
)

func TestHealEndsTheRewriting(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	held := func() string {
		out := call(t, sim, "chat.postMessage", object{"channel": slacksim.SalesData, "blocks": []any{rich(preformatted("x"))}})
		text, err := json.Marshal(out["message"])
		require.NoError(t, err)
		return string(text)
	}
	sim.Rewrite(8)
	require.NotContains(t, held(), `"language"`)
	sim.Heal()
	require.Contains(t, held(), `"language"`)
}
