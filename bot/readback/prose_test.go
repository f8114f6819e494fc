package readback

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatAFoldLeavesAlone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"a  b\n\tc ": "a b c", "1 0": "1 0", "10": "10", "&amp;lt; &gt;": "< >", "&#49;&quot;": "&#49;&quot;", "❤️": "❤", "a\x01b": "a\ufffdb"} {
		require.Equal(t, want, flat(text))
	}
	for text, urls := range map[string][]string{"https://a.example": {"https://a.example", "https://a.example/"}, "a.example": {"http://a.example", "https://a.example/"}, "a@b.example": {"mailto:a@b.example"}} {
		for _, url := range urls {
			require.True(t, isAddress(text, url), url)
			require.False(t, isAddress(text, url+"x"), url)
		}
	}
	require.False(t, isAddress("", "https://a.example"))
	require.Equal(t, []string{"1", "1", "1.5", "", "x"}, []string{whole(json.Number("1")), whole(json.Number("1.0")), whole(json.Number("1.5")), whole(nil), whole("x")})
}

func TestAPictureIsNoPartOfANumber(t *testing.T) {
	t.Parallel()
	of := func(elements ...any) saying { s, _ := sentence(elements); return s }
	text := func(s string) any { return map[string]any{"type": "text", "text": s} }
	number := map[string]any{"type": "emoji", "name": "30"}
	require.False(t, of(text("at 10"), number, text("45")).says("at 10:30:45"))
	require.True(t, of(text("at "), number, text(" o'clock")).says("at :30: o'clock"))
	wave := map[string]any{"type": "emoji", "name": "+1", "skin_tone": json.Number("2"), "unicode": "1f44d-1f3fb"}
	require.True(t, of(wave).says("👍🏻"))
	require.True(t, of(wave).says(":+1::skin-tone-2:"))
	require.False(t, of(wave).says("👍"))
	require.False(t, of(map[string]any{"type": "emoji", "name": "n", "unicode": "zz"}).says("n"))
}
